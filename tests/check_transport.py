"""The contract that every transport passes; see `emgrig.driver.seams.Transport`.

Call `check_transport` with a function that opens one with a board behind it that answers HELLO.
"""

from collections.abc import Callable

import pytest

from emgrig.driver.seams import Transport
from emgrig.errors import TransportError, TransportTimeout
from emgrig.protocol.decoder import Decoder, ReplyPacket
from emgrig.protocol.framing import VERSION, PacketEncoder, PacketType
from emgrig.protocol.packets import Hello, HelloArguments, Request, RequestHeader

Open = Callable[[], Transport]


def hello(request_id: int) -> bytes:
    """Return a whole HELLO packet."""
    arguments = HelloArguments(VERSION, "check_transport").encode()
    body = RequestHeader(request_id, Request.HELLO).encode() + arguments
    return PacketEncoder()(PacketType.REQUEST, body)


def ask(transport: Transport, request_id: int, max_bytes: int = 65536) -> Hello:
    """Say HELLO, and read until the answer is whole."""
    transport.write(hello(request_id))
    decoder = Decoder()
    while True:
        received = transport.read(max_bytes, timeout_s=300.0)
        assert 1 <= len(received) <= max_bytes, "read returns 1 to max_bytes bytes"
        for item in decoder.feed(received):
            if isinstance(item, ReplyPacket) and item.request == Request.HELLO:
                return Hello.decode(item.data)


def check_transport(open_transport: Open, *, cut: Callable[[], None] | None = None) -> None:
    """Check all of the contract.

    Parameters
    ----------
    open_transport : function
        Opens a transport with a board behind it that answers HELLO.
    cut : function, optional
        Cuts the link of the transport opened last; the next `reopen` must find the board again.
    """
    check_bytes_go_and_come(open_transport)
    check_silence_is_a_timeout(open_transport)
    check_closing(open_transport)
    if cut is not None:
        check_a_lost_link(open_transport, cut)


def check_bytes_go_and_come(open_transport: Open) -> None:
    """What is written arrives, what is answered comes whole, in pieces of any size."""
    transport = open_transport()
    try:
        assert ":" in transport.address
        assert isinstance(transport.is_paced, bool)
        whole = ask(transport, 1)
        assert ask(transport, 2, max_bytes=1) == whole, "byte by byte it is the same"
    finally:
        transport.close()


def check_silence_is_a_timeout(open_transport: Open) -> None:
    """Nothing to read is `TransportTimeout` after the time that was asked for, not before."""
    transport = open_transport()
    try:
        ask(transport, 1)
        before_s = transport.clock.now_s()
        with pytest.raises(TransportTimeout) as caught:
            transport.read(10, timeout_s=0.02)
        assert isinstance(caught.value, TimeoutError)
        assert transport.clock.now_s() - before_s >= 0.0199
        with pytest.raises(TransportTimeout):
            transport.read(10, timeout_s=0.0)
        ask(transport, 2)  # the link is well
    finally:
        transport.close()


def check_closing(open_transport: Open) -> None:
    """A closed transport raises at once, and can be closed twice."""
    transport = open_transport()
    transport.close()
    transport.close()
    with pytest.raises(TransportError) as caught:
        transport.read(10, timeout_s=300.0)
    assert not isinstance(caught.value, TransportTimeout)
    with pytest.raises(TransportError):
        transport.write(b"x")
    again = open_transport()  # the address is free at once
    ask(again, 1)
    again.close()


def read_to_the_end(transport: Transport) -> None:
    """Read until the transport raises."""
    while True:
        transport.read(65536, timeout_s=300.0)


def check_a_lost_link(open_transport: Open, cut: Callable[[], None]) -> None:
    """A lost link raises each time, at once, and `reopen` makes it well."""
    transport = open_transport()
    try:
        ask(transport, 1)
        cut()
        for _ in range(2):  # no reader may wait, or spin, on a link that is gone
            with pytest.raises(TransportError) as caught:
                read_to_the_end(transport)
            assert not isinstance(caught.value, TransportTimeout)
        transport.reopen()
        ask(transport, 2)
    finally:
        transport.close()
