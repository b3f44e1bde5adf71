"""What was on the bus as a value change dump (IEEE 1364-2005, section 18), for any wave viewer.

Each transfer shows CS, the bytes on MOSI and MISO, and SCLK as a level that is high while bytes are
clocked. The bytes of a transfer are spread evenly over it, since the journal keeps the times of
transfers only. DRDY is exact where it falls; it rises at the first byte after it, or 4 tCLK
before it falls again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from emgrig.attach.facts import BenchFacts, ChipFacts
from emgrig.attach.journal import Transfer

PINS: Final = ("START", "RESET", "PWDN", "CLKSEL")
_AT_REST: Final = {"START": False, "RESET": True, "PWDN": True, "CLKSEL": True}
_UPDATE_TICKS: Final = 4
_MOST_FALLS: Final = 4000
_PS_PER_US: Final = 1e6

Change = tuple[int, str, str]


@dataclass(frozen=True)
class _Wire:
    """A variable of the dump."""

    code: str  #: What stands for it in the dump.
    scope: str
    name: str
    width: int
    initial: str

    def to(self, at_ps: int, value: str) -> Change:
        """Return a change of it."""
        return at_ps, self.code, f"b{value} {self.code}" if self.width > 1 else value + self.code


def vcd(facts: BenchFacts) -> str:
    """Return the dump, time in picoseconds; the first and the last thousand transfers are in it."""
    wires = _wires(facts)
    end_ps = round(facts.duration_s * 1e12)
    changes = sorted(
        (one for one in _changes(facts, wires) if one[0] <= end_ps), key=lambda one: one[0]
    )
    out = [
        "$comment SIMULATED by emgrig: no board was there $end",
        "$comment bytes of a transfer are spread evenly over it $end",
        "$timescale 1ps $end",
    ]
    scope = ""
    for wire in wires.values():
        if wire.scope != scope:
            out += ["$upscope $end"] * bool(scope)
            out.append(f"$scope module {wire.scope} $end")
            scope = wire.scope
        out.append(f"$var wire {wire.width} {wire.code} {wire.name} $end")
    out += ["$upscope $end", "$enddefinitions $end", "#0", "$dumpvars"]
    out += [wire.to(0, wire.initial)[2] for wire in wires.values()]
    out.append("$end")
    now = 0
    for at_ps, _, text in changes:
        if at_ps != now:
            out.append(f"#{at_ps}")
            now = at_ps
        out.append(text)
    if end_ps > now:
        out.append(f"#{end_ps}")
    return "\n".join(out) + "\n"


def _wires(facts: BenchFacts) -> dict[tuple[int, str], _Wire]:
    """Return the variables by chip (-1: the bus) and name."""
    wires: dict[tuple[int, str], _Wire] = {}

    def add(chip: int, scope: str, name: str, width: int, initial: str) -> None:
        wires[chip, name] = _Wire(_code(len(wires)), scope, name, width, initial)

    add(-1, "bus", "SCLK_active", 1, "0")
    add(-1, "bus", "MOSI", 8, "z")
    add(-1, "bus", "MISO", 8, "z")
    for index in range(len(facts.chips)):
        scope = f"chip{index + 1}"
        add(index, scope, "CS", 1, "1")
        add(index, scope, "DRDY", 1, "1")
        for name in PINS:
            level = _AT_REST[name]
            if name == "CLKSEL" and facts.options.chips[index].clock_from is not None:
                level = False
            add(index, scope, name, 1, str(int(level)))
    return wires


def _code(number: int) -> str:
    """Return a short code of printable characters."""
    first, last = 33, 126
    code = ""
    while True:
        number, rest = divmod(number, last - first + 1)
        code += chr(first + rest)
        if not number:
            return code


def _changes(facts: BenchFacts, wires: dict[tuple[int, str], _Wire]) -> Iterator[Change]:
    for transfer in facts.transfers:
        if transfer.end_ps >= transfer.begin_ps:
            yield from _transfer(transfer, wires)
    for pin in facts.pins:
        if (pin.chip, pin.name) in wires:
            yield wires[pin.chip, pin.name].to(pin.at_ps, str(int(pin.level)))
    for index, chip in enumerate(facts.chips):
        begins = sorted(one.begin_ps for one in facts.transfers if one.n_bytes)
        yield from _drdy(chip, wires[index, "DRDY"], begins, _windows(facts))


def _transfer(transfer: Transfer, wires: dict[tuple[int, str], _Wire]) -> Iterator[Change]:
    cs = wires[transfer.chip, "CS"]
    sclk, mosi, miso = (wires[-1, name] for name in ("SCLK_active", "MOSI", "MISO"))
    begin, length = transfer.begin_ps, transfer.end_ps - transfer.begin_ps
    yield cs.to(begin, "0")
    if transfer.n_bytes and length > 0:
        yield sclk.to(begin, "1")
        for index, (sent, got) in enumerate(zip(transfer.mosi, transfer.miso, strict=False)):
            at_ps = begin + length * index // transfer.n_bytes
            yield mosi.to(at_ps, f"{sent:08b}")
            yield miso.to(at_ps, f"{got:08b}")
        yield sclk.to(transfer.end_ps, "0")
        yield mosi.to(transfer.end_ps, "z")
        yield miso.to(transfer.end_ps, "z")
    yield cs.to(transfer.end_ps, "1")


def _windows(facts: BenchFacts) -> list[tuple[int, int]]:
    """Return the times, ps, of which the transfers are known: the first and the last ones."""
    transfers = facts.transfers
    end_ps = round(facts.duration_s * 1e12)
    for before, after in pairwise(transfers):
        if after.number != before.number + 1:
            return [(0, before.end_ps), (after.begin_ps, end_ps)]
    return [(0, end_ps)]


def _drdy(
    chip: ChipFacts, wire: _Wire, begins: list[int], windows: list[tuple[int, int]]
) -> Iterator[Change]:
    """Yield the falls of DRDY inside of `windows`, and its rises."""
    update_ps = round(_UPDATE_TICKS / chip.f_clk_hz * 1e12)
    place = n_told = 0
    for run in chip.falls:
        for low, high in windows:
            first = max(0, -int(-(low / _PS_PER_US - run.first_us) // run.period_us))
            for number in range(first, run.n):
                fall = round((run.first_us + number * run.period_us) * _PS_PER_US)
                if fall > high or n_told >= _MOST_FALLS:
                    break
                n_told += 1
                while place < len(begins) and begins[place] < fall:
                    place += 1
                yield wire.to(fall, "0")
                rises = begins[place : place + 1]
                if number < run.n - 1:  # after the last one it stays low until it is read
                    rises.append(fall + round(run.period_us * _PS_PER_US) - update_ps)
                if rises:
                    yield wire.to(max(min(rises), fall + 1), "1")
