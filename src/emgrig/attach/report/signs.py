"""What breaks no rule and still goes wrong: results that nobody reads, chips that nobody starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from emgrig.attach.bus_chip import PS
from emgrig.attach.facts import BenchFacts
from emgrig.attach.report.blame import RDATA, RDATAC, SDATAC, STANDBY, START, STOP, WREG, Event
from emgrig.attach.report.causes import AnyCause, Cause, Weight
from emgrig.simulator.chip.violations import Rule

#: A chip that was started and stopped at once has nothing to be read.
_FEW_RESULTS: Final = 3
#: Who looks at DRDY more often waits for a result.
_MANY_LOOKS: Final = 8
_PS_PER_US: Final = 1e6
_ODD_SHARE: Final = 0.05
_FEW_ODD: Final = 3
_MULTIPLE_READBACK: Final = 0x40
_CH1SET: Final = 0x05
_RESET_CHNSET: Final = 0x61
_CONFIG4: Final = 0x17
_SINGLE_SHOT: Final = 0x08

Because = tuple[int | AnyCause, ...]


@dataclass(frozen=True)
class Sign:
    """Something seen, and what would explain it: lost commands (opcodes) or causes."""

    event: Event
    because: Because = ()


def signs_of_chip(facts: BenchFacts, index: int) -> Iterator[Sign]:
    """Yield what is wrong with a chip (`index` from 0) and breaks no rule."""
    chip = facts.chips[index]
    is_down = _level(facts, index, "PWDN") is False or _level(facts, index, "RESET") is False
    if is_down:
        text = "PWDN or RESET is low at the end: the chip does nothing"
        yield _sign(facts, Cause.POWERED_DOWN, text)
    elif not chip.is_clocked:
        text = "CLKSEL is low and nothing comes on CLK: the chip does nothing"
        yield _sign(facts, Cause.NO_CLOCK, text)
    elif not chip.n_produced:
        yield from _not_started(facts, index)
    elif not chip.is_converting and chip.n_produced < _FEW_RESULTS:
        yield from _stopped(facts, index)
    yield from _frame_length(facts, index)
    yield from _unread(facts, index)
    channels = range(_CH1SET, _CH1SET + chip.n_channels)
    settings = {chip.registers[address] for address in channels}
    if chip.n_read and settings == {_RESET_CHNSET} and not chip.written.intersection(channels):
        text = "CHnSET is as after RESET: all inputs that were read are shorted"
        yield _sign(facts, Cause.SHORTED, text, (Cause.SPI_MODE, WREG), Weight.HARMLESS)


def _sign(
    facts: BenchFacts,
    cause: Cause,
    text: str,
    because: Because = (),
    weight: Weight = Weight.LOST,
    count: int = 1,
) -> Sign:
    return Sign(Event(cause, weight, facts.duration_s * 1e6, text, count=count), because)


def _level(facts: BenchFacts, index: int, name: str) -> bool | None:
    """Return the last level that a pin was driven to; None if it never was."""
    levels = [pin.level for pin in facts.pins if pin.name == name and pin.chip == index]
    return levels[-1] if levels else None


def _not_started(facts: BenchFacts, index: int) -> Iterator[Sign]:
    chip = facts.chips[index]
    is_wanted = bool(
        chip.obeyed.get(RDATAC)
        or chip.obeyed.get(RDATA)
        or sum(facts.n_drdy_looks[index : index + 1]) > _MANY_LOOKS
    )
    if chip.is_converting or not is_wanted:
        return
    if chip.is_standby:
        text = "STANDBY was sent, and no WAKEUP: nothing converts"
        yield _sign(facts, Cause.NEVER_WOKEN, text, (Cause.SPI_MODE, Cause.NEVER_WOKEN))
        return
    has_start = bool(chip.obeyed.get(START)) or any(
        pin.name == "START" and pin.level and pin.chip == index for pin in facts.pins
    )
    because: Because = (Cause.SPI_MODE, START, Cause.NEVER_STARTED, STANDBY)
    if not has_start:
        text = "neither START command nor START pin: nothing converts, DRDY stays high"
        yield _sign(facts, Cause.NEVER_STARTED, text, because)


def _stopped(facts: BenchFacts, index: int) -> Iterator[Sign]:
    """Tell of a START pin that is pulsed where it must stay high."""
    chip = facts.chips[index]
    is_waited_for = sum(facts.n_drdy_looks[index : index + 1]) > chip.n_produced + _MANY_LOOKS
    is_by_pin = not (chip.obeyed.get(START) or chip.obeyed.get(STOP))
    is_single = bool(chip.registers[_CONFIG4] & _SINGLE_SHOT)
    if is_by_pin and is_waited_for and not is_single and _level(facts, index, "START") is False:
        text = f"the START pin went low again: conversions ended after {chip.n_produced}"
        yield _sign(facts, Cause.START_LOW, text, (Cause.SPI_MODE,))


def _frame_length(facts: BenchFacts, index: int) -> Iterator[Sign]:
    chip = facts.chips[index]
    frame = 3 + 3 * chip.n_channels
    is_chained = any(one.daisy_from is not None for one in facts.options.chips)
    may_repeat = is_chained or bool(chip.registers[1] & _MULTIPLE_READBACK)
    odd = {
        n_bytes: count
        for n_bytes, count in chip.odd_reads.items()
        if not (may_repeat and n_bytes > frame and n_bytes % frame == 0)
    }
    n_odd = sum(odd.values()) - 2 * chip.n_torn  # a tear leaves two pieces
    if n_odd < _FEW_ODD or n_odd < _ODD_SHARE * chip.n_read:
        return
    usual = max(odd, key=lambda n_bytes: odd[n_bytes])
    weight = Weight.LOST if usual < frame else Weight.HARMLESS
    what = "the rest is never read" if usual < frame else "what comes after it says nothing"
    text = (
        f"{usual} bytes are clocked for a frame of {frame} (3 + 3 × {chip.n_channels} channels): "
        f"{what}"
    )
    because: Because = (Cause.SPI_MODE, Cause.TWO_CLOCKS, Rule.UPDATE_WINDOW)
    yield _sign(facts, Cause.FRAME_LENGTH, text, because, weight, n_odd)


def clocks_of_chip(facts: BenchFacts, index: int) -> Event | None:
    """Return that a chip is read together with others that have other clocks, or None.

    A host that is too slow misses results with one clock too; so the chips' frames must take less
    than half of the time between two results.
    """
    chip = facts.chips[index]
    n_bad = max(chip.n_torn, chip.n_skipped)
    others = [one for one in facts.chips if one.n_read and one.f_clk_hz != chip.f_clk_hz]
    if not (n_bad and others and chip.falls) or _round_us(facts) > chip.falls[-1].period_us / 2:
        return None
    ppm = (chip.f_clk_hz / others[0].f_clk_hz - 1) * 1e6
    how = (
        f"it is read with chip {facts.chips.index(others[0]) + 1}, and has a clock of its own, "
        f"{ppm:+.0f} ppm from that one's"
    )
    if facts.n_drdy_looks and not facts.n_drdy_looks[index]:
        how += "; nobody looked at its DRDY"
    n_all = chip.n_read + n_bad
    text = f"{n_bad} of {n_all} results of chip {index + 1} were torn or missed: {how}"
    weight = Weight.TORN if chip.n_torn else Weight.LOST
    return Event(Cause.TWO_CLOCKS, weight, facts.duration_s * 1e6, text, count=n_bad)


def _round_us(facts: BenchFacts) -> float:
    """Return how long the frames of all chips take together, µs."""
    longest: dict[int, int] = {}
    for one in facts.transfers:
        if one.n_bytes >= 3 + 3 * facts.chips[one.chip].n_channels:
            longest[one.chip] = max(longest.get(one.chip, 0), one.end_ps - one.begin_ps)
    return sum(longest.values()) / _PS_PER_US


def _unread(facts: BenchFacts, index: int) -> Iterator[Sign]:
    chip = facts.chips[index]
    n_missed = chip.n_skipped - chip.n_torn
    because: Because = (
        Cause.SPI_MODE, Cause.CONTENTION, Cause.TWO_CLOCKS, Rule.UPDATE_WINDOW,
        RDATA, RDATAC, SDATAC,
    )  # fmt: skip
    if n_missed > 0:
        n_all = chip.n_read + chip.n_skipped
        text = f"{n_missed} of {n_all} results were never read ({n_missed / n_all:.0%})"
        cause = Cause.MISSED
        if 2 * chip.n_hidden >= n_missed:
            cause = Cause.DRDY_HIDDEN
            text += f"; of {chip.n_hidden} of them SCLK for another chip ended DRDY"
        yield _sign(facts, cause, text, because, count=n_missed)
    if chip.n_produced >= _FEW_RESULTS and not (chip.n_read or chip.n_torn or chip.odd_reads):
        text = f"DRDY fell {chip.n_produced} times, and no result was read"
        because = (*because, Rule.NO_DATA, Rule.NO_RESULT, Cause.NEVER_WOKEN)
        yield _sign(facts, Cause.NEVER_READ, text, because, count=chip.n_produced)


def mode_of_chip(facts: BenchFacts, index: int) -> Event | None:
    """Return since when a chip is clocked in another SPI mode than its own, or None."""
    uses = [one for one in facts.other_modes if one.chip == index]
    if uses:
        first = min(uses, key=lambda one: one.first_ps)
        text = f"SPI mode {first.mode}, the chip is made for mode 1: {_EFFECTS[first.mode]}"
        return _mode_event(first.first_ps / PS * 1e6, text, sum(one.n_bytes for one in uses))
    high = [event for event in facts.events if event.kind == "SCLK high" and event.chip == index]
    if high:
        text = (
            "SCLK was high when CS fell (CPOL 1, modes 2 and 3); the chip is made for mode 1: "
            "its first falling edge is taken for a bit"
        )
        return _mode_event(high[0].at_ps / PS * 1e6, text, len(high))
    return None


def _mode_event(at_us: float, text: str, count: int) -> Event:
    return Event(Cause.SPI_MODE, Weight.TORN, at_us, text, count=count)


_EFFECTS: Final = {
    0: "commands arrive, all that is read is one bit late",
    2: "commands and registers come right, frames are one bit late",
    3: "commands and what is read are shifted by one bit",
}
"""What a host in another mode sees, as the edges of the chip model give it."""


def signs_of_bus(facts: BenchFacts) -> Iterator[Sign]:
    """Yield what is wrong with the bus."""
    if not facts.n_transfers and not any(chip.n_transfers for chip in facts.chips):
        if facts.n_clients == 0:
            yield _sign(facts, Cause.NOBODY, "no program ever connected to the bench")
            return
        text = "no chip was ever selected: nothing is known of the firmware"
        yield _sign(facts, Cause.NOTHING, text)
    contentions = [event for event in facts.events if event.kind == "contention"]
    if contentions:
        first = contentions[0]
        n = sum(event.kind == "contention" for event in facts.events)
        yield Sign(
            Event(Cause.CONTENTION, Weight.TORN, first.at_ps / PS * 1e6, first.text, count=n)
        )
