"""A Meower as a hosted board: registers by raw SPI through the chain, runs, frames by time.

Known of its firmware (October 2025), and gone round here: a datagram may be lost, and answers carry
no number; `start_cnt` and `stop_cnt` are answered by nothing; every `spi` ends the stream; MISO is
the first chip's, and the second one's bytes come 27 behind; the first chip gives the second its
clock (CONFIG1.CLK_EN); filters and a digital gain may be on. Frames have neither status word nor
number: what is missing, time says.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.can import Can, Counting, StatusWord, Timing
from emgrig.driver.chip.registers import Config1
from emgrig.driver.seams import Clock, Transport
from emgrig.errors import TransportTimeout, WireError
from emgrig.gateways.endpoint import Facts
from emgrig.gateways.meower.datagrams import Datagram, Datagrams
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.stamps import ClockLine, StampedRun
from emgrig.protocol.answering import Refusal
from emgrig.protocol.packets import ALL_CHIPS, ChipLostEvent, ErrorCode

log = logging.getLogger(__name__)
waiting = logging.getLogger("emgrig.waiting")

CAN = Can(
    status=StatusWord.NONE,
    counting=Counting.NOT,
    timing=Timing.SAMPLES,
    time_step_us=8,
    lines=(),
    reset=False,
)
ANSWER_S = 1.0
ATTEMPTS = 4
MEET_S = 6.0
SLICE_S = 0.05
KEEP_ALIVE_S = 3.0  #: It forgets a PC that is silent for 10 s.
SILENCE_S = 1.0  #: After so long without a frame the canary is looked at.
LOOK_AGAIN_S = 2.0
MOST_RATE_HZ = 4000
FRAME_BYTES = 52
_BATTERY_BYTES = 4
_STAMP = 48
_BEHIND = 27  #: So many bytes after the first chip's come the second one's.
_HELLO = b"WOOF_WOOF"
_PLAIN = b"sys filters_off"  #: What every Meower does and answers.
_TARGETS = {0: "M", 1: "S", ALL_CHIPS: "B"}
_RREG, _WREG, _RDATAC, _SDATAC, _RESET = 0x20, 0x40, 0x10, 0x11, 0x06
_NO_CHAIN = Config1.field("multiple_read_back").mask
_CLOCK_OUTPUT = Config1.field("clock_output").mask
_OPCODES = (0x02, 0x04, 0x08, 0x0A)  #: WAKEUP, STANDBY, START, STOP.


class MeowerBoard:
    """See `emgrig.gateways.endpoint.HostedBoard`.

    Parameters
    ----------
    ports : Datagrams
        Its datagrams.
    address : str
        For messages.
    """

    def __init__(self, ports: Datagrams, *, address: str) -> None:
        self.out = Outgoing(tells_where=False)
        self.on_boot: Callable[[], None] = lambda: None
        self.on_chip_lost: Callable[[ChipLostEvent], None] = lambda _: None
        self.run = StampedRun(self.out, is_lossy=True)
        self.n_odd = 0  #: Datagrams that are no frames.
        self._ports = ports
        self._address = address
        self._replies: list[bytes] = []
        self._is_in_rdatac = False
        self._canary = (Config1.ADDRESS, (0, 0))
        self._said_s = self._look_s = 0.0
        self._heard_s = ports.clock.now_s()
        self._line = ClockLine(unit_us=8)
        self._offset_us: int | None = None  # from the board's clock to the line that is told
        self._last_us = 0
        self._n_frames = 0

    @property
    def inner(self) -> Transport | None:
        """What the datagrams come over, if that is a transport."""
        return self._ports.inner

    @property
    def clock(self) -> Clock:
        """The time of what is below."""
        return self._ports.clock

    @property
    def is_paced(self) -> bool:
        """See `Transport.is_paced`."""
        return self._ports.is_paced

    @property
    def is_in_rdatac(self) -> bool:
        """True from RDATAC to SDATAC: the board ends it by itself, so it is remembered here."""
        return self._is_in_rdatac

    def wake(self) -> None:
        """Do nothing: a pump does not wait for long."""

    def mind(self) -> None:
        """Keep the board from forgetting us."""
        if self.clock.now_s() - self._said_s >= KEEP_ALIVE_S:
            self._greet()

    def reopen(self) -> None:
        """Open the ports anew."""
        self._ports.reopen()

    def close(self) -> None:
        """Close the ports."""
        self._ports.close()

    # ---- beginning ----------------------------------------------------------------------------

    def meet(self) -> Facts:
        """Greet the board, stop what it does, and switch off what would change its codes.

        Raises
        ------
        TransportTimeout
            If nothing comes.
        WireError
            If something else is there.
        """
        self.run.drop()
        self._is_in_rdatac, self._offset_us = False, None
        self._last_us, self._heard_s = self.now_us(), self.clock.now_s()
        deadline_s, came = self.clock.now_s() + MEET_S, b""
        is_told, is_echo = False, True  # whether all that came is what was sent
        while True:
            self._greet()
            self._replies.clear()
            self._ports.send(_PLAIN)
            if self._answer(lambda reply: reply.startswith(b"OK: filters_off"), 0.5) is not None:
                break
            came = b"".join(self._replies)[:24] or came
            is_echo = is_echo and {*self._replies} <= {_HELLO, _PLAIN}
            if self.is_paced and not is_told:
                waiting.info("%s: no Meower yet; it is asked for %g s", self._address, MEET_S)
                is_told = True
            if self.clock.now_s() >= deadline_s:
                raise self._stranger(came, is_echo=is_echo)
        self._say("sys digitalgain 1", b"OK: digitalgain set to 1")
        ids = self._read_both(0, 1)
        if any(one[0] & 0x1F != 0x1E for one in ids):
            log.warning("%s: the IDs read %s", self._address, " ".join(one.hex() for one in ids))
        return Facts(
            title="Meower",
            firmware_version="not told",
            n_chips=2,
            channels_per_chip=8,
            can=CAN,
            is_simulated=self._ports.address.startswith("sim:"),
        )

    def _stranger(self, came: bytes, *, is_echo: bool) -> Exception:
        if came and is_echo:
            return TransportTimeout(
                f"{self._address}: nobody answers there but an echo of what was sent; is it the "
                "address of the Meower, and not of this computer?"
            )
        if came:
            return WireError(
                f"{self._address}: what answers is no Meower, or has another firmware: update it "
                f"to that of October 2025; first bytes seen: {came.hex(' ').upper()}"
            )
        return TransportTimeout(
            f"{self._address}: no Meower answered in {MEET_S:g} s; is it in this network (its LED "
            "blinks twice), and may its UDP ports through the firewall? say its address, as "
            "meower://192.168.1.23"
        )

    def _greet(self) -> None:
        self._ports.send(_HELLO)
        self._said_s = self.clock.now_s()

    # ---- questions ----------------------------------------------------------------------------

    def _ask(self, text: str, is_it: Callable[[bytes], bool]) -> bytes:
        """Send a command; return its answer.

        After a silence everything is read up to the answer of a command that looks like no other.
        """
        for _ in range(ATTEMPTS):
            self.mind()
            self._replies.clear()
            self._ports.send(text.encode())
            reply = self._answer(lambda found: is_it(found) or found[:4] == b"ERR:", ANSWER_S)
            if reply is not None:
                if not is_it(reply):
                    said = reply.decode("latin-1").strip()
                    raise Refusal(f"the Meower answered {text[:20]!r} with {said!r}")
                return reply
            log.warning("%s: no answer to %r in %g s", self._address, text[:20], ANSWER_S)
            self._greet()
            self._ports.send(_PLAIN)
            self._answer(lambda found: found.startswith(b"OK: filters_off"), ANSWER_S)
        raise TransportTimeout(
            f"{self._address}: {text[:20]!r} was asked {ATTEMPTS} times and not answered"
        )

    def _say(self, text: str, expected: bytes) -> None:
        self._ask(text, lambda reply: reply.startswith(expected))

    def _spi(self, target: str, mosi: bytes) -> bytes:
        """Do one transfer; return MISO. The board ends a stream by it."""
        words = " ".join(f"0x{byte:02X}" for byte in mosi)
        return self._ask(f"spi {target} {len(mosi)} {words}", lambda found: len(found) == len(mosi))

    def _answer(self, is_it: Callable[[bytes], bool], timeout_s: float) -> bytes | None:
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            for place, reply in enumerate(self._replies):
                if is_it(reply):
                    del self._replies[: place + 1]
                    return reply
            left_s = deadline_s - self.clock.now_s()
            if left_s <= 0:
                return None
            with suppress(TransportTimeout):  # in small steps: samples come meanwhile, each in time
                self._receive(min(left_s, SLICE_S))

    # ---- registers ----------------------------------------------------------------------------

    def _read_both(self, address: int, count: int) -> tuple[bytes, bytes]:
        mosi = bytes((_RREG | address, count - 1)).ljust(_BEHIND + 2 + count, b"\0")
        miso = self._spi("B", mosi)
        return miso[2 : 2 + count], miso[_BEHIND + 2 : _BEHIND + 2 + count]

    def read(self, chip: int, address: int, count: int) -> bytes:
        """Read registers of both chips through the chain; return one's."""
        most = 24
        parts = [
            self._read_both(place, min(most, address + count - place))[chip]
            for place in range(address, address + count, most)
        ]
        return b"".join(parts)

    def write(self, chip: int, address: int, values: bytes) -> None:
        """Write registers."""
        place = Config1.ADDRESS - address
        if 0 <= place < len(values):
            self._check_config1(chip, values[place])
        self._spi(_TARGETS[chip], bytes((_WREG | address, len(values) - 1)) + values)

    def _check_config1(self, chip: int, value: int) -> None:
        """Refuse what would break the chain, or take the second chip's clock away."""
        if chip == 0 and not value & _CLOCK_OUTPUT:
            raise Refusal(
                "the first chip of a Meower gives the second its clock: CLK_EN in CONFIG1 must "
                "stay 1",
                ErrorCode.BAD_ARGUMENT,
            )
        if value & _NO_CHAIN:
            raise Refusal(
                "a Meower's chips are in a chain: DAISY_EN in CONFIG1 must stay 0",
                ErrorCode.BAD_ARGUMENT,
            )

    def command(self, chip: int, opcode: int) -> bool:
        """Send an opcode."""
        if opcode == _RESET:
            raise Refusal(
                "a Meower's chips cannot be reset: the second one would lose its clock; switch the "
                "board off and on"
            )
        if opcode not in (*_OPCODES, _RDATAC, _SDATAC):
            raise Refusal(f"the gateway of the Meower does not send the opcode {opcode:02X}h")
        self._spi(_TARGETS[chip], bytes((opcode,)))
        if opcode in (_RDATAC, _SDATAC):
            self._is_in_rdatac = opcode == _RDATAC
        return False

    # ---- runs ---------------------------------------------------------------------------------

    def now_us(self) -> int:
        """Board time as far as it can be known: that of the last frame, and what passed since."""
        return self._last_us + round((self.clock.now_s() - self._heard_s) * 1e6)

    def start(self, canary: int) -> int:
        """Begin a run."""
        rate_code = self._read_both(Config1.ADDRESS, 1)[0][0] & 7
        rate_hz = 16_000 >> min(rate_code, 6)
        if rate_hz > MOST_RATE_HZ:
            raise Refusal(f"a Meower sends {MOST_RATE_HZ} SPS at most; {rate_hz} are set")
        self._canary = canary, self._canaries(canary)
        began_us = self.now_us()
        self.run.begin(1e6 / rate_hz)
        self._n_frames = 0
        self._look_s = self.clock.now_s() + SILENCE_S
        self._ports.send(b"sys start_cnt")
        return began_us

    def stop(self) -> None:
        """End the run; what is behind the answer to another command is not of it."""
        self._ports.send(b"sys stop_cnt")
        self._say("sys filters_off", b"OK: filters_off")
        if self.run.is_suspect and self._are_chips_well():
            self.run.release()
        self.run.end()

    def pump(self, timeout_s: float) -> None:
        """See `HostedBoard.pump`."""
        is_silent = False
        try:
            self._receive(timeout_s)
        except TransportTimeout:
            if not self.run.is_on or self.clock.now_s() < self._look_s:
                raise
            is_silent = True
        if self.run.is_suspect or is_silent:
            self._look_at_canary()

    def _canaries(self, address: int) -> tuple[int, int]:
        first, second = self._read_both(address, 1)
        return first[0], second[0]

    def _look_at_canary(self) -> None:
        """Read what is watched, which ends the stream; it goes on if the chips are well."""
        self._look_s = self.clock.now_s() + LOOK_AGAIN_S
        if not self._are_chips_well():
            self.run.drop()
            return
        self.run.release()
        self._ports.send(b"sys start_cnt")

    def _are_chips_well(self) -> bool:
        address, expected = self._canary
        found = self._canaries(address)
        for chip, (was, now) in enumerate(zip(expected, found, strict=True)):
            if was != now:
                self.out.flush()
                self.on_chip_lost(ChipLostEvent(chip, address, was, now))
                return False
        return True

    # ---- what comes ---------------------------------------------------------------------------

    def _receive(self, timeout_s: float) -> None:
        frames: list[bytes] = []
        begins: list[int] = []  # where each datagram does
        n_bytes = 0
        for one in self._ports.receive(timeout_s=timeout_s):
            if one.is_data:
                begins.append(n_bytes // FRAME_BYTES)
                frames += self._frames_in(one)
                n_bytes = sum(map(len, frames))
            elif one.payload != b"MEOW_MEOW":
                self._replies.append(one.payload)
            elif self.clock.now_s() - self._said_s > 0.5:  # it has forgotten us, or started anew
                self._greet()
        del self._replies[:-16]
        if frames and self.run.is_on:
            rows = np.frombuffer(b"".join(frames), np.uint8).reshape(-1, FRAME_BYTES)
            self._take(rows, np.isin(np.arange(len(rows)), begins))

    def _frames_in(self, one: Datagram) -> list[bytes]:
        n_bytes = len(one.payload) - _BATTERY_BYTES
        if n_bytes < FRAME_BYTES or n_bytes % FRAME_BYTES:
            self.n_odd += 1
            return []
        return [one.payload[:n_bytes]]

    def _take(self, rows: NDArray[np.uint8], is_first: NDArray[np.bool_]) -> None:
        """Place frames by their stamps; what came twice, or behind its successor, is left out.

        What is missing before the first of a datagram may be another datagram; within one, the
        board did not read it.
        """
        now_s = self.clock.now_s()
        raw = np.ascontiguousarray(rows[:, _STAMP:]).view("<u4").reshape(-1).astype(np.int64)
        times_us = self._line.follow(raw, now_s)
        if self._offset_us is None:
            self._offset_us = self.now_us() - int(times_us[0])
            self._last_us = self.now_us() - 1
        times_us = times_us + self._offset_us
        newest = np.maximum.accumulate(np.concatenate([[self._last_us], times_us[:-1]]))
        is_new = times_us > newest
        is_first = is_first | ~is_new.all()
        rows, times_us, is_first = rows[is_new], times_us[is_new], is_first[is_new]
        if not len(rows):
            return
        self._last_us, self._heard_s = int(times_us[-1]), now_s
        self._look_s = now_s + SILENCE_S
        frames = np.zeros((len(rows), 2, 9, 3), np.uint8)
        frames[:, :, 1:] = rows[:, :_STAMP].reshape(-1, 2, 8, 3)
        number = self._n_frames + np.arange(len(rows))
        self._n_frames += len(rows)
        self.run.take(frames.reshape(len(rows), -1), number, times_us, is_first)
