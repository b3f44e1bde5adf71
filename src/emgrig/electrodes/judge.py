"""From readings to lights, and to what to do, in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from emgrig.calibration.procedures.acquire import Unusable
from emgrig.electrodes.check import (
    SIDES,
    Bias,
    Channel,
    Electrode,
    Finding,
    electrode_words,
)
from emgrig.electrodes.impedance import Reading, shared_with
from emgrig.electrodes.lights import Light, Limits, light_of, worst
from emgrig.electrodes.quiet import ChannelFigures

Where = tuple[int, str]
"""Channel and side."""

BIAS_OFF = (
    "the bias electrode is off: press it on, check its lead; without it no impedance means anything"
)
NOTHING_ON = "every electrode is open, the bias electrode too: is the cable plugged in?"
NOTHING_MEASURED = (
    "no electrode could be measured though none is open: check the bias electrode and its lead"
)
NO_CURRENT = (
    "no lead-off current is seen at any electrode: does the board set LOFF and LOFF_SENSP/N? "
    "(emgrig bringup asks: B16, B17)"
)
OPEN = "{} is open: press it on, check its lead and plug"
ON_BIAS = "{} touches the bias electrode (bridge of gel): wipe between them"
_LARGE_UV = 9999.5
"""From here on it is said in mV."""
_FLOATING = 10.0
"""So many times the limit of mains, and an input floats."""
_MOST = 2 / 3
_FEW_ELECTRODES = 6
"""So many without a current are no chance: three pairs."""
_OTHER = {"p": "n", "n": "p"}


class HasElectrodes(Protocol):
    """Electrodes that were judged, as a `ContactCheck` has them."""

    @property
    def electrodes(self) -> tuple[Electrode, ...]:
        """With their lights."""
        ...


@dataclass(frozen=True)
class Before:
    """What was shown of some electrodes, without a whole check."""

    electrodes: tuple[Electrode, ...]


@dataclass(frozen=True)
class Seen:
    """What the measurements of one check saw.

    There are no `readings` if no impedance was measured; `off` are open by the comparators.
    """

    readings: Mapping[Where, Reading] = field(default_factory=dict)
    off: frozenset[Where] = frozenset()
    bias_off: bool | None = None
    figures: Sequence[ChannelFigures] = ()


def judge_bias(seen: Seen, electrodes: Sequence[Where]) -> Bias:
    """Say what is known of the bias electrode."""
    if seen.bias_off:
        advice = NOTHING_ON if seen.off.issuperset(electrodes) else BIAS_OFF
        return Bias(Light.RED, is_off=True, advice=advice)
    measured = [one for where, one in seen.readings.items() if where not in seen.off]
    if len(measured) > 2 and all(one.impedance is None for one in measured):
        return Bias(Light.RED, is_off=None, advice=NOTHING_MEASURED)
    light = Light.GREY if seen.bias_off is None else Light.GREEN
    return Bias(light, is_off=seen.bias_off, advice="")


def judge_electrodes(
    blanks: Sequence[Electrode], seen: Seen, limits: Limits, previous: HasElectrodes | None
) -> tuple[Electrode, ...]:
    """Fill in electrodes that have their names only: value, light, finding, advice.

    `previous` is what was shown before, for the hysteresis: a whole check, or some electrodes.
    """
    before = {one.electrode: one for one in previous.electrodes} if previous else {}
    if _is_without_current(blanks, seen, limits):
        return tuple(
            replace(one, light=Light.RED, finding=Finding.NO_CURRENT, advice=NO_CURRENT)
            for one in blanks
        )
    open_ones, on_bias = _open_ones(seen, limits), _on_bias(seen, limits)
    # A channel with such an electrode shows the current of all others: it is no witness.
    lost = frozenset(channel for channel, _ in open_ones | on_bias)
    faults = {
        **_touching(seen, limits, lost),
        **{where: (Finding.BRIDGED, ON_BIAS.format(electrode_words(*where))) for where in on_bias},
        **{where: (Finding.OPEN, OPEN.format(electrode_words(*where))) for where in open_ones},
    }
    alone = {}
    for blank in blanks:
        where = blank.channel, blank.side
        if where in faults:
            finding, advice = faults[where]
            alone[where] = replace(blank, light=Light.RED, finding=finding, advice=advice)
        elif where in seen.readings and blank.channel in lost:
            alone[where] = replace(blank, finding=Finding.UNKNOWN)
        else:
            alone[where] = _judge(blank, seen.readings.get(where), limits, before)
    return tuple(
        _compared(one, alone.get((channel, _OTHER[side])), limits, before.get(one.electrode))
        for (channel, side), one in alone.items()
    )


def _is_without_current(blanks: Sequence[Electrode], seen: Seen, limits: Limits) -> bool:
    """Say if no current comes to any electrode: then all of them look shorted, resistors too.

    A bridge of gel is before the series resistors, so a current still drops their voltage. On a
    board without them both look alike; many pairs at once are the board then.
    """
    read = [
        (reading.impedance, one.series_ohm)
        for one in blanks
        if (reading := seen.readings.get((one.channel, one.side))) is not None
    ]
    return len(read) >= _FEW_ELECTRODES and all(
        z is not None and z.value + series_ohm < min(limits.short_ohm, series_ohm / 2 or math.inf)
        for z, series_ohm in read
    )


def _judge(
    blank: Electrode, reading: Reading | None, limits: Limits, before: Mapping[str, Electrode]
) -> Electrode:
    """Judge an electrode that has no fault, and without regard to its partner's value."""
    if reading is None:
        return blank
    if reading.impedance is None:
        return _unread(blank, reading.unusable)
    return _measured(blank, reading, limits, before.get(blank.electrode))


def _open_ones(seen: Seen, limits: Limits) -> frozenset[Where]:
    high = {
        where
        for where, reading in seen.readings.items()
        if reading.impedance is not None and reading.impedance.value >= limits.open_ohm
    }
    return seen.off | high


def _on_bias(seen: Seen, limits: Limits) -> frozenset[Where]:
    """Find electrodes that do not follow the body: gel or a wire joins them to the bias electrode.

    Every current lifts the body by its drop in the bias electrode, which no sound channel sees. In
    a channel whose P is held, N seems to move with all others.
    """
    found = set()
    for channel in {
        channel for reading in seen.readings.values() for channel, _ in reading.shared_ohm
    }:
        drives = [where for where in seen.readings if where[0] != channel]
        for side in SIDES:
            moved = [
                w
                for w in drives
                if (channel, side) in shared_with(seen.readings[w], limits.bridge_ohm)
            ]
            if len(drives) >= 2 and len(moved) > _MOST * len(drives):
                found.add((channel, _OTHER[side]))
    for (channel, side), reading in seen.readings.items():
        partner = seen.readings.get((channel, _OTHER[side]))
        z, other = reading.impedance, partner.impedance if partner else None
        is_short = z is not None and z.value + z.expanded_uncertainty < limits.short_ohm
        if is_short and other is not None and other.value >= limits.short_ohm:
            found.add((channel, side))
    return frozenset(found)


def _touching(seen: Seen, limits: Limits, lost: frozenset[int]) -> dict[Where, tuple[Finding, str]]:
    """Find electrodes that touch one of another channel, or their own partner."""
    found = {}
    for where, reading in seen.readings.items():
        channel, side = where
        others = [w for w in shared_with(reading, limits.bridge_ohm) if w[0] not in lost]
        partner = seen.readings.get((channel, _OTHER[side]))
        both = [one.impedance for one in (reading, partner) if one is not None]
        if others:
            found[where] = Finding.BRIDGED, _wipe(where, others[0])
        elif len(both) == 2 and all(z is not None and z.value < limits.short_ohm for z in both):
            found[where] = Finding.BRIDGED, _wipe((channel, "p"), (channel, "n"))
    return found


def _wipe(one: Where, other: Where) -> str:
    first, second = sorted((one, other), key=lambda where: where[0])
    return (
        f"{electrode_words(*first)} and {electrode_words(*second)} touch (bridge of gel): wipe "
        "between them"
    )


def _unread(blank: Electrode, why: Unusable | None) -> Electrode:
    """Name why an electrode that is not open could not be read."""
    words = electrode_words(blank.channel, blank.side)
    said = why.words if why else "not read"
    if why is not None and why.is_railed:
        advice = f"{words}: channel {said}: re-seat {words}, check its lead"
        return replace(blank, light=Light.RED, finding=Finding.RAILED, advice=advice)
    advice = f"channel {blank.channel}: {said}; see emgrig bringup"
    return replace(blank, light=Light.RED, finding=Finding.FLAT, advice=advice)


def _measured(
    blank: Electrode, reading: Reading, limits: Limits, before: Electrode | None
) -> Electrode:
    assert reading.impedance is not None
    impedance, resistance, farad = reading.impedance, reading.resistance, reading.capacitance
    is_by_value = before is not None and before.finding in (Finding.NONE, Finding.HIGH)
    light = light_of(
        impedance.value,
        limits.green_ohm,
        limits.yellow_ohm,
        hysteresis=limits.hysteresis,
        previous=before.light if before and is_by_value else Light.GREY,
    )
    is_high = light is Light.RED
    words = electrode_words(blank.channel, blank.side)
    return replace(
        blank,
        light=light,
        impedance_ohm=impedance.value,
        impedance_u_ohm=impedance.expanded_uncertainty,
        k=impedance.k,
        resistance_ohm=resistance.value if resistance else None,
        resistance_u_ohm=resistance.expanded_uncertainty if resistance else None,
        capacitance_f=farad.value if farad else None,
        capacitance_u_f=farad.expanded_uncertainty if farad else None,
        method="fit" if resistance else "magnitude",
        n_samples=impedance.n_used,
        finding=Finding.HIGH if is_high else Finding.NONE,
        advice=f"clean skin, new gel at {words}: {kohm(impedance.value)}" if is_high else "",
    )


def _compared(
    one: Electrode, partner: Electrode | None, limits: Limits, before: Electrode | None
) -> Electrode:
    """Make an electrode red that is far above its partner.

    By ratio and by difference: 1 and 4 kohm are both good, 20 and 31 kohm are both fair.
    """
    if one.light is Light.RED or partner is None:
        return one
    larger, smaller = one.impedance_ohm, partner.impedance_ohm
    if larger is None or smaller is None:
        return one
    was_apart = before is not None and before.finding is Finding.APART
    eased = 1 - limits.hysteresis if was_apart else 1.0
    is_apart = larger - smaller > eased * limits.apart_ohm
    if not is_apart or larger <= eased * limits.apart_ratio * max(smaller, 0.0):
        return one
    advice = (
        f"clean skin, new gel at {electrode_words(one.channel, one.side)}: {kohm(larger)} against "
        f"{kohm(smaller)} of {electrode_words(partner.channel, partner.side)}"
    )
    return replace(one, light=Light.RED, finding=Finding.APART, advice=advice)


def kohm(ohm: float) -> str:
    """Return "4.5 kΩ", "45 kΩ"."""
    return f"{ohm / 1e3:.1f} kΩ" if abs(ohm) < 9950 else f"{ohm / 1e3:.0f} kΩ"


def judge_channels(
    figures: Sequence[ChannelFigures],
    names: Mapping[int, str],
    limits: Limits,
    *,
    electrodes: Sequence[Electrode] = (),
    previous: Sequence[Channel] = (),
) -> tuple[Channel, ...]:
    """Give each channel its light and say what to do.

    `figures` come from `quiet_figures`, `electrodes` from the same check; without them lights are
    by the figures alone. `previous` is what was shown before, for the hysteresis.
    """
    before = {one.channel: one for one in previous}
    return tuple(
        _channel(
            one,
            names.get(one.channel, f"channel {one.channel}"),
            limits,
            [electrode for electrode in electrodes if electrode.channel == one.channel],
            before.get(one.channel),
        )
        for one in figures
    )


def _channel(
    figures: ChannelFigures,
    name: str,
    limits: Limits,
    electrodes: Sequence[Electrode],
    before: Channel | None,
) -> Channel:
    rail, mains = _lights(figures, limits, before)
    signal, advice = _signal(figures, rail, mains, limits)
    ohms = [one.impedance_ohm for one in electrodes if one.impedance_ohm is not None]
    has_ratio = len(ohms) == 2 and min(ohms) > 0
    is_explained = any(one.advice for one in electrodes)
    return Channel(
        **{**asdict(figures), "band_hz": figures.band_hz, "same_as": figures.same_as},
        name=name,
        light=worst(signal, *(one.light for one in electrodes)),
        rail_light=rail,
        mains_light=mains,
        imbalance=max(ohms) / min(ohms) if has_ratio else None,
        advice="" if is_explained else advice,
    )


def _lights(figures: ChannelFigures, limits: Limits, before: Channel | None) -> tuple[Light, Light]:
    rail = light_of(
        figures.rail_percent,
        limits.rail_yellow_percent,
        limits.rail_red_percent,
        hysteresis=limits.hysteresis,
        previous=before.rail_light if before else Light.GREY,
    )
    if figures.mains_uv_rms is None:
        return rail, Light.GREY
    mains = light_of(
        figures.mains_uv_rms,
        limits.mains_yellow_uv,
        limits.mains_red_uv,
        hysteresis=limits.hysteresis,
        previous=before.mains_light if before else Light.GREY,
    )
    return rail, mains


def _signal(
    figures: ChannelFigures, rail: Light, mains: Light, limits: Limits
) -> tuple[Light, str]:
    """Return the light by the figures alone, and what to do if it is red."""
    label = f"c{figures.channel}"
    if rail is Light.RED:
        return Light.RED, (
            f"{label} is at the rail ({figures.rail_percent:.0f} % of full scale): press its "
            "electrodes on, check their leads"
        )
    if figures.is_flat:
        return Light.RED, f"{label} is flat (every sample the same): powered down, or broken"
    if figures.same_as:
        others = [f"c{n}" for n in sorted((figures.channel, *figures.same_as))]
        together = f"{', '.join(others[:-1])} and {others[-1]}"
        return Light.RED, f"{together} show the same signal: a bridge of gel, or leads mixed up"
    if mains is Light.RED and figures.mains_uv_rms is not None:
        is_off = figures.mains_uv_rms > _FLOATING * limits.mains_red_uv
        todo = (
            "is one of its electrodes off?"
            if is_off
            else "clean skin, new gel at the worse of its electrodes"
        )
        uv = figures.mains_uv_rms
        size = f"{uv:.0f} µV" if uv < _LARGE_UV else f"{uv / 1e3:.0f} mV"
        said = f"{size} of {figures.mains_hz or 50:g} Hz mains"
        return Light.RED, f"{label}: {said}: {todo}"
    return worst(rail, mains), ""
