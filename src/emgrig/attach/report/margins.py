"""How near a firmware came to the limits, and what another clock or processor would make of it."""

from typing import Final

from emgrig.attach.facts import BenchFacts, ChipFacts, MarginFact
from emgrig.attach.report.model import Spare

F_CLK_HZ: Final = 2.048e6
#: The internal oscillator is right to 2.5 % over temperature (SBAS499C, 7.5).
CLOCK_ERROR: Final = 0.025

_LEAST_TICKS: Final = {"tSCCS": 4, "tSDECODE": 4, "tCSH": 2}
_UPDATE_TICKS: Final = 4
_SAME_US: Final = 0.06
_ROUNDED_US: Final = 1e-3  #: Over a socket times are whole nanoseconds.
_SLOW, _FAST = F_CLK_HZ * (1 - CLOCK_ERROR), F_CLK_HZ * (1 + CLOCK_ERROR)


def spares(facts: BenchFacts, chip: ChipFacts) -> tuple[Spare, ...]:
    """Return each time that was seen, what is left of it, and what would break it."""
    return tuple(_spare(facts, chip, margin) for margin in chip.margins)


def _spare(facts: BenchFacts, chip: ChipFacts, margin: MarginFact) -> Spare:
    if margin.name in _LEAST_TICKS:
        return _least(facts, margin, _LEAST_TICKS[margin.name])
    if margin.name == "before update":
        return _before_update(chip, margin)
    return _unjudged(margin)


def _unjudged(margin: MarginFact, limit_us: float | None = None) -> Spare:
    return Spare(margin.name, margin.us, margin.at_us, limit_us, None, None, None, None, ())


def _least(facts: BenchFacts, margin: MarginFact, ticks: int) -> Spare:
    """Judge a time that must be so many tCLK at least; the host's time does not hang on the clock.

    With the processor `none` the bench itself keeps such a time where it drives CS; that is no
    firmware's merit, and is not judged.
    """
    processor = facts.options.processor
    limit_us = ticks / F_CLK_HZ * 1e6
    kept_us = {"tSCCS": processor.hold_s, "tCSH": processor.pause_s}.get(margin.name, 0.0) * 1e6
    if not processor.call_s and kept_us and -_ROUNDED_US < margin.us - kept_us < _SAME_US:
        return _unjudged(margin, limit_us)
    share_us = _share_s(facts, margin.name) * 1e6
    left = {
        "an oscillator 2.5 % slow": margin.us - ticks / _SLOW * 1e6,
        "an oscillator 2.5 % fast": margin.us - ticks / _FAST * 1e6,
        "a processor twice as fast": margin.us - share_us / 2 - limit_us,
    }
    return _judged(margin, limit_us, left)


def _share_s(facts: BenchFacts, name: str) -> float:
    """Return how much of such a time is the processor's at least, s."""
    processor = facts.options.processor
    if name == "tSDECODE":
        return processor.call_s if facts.n_byte_calls else 0.0
    if name == "tCSH":
        return processor.call_s
    return min(processor.call_s, processor.hold_s)


def _before_update(chip: ChipFacts, margin: MarginFact) -> Spare:
    """Judge what is left from the end of a read to the window before the next DRDY fall."""
    period_ticks = (128 << min(chip.registers[1] & 7, 6)) - _UPDATE_TICKS
    busy_us = period_ticks / chip.f_clk_hz * 1e6 - margin.us
    if busy_us < 0:  # the rate was another one then
        return _unjudged(margin, 0.0)
    left = {
        "an oscillator 2.5 % slow": period_ticks / _SLOW * 1e6 - busy_us,
        "an oscillator 2.5 % fast": period_ticks / _FAST * 1e6 - busy_us,
        "a processor twice as fast": margin.us,
    }
    return _judged(margin, 0.0, left)


def _judged(margin: MarginFact, limit_us: float, left: dict[str, float]) -> Spare:
    broken = [name for name, us in left.items() if us < 0]
    if margin.us < limit_us:
        broken.insert(0, "the clock as it is")
    slow, fast, processor = left.values()
    return Spare(
        margin.name, margin.us, margin.at_us, limit_us, slow, fast, processor,
        not broken, tuple(broken),
    )  # fmt: skip
