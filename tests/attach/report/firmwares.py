"""A right firmware in the verbs of the bench, and mistakes of people, each one change of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from emgrig.attach.bench import Bench
from emgrig.attach.facts import BenchFacts
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions

GAINS = (1, 2, 4, 6, 8, 12, 24)
GAINS_OF_ADS1298 = (6, 1, 2, 3, 4, 8, 12)


def right_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "big", signed=True) * 4.5e6 / (GAINS[gain_code] * 2**23)


def half_scale_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "big", signed=True) * 4.5e6 / (GAINS[gain_code] * 2**24)


def unsigned_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "big") * 4.5e6 / (GAINS[gain_code] * 2**23)


def little_endian_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "little", signed=True) * 4.5e6 / (GAINS[gain_code] * 2**23)


def ads1298_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "big", signed=True) * 4.5e6 / (GAINS_OF_ADS1298[gain_code] << 23)


def vref_of_ads1298_uv(octets: bytes, gain_code: int) -> float:
    return int.from_bytes(octets, "big", signed=True) * 2.4e6 / (GAINS[gain_code] * 2**23)


def inverted_uv(octets: bytes, gain_code: int) -> float:
    return -right_uv(octets, gain_code)


@dataclass(frozen=True)
class Firmware:
    """What the firmware does; the defaults are right, on any processor."""

    rate_code: int = 6  #: 250 SPS.
    gain_code: int = 6  #: Gain 24.
    is_continuous: bool = True  #: RDATAC, else RDATA for each frame.
    starts_by: tuple[str, ...] = ("opcode",)
    n_frames: int = 40

    mode: int = 1
    command_hz: float = 2e6
    data_hz: float = 8e6
    hold_s: float = 2.2e-6  #: From the last SCLK to CS high.
    high_s: float = 1.5e-6
    is_cs_a_byte: bool = False
    power_up_s: float = 0.15
    resets_by: str = "opcode"
    reset_low_s: float = 10e-6
    reset_wait_s: float = 20e-6
    sdatac_at: str = "after reset"
    config1: int = 0x90
    config2: int = 0xC0
    config3: int = 0xE0
    mux: int | None = 0
    start_pulse_s: float = 10e-6
    standby: str = ""
    sends_rdatac: bool = True
    rdatac_wait_s: float = 10e-6
    waits_for_first: bool = True
    n_bytes: int | None = None  #: Of a frame; None: right.
    dummy: int = 0
    prefix: bytes = b""  #: Sent before the zeros of each frame.
    reads_from: float = 0.0  #: How long after DRDY a read begins, in parts of tDR.
    every: int = 1
    reads_frames: bool = True
    register_every: int = 0  #: Reads a register after so many frames.
    last_burst: int = 0  #: Registers read from MISC2 on.
    is_polling: bool = False  #: Polls DRDY, and talks to an SD card meanwhile.
    keeps_others_low: bool = False
    follows_first: bool = False  #: Reads all chips when the first has a result.
    first_byte: int = 3  #: Where channel 1 is taken from.
    to_uv: Callable[[bytes, int], float] = right_uv

    def run(self, bench: Bench) -> None:
        """Boot, set up, and read frames."""
        _Run(self, bench).run()


@dataclass
class _Run:
    firmware: Firmware
    bench: Bench
    frame_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.frame_bytes = 3 + 3 * self.bench.options.chips[0].channels

    def run(self) -> None:
        f, bench = self.firmware, self.bench
        bench.advance(f.power_up_s)
        if f.sdatac_at == "before reset":
            self.send(0x11)
        self.reset()
        if f.sdatac_at == "after reset":
            self.send(0x11)
        self.set_up()
        if f.standby:
            self.send(0x04)
            bench.advance(1e-3)
        if f.standby == "and wakeup":
            self.send(0x02)
            bench.advance(50e-6)
        self.start()
        self.read()

    def reset(self) -> None:
        f, bench = self.firmware, self.bench
        if f.resets_by == "opcode":
            self.send(0x06)
        else:
            bench.set_pin("RESET", 0)
            bench.advance(f.reset_low_s)
            bench.set_pin("RESET", 1)
        bench.advance(f.reset_wait_s)

    def set_up(self) -> None:
        f, bench = self.firmware, self.bench
        self.send(0x20, 0, 0)
        self.send(0x43, 0, f.config3)
        bench.advance(0.15)
        self.send(0x41, 1, f.config1 | f.rate_code, f.config2)
        if f.mux is not None:
            n = bench.options.chips[0].channels
            self.send(0x45, n - 1, *[f.gain_code << 4 | f.mux] * n)
        if f.last_burst:
            self.send(0x36, f.last_burst - 1, *[0] * f.last_burst)

    def start(self) -> None:
        f, bench = self.firmware, self.bench
        for way in f.starts_by:
            if way == "opcode":
                self.send(0x08)
            else:
                bench.set_pin("START", 1)
                if way == "pulse":
                    bench.advance(f.start_pulse_s)
                    bench.set_pin("START", 0)
        if f.is_continuous and f.sends_rdatac:
            self.send(0x10)
            bench.advance(f.rdatac_wait_s)

    def read(self) -> None:
        f, bench = self.firmware, self.bench
        period_s = (128 << f.rate_code) / 2.048e6
        for number in range(f.n_frames):
            for chip in range(1 if f.follows_first else bench.n_chips):
                self.wait(chip, number)
            if not f.reads_frames or number % f.every:
                continue
            bench.advance(f.reads_from * period_s)
            for chip in range(bench.n_chips):
                self.frame(chip)
            if f.register_every and number % f.register_every == 0:
                self.send(0x21, 0, 0)
            if f.is_polling:
                bench.exchange(b"\xff" * 600, sclk_hz=1e6)  # a block on its way to the card

    def wait(self, chip: int, number: int) -> None:
        f, bench = self.firmware, self.bench
        if f.is_polling:
            for _ in range(2000):
                if not bench.pin("DRDY", chip):
                    return
                bench.advance(10e-6)
        elif number or f.waits_for_first:
            is_edge = not f.reads_frames or f.every > 1
            bench.wait_drdy(chip, timeout_s=0.1, edge=is_edge)

    def frame(self, chip: int) -> None:
        f, bench = self.firmware, self.bench
        n_bytes = self.frame_bytes if f.n_bytes is None else f.n_bytes
        sent = bytes([f.dummy] * n_bytes)
        prefix = f.prefix or b"\x12" * (not f.is_continuous)
        got = self.bytes_of(chip, prefix + sent, f.data_hz)[len(prefix) :]
        n = min(bench.options.chips[0].channels, (n_bytes - f.first_byte) // 3)
        for own in range(n):
            begin = f.first_byte + 3 * own
            value = f.to_uv(got[begin : begin + 3], f.gain_code)
            bench.claim(chip * bench.options.chips[0].channels + own + 1, value)

    def send(self, *sent: int) -> None:
        for chip in range(self.bench.n_chips):
            self.bytes_of(chip, bytes(sent), self.firmware.command_hz)

    def bytes_of(self, chip: int, sent: bytes, hz: float) -> bytes:
        f, bench = self.firmware, self.bench
        pieces = [bytes([one]) for one in sent] if f.is_cs_a_byte else [sent]
        got = b""
        for piece in pieces:
            bench.select(chip)
            got += bench.exchange(piece, mode=f.mode, sclk_hz=hz)
            bench.advance(f.hold_s)
            if not f.keeps_others_low:
                bench.deselect(chip)
            bench.advance(f.high_s)
        return got


MCU = PROCESSORS["mcu"]
LOUD = "sine:3mV,17Hz"


@dataclass(frozen=True)
class Planted:
    """A mistake, and what the first line of the report must name."""

    name: str
    cause: str
    firmware: Firmware
    says: tuple[str, ...] = ()  #: Words that the first line has.
    channels: int = 8
    n_chips: int = 1
    ppm: tuple[float, ...] = ()
    is_asked_for: bool = True  #: One of the 25 that the issue names.

    def options(self, **more: Any) -> BenchOptions:
        """Return the bench it runs on."""
        ppm = self.ppm or (0.0,) * self.n_chips
        chips = tuple(ChipOptions(self.channels, oscillator_ppm=one) for one in ppm)
        return BenchOptions(chips=chips, source=LOUD, processor=MCU, **more)


RIGHT = Firmware()
ASKED = replace(RIGHT, is_continuous=False)


def _mistake(name: str, cause: str, *says: str, base: Firmware = RIGHT, **change: Any) -> Planted:
    return Planted(name, cause, replace(base, **change), says)


PLANTED = (
    _mistake("CS rises at once", "tSCCS", "SDATAC", "CS went high", hold_s=0.0),
    _mistake("mode 0", "SPI mode", "mode 0", mode=0),
    _mistake("mode 2", "SPI mode", "mode 2", mode=2),
    _mistake("mode 3", "SPI mode", "mode 3", mode=3),
    _mistake("no SDATAC", "no SDATAC", "never sent", sdatac_at=""),
    _mistake("RREG while streaming", "registers in RDATAC", "RREG", register_every=10),
    _mistake("late read", "update window", "DRDY", reads_from=0.995),
    _mistake("no status word in the count", "frame length", "24 bytes", "27", n_bytes=24),
    _mistake("a byte too many for each", "frame length", "30 bytes", "27", n_bytes=30),
    _mistake("START pin and opcode", "START pin", starts_by=("pin", "opcode")),
    _mistake("no reference", "no reference", config3=0x60),
    _mistake("no wait after RESET", "RESET busy", reset_wait_s=0.0, high_s=1.5e-6),
    _mistake("no wait after power-up", "tPOR", power_up_s=1e-3),
    _mistake("gains of the ADS1298", "scale of claims", "ADS1298", to_uv=ads1298_uv),
    _mistake("unsigned", "scale of claims", "unsigned", to_uv=unsigned_uv),
    _mistake("2^24", "scale of claims", "half scale", to_uv=half_scale_uv),
    _mistake("byte order", "scale of claims", "byte order", to_uv=little_endian_uv),
    _mistake("SCLK too fast", "tSDECODE", "WREG", command_hz=8e6),
    _mistake("CONFIG1 without its 1s", "reserved bits", "CONFIG1", config1=0x00),
    _mistake("CONFIG2 without its 1s", "reserved bits", "CONFIG2", config2=0x00),
    _mistake("never START", "no START", starts_by=()),
    _mistake("never RDATAC", "no data in SDATAC", "RDATA", sends_rdatac=False),
    _mistake("RDATA at once", "no result yet", base=ASKED, waits_for_first=False),
    _mistake("STANDBY for ever", "no WAKEUP", "START", standby="only"),
    replace(
        _mistake("two CS low", "two CS low", keeps_others_low=True),
        n_chips=2,
    ),
    _mistake("every second result", "results missed", "19 of 39", every=2),
    replace(
        _mistake("one channel less", "frame length", "18 bytes", "21", n_bytes=18), channels=6
    ),
    _mistake("DRDY polled beside a card", "DRDY hidden", n_frames=20, is_polling=True),
    *(
        replace(one, is_asked_for=False)
        for one in (
            _mistake("CS for each byte", "partial command", is_cs_a_byte=True),
            _mistake("SDATAC, then RESET", "registers in RDATAC", sdatac_at="before reset"),
            _mistake("DRDY never read", "DRDY never read", "40 times", reads_frames=False),
            _mistake("status is channel 1", "scale of claims", "status", first_byte=0),
            _mistake("2.4 V", "scale of claims", "2.4 V", to_uv=vref_of_ads1298_uv),
            _mistake("inverted", "scale of claims", "inverted", to_uv=inverted_uv),
            _mistake("inputs left shorted", "inputs shorted", mux=None, to_uv=right_uv),
            _mistake("dummies of FFh", "unknown opcode", "FFh", dummy=0xFF),
            _mistake("RDATAC and data at once", "wait after RDATAC", sends_rdatac=False,
                     prefix=b"\x10", reads_from=0.1),
            _mistake("RDATAC at each DRDY", "RDATAC at DRDY", sends_rdatac=False, prefix=b"\x10"),
            _mistake("short START", "START pulse", starts_by=("pulse", "opcode"),
                     start_pulse_s=0.1e-6),
            _mistake("START pulsed", "START pin low again", starts_by=("pulse",)),
            _mistake("short RESET", "RESET pulse", resets_by="pin", reset_low_s=0.1e-6),
            _mistake("burst past the end", "register address", last_burst=4),
            _mistake("late RDATA poll", "results missed", base=ASKED, reads_from=2.5),
            replace(
                _mistake("two oscillators", "two clocks", "+10050 ppm", "nobody looked",
                         follows_first=True, n_frames=150, rate_code=1),
                n_chips=2, ppm=(-5000.0, 5000.0),
            ),
            replace(
                _mistake("two oscillators, both waited for", "two clocks", "ppm from that one",
                         n_frames=250, rate_code=3),
                n_chips=2, ppm=(-5000.0, 5000.0),
            ),
        )
    ),
)  # fmt: skip


@cache
def facts_of_planted(name: str) -> BenchFacts:
    """What a bench saw of one of `PLANTED`."""
    planted = next(one for one in PLANTED if one.name == name)
    bench = Bench(planted.options())
    planted.firmware.run(bench)
    return bench.facts()
