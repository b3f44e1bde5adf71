"""The gateway of a Cyton: the board link above, its letters below.

It takes a board as it finds it, in mid-stream or just booted, asks it what its registers hold, and
turns what is written to them into the letters that reach them. Whatever was said is proved by ``?``
when the registers are read the next time.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np

from emgrig.driver.can import Can, Counting, Registers, StatusWord, Timing
from emgrig.driver.seams import Transport
from emgrig.errors import EmgrigError, TransportError, TransportTimeout, WireError
from emgrig.gateways.cyton import words
from emgrig.gateways.cyton.board import BANNER, N_TRIES, CytonBoard
from emgrig.gateways.cyton.foreseen import CytonPackets
from emgrig.gateways.cyton.frames import EACH, RATE_HZ, TEMPLATE, CytonDecoder, CytonNumbering
from emgrig.gateways.cyton.talk import QUIET_S, Conversation, Done, Quieten, Talk
from emgrig.gateways.decoding import Rows
from emgrig.gateways.foreseen import Foreseen
from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.gathering import READ_BYTES
from emgrig.protocol import packets as wire
from emgrig.protocol.answering import Refusal, whole_reply
from emgrig.protocol.decoder import RequestPacket
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import Capability, ErrorCode, EventType, ReplyStatus, Request
from emgrig.protocol.schema import Message

log = logging.getLogger(__name__)

SERIES_OHM: Final = 2200  #: In series with each input, by OpenBCI's schematic.
SILENT_S: Final = 1.5  #: Without a packet for so long, a run is over.
VIRTUAL_SLICE_S: Final = 0.06
CHIP_BYTES: Final = 3 * (1 + EACH)
_NO_BYTES: Final = b""


class CytonGateway(FrameGateway):
    """A Cyton as a board of ours; fits `emgrig.driver.seams.Transport`.

    Parameters
    ----------
    inner : Transport
        The board's own bytes; the gateway closes it.
    address : str
        Opens it again.
    name : str
        Serial number that HELLO tells; a Cyton has none.

    Raises
    ------
    TransportError
        If nobody answers, or the dongle alone.
    WireError
        If something else is there.
    DeviceError
        If its firmware is too old.
    """

    answer_s = 6.0  #: How long an answer may take: a reset, and all registers of two chips.

    def __init__(self, inner: Transport, *, address: str, name: str = "cyton") -> None:
        self.board = CytonBoard(address, inner.clock)  #: What is known of it.
        self._talking = Conversation(inner.clock, inner.write)
        self._asked: deque[RequestPacket] = deque()
        self._talks: dict[int, Callable[[bytes], Talk]] = {
            Request.START: self._begin,
            Request.STOP: self._end,
            Request.READ_REGISTERS: lambda said: self._at_rest(self.board.read(said)),
            Request.WRITE_REGISTERS: lambda said: self._at_rest(self.board.write(said)),
            Request.CHIP_COMMAND: lambda said: self._at_rest(self.board.command(said)),
        }
        self.board.on_lost, self.board.on_boot = self._lost, self._rebooted
        self._n_chips = 1
        self._is_met = self._gives_up = False
        super().__init__(TEMPLATE, inner, address=address, name=name)
        if not inner.is_paced:  # nobody asks meanwhile
            self._slice_s = VIRTUAL_SLICE_S

    def _meet(self) -> None:
        self.decoder = CytonDecoder()
        self._asked.clear()
        self._talking.forget()
        self._is_met = self._gives_up = False
        done = self._talking.begin(self.board.meet())
        while done is None:
            try:
                data = self.inner.read(READ_BYTES, timeout_s=QUIET_S / 4)
            except TransportTimeout:
                data = _NO_BYTES
            if data:
                self.board.first += data[: max(24 - len(self.board.first), 0)]
                self._talking.hear(data, is_text=True)
            done = self._talking.go_on()
        self._is_met = True
        self._n_chips = len(self.board.held)
        self._settings = self.board.settings
        self.out.frame_bytes = self._n_chips * CHIP_BYTES
        now_us, self._heard_s = self._now_us(), self.inner.clock.now_s()
        self.numbering = CytonNumbering()
        self.numbering.has_daisy = self._n_chips > 1
        self.numbering.begin(now_us)

    @property
    def _is_only_streaming(self) -> bool:
        """True if no answer is waited for beside the packets."""
        return super()._is_only_streaming and not self._talking.is_on

    def _following(self) -> Foreseen | None:
        decoder, numbering = self.decoder, self.numbering
        assert isinstance(decoder, CytonDecoder)
        assert isinstance(numbering, CytonNumbering)
        standing = None if self._talking.is_on or self._asked else numbering.standing()
        if standing is None:
            return None
        return CytonPackets(decoder, self.out, numbering, standing)

    # ---- what comes ---------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Take the board's bytes: packets in a run, text else; and go on with what is asked."""
        talking = self._talking
        is_running = bool(self.out.per_packet) and not talking.expects_text
        if data:
            text = talking.text
            if is_running:
                del text[: -len(BANNER)]
            talking.hear(data, is_text=True)
            has_booted = BANNER in text and self._is_met and not talking.expects_text
            if is_running:
                super()._take(data.partition(BANNER)[0] if has_booted else data)
            if has_booted:
                self._rebooted()
        elif is_running and not talking.is_on and not self._asked:
            self._gives_up = self.clock.now_s() - self._heard_s > SILENT_S
        self._go_on()

    def _give_up(self) -> Talk:
        """End a run of which nothing comes: whoever begins the next one reads the registers."""
        yield Quieten(b"s")
        self.board.is_timed = False
        self.board.distrust()
        super()._stop(_NO_BYTES)
        return None

    def _rebooted(self) -> None:
        """Say that the board started by itself: the run is over, and its settings are gone."""
        log.warning("%s: the board started anew", self.address)
        if self.out.per_packet:
            super()._stop(_NO_BYTES)
        self._talking.text.clear()
        self.board.forget()
        self._settings = self.board.settings
        self._tell(EventType.BOOT, wire.BootEvent(wire.ResetCause.POWER_ON))

    def _lost(self, chip: int, address: int, expected: int, found: int) -> None:
        body = wire.ChipLostEvent(chip, address, expected, found)
        self._tell(EventType.CHIP_LOST, body)

    def _tell(self, event: EventType, body: Message) -> None:
        self.out.event(event, body, self._now_us())

    # ---- what is asked ------------------------------------------------------------------------

    def _answer(self, asked: RequestPacket) -> None:
        """Answer a request, or put it behind those that the board is asked about."""
        if asked.request not in self._talks or self._replies.known(asked) is not None:
            super()._answer(asked)
            return
        if asked not in self._asked:  # what is under way is not begun again
            self._asked.append(asked)
        self._go_on()

    def _go_on(self) -> None:
        """Do what can be done now: hand on an answer, or begin what was asked next."""
        talking = self._talking
        while talking.is_on or (self._is_met and (self._asked or self._gives_up)):
            try:
                done = talking.go_on() if talking.is_on else self._begin_next()
            except (Refusal, words.Unreachable, WireError, TransportTimeout) as problem:
                self._finish(ReplyStatus.ERROR, wire.ErrorReply(_code_of(problem), str(problem)))
                continue
            except EmgrigError:
                self._asked.clear()
                raise
            if done is None:
                return
            self._finish(ReplyStatus.OK, done.message or wire.NoArguments())

    def _begin_next(self) -> Done | None:
        if self._gives_up:
            return self._talking.begin(self._give_up())
        asked = self._asked[0]
        return self._talking.begin(self._talks[asked.request](asked.arguments))

    def _finish(self, status: ReplyStatus, message: Message) -> None:
        self._settings = self.board.settings
        if self._gives_up:  # nobody asked for it
            self._gives_up = False
            return
        asked = self._asked.popleft()
        reply = whole_reply(asked, status, message.encode())
        self._replies.keep(asked, reply)
        self.out.reply(reply)

    def _at_rest(self, talk: Talk) -> Talk:
        if self.out.per_packet:
            raise Refusal("a run is on, and a Cyton shows no register then: stop it first")
        return (yield from talk)

    # ---- runs ---------------------------------------------------------------------------------

    def _begin(self, arguments: bytes) -> Talk:
        yield from self.board.put_times()
        self.decoder.flush()
        self._talking.text.clear()
        self.board.distrust()
        started = super()._start(arguments)
        self.inner.write(b"b")
        return started

    def _end(self, arguments: bytes) -> Talk:
        for _ in range(N_TRIES if self.out.per_packet else 0):
            if (yield Quieten(b"s")) is not None:
                break
        return super()._stop(arguments)

    # ---- what it is ---------------------------------------------------------------------------

    def _frames(self, rows: Rows) -> Rows:
        """Return frames as the chips would send them, the status words 0."""
        frames = np.zeros((len(rows), self.out.frame_bytes), np.uint8)
        for chip in range(self._n_chips):
            begin = chip * CHIP_BYTES + 3
            frames[:, begin : begin + 3 * EACH] = rows[:, chip * 3 * EACH : (chip + 1) * 3 * EACH]
        return frames

    @property
    def can(self) -> Can:
        """What a Cyton can do and tell."""
        return Can(
            registers=Registers.ALL_READ,
            register_list=words.WRITABLE,
            status=StatusWord.NONE,
            counting=Counting.MODULO,
            modulus=256 // self._n_chips,
            timing=Timing.SAMPLES,
            time_step_us=1000,
            lines=(),
            reset=False,
            rate_hz=RATE_HZ / 2 if self._n_chips > 1 else 0.0,
        )

    def _hello(self, arguments: bytes) -> Message:
        wire.HelloArguments.decode(arguments)
        is_simulated = self.inner.address.startswith("sim:")
        return wire.Hello(
            protocol_version=VERSION,
            serial_number=self._name,
            firmware_version=self.board.firmware,
            git_revision="not told",
            chip_count=self._n_chips,
            channels_per_chip=EACH,
            f_clk_hz=2_048_000,
            vref_uv=4_500_000,
            channels_wired=0,
            series_ohm=(SERIES_OHM,) * (self._n_chips * EACH),
            capabilities=Capability.SIMULATED if is_simulated else 0,
            max_frames=min(self.out.max_frames, 64),
            can=self.can.to_hello(),
        )

    def close(self) -> None:
        """Close the board's link; packets without times are what other programs expect of it."""
        if self._is_met and self.board.is_timed and not self._is_closed:
            with suppress(TransportError):
                self.inner.write(b">")
        super().close()


def _code_of(problem: Exception) -> ErrorCode:
    if isinstance(problem, Refusal | words.Unreachable):
        return ErrorCode.NOT_SUPPORTED
    return ErrorCode.BAD_ARGUMENT if isinstance(problem, WireError) else ErrorCode.CHIP_SILENT
