"""Faults by name: which there are, how they are written, how they get into a board.

A fault is written ``name`` or ``name:key=value,key=value``. The fault `random` stands for some of
the others, drawn by seed.
"""

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import numpy as np

from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults.actions import locate
from emgrig.simulator.faults.catalogue import ALL_FAULTS
from emgrig.simulator.faults.fault import Fault, FaultSetting, Parameter, number, whole

LOOK_EVERY_S: Final = 0.05  #: How often, in true time, to look whether a run has begun.
AT: Final = Parameter(0.0, "s", "when it begins, true time since power-on")
FAULTS: Final[dict[str, Fault]] = {fault.name: fault for fault in ALL_FAULTS}
"""All faults by name."""

RANDOM: Final = Fault(
    "random",
    "some of the other faults, drawn by seed",
    found_by="",
    cause="",
    parameters={"count": Parameter(1, "", "how many", 1, len(ALL_FAULTS), is_whole=True)},
)


def describe_faults() -> tuple[Fault, ...]:
    """Return all faults and `random`, for a list to be read by a person."""
    return (*ALL_FAULTS, RANDOM)


def parse_fault(text: str) -> FaultSetting:
    """Read ``name`` or ``name:key=value,key=value``.

    Raises
    ------
    ValueError
        Naming what is wrong and what is allowed.
    """
    name, _, rest = text.partition(":")
    fault = RANDOM if name == RANDOM.name else FAULTS.get(name)
    if fault is None:
        near = difflib.get_close_matches(name, FAULTS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no fault {name!r}{hint}; there are {', '.join([*FAULTS, RANDOM.name])}")
    parameters = parameters_of(fault)
    values = {key: parameter.default for key, parameter in parameters.items()}
    for item in rest.split(",") if rest else []:
        key, _, value = item.partition("=")
        if key not in parameters:
            allowed = ", ".join(parameters) or "none"
            raise ValueError(f"fault {name}: no parameter {key!r}; allowed: {allowed}")
        try:
            values[key] = parameters[key].read(value)
        except ValueError as error:
            raise ValueError(f"fault {name}: {key}={error}") from None
    return FaultSetting(name, tuple(values.items()))


def parameters_of(fault: Fault) -> dict[str, Parameter]:
    """Return a fault's parameters, `at` too where it can begin later."""
    is_built_in = fault.switch_on is None
    return dict(fault.parameters) if is_built_in else {"at": AT, **fault.parameters}


def drawn(settings: Iterable[FaultSetting], seed: int) -> tuple[FaultSetting, ...]:
    """Put the faults that `seed` draws in the place of each `random`."""
    made: list[FaultSetting] = []
    rng = np.random.default_rng([seed, 0xFA17])
    for setting in settings:
        if setting.name == RANDOM.name:
            count = whole(dict(setting.values), "count")
            made += [parse_fault(str(name)) for name in rng.choice([*FAULTS], count, replace=False)]
        else:
            made.append(setting)
    return tuple(made)


def clock_factor(settings: Iterable[FaultSetting]) -> float:
    """Return the master clock's frequency over the nominal one."""
    factor = 1.0
    for setting in settings:
        if built_in := FAULTS[setting.name].clock_factor:
            factor *= built_in(dict(setting.values))
    return factor


def _after_start(board: SimulatedBoard, delay_s: float, put_in: Callable[[], None]) -> None:
    """Do `put_in` so long after the first START; look for it now and then."""
    if board.is_streaming:
        board.schedule(board.now_s + delay_s, put_in)
    else:
        board.schedule(board.now_s + LOOK_EVERY_S, partial(_after_start, board, delay_s, put_in))


def switch_on(board: SimulatedBoard, settings: Iterable[FaultSetting], seed: int) -> None:
    """Put faults into a board, each from its time on.

    Raises
    ------
    ValueError
        If the board lacks the channel that a fault is about.
    """
    for place, setting in enumerate(settings):
        action = FAULTS[setting.name].switch_on
        if action is not None:
            values = dict(setting.values)
            for key in ("channel", "other"):
                if key in values:
                    locate(board, whole(values, key))  # refuse it now, not in mid-stream
            put_in = partial(action, board, values, seed * 1000 + place)
            if values.get("from") == "start":
                _after_start(board, number(values, "at"), put_in)
            else:
                board.schedule(number(values, "at"), put_in)
