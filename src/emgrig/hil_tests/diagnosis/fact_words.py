"""What a probe found, in words: the record has facts by name, a page has these."""

from collections.abc import Mapping

from emgrig.hil_tests.diagnosis.evidence import Fact
from emgrig.hil_tests.judging.measurement import show

_WORDS: dict[str, tuple[str, str]] = {
    "echo.repeats": ("requests that had to be asked again", ""),
    "echo.stray_bytes": ("bytes between answers that belong to none", ""),
    "echo.slowest_s": ("slowest answer", "s"),
    "wires.reads_01h_as": ("01h written to BIAS_SENSP reads back as", ""),
    "wires.conversions": ("data-ready edges counted in 0.3 s", ""),
    "registers.stable": ("registers read the same twice", ""),
    "registers.at_reset": ("a chip holds its reset values", ""),
    "registers.canary_held": ("the chips hold what the suite wrote", ""),
    "registers.silent": ("every register reads 00h, or FFh", ""),
    "link.packets": ("packets that came in a run at 2000 SPS", ""),
    "link.lost": ("samples lost on the link", ""),
    "link.lost_on_board": ("samples that the board did not read", ""),
    "link.unplaced": ("samples lost on the link or on the board, nobody can tell", ""),
    "link.hole_every": ("one sample is missing every so many (0: not evenly)", ""),
    "link.chips": ("chips on the board", ""),
    "link.repeated": ("samples that came twice", ""),
    "link.backwards": ("packets behind their successor", ""),
    "link.doubled": ("packets with the number of the one before", ""),
    "link.stray_bytes": ("bytes that belong to no packet", ""),
    "link.thrown_away": ("frames that the board threw away", ""),
    "link.lateness_s": ("slowest packet behind the quickest", "s"),
    "link.share_of_rate": ("share of the data rate that arrives", ""),
    "codes.railed": ("channels at full scale with shorted inputs", ""),
    "codes.dead": ("channels that give code 0 always", ""),
    "gains.stuck": ("channels whose gain does not follow its register", ""),
    "gains.stuck_at": ("the gain that they have", ""),
    "gains.wrong_level": ("channels on which the test signal has the wrong size", ""),
    "supplies.avdd_v": ("AVDD, as the chip reads it", "V"),
    "supplies.dvdd_v": ("DVDD, as the chip reads it", "V"),
    "supplies.reference_v": ("reference, if AVDD is 5 V and DVDD a usual value", "V"),
    "supplies.unexplained": ("share of DVDD that a wrong reference would not explain", ""),
    "test_period.found": ("the test signal was found", ""),
    "test_period.ratio": ("samples in its period, over what there should be", ""),
    "bias.electrode_off": ("the bias electrode is off", ""),
    "sides.poor": ("electrodes above 100 kΩ, each measured alone", ""),
}
"""By name: what it is, and its unit."""


_UNITS = {
    "v": "V",
    "mv": "mV",
    "uv": "uV",
    "a": "A",
    "ma": "mA",
    "s": "s",
    "ms": "ms",
    "us": "us",
    "hz": "Hz",
    "db": "dB",
    "ppm": "ppm",
    "c": "°C",
    "ohm": "ohm",
    "percent": "%",
}
"""By the end of a fact's name."""


def told(probes: Mapping[str, Fact | None]) -> list[tuple[str, str]]:
    """Return what it is and what was found, of each; a name that nobody put into words, spaced.

    Its unit is then the end of the name, as in ``u3.die_c``.
    """
    rows = []
    for name, value in probes.items():
        about, unit = _WORDS.get(name) or _spaced(name)
        if isinstance(value, tuple):
            shown = ", ".join(map(str, value)) or "none"
        else:
            shown = show(value, unit)
        rows.append((about, shown))
    return rows


def _spaced(name: str) -> tuple[str, str]:
    probe, _, fact = name.partition(".")
    if fact == "failed":
        return f"could not be asked ({probe.replace('_', ' ')})", ""
    said, _, ending = name.rpartition("_")
    said, unit = (said, _UNITS[ending]) if said and ending in _UNITS else (name, "")
    return said.replace(".", ": ").replace("_", " "), unit
