"""What happened on a bench: the material of the report, as typed data."""

from dataclasses import dataclass, field

from emgrig.attach.bus_chip import PS
from emgrig.attach.journal import PinChange, Transfer
from emgrig.attach.options import BenchOptions
from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.chip.serial_interface import SUBTICKS
from emgrig.simulator.chip.violations import SECTIONS, Rule, Severity


@dataclass(frozen=True)
class Breach:
    """One breach of a rule, in bench time."""

    at_us: float  #: Bench time, µs since power-on.
    rule: Rule
    severity: Severity
    text: str  #: What happened and what the chip made of it.
    section: str  #: Where the data sheet says so.
    transfer: int  #: Which time this chip was selected, from 1; 0 before the first.
    sent: bytes  #: The first bytes of that transfer.
    #: The command it is about, by its first byte; of register rules the address; None: neither.
    about: int | None = None


@dataclass(frozen=True)
class MarginFact:
    """The smallest (for `DRDY to read` the largest) time of a kind."""

    name: str  #: tSCCS, tSDECODE, tCSH, before update, DRDY to read.
    us: float  #: Its length, µs.
    ticks: float  #: The same in tCLK of this chip.
    at_us: float  #: When, bench time, µs.


@dataclass(frozen=True)
class DrdyFalls:
    """DRDY falls at even distances."""

    first_us: float  #: Bench time of the first, µs.
    period_us: float  #: From one to the next, µs.
    n: int  #: How many.


@dataclass(frozen=True)
class ModeUse:
    """Bytes that a host clocked in an SPI mode that is not the chip's, with its CS low."""

    chip: int  #: Index, 0 is the first.
    mode: int  #: 0, 2 or 3.
    first_ps: int  #: Bench time of the first, ps.
    n_bytes: int


@dataclass(frozen=True)
class ChipFacts:
    """One chip's part."""

    n_channels: int
    f_clk_hz: float  #: True frequency of its clock.
    is_clocked: bool
    breaches: tuple[Breach, ...]  #: The first of each rule, in order of time.
    counts: dict[Rule, int]  #: All of them.
    n_transfers: int
    n_produced: int  #: Conversions.
    n_read: int  #: Of those, read whole.
    n_torn: int  #: Times that a read went over an update.
    margins: tuple[MarginFact, ...]
    registers: bytes  #: 00h to 17h as they are now.
    is_rdatac: bool
    is_converting: bool
    is_standby: bool
    n_skipped: int = 0  #: See `Ads1299Chip.n_skipped`.
    n_hidden: int = 0  #: See `Ads1299Chip.n_hidden`.
    odd_reads: dict[int, int] = field(default_factory=dict)  #: See `Ads1299Chip.odd_reads`.
    obeyed: dict[int, int] = field(default_factory=dict)  #: Commands, by opcode.
    written: frozenset[int] = frozenset()  #: Addresses of registers that were ever written.
    falls: tuple[DrdyFalls, ...] = ()  #: All, but for those of a chip that begins too often.

    @property
    def n_missed(self) -> int:
        """Results that nobody read whole, torn ones left out."""
        return max(self.n_produced - self.n_read - self.n_torn, 0)

    @classmethod
    def of(cls, chip: Ads1299Chip, origin_ps: int, is_clocked: bool) -> "ChipFacts":
        """Look at a chip whose tick 0 was at bench time `origin_ps`."""
        us_per_tick = 1e6 / chip.f_clk_hz
        origin_us = origin_ps / PS * 1e6
        return cls(
            n_channels=chip.n_channels,
            f_clk_hz=chip.f_clk_hz,
            is_clocked=is_clocked,
            breaches=tuple(
                Breach(
                    at_us=origin_us + told.tick * us_per_tick,
                    rule=told.rule,
                    severity=told.severity,
                    text=told.text,
                    section=SECTIONS[told.rule],
                    transfer=told.transfer,
                    sent=told.sent,
                    about=told.about,
                )
                for told in chip.violations
            ),
            counts=chip.violation_counts,
            n_transfers=chip.n_transfers,
            n_produced=chip.n_drdy_falls,
            n_read=chip.n_read,
            n_torn=chip.n_torn,
            margins=tuple(
                MarginFact(
                    name=name,
                    us=margin.value / SUBTICKS * us_per_tick,
                    ticks=margin.value / SUBTICKS,
                    at_us=origin_us + margin.at / SUBTICKS * us_per_tick,
                )
                for name, margin in chip.margins.items()
            ),
            registers=chip.registers,
            is_rdatac=chip.mode.name == "RDATAC",
            is_converting=chip.next_drdy_tick is not None,
            is_standby=chip.is_standby,
            n_skipped=chip.n_skipped,
            n_hidden=chip.n_hidden,
            odd_reads=chip.odd_reads,
            obeyed=chip.obeyed,
            written=chip.written,
            falls=tuple(
                DrdyFalls(origin_us + run.first * us_per_tick, run.period * us_per_tick, run.n)
                for run in chip.fall_runs
            ),
        )


@dataclass(frozen=True)
class BusEvent:
    """Something about the bus itself."""

    at_ps: int
    kind: str  #: "contention", or "SCLK high": CS fell while the caller held SCLK high.
    text: str
    chip: int = 0  #: Whose CS, where it is one chip's; index, 0 is the first.


@dataclass(frozen=True)
class Claim:
    """What the firmware made of a code."""

    at_ps: int
    channel: int  #: From 1, over all chips.
    microvolts: float  #: The firmware's.
    code: int  #: What the chip had put out.
    chnset: int  #: CHnSET of that channel then.
    frame: bytes = b""  #: The whole frame that the code is from.


@dataclass(frozen=True)
class BenchFacts:
    """What happened on a bench."""

    options: BenchOptions
    duration_s: float
    chips: tuple[ChipFacts, ...]
    events: tuple[BusEvent, ...]  #: The first thousand.
    n_events: int
    n_transfers: int
    transfers: tuple[Transfer, ...]  #: The first and the last.
    pins: tuple[PinChange, ...]
    claims: tuple[Claim, ...]
    other_modes: tuple[ModeUse, ...] = ()
    n_byte_calls: int = 0  #: Calls of `Bench.byte`, each of which took the processor's time.
    n_clients: int | None = None  #: Programs that connected to a bench that is served; else None.
    n_drdy_looks: tuple[int, ...] = ()  #: How often the caller looked at or waited for DRDY.
