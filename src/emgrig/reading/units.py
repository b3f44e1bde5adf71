"""Units of voltage in all writings that files have."""

import re

_PREFIXES = {
    "": 1e6, "k": 1e9, "m": 1e3, "milli": 1e3, "u": 1.0, "micro": 1.0, "n": 1e-3, "nano": 1e-3
}  # fmt: skip
_VOLTAGE = re.compile(r"(k|milli|micro|nano|m|u|n|)v(olts?)?", re.ASCII)
#: A micro sign as UTF-8 read as Latin-1, as a byte that was no UTF-8, and the two of Unicode.
_MICROS = ("Âµ", "Î¼", "Â\x95", "\ufffd", "µ", "μ")
_BRACKETED = re.compile(r"\s*[\[(]([^\])]*)[\])]\s*$")
_BEHIND = re.compile(r"(.*\S)[_/]\s*([a-zµμ]+)\s*$", re.IGNORECASE)


def plain(word: str) -> str:
    """Return a unit without NUL, blanks and brackets, its micro sign as u."""
    bare = word.replace("\0", " ").strip().strip("[]()").strip()
    for micro in _MICROS:
        bare = bare.replace(micro, "u")
    return bare


def microvolts_in(word: str) -> float | None:
    """Return what one of the unit is in uV; None if it is no voltage.

    >>> microvolts_in("[mV]"), microvolts_in("uVolt"), microvolts_in("g")
    (1000.0, 1.0, None)
    """
    found = _VOLTAGE.fullmatch(plain(word).lower())
    return None if found is None else _PREFIXES[found[1]]


def said_in(heading: str) -> tuple[str, str]:
    """Split a heading into name and unit: ``zyg [mV]``, ``zyg (µV)``, ``zyg_uV``, ``zyg/mV``.

    The unit is empty if none is said; behind a stroke or underscore only a voltage or time counts.
    """
    bracketed = _BRACKETED.search(heading)
    if bracketed is not None:
        return heading[: bracketed.start()].strip() or heading.strip(), plain(bracketed[1])
    behind = _BEHIND.fullmatch(heading.strip())
    if behind is not None and (
        microvolts_in(behind[2]) is not None or seconds_in(behind[2]) is not None
    ):
        return behind[1], plain(behind[2])
    return heading.strip(), ""


def seconds_in(word: str) -> float | None:
    """Return what one of the unit of time is in s; None if it is none."""
    return {
        "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
        "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
        "us": 1e-6, "usec": 1e-6, "microsec": 1e-6, "microseconds": 1e-6,
        "min": 60.0, "minutes": 60.0,
    }.get(plain(word).lower())  # fmt: skip
