"""Asking a HackEEG: lines of JSON out, one line of JSON back for each, samples in between.

Replies carry no number. After a silence everything is read up to the answer of `version`, which
looks like no other: a late answer is never taken for that to another question.
"""

import json
import logging
from collections import deque
from collections.abc import Callable

from emgrig.driver.seams import Transport
from emgrig.errors import TransportTimeout, WireError
from emgrig.gateways.hackeeg.wire import Frames, HackEegDecoder, Reply
from emgrig.protocol.answering import Refusal
from emgrig.protocol.packets import ErrorCode

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
ANSWER_S = 1.0  #: An answer is waited for so long; but `reset` waits 1.1 s itself.
RESET_S = 4.0
ATTEMPTS = 3
MEET_S = 6.0  #: A board that boots is deaf for 2.6 s.
REFERENCE_S = 0.15  #: Start-up of the internal reference (SBAS499C, 7.5).
_AGAIN_S = 0.5
_SPOKEN = "v0.3."  #: Versions of the firmware that this was written for.
OK = 200
NO_ACTIVE_CHANNELS = 502


class Talk:
    """One board's link.

    Parameters
    ----------
    inner : Transport
        Its bytes.
    address : str
        For messages.
    is_json : bool
        Let samples come as JSON Lines; else as MessagePack.
    """

    def __init__(self, inner: Transport, *, address: str, is_json: bool) -> None:
        self.inner = inner
        self.address = address
        self.on_frames: Callable[[Frames], None] = lambda _: None
        self.on_ready: Callable[[], None] = lambda: None
        self._is_json = is_json
        self.decoder = HackEegDecoder(8, is_json=is_json)
        self._replies: deque[Reply] = deque()
        self._has_started = False

    # ---- bytes --------------------------------------------------------------------------------

    def pump(self, timeout_s: float) -> bytes:
        """Wait for bytes and take them; return them too. TransportTimeout if none come."""
        data = self.inner.read(READ_BYTES, timeout_s=timeout_s)
        for item in self.decoder.feed(data):
            if isinstance(item, Frames):
                self.on_frames(item)
            elif isinstance(item, Reply):
                self._replies.append(item)
            else:
                self._has_started = True
                self.on_ready()
        return data

    def wait(self, duration_s: float) -> None:
        """Let time pass, and take what comes meanwhile."""
        deadline_s = self.inner.clock.now_s() + duration_s
        while (left_s := deadline_s - self.inner.clock.now_s()) > 0:
            try:
                self.pump(left_s)
            except TransportTimeout:
                return

    # ---- questions ----------------------------------------------------------------------------

    def ask(self, command: str, *parameters: int, timeout_s: float = ANSWER_S) -> Reply:
        """Send a command, but ``version``; return its answer, whatever its code.

        Where none comes in time, the version is asked, which is answered as nothing else is: all
        that comes before is late, and so is a version that comes later still.

        Raises
        ------
        TransportTimeout
            If none comes, though it was asked three times.
        Refusal
            If the board starts anew meanwhile.
        """
        self._has_started = False
        for _ in range(ATTEMPTS):
            self._replies.clear()
            self._say(command, *parameters)
            reply = self._answer(lambda found: not found.text.startswith("v"), timeout_s)
            if self._has_started:
                raise Refusal("the board has started anew", ErrorCode.BUSY)
            if reply is not None:
                log.debug("%s%s: %s", command, parameters, reply)
                return reply
            log.warning("%s: no answer to %s in %g s", self.address, command, timeout_s)
            self._say("version")
            self._answer(lambda found: found.text.startswith("v"), ANSWER_S)
        raise TransportTimeout(
            f"{self.address}: {command} was asked {ATTEMPTS} times and not answered; a HackEEG "
            "whose chip does not answer hangs: look at its ADS1299, and switch it off and on"
        )

    def read_number(self, command: str, *parameters: int, below: int) -> int:
        """Ask for a number, 0 to before `below`; WireError if something else comes."""
        reply = self.ask(command, *parameters)
        number = reply.data
        if reply.code != OK or type(number) is not int or not 0 <= number < below:
            raise WireError(
                f"{self.address}: {command} was answered {reply.code} {reply.text!r} {number!r}"
            )
        return number

    def in_text_mode(self, word: str) -> None:
        """Send a command that only text mode knows, and come back; no samples may be coming."""
        self.ask("text")
        for said in (word, "jsonlines"):
            self._replies.clear()
            self.inner.write(said.encode() + b"\n")
            if self._answer(lambda _: True, ANSWER_S) is None:
                raise TransportTimeout(f"{self.address}: no answer to {said} in text mode")
        self.set_form()

    def set_form(self) -> None:
        """Have samples come in the form that the decoder expects."""
        self.ask("jsonlines" if self._is_json else "messagepack")

    def _say(self, command: str, *parameters: int) -> None:
        said = {"COMMAND": command, "PARAMETERS": list(parameters)}
        self.inner.write(json.dumps(said, separators=(",", ":")).encode() + b"\n")

    def _answer(self, is_it: Callable[[Reply], bool], timeout_s: float) -> Reply | None:
        deadline_s = self.inner.clock.now_s() + timeout_s
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if is_it(reply):
                    return reply
            left_s = deadline_s - self.inner.clock.now_s()
            if left_s <= 0 or self._has_started:
                return None
            try:
                self.pump(left_s)
            except TransportTimeout:
                return None

    # ---- beginning ----------------------------------------------------------------------------

    def meet(self) -> tuple[str, int]:
        """Make the board quiet, whatever mode it is in; return its firmware and its channels.

        What is said to it works in every mode: text mode does not know the lines of JSON and says
        so, the others do not know the words.

        Raises
        ------
        TransportTimeout
            If nothing comes.
        WireError
            If something else is there, or a firmware that this was not written for.
        """
        self._has_started = False
        clock = self.inner.clock
        deadline_s, came, version = clock.now_s() + MEET_S, b"", ""
        self.decoder.flush()
        while not version:
            if clock.now_s() >= deadline_s:
                raise self._stranger(came)
            self.inner.write(b"\nsdatac\njsonlines\n")
            for command in ("jsonlines", "sdatac", "version"):
                self._say(command)
            again_s = clock.now_s() + _AGAIN_S
            while not version and (left_s := again_s - clock.now_s()) > 0:
                try:
                    came += self.pump(left_s)[: max(4096 - len(came), 0)]
                except TransportTimeout:
                    break
                version = next((r.text for r in self._replies if r.text.startswith("v")), "")
        # Answers to what was said more than once; and behind set-up the reference has to start.
        self.wait(REFERENCE_S if self._has_started else 0.1)
        if not version.startswith(_SPOKEN):
            raise WireError(
                f"{self.address}: a HackEEG with firmware {version!r}; expected {_SPOKEN}x: load "
                "that, as hackeeg-driver-arduino has it"
            )
        self.set_form()
        n_channels = self._channels()
        self.decoder = HackEegDecoder(n_channels, is_json=self._is_json)
        return version, n_channels

    def _channels(self) -> int:
        reply = self.ask("status")
        told = reply.data if isinstance(reply.data, dict) else {}
        n_channels, chip = told.get("max_channels"), str(told.get("hardware_type"))
        if n_channels not in (4, 6, 8) or not chip.startswith("ADS1299"):
            raise WireError(
                f"{self.address}: its firmware found {chip!r} with {n_channels!r} channels; "
                "expected an ADS1299"
            )
        return int(n_channels)

    def _stranger(self, came: bytes) -> Exception:
        if not came:
            return TransportTimeout(
                f"{self.address}: nothing came in {MEET_S:g} s; is it the right port (the native "
                "USB port), and does its ADS1299 answer? without it the firmware says nothing"
            )
        if b"406 " in came:
            return WireError(
                f"{self.address}: a HackEEG with an older firmware, which knows no JSON Lines; "
                f"load version {_SPOKEN}x"
            )
        return WireError(
            f"{self.address}: what comes is not a HackEEG; first bytes seen: "
            f"{came[:24].hex(' ').upper()}; another board, or the wrong port?"
        )
