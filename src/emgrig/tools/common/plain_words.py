"""Words of the command line that are plainly right are taken as they are.

A typer of today turns words into their types by pydantic, which takes longer to import than most
commands need to say that there is no such file. A text for a text, digits for a number, a path that
can be read or is free need none of it. Anything else, a wrong word above all, goes to typer.
"""

import math
import os
import re
from pathlib import Path
from typing import Any, Final, get_args, get_origin

_WHOLE: Final = re.compile("[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class NotPlain(Exception):
    """The value is for typer to judge."""


class _Words:
    """What turns the words of a parameter into values, in place of typer's own `RuntimeParam`."""

    def __init__(self, parameter: Any) -> None:
        self._of_typer = parameter.get_runtime_param

    def __call__(self) -> "_Words":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return what typer would."""
        try:
            return of_parameter(value, param)
        except (NotPlain, AttributeError):  # another typer may keep its parameters otherwise
            return self._of_typer().coerce(value, param=param, ctx=ctx)


def take_for(command: Any) -> None:
    """Have the plain words of a command, or of each of a group, taken as they are."""
    of_click = command.get_params

    def get_params(ctx: Any) -> Any:
        found = of_click(ctx)
        for one in found:
            if hasattr(one, "get_runtime_param") and not isinstance(one.get_runtime_param, _Words):
                one.get_runtime_param = _Words(one)
        return found

    command.get_params = get_params
    for inner in getattr(command, "commands", {}).values():
        take_for(inner)


def of_parameter(value: Any, parameter: Any) -> Any:
    """Return a value, of the command line or a default, as the type of its parameter.

    Raises NotPlain if that takes more than a look.
    """
    has_many = parameter.multiple or parameter.nargs == -1
    if value is None:
        return () if has_many else None
    kind, said = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    if said.parser is not None:
        raise NotPlain
    if not has_many:
        return _one(value, kind, said)
    inside = get_args(kind)
    if get_origin(kind) is not list or not isinstance(value, list | tuple):
        raise NotPlain
    return [_one(one, inside[0], said) for one in value]


def _one(value: Any, kind: Any, said: Any) -> Any:
    if kind is str and type(value) is str:
        return value
    if kind is bool and type(value) is bool:
        return value
    if kind is int:
        return _within(_number(value, int, _WHOLE), said)
    if kind is float:
        return _within(_number(value, float, _DECIMAL), said)
    if kind is Path:
        return _path(value, said)
    raise NotPlain


def _number(value: Any, kind: type[int] | type[float], plain: re.Pattern[str]) -> float:
    if type(value) is str and plain.fullmatch(value):
        return kind(value)
    if type(value) is kind or (kind is float and type(value) is int and abs(value) < 1e15):
        return kind(value)
    raise NotPlain


def _within(value: float, said: Any) -> float:
    """Return a number that is between the bounds of its parameter."""
    low = -math.inf if said.min is None else said.min
    high = math.inf if said.max is None else said.max
    if not math.isfinite(value) or not low <= value <= high:
        raise NotPlain
    return value


def _path(value: Any, said: Any) -> Path:
    """Return a path that can be read, or that there is nothing of yet."""
    asks = (said.exists, said.writable, said.resolve_path, said.allow_dash, said.path_type)
    if any(asks) or not (said.file_okay and said.dir_okay and said.readable):
        raise NotPlain
    if not isinstance(value, Path) and not (type(value) is str and value and "\0" not in value):
        raise NotPlain
    path = Path(value)
    try:
        path.stat()
    except OSError:
        return path
    if not os.access(path, os.R_OK):
        raise NotPlain
    return path
