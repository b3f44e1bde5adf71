"""A word that is taken without typer becomes what typer makes of it."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from emgrig.tools.common.plain_words import NotPlain, of_parameter

KINDS: dict[str, Any] = {
    "text": str,
    "flag": bool,
    "whole": int,
    "number": float,
    "path": Path,
    "texts": list[str],
    "wholes": list[int],
    "paths": list[Path],
    "1 to 4": Annotated[int, typer.Option(min=1, max=4)],
    "0.5 to 40": Annotated[float, typer.Option(min=0.5, max=40.0)],
    "at most 2": Annotated[float, typer.Option(max=2)],
}
ASKING_MORE: dict[str, Any] = {
    "path that is there": Annotated[Path, typer.Option(exists=True)],
    "file": Annotated[Path, typer.Option(dir_okay=False)],
    "whole path": Annotated[Path, typer.Option(resolve_path=True)],
    "capitals": Annotated[str, typer.Option(parser=str.upper)],
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 3, 5, -2, 1.5, 0.25, float("nan"), float("inf"), Path("x"), Path()),
    *(
        "",
        " ",
        "x",
        "no",
        "true",
        "0",
        "1",
        "3",
        "4",
        "5",
        "007",
        "-1",
        "+1",
        "1_0",
        " 1",
        "٣",
        "1.",
    ),
    *("1.5", "-0.5", ".5", "1e3", "0.1", "123456789.123456789", "9007199254740993", "nan", "inf"),
    *("9" * 15, "9" * 25, "a\0b", "here", "here/", "none/of/it", "../x", "~", "1\n"),
    *((), [], ("x",), ("1", "2"), ["3", 4], ("here", "x"), (1.5,), ((),)),
)


def parameter(kind: Any) -> Any:
    """Return click's parameter for an option of this kind."""

    def command(one: kind = None) -> None: ...  # type: ignore[valid-type]

    app = typer.Typer(add_completion=False)
    app.command()(command)
    made: Any = typer.main.get_command(app)
    return made.params[0]


@pytest.mark.parametrize("name", KINDS | ASKING_MORE)
def test_a_plain_word_becomes_what_typer_makes_of_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    one = parameter((KINDS | ASKING_MORE)[name])
    if not hasattr(one, "get_runtime_param"):
        pytest.skip("this typer needs no pydantic")
    taken = 0
    for value in VALUES:
        try:
            ours = of_parameter(value, one)
        except NotPlain:
            continue
        theirs = one.get_runtime_param().coerce(value, param=one, ctx=None)
        assert (type(ours), ours) == (type(theirs), theirs), value
        if isinstance(ours, list):
            assert list(map(type, ours)) == list(map(type, theirs)), value
        taken += 1
    assert (taken == 1) if name in ASKING_MORE else (taken > 1), "of those only that there is none"
