"""A contact check on the terminal: lights, values, words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from emgrig.electrodes.judge import kohm
from emgrig.tools.common.output import out, say, say_folded

if TYPE_CHECKING:
    from emgrig.electrodes import Channel, ContactCheck, Electrode, Light

_STYLES = {"green": "green", "yellow": "yellow", "red": "bold red", "grey": "dim"}
_BAR = 8


def show_check(check: "ContactCheck", current: str) -> None:
    """Print a check; `current` says how well the lead-off current is known."""
    say(verdict(check))
    out.print(electrode_table(check))
    for line in legend(check):
        say_folded(line)
    if check.channels:
        out.print()
        out.print(channel_table(check.channels))
        for line in channel_legend(check.channels):
            say_folded(line)
    out.print()
    out.print(Text.assemble("bias electrode: ", _light(check.bias.light), _bias(check)))
    for text in check.findings:
        out.print(_advice(text))
    if not check.findings:
        say(_all_well(check))
    say(_account(check, current))


def verdict(check: "ContactCheck") -> str:
    """Say in a line how it ended, and what that rests on."""
    conditions, board = check.conditions, check.board
    simulated = "SIMULATED " if board.is_simulated else ""
    n_bad = sum(one.light.value == "red" for one in check.electrodes)
    word = "none open" if conditions.is_quick else "good"
    told = word if check.is_good else f"NOT GOOD, {n_bad} red"
    samples = "" if conditions.is_quick else f", {conditions.n_samples} samples each"
    return (
        f"electrodes: {told} - {simulated}{board.serial_number}, {len(check.electrodes)} "
        f"electrodes asked{samples}"
    )


def legend(check: "ContactCheck") -> list[str]:
    """Say what the table of electrodes means."""
    names = "p and n: positive and negative electrode of a channel, c1p that of channel 1"
    if check.conditions.is_quick:
        return [
            names,
            "on: it closes a circuit; how good its contact is was not measured. open: it does not",
        ]
    limits = check.conditions.limits
    good, fair = kohm(limits.green_ohm), kohm(limits.yellow_ohm)
    lights = f"green is good, up to {good}; yellow is fair, up to {fair}; red is poor, above that"
    at = f"at {check.conditions.frequency_hz:g} Hz, the lower the better"
    figure = f"|Z|: impedance of skin and gel {at}: {lights}; grey was not measured"
    return [names, figure, "R and C: what it is made of, side by side"]


def channel_legend(channels: "Sequence[Channel]", *, is_live: bool = False) -> list[str]:
    """Say what the table of channels means."""
    low_hz, high_hz = channels[0].band_hz
    last = "bar: rail %" if is_live else "P:N: the larger |Z| over the smaller"
    rests = f"rest: {low_hz:g} to {high_hz:g} Hz without mains"
    return [
        f"each channel without a test current, rms of {channels[0].n_samples} samples",
        "rail %: of full scale, 100 is too much; offset: between P and N",
        f"mains: how much, at what Hz, how many times the rest; {rests}; {last}",
    ]


def electrode_table(check: "ContactCheck") -> Table:
    """Return a row for each electrode."""
    is_quick = check.conditions.is_quick
    table = _table("electrode", "muscle", "light")
    for name in ("", *(() if is_quick else ("|Z| kΩ", "R kΩ", "C nF"))):
        table.add_column(name, no_wrap=True)
    for one in check.electrodes:
        values = [] if is_quick else _values(one)
        cells = [Text(value) for value in (_remark(one, check), *values)]
        is_judged = not is_quick or one.light.value != "grey"  # a quick look asks only if it is on
        light = _light(one.light) if is_judged else Text("")
        table.add_row(Text(one.electrode), _cut(one.name, 18), light, *cells)
    return table


def channel_table(channels: "Sequence[Channel]", *, is_live: bool = False) -> Table:
    """Return a row for each channel: what it shows while nothing is injected.

    A live one has names and bars, and no impedances.
    """
    table = _table("ch", *(["muscle"] if is_live else []), "light")
    for name in ("rail %", "offset mV", "mains µV", "Hz", "of rest", "rest µV"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("0–100 %" if is_live else "P:N", no_wrap=True)
    for one in channels:
        bar = "█" * round(_BAR * min(one.rail_percent, 100) / 100)
        cells = [
            f"{one.rail_percent:.1f}",
            f"{one.offset_mv:.1f}",
            _number(one.mains_uv_rms),
            "" if one.mains_hz is None else f"{one.mains_hz:g}",
            _number(one.mains_ratio),
            _number(one.rest_uv_rms),
            bar if is_live else _number(one.imbalance),
        ]
        names = [_cut(one.name, 14)] if is_live else []
        table.add_row(Text(f"c{one.channel}"), *names, _light(one.light), *map(Text, cells))
    return table


def live_picture(channels: "Sequence[Channel]") -> Group:
    """Return the channels, and below them what to do."""
    said = dict.fromkeys(one.advice for one in channels if one.advice)
    words = channel_legend(channels, is_live=True) if channels else []
    folded = (Text(line, style="dim", no_wrap=False, overflow="fold") for line in words)
    return Group(channel_table(channels, is_live=True), *folded, *map(_advice, said))


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", caption_justify="left")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _cut(name: str, width: int) -> Text:
    return Text(name if len(name) <= width else f"{name[: width - 1]}…")


def _advice(text: str) -> Text:
    return Text(f"→ {text}", style="bold")


def _light(light: "Light") -> Text:
    return Text(f"● {light.value}", style=_STYLES[light.value])


def _values(one: "Electrode") -> list[str]:
    if one.impedance_ohm is None or one.impedance_u_ohm is None:
        return ["", "", ""]
    resistance = farad = ""
    if one.resistance_ohm is not None and one.resistance_u_ohm is not None:
        resistance = _kohm(one.resistance_ohm, one.resistance_u_ohm)
        farad = "not told"
    if one.capacitance_f is not None and one.capacitance_u_f is not None:
        expanded = one.capacitance_u_f * 1e9
        farad = _both(one.capacitance_f * 1e9, expanded, 1 if expanded < 0.95 else 0)
    return [_kohm(one.impedance_ohm, one.impedance_u_ohm), resistance, farad]


def _kohm(value: float, expanded: float) -> str:
    return _both(value / 1e3, expanded / 1e3, 2 if expanded < 950 else 1)


def _both(value: float, expanded: float, places: int) -> str:
    return f"{value:.{places}f} ± {expanded:.{places}f}"


def _remark(one: "Electrode", check: "ContactCheck") -> str:
    if one.finding.value:
        return one.finding.value
    if check.conditions.is_quick:
        return "on"
    if one.impedance_ohm is None:
        return "not measured"
    return "the first harmonic alone" if one.method == "magnitude" else ""


def _number(value: float | None) -> str:
    return "" if value is None else (f"{value:.2f}" if value < 100 else f"{value:.0f}")


def _bias(check: "ContactCheck") -> str:
    words = {True: " off", False: " on", None: " not found out"}
    return words[check.bias.is_off]


def _all_well(check: "ContactCheck") -> str:
    n = len(check.electrodes)
    if check.conditions.is_quick:
        return f"none of {n} electrodes is open; how good their contact is was not measured"
    n_grey = sum(one.light.value == "grey" for one in check.electrodes)
    return (
        f"{n_grey} of {n} were not measured" if n_grey else f"all {n} electrodes are good or fair"
    )


def _account(check: "ContactCheck", current: str) -> str:
    conditions = check.conditions
    proof = "as before, proved by reading" if check.registers_proved else "NOT as before"
    simulated = "simulated board, " if check.board.is_simulated else ""
    lost = (
        f"{conditions.n_lost} conversions lost, {conditions.n_rejected} samples of settling or too "
        "noisy left out"
    )
    if conditions.is_quick:
        return f"{simulated}{lost}; registers {proof}"
    factors = [one.k for one in check.electrodes if one.k is not None]
    covered = f"; ± is 95 %, k = {max(factors):.2f}" if factors else ""
    return (
        f"{simulated}{current}; {conditions.n_samples} samples an electrode, {lost}{covered}; "
        f"registers {proof}"
    )
