"""The bench over a socket: one message a verb, so that one transfer is one round trip.

`wire` says what the bytes mean, `server` answers, `client` asks. docs/attach-socket.md describes it
for programs in other languages.
"""
