"""A HackEEG as a hosted board: registers one to one, runs, and what its firmware does not tell.

Known of its firmware v0.3.0, and gone round here: `stop` does not stop, since START is high; the
sample number counts reads, so what the board itself missed shows in time alone; RREG while it
streams answers rubbish; the first frame behind `rdatac` may be read in mid-conversion; `rdatac` is
refused while every input is shorted; `reset` leaves GPIO and CONFIG3 changed.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from emgrig.driver.can import Can, Counting
from emgrig.driver.chip.registers import Config1, Config3, Gpio
from emgrig.driver.seams import Clock, Transport
from emgrig.errors import TransportTimeout
from emgrig.gateways.endpoint import Facts
from emgrig.gateways.hackeeg.talk import NO_ACTIVE_CHANNELS, OK, RESET_S, Talk
from emgrig.gateways.hackeeg.wire import CHIP, Frames, Reply, numbers, stamps_us
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.stamps import ClockLine, StampedRun
from emgrig.protocol.answering import Refusal
from emgrig.protocol.packets import ChipLostEvent

CAN = Can(counting=Counting.NOT, lines=())
N_SETTLE = 4  #: Data periods from the beginning of a run to its first sample, as behind START.
SILENCE_S = 0.2  #: After so long without a frame the canary is looked at.
LOOK_AGAIN_S = 1.0
GATHER_S = 0.02  #: In a run what comes in so long is taken at once, unless a request waits.
_IDS = (0b11110, 0b11101, 0b11100)  #: Of ADS1299, -6 and -4 (9.6.1.1), of ID modulo 32.
_NO_OPCODE = 0x80  #: As a register of `wreg` it makes C0h, which is no opcode (table 10).
_CH1SET, _MUX = 0x05, 0x07
_RESET, _RDATAC, _SDATAC = 0x06, 0x10, 0x11
_WORDS = {0x08: "start", 0x0A: "stop"}
_TEXT_WORDS = {0x02: "wakeup", 0x04: "standby"}


class HackEegBoard:
    """See `emgrig.gateways.endpoint.HostedBoard`.

    Parameters
    ----------
    inner : Transport
        The board's bytes.
    address : str
        For messages.
    is_json : bool
        Samples come as JSON Lines; else as MessagePack.
    """

    def __init__(self, inner: Transport, *, address: str, is_json: bool = False) -> None:
        self.out = Outgoing()
        self.on_boot: Callable[[], None] = lambda: None
        self.on_chip_lost: Callable[[ChipLostEvent], None] = lambda _: None
        self.talk = Talk(inner, address=address, is_json=is_json)
        self.talk.on_frames, self.talk.on_ready = self._take, self._ready
        self.run = StampedRun(self.out)
        self.inner = inner  #: The board's bytes.
        self._line = ClockLine()
        self._is_in_rdatac = False
        self._canary = (Config1.ADDRESS, 0)
        self._period_us = 0.0  # of the run
        self._n_stale = 0  # frames that may have been read in mid-conversion
        self._has_booted = False
        self._woken = threading.Event()  # a request waits
        self._look_s = 0.0  # when to look at the canary if no frame comes

    @property
    def clock(self) -> Clock:
        """The time of the transport below."""
        return self.inner.clock

    @property
    def is_paced(self) -> bool:
        """See `Transport.is_paced`."""
        return self.inner.is_paced

    @property
    def is_in_rdatac(self) -> bool:
        """True from `rdatac` to `sdatac`."""
        return self._is_in_rdatac

    def meet(self) -> Facts:
        """See `HostedBoard.meet`; raises as `Talk.meet`."""
        self.run.drop()
        self._line.begin_anew()
        self._is_in_rdatac = False
        version, n_channels = self.talk.meet()
        self._has_booted = False
        return Facts(
            title="HackEEG",
            firmware_version=version,
            n_chips=1,
            channels_per_chip=n_channels,
            can=CAN,
            is_simulated=self.inner.address.startswith("sim:"),
        )

    def reopen(self) -> None:
        """Open the link below anew."""
        self.inner.reopen()

    def close(self) -> None:
        """Close the link below."""
        self._woken.set()
        self.inner.close()

    def wake(self) -> None:
        """See `HostedBoard.wake`."""
        self._woken.set()
        if (wake := getattr(self.inner, "wake", None)) is not None:
            wake()

    def now_us(self) -> int:
        """Ask the board's clock."""
        raw = self.talk.read_number("micros", below=1 << 32)
        return self._line.place(raw, self.clock.now_s())

    # ---- registers ----------------------------------------------------------------------------

    def read(self, chip: int, address: int, count: int) -> bytes:
        """Read registers, one by one."""
        del chip
        return bytes(self._rreg(place) for place in range(address, address + count))

    def write(self, chip: int, address: int, values: bytes) -> None:
        """Write registers, one by one."""
        del chip
        for place, value in enumerate(values, start=address):
            self._must("wreg", place, value)

    def _rreg(self, address: int) -> int:
        return self.talk.read_number("rreg", address, below=256)

    def _must(self, command: str, *parameters: int, timeout_s: float = 1.0) -> None:
        reply = self.talk.ask(command, *parameters, timeout_s=timeout_s)
        if reply.code != OK:
            raise Refusal(f"the HackEEG answered {command} with {reply.code} {reply.text!r}")

    def command(self, chip: int, opcode: int) -> bool:
        """Send an opcode in the board's words."""
        del chip
        if opcode == _RESET:
            self._reset()
            return True
        if opcode == _RDATAC:
            self._enter_rdatac()
        elif opcode == _SDATAC:
            self._leave_rdatac()
        elif opcode in _TEXT_WORDS:
            if self._is_in_rdatac:
                raise Refusal(f"a HackEEG takes {_TEXT_WORDS[opcode]} between runs only")
            self.talk.in_text_mode(_TEXT_WORDS[opcode])
        elif opcode in _WORDS:
            self._must(_WORDS[opcode])
        else:
            raise Refusal(f"a HackEEG has no command for the opcode {opcode:02X}h")
        return False

    def _reset(self) -> None:
        """RESET, and take back what the firmware writes behind it."""
        was_on = self.run.is_on
        self.run.end()  # what comes now is no conversion
        self._leave_rdatac()
        if (found := self._rreg(0)) & 0x1F not in _IDS:
            raise Refusal(
                f"ID reads {found:02X}h: with such a chip the HackEEG's reset never ends, and it "
                "would have to be switched off and on"
            )
        self._must("reset", timeout_s=RESET_S)
        self._leave_rdatac()
        self._must("wreg", Gpio.ADDRESS, Gpio.RESET)
        self._must("wreg", Config3.ADDRESS, Config3.RESET)
        if was_on:
            self._is_chip_well()

    # ---- runs ---------------------------------------------------------------------------------

    def start(self, canary: int) -> int:
        """Begin a run."""
        self._leave_rdatac()
        period_us = 1e6 / (16_000 >> min(self._rreg(Config1.ADDRESS) & 7, 6))
        self._canary = canary, self._rreg(canary)
        self._must("start")
        return self._enter_rdatac(period_us)

    def stop(self) -> None:
        """End the run; the newest frame, which nothing follows, is left out."""
        self._leave_rdatac()
        if self.run.is_suspect and self._is_chip_well():
            self.run.release()
        self.run.end()

    def _leave_rdatac(self) -> None:
        self._must("sdatac")
        self._is_in_rdatac = False

    def _enter_rdatac(self, period_us: float = 0.0) -> int:
        """Let frames come; return the board time, µs. With a data period they are a run's."""
        if period_us:
            self._period_us = period_us
            self.run.begin(period_us)
            self._look_s = self.clock.now_s() + SILENCE_S
        try:
            return self._send_rdatac()
        except BaseException:
            self.run.drop()
            raise

    def _send_rdatac(self) -> int:
        """Send `rdatac`; return when, board time, µs."""
        sent_us, reply = self._try_rdatac()
        if reply.code == NO_ACTIVE_CHANNELS:
            self._n_stale = sys.maxsize  # until the input is shorted again, no frame is meant
            self._arm()
            sent_us, reply = self._try_rdatac()
        if reply.code != OK:
            raise Refusal(f"the HackEEG answered rdatac with {reply.code} {reply.text!r}")
        self._is_in_rdatac = True
        return sent_us

    def _try_rdatac(self) -> tuple[int, Reply]:
        """Send `rdatac`; what comes before four data periods is left out, and the first frame."""
        sent_us = self.now_us()
        self.run.leave_out(sent_us + round(N_SETTLE * self._period_us))
        self.talk.decoder.begin()
        self._n_stale = 1
        return sent_us, self.talk.ask("rdatac")

    def _arm(self) -> None:
        """Get `rdatac` past the firmware's look at the inputs, which are all shorted.

        It does not look while it streams. So it is let stream with one input open, and the chip
        taken out of RDATAC behind its back: three bytes of a `wreg` of which the last is SDATAC,
        the one opcode that a chip in RDATAC hears. Then the input is shorted again, and proved.
        """
        held = self._rreg(_CH1SET)
        self._must("wreg", _CH1SET, held & ~_MUX)
        self._must("rdatac")
        self._must("wreg", _NO_OPCODE, _SDATAC)
        self._must("wreg", _CH1SET, held)
        if (found := self._rreg(_CH1SET)) != held:
            self._leave_rdatac()
            self._must("wreg", _CH1SET, held)
            raise Refusal(
                "a HackEEG does not stream while all its inputs are shorted (502), and this one "
                f"could not be persuaded (CH1SET {found:02X}h, {held:02X}h written): open one"
            )

    # ---- what comes by itself -----------------------------------------------------------------

    def pump(self, timeout_s: float) -> None:
        """See `HostedBoard.pump`."""
        if self.run.is_on and self.is_paced:
            self._woken.wait(GATHER_S)  # many small pieces cost more than few large ones
            self._woken.clear()
        is_silent, counts = False, self.talk.decoder.counts
        n_skipped, n_twice = counts.skipped_bytes, counts.twice
        try:
            self.talk.pump(timeout_s)
            if self.run.is_on and self.talk.decoder.counts is counts:
                self.out.stray(counts.skipped_bytes - n_skipped)
                self.out.again(counts.twice - n_twice)
        except TransportTimeout:
            if not self.run.is_on or self.clock.now_s() < self._look_s:
                raise
            is_silent = True
        if not self._has_booted and (self.run.is_suspect or is_silent):
            with suppress(Refusal):  # it starts anew just now
                self._look_at_canary()

    def mind(self) -> None:
        """See `HostedBoard.mind`."""
        if self._has_booted:
            self._has_booted, self._is_in_rdatac = False, False
            self.run.end()
            self._line.begin_anew()
            self.talk.meet()
            self.on_boot()

    def _take(self, frames: Frames) -> None:
        rows, is_cut = frames.rows, frames.is_cut
        if self._n_stale:
            rows, is_cut = rows[self._n_stale :], is_cut[self._n_stale :]
            self._n_stale = max(self._n_stale - len(frames.rows), 0)
        if not self.run.is_on or not len(rows):
            return
        now_s = self.clock.now_s()
        self._look_s = now_s + SILENCE_S
        times_us = self._line.follow(stamps_us(rows), now_s)
        self.run.take(rows[:, CHIP:], numbers(rows), times_us, is_cut)

    def _ready(self) -> None:
        self._has_booted = True

    def _look_at_canary(self) -> None:
        """Read the register that is watched; the run goes on if it holds what it held."""
        self._look_s = self.clock.now_s() + LOOK_AGAIN_S
        self._leave_rdatac()
        if not self._is_chip_well():
            self.run.drop()
            return
        self.run.release()
        self._send_rdatac()

    def _is_chip_well(self) -> bool:
        """Compare the canary; tell if the chip has lost its registers."""
        address, expected = self._canary
        found = self._rreg(address)
        if found == expected:
            return True
        self.out.flush()
        self.on_chip_lost(ChipLostEvent(0, address, expected, found))
        return False
