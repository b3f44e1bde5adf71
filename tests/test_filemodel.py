"""Files as models: what is taken, and what is refused in one line with place, found, expected."""

import datetime as dt
import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt
from hypothesis import given
from hypothesis import strategies as st

from emgrig.errors import RecordingError
from emgrig.filemodel import FileModel, Moment, NoteModel, Rule, Text, load, one_of, plain, read
from emgrig.filetext import parse_toml


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    name: Text
    length_s: Annotated[float, Interval(ge=2, le=120)] = 3.0
    count: int = 1
    pair: tuple[int, float] = (1, 2.0)

    def __post_init__(self) -> None:
        if self.count == 7:
            raise ValueError("seven of them is too many")


@dataclass(frozen=True)
class Sheet(FileModel):
    """A sheet."""

    FORMAT: ClassVar = "sheet 1"

    parts: tuple[Part, ...] = ()
    colour: Colour = Colour.RED
    rule: Literal["a", "b"] = "a"
    made: Moment | None = None
    due: dt.date | None = None
    letter: Annotated[str, Rule("one letter", lambda text: len(text) == 1)] = "x"
    mains: Annotated[float, one_of(50, 60)] = 50.0
    above: Annotated[float, Gt(0), Lt(1)] = 0.5
    least: Annotated[int, Ge(0)] = 0
    most: Annotated[int, Le(9)] = 0
    names: dict[str, float] = field(default_factory=dict)
    either: bool | int | None = None


def sheet(**content: object) -> Sheet:
    return read(Sheet, {"format": "sheet 1", **content}, "sheet a.json")


def test_what_a_model_says_is_taken_and_comes_back() -> None:
    made = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    whole = Sheet(
        (Part("a", 2.5, 3, (4, 5.0)),),
        Colour.BLUE,
        "b",
        made,
        dt.date(2027, 1, 31),
        names={"u": 1.0},
    )
    content = plain(whole)
    assert content["format"] == "sheet 1"
    assert content["made"] == "2026-05-01T12:00:00+00:00"
    assert content["parts"] == [{"name": "a", "length_s": 2.5, "count": 3, "pair": [4, 5.0]}]
    assert read(Sheet, json.loads(json.dumps(content))) == whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"color": "red"}, "there is no color; did you mean 'colour'? There are: parts, colour, r"),
        ({"parts": [{"nam": "a"}]}, "there is no parts[1].nam; did you mean 'name'? There are: n"),
        ({"zzz": 1}, "there is no zzz; there are: parts, colour, "),
        ({"parts": 3}, "parts is 3; a list was expected"),
        ({"parts": [3]}, "parts[1] is 3; a table, [parts[1]], was expected"),
        ({"parts": [{}]}, "parts[1].name is missing; a text in quotes was expected"),
        ({"parts": [{"name": " "}]}, "parts[1].name is ' '; a text in quotes was expected"),
        ({"parts": [{"name": 3}]}, "parts[1].name is 3; a text in quotes was expected"),
        (
            {"parts": [{"name": "a"}, {"name": "b", "length_s": 1}]},
            "parts[2].length_s is 1; a number from 2 to 120 was expected",
        ),
        (
            {"parts": [{"name": "a", "length_s": True}]},
            "parts[1].length_s is True; a number from 2 to 120 was expected",
        ),
        ({"parts": [{"name": "a", "count": 2.5}]}, "count is 2.5; a whole number was expected"),
        ({"parts": [{"name": "a", "count": "2"}]}, "count is '2'; a whole number was expected"),
        ({"parts": [{"name": "a", "pair": [1]}]}, "pair[2] is missing; a number was expected"),
        ({"parts": [{"name": "a", "pair": 1}]}, "parts[1].pair is 1; a list of 2 was expected"),
        ({"parts": [{"name": "a", "count": 7}]}, "parts[1]: seven of them is too many"),
        ({"colour": "green"}, "colour is 'green'; one of 'red', 'blue' was expected"),
        ({"rule": "c"}, "rule is 'c'; one of 'a', 'b' was expected"),
        ({"made": "yesterday"}, "made is 'yesterday'; a date and time with its zone was expected"),
        ({"made": "2026-05-01T12:00:00"}, "a date and time with its zone was expected"),
        ({"due": "x"}, "due is 'x'; a date, as 2026-05-31 was expected"),
        ({"letter": "xy"}, "letter is 'xy'; one letter was expected"),
        ({"mains": 55}, "mains is 55; one of 50, 60 was expected"),
        ({"above": 1.0}, "above is 1.0; a number above 0 and below 1 was expected"),
        ({"above": float("nan")}, "above is nan; a number above 0 and below 1 was expected"),
        ({"least": -1}, "least is -1; a whole number of 0 or more was expected"),
        ({"most": 10}, "most is 10; a whole number of at most 9 was expected"),
        ({"names": {"u": "v"}}, "names.u is 'v'; a number was expected"),
        ({"either": "x"}, "either is 'x'; true or false or a whole number was expected"),
        ({"colour": "x" * 500}, f"colour is '{'x' * 59}…; one of"),
    ],
)
def test_what_is_wrong_is_said_with_place_found_and_expected(
    content: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=r"^sheet a\.json: ") as caught:
        sheet(**content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_that_was_misspelt_is_said_before_the_one_that_is_missing() -> None:
    with pytest.raises(ValueError, match="did you mean 'name'"):
        sheet(parts=[{"nmae": "a"}])


@pytest.mark.parametrize("content", [None, 3, [], {}, {"format": "sheet 2", "zzz": 1}])
def test_another_format_is_said_first(content: object) -> None:
    with pytest.raises(ValueError, match=r"^format is .*; 'sheet 1' was expected$"):
        read(Sheet, content)


def test_a_note_may_come_from_a_later_version() -> None:
    @dataclass(frozen=True)
    class Note(NoteModel):
        count: int

    assert read(Note, {"count": 1, "later": 2}) == Note(1)
    with pytest.raises(ValueError, match="count is '1'"):
        read(Note, {"count": "1"})


# Files.


@dataclass(frozen=True)
class Settings(FileModel):
    """As a person writes them."""

    name: Text = "none"
    part: Part = Part("whole")


@pytest.mark.parametrize(
    "data",
    [
        'name = "Zoë"\n'.encode(),
        'name = "Zoë"\r\n'.encode(),
        b"\xef\xbb\xbf" + 'name = "Zoë"\r\n'.encode(),  # what Windows' Notepad writes
    ],
)
def test_line_ends_and_byte_order_marks_do_no_harm(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(data)
    assert load(tmp_path / "a.toml", Settings, "settings").name == "Zoë"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'name = "\xeb"', "is not a text file in UTF-8"),
        ('name = "a"'.encode("utf-16"), "is not a text file in UTF-8"),
        (b"name = ", "is not TOML: "),
        (b"a = " + b"[" * 100_000, "is not TOML: "),
        (b"part.due = 2026-05-31", "there is no part.due; there are: name, "),
        (b"name = 2026-05-31", "name is {'date': '2026-05-31'}; a text in quotes was expected"),
        (b"part.name = nan", "part.name is nan; a text in quotes was expected"),
    ],
)
def test_a_settings_file_that_cannot_be_read(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"^settings .*a\.toml") as caught:
        load(path, Settings, "settings")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"format": "sheet 1"}x'])
def test_a_sheet_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=r"^sheet .*a\.json") as caught:
        load(path, Sheet, "sheet")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^sheet .*a\.json cannot be read: No such file"):
        load(tmp_path / "a.json", Sheet, "sheet")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(key=st.sampled_from(sorted(plain(Sheet()))), value=_JSON)
def test_whatever_is_in_a_file_it_is_read_or_refused_in_one_line(key: str, value: object) -> None:
    said = "read"
    try:
        read(Sheet, {**plain(Sheet()), key: value}, "sheet")
    except ValueError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert said == "read" or said.startswith("sheet: ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("code = “P01”", "curly quotes"),
        ('file = "C:\\Users\\lab\\a.mp4"', "backslash"),
        ("code = P01", "is not TOML: Invalid"),
    ],
)
def test_what_editors_do_to_toml_is_named(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_toml(f"[participant]\n{line}\n", "plan a.toml")
