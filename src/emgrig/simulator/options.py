"""What a simulated board is to be like: the words behind `sim:`, and options of commands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from emgrig.simulator.faults.fault import FaultSetting

MAX_SPEED: Final = float("inf")  #: `speed=max`: virtual time, as fast as the machine can.

PRESETS: Final = {"": "face", "face": "face", "bench": "bench"}
"""Words that may stand first, and the source they stand for."""


@dataclass(frozen=True)
class SimOptions:
    """A simulated board."""

    #: What the electrodes see (see `emgrig.simulator.sources.signals.parse_source`).
    source: str = PRESETS[""]
    faults: "tuple[FaultSetting, ...]" = ()  #: What is wrong, in order.
    seed: int = 0  #: ≥ 0; Which chips, electrodes, noise and accidents.
    #: > 0; Seconds of board time in a second; infinity is as fast as possible, on virtual time.
    speed: float = MAX_SPEED
    chips: int = 1  #: 1 to 4.
    channels: int = 8  #: Of each chip: 4, 6 or 8.
    is_bench: bool = False  #: True: wires instead of electrodes and no mains, as on a bench.
    #: What runs on the board's processor, one of `firmware.model.FIRMWARES`.
    firmware: str = "native"
    #: Traps of that firmware that are mended, by its names for them.
    mended: frozenset[str] = frozenset()


def parse_query(query: str) -> SimOptions:
    """Read what follows ``sim:`` in an address.

    Parameters
    ----------
    query : str
        ``[face|bench][&key=value]…`` with the keys `source`, `fault` (may come several times),
        `seed`, `speed` (`max`, `real` or a number), `chips`, `channels`, `firmware`, and `mended`
        (names with + between). A source may have options of its own behind ``?`` and ``&``; they
        follow it directly.

    Raises
    ------
    ValueError
        Naming what is wrong and what is allowed.
    """
    preset, items = _split(query)
    if preset not in PRESETS:
        raise ValueError(f"sim:{preset}: no such board; there are sim:, sim:face and sim:bench")
    options = SimOptions(source=PRESETS[preset], is_bench=preset == "bench")
    said: dict[str, Any] = {}
    for key, text in items:
        if key not in _READERS:
            raise ValueError(f"sim: no option {key!r}; there are {', '.join(_READERS)}")
        if key in said:
            raise ValueError(f"sim: {key} is given twice")
        value = _READERS[key](text)
        if key == "fault":
            said["faults"] = (*said.get("faults", ()), value)
        else:
            said[key] = value
    return replace(options, **said)


def parse_speed(text: str) -> float:
    """Read a speed: `max` (infinity), `real` (1) or a number above 0.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if text == "max":
        return MAX_SPEED
    try:
        speed = 1.0 if text == "real" else float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < MAX_SPEED:
        raise ValueError(f"speed {text!r}; expected real, max or a number above 0")
    return speed


def _split(query: str) -> tuple[str, list[tuple[str, str]]]:
    """Split a query into preset and options; what only a source can mean stays with it."""
    preset, mark, rest = query.partition("?")
    if not mark or "=" in preset:
        preset, _, rest = query.partition("&")
    if "=" in preset:
        preset, rest = "", query
    items: list[tuple[str, str]] = []
    for item in rest.split("&") if rest else []:
        key, _, value = item.partition("=")
        if items and items[-1][0] == "source" and key not in _READERS:
            items[-1] = ("source", f"{items[-1][1]}&{item}")
        else:
            items.append((key, value))
    return preset, items


def _number(key: str, allowed: range, what: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) not in allowed:
        raise ValueError(f"sim: {key}={text}; expected {what}")
    return int(text)


def _source(text: str) -> str:
    if not text:
        raise ValueError("sim: source= is empty; expected a source, as silence or face")
    return text


def _fault(text: str) -> "FaultSetting":
    from emgrig.simulator.faults.named import parse_fault  # here, for it brings all of them

    return parse_fault(text)


def _firmware(text: str) -> str:
    from emgrig.simulator.firmware.model import FIRMWARES

    if text not in FIRMWARES:
        raise ValueError(f"sim: firmware={text}; there are {', '.join(FIRMWARES.names())}")
    return text


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "source": _source,
    "fault": _fault,
    "seed": partial(_number, "seed", range(2**32), "0 to 4294967295"),
    "speed": parse_speed,
    "chips": partial(_number, "chips", range(1, 5), "1 to 4"),
    "channels": partial(_number, "channels", range(4, 9, 2), "4, 6 or 8"),
    "firmware": _firmware,
    "mended": lambda text: frozenset(text.split("+")),
}
"""What reads the value of each option; all but `fault` are named as in `SimOptions`."""
