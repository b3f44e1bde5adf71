"""A raw capture as a transport: it answers as the recorded board did, `replay:` addresses.

What the board was, what its registers held and what its clock said comes from the capture's notes.
START delivers the bytes of the next recorded run, byte for byte; they carry the recorded answers
too, which nobody waits for. Time is the recorded host time: it moves when bytes are delivered, a
read finds nothing, or the clock sleeps.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from emgrig.driver.captures.capture import CaptureReader
from emgrig.driver.captures.recorded_runs import RecordedRuns
from emgrig.driver.samples.block import Epoch
from emgrig.errors import TransportEnd, TransportError, TransportTimeout
from emgrig.protocol import packets
from emgrig.protocol.answering import Refusal, outcome, whole_reply
from emgrig.protocol.decoder import Decoder, RequestPacket
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import ErrorCode, Request
from emgrig.protocol.schema import Message

#: SDATAC, RDATAC, STOP, START: they change nothing that a recording could contradict.
_HARMLESS_OPCODES = (0x08, 0x0A, 0x10, 0x11)
_SAYS = "this is a replay"


class ReplayClock:
    """The recorded host time."""

    def __init__(self, unix_s: float) -> None:
        self._now_s = unix_s

    def now_s(self) -> float:
        """Return the recorded host time, s; it never goes back."""
        return self._now_s

    def unix_s(self) -> float:
        """Return the recorded host time, s since 1970-01-01 UTC."""
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        """Move on by `duration_s` ≥ 0, at once."""
        self._now_s += duration_s

    def move_to(self, unix_s: float) -> None:
        """Move on to a time, unless it is past."""
        self._now_s = max(self._now_s, unix_s)


class ReplayTransport:
    """Bytes to and from a recorded board; fits `emgrig.driver.seams.Transport`.

    When a run has been delivered the board is silent, and STATS says that it has stopped; START
    goes on with the next run. Behind the last one it says that it has ended, and a stream ends.

    Raises
    ------
    RecordingError
        If the file cannot be read, or does not say from which board it is.
    """

    is_paced = False

    def __init__(self, path: str | Path) -> None:
        self.address = f"replay:{path}"  #: The address that opens it again.
        self._runs = RecordedRuns(CaptureReader(Path(path)))
        self.clock = ReplayClock(self._runs.began_s)  #: Recorded host time.
        self._encode = PacketEncoder()
        self._requests = Decoder()
        self._answers: deque[bytes] = deque()
        self._rest = b""
        self._streaming = False
        self._is_closed = False
        self._answer: dict[int, Callable[[bytes], Message]] = {
            Request.HELLO: lambda _: self._runs.hello,
            Request.READ_REGISTERS: self._read_registers,
            Request.WRITE_REGISTERS: self._write_registers,
            Request.CHIP_COMMAND: self._chip_command,
            Request.START: self._start,
            Request.STOP: self._stop,
            Request.STATS: self._stats,
            Request.CLOCK: self._clock_reading,
            Request.IDENTIFY: lambda _: packets.NoArguments(),
        }

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Return the next 1 to `max_bytes` bytes: answers, or the run that was started.

        Raises
        ------
        TransportTimeout
            If there are none within `timeout_s` of recorded time.
        TransportEnd
            If a stream goes on behind the last recorded run.
        TransportError
            If the transport is closed.
        """
        self._check_open()
        if not self._rest:
            self._rest = self._answers.popleft() if self._answers else self._next(timeout_s)
        data, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return data

    def write(self, data: bytes, /) -> None:
        """Take requests; each is answered before any more of the recording is delivered."""
        self._check_open()
        for item in self._requests.feed(data):
            if isinstance(item, RequestPacket):
                self._answers.append(self._encode(PacketType.REPLY, self._reply(item)))

    def reopen(self) -> None:
        """Raise TransportError: a recording does not come back."""
        raise TransportError(f"{self.address} is a replay and cannot be opened again in mid-run")

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.address} is closed")

    def _next(self, timeout_s: float) -> bytes:
        """Return the next recorded bytes of the run, if they came in time."""
        deadline_s = self.clock.now_s() + timeout_s
        chunk = self._runs.chunk
        if self._streaming and chunk is not None and chunk.time_s <= deadline_s:
            self.clock.move_to(chunk.time_s)
            return self._runs.take_chunk()
        if self._streaming and chunk is None and not self._runs.seek_run():
            raise TransportEnd(f"{self.address} has come to its end")
        self.clock.move_to(deadline_s)
        raise TransportTimeout(f"{self.address}: nothing was recorded for {timeout_s:g} s")

    # Requests.

    def _reply(self, packet: RequestPacket) -> bytes:
        do = self._answer.get(packet.request, self._refuse)
        return whole_reply(packet, *outcome(do, packet.arguments))

    def _refuse(self, _: bytes) -> Message:
        raise Refusal(f"{_SAYS}: it cannot do that")

    def _epoch(self) -> Epoch:
        epoch = self._runs.epoch_to_come
        if epoch is None:
            raise Refusal(f"{_SAYS}, and it does not say what the registers held")
        return epoch

    def _registers(self, chip: int) -> bytes:
        if self._streaming:
            raise Refusal(f"{_SAYS} of a running stream: stop it first", ErrorCode.IN_RDATAC)
        registers = self._epoch().registers
        if chip >= len(registers):
            raise Refusal(f"{_SAYS} of {len(registers)} chips", ErrorCode.NO_SUCH_CHIP)
        return registers[chip]

    def _read_registers(self, arguments: bytes) -> Message:
        asked = packets.ReadRegisters.decode(arguments)
        values = self._registers(asked.chip)[asked.address : asked.address + asked.count]
        return packets.Registers(self._epoch().number, values)

    def _write_registers(self, arguments: bytes) -> Message:
        asked = packets.WriteRegisters.decode(arguments)
        end = asked.address + len(asked.values)
        held = self._registers(asked.chip)[asked.address : end]
        if held != asked.values:
            raise Refusal(
                f"{_SAYS}: registers from {asked.address:02X}h hold {held.hex(' ').upper()} as "
                "recorded and cannot be changed"
            )
        return packets.SettingsEpoch(self._epoch().number)

    def _chip_command(self, arguments: bytes) -> Message:
        asked = packets.ChipCommand.decode(arguments)
        if asked.opcode not in _HARMLESS_OPCODES:
            raise Refusal(f"{_SAYS}: no opcode {asked.opcode:02X}h")
        return packets.SettingsEpoch(self._epoch().number)

    def _start(self, _: bytes) -> Message:
        if self._streaming and self._runs.chunk is not None:
            raise Refusal(f"{_SAYS}: a run is on", ErrorCode.BUSY)
        if not self._runs.begin_run():
            self._streaming = False
            raise Refusal(f"{_SAYS} and has no further run: open it anew")
        self._streaming = True
        self.clock.move_to(self._runs.started_s)
        return self._runs.started

    def _stop(self, _: bytes) -> Message:
        if not self._streaming:
            return packets.Stopped(0, 0, self._board_us())
        self._streaming = False
        return self._runs.end_run(self._board_us())

    def _stats(self, _: bytes) -> Message:
        runs = self._runs
        return packets.Stats(
            uptime_us=self._board_us(),
            run=runs.started.run,
            streaming=int(self._streaming and runs.chunk is not None),
            settings=runs.started.settings,
            conversions=runs.conversions,
            frames_sent=runs.conversions,
            missed_drdy=0,
            transmit_overflows=0,
            brown_outs=0,
            bad_packets=0,
            buffer_high_water=0,
        )

    def _clock_reading(self, arguments: bytes) -> Message:
        asked = packets.ClockArguments.decode(arguments)
        return packets.ClockReading(asked.host_time_us, self._board_us())

    def _board_us(self) -> int:
        return self._runs.board_us(self.clock.now_s())


def open_replay(address: str, /, *, timeout_s: float = 0.0) -> ReplayTransport:  # noqa: ARG001
    """Open a capture, ``replay:FILE``; it is there at once."""
    return ReplayTransport(address.partition(":")[2])
