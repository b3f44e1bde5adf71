"""Which checks the package has, read from the files that declare them.

To know numbers, layers and questions nothing of the suite is imported: with it come numpy and the
calibration. What stands in a `check` is a text, a layer, needs, or a name for them above it.
"""

import ast
from functools import cache
from importlib.resources import files
from typing import Final

from emgrig.hil_tests.judging.check import CheckInfo, Layer, Need

_ENUMS: Final[dict[str, type[Layer | Need]]] = {"Layer": Layer, "Need": Need}


@cache
def declared_checks() -> tuple[CheckInfo, ...]:
    """Return the checks of the package in their order.

    Raises ValueError if what a check is declared to be is more than a reader can see.
    """
    found = []
    for file in files("emgrig.hil_tests.suite").iterdir():
        if file.name.startswith("test_"):
            found += read_checks(file.read_text("utf-8"), file.name)
    return tuple(sorted(found, key=lambda info: info.order))


@cache
def package_checks() -> frozenset[str]:
    """Return the numbers of the checks that belong to every run: those of the package."""
    return frozenset(info.number for info in declared_checks())


def read_checks(source: str, name: str) -> list[CheckInfo]:
    """Return the checks that a file declares, in its order; `name` is for messages.

    Raises ValueError as `declared_checks`.
    """
    constants: dict[str, ast.expr] = {}
    found = []
    for node in ast.parse(source, name).body:
        match node:
            case ast.Assign([ast.Name(constant)], value):
                constants[constant] = value
            case ast.FunctionDef(decorator_list=decorators):
                for decorator in decorators:
                    match decorator:
                        case ast.Call(ast.Name("check"), arguments, keywords):
                            given = [_value(one, constants, name) for one in arguments]
                            named = {str(k.arg): _value(k.value, constants, name) for k in keywords}
                            found.append(CheckInfo(*given, **named))  # type: ignore[arg-type]
    return found


def _value(node: ast.expr, constants: dict[str, ast.expr], name: str) -> object:
    match node:
        case ast.Constant(value):
            return value
        case ast.Attribute(ast.Name(enum), member) if enum in _ENUMS:
            return _ENUMS[enum][member]
        case ast.Name(constant) if constant in constants:
            return _value(constants[constant], constants, name)
        case ast.Tuple(parts):
            values: list[object] = []
            for part in parts:
                if isinstance(part, ast.Starred):
                    inner = _value(part.value, constants, name)
                    values += inner if isinstance(inner, tuple) else [inner]
                else:
                    values.append(_value(part, constants, name))
            return tuple(values)
    said = ast.unparse(node)
    raise ValueError(f"{name}: {said} in a check is not plain; expected a text, Layer.… or Need.…")
