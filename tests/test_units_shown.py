"""One spelling of units for people: kΩ, µV, µs; kohm and uV stand in keys and files alone.

All words of the source are searched that a person may come to read: texts that are put together
in the code, helps of commands, templates, scripts of pages, and the documents.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import emgrig
from emgrig.names import PLAIN_ERRORS, unit_shown
from places import ROOT

SOURCE = Path(emgrig.__file__).parent
#: A unit that stands for itself, not in a name, a key or an option.
ASCII_UNIT = re.compile(
    r"(?<![\w.\-/=])(?:[kM]?[oO]hms?|u[VA])(?![\w=])|(?<=\d)(?:[kM]?[oO]hms?|u[VA])(?![\w=])"
    r"|(?:(?<=\d)|(?<=\d )|^ )us(?![\w=])|rtHz"  # "us" is a word, too
)
#: A text that is nothing but a unit: what files, limits and options call it.
_ONLY_UNIT = re.compile(r"([kM]?[oO]hm|u[VsA]|\d+uA|nV/rtHz|uV s|uV samples)")
#: What a person types, or a file holds, is quoted as it is typed.
TYPED = (
    *("V, mV, uV or nV", "expected V, mV or uV", "--unit uV, mV", "give unit= (V, mV, uV"),
    *(
        'unit = "uV"',
        "contact 3P 10kohm",
        "6nA, 24nA, 6uA or 24uA",
        "noise_unit uV",
        "6nA, 24nA, 6uA, 24uA",
    ),
    *("tones:100uV@20Hz+50uV@120Hz", "file:PATH?unit=uV", "f64 kohm"),
)
#: Modules that read or write units as others spell them.
MACHINES = {"reading/units.py", "study/tables.py", "simulator/quantities.py", "names.py"}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Return the texts of a module with their lines: no docstring but those of commands."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", ())
        for one in body if isinstance(body, list) else ():
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                is_help = isinstance(node, ast.FunctionDef) and "tools" in path.parts
                is_help &= bool(node.decorator_list) if isinstance(node, ast.FunctionDef) else False
                if not is_help:
                    silent.add(id(one.value))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in silent:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def found_in(text: str) -> list[str]:
    """Return the units of a text that are spelt for machines."""
    if _ONLY_UNIT.fullmatch(text.strip()):
        return []
    for typed in TYPED:
        text = text.replace(typed, "")
    return ASCII_UNIT.findall(text)


def test_no_text_of_the_program_spells_a_unit_for_machines() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line}: {text.strip()!r}"
        for path in sorted(SOURCE.rglob("*.py"))
        if str(path.relative_to(SOURCE)) not in MACHINES
        for line, text in texts(path)
        if found_in(text)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("ending", ["html", "js", "css"])
def test_no_page_does(ending: str) -> None:
    """In templates and scripts the machine's word is asked for in quotes, and never printed."""
    wrong = []
    for path in sorted(SOURCE.rglob(f"*.{ending}")):
        for line, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if found_in(re.sub(r"([\"'])(uV|us|ohm|kohm)\1", "", text)):
                wrong.append(f"{path.relative_to(SOURCE)}:{line}: {text.strip()[:120]}")
    assert not wrong, "\n".join(wrong)


def test_no_document_does() -> None:
    """Code, which is typed or read by machines, stands in backticks, or in blocks."""
    wrong = []
    for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]:
        text = re.sub(r"^```.*?^```", _blank, path.read_text("utf-8"), flags=re.M | re.S)
        for line, words in enumerate(text.splitlines(), start=1):
            if found_in(re.sub(r"`[^`]*`", "", words)):
                wrong.append(f"{path.name}:{line}: {words.strip()[:120]}")
    assert not wrong, "\n".join(wrong)


def _blank(block: re.Match[str]) -> str:
    return "\n" * block[0].count("\n")


def test_the_search_finds_what_it_should(tmp_path: Path) -> None:
    module = tmp_path / "tools" / "one.py"
    module.parent.mkdir()
    module.write_text(
        '"""uV here is for whoever reads the code."""\n'
        "@takes\ndef command(x):\n"
        '    """Good up to 10 kohm."""\n'
        '    say(f"{x} uV, {x:g} us at {x}ohm")\n'
        '    return {"unit": "uV", "series_ohm": 3}\n',
        encoding="utf-8",
    )
    found = [unit for _, text in texts(module) for unit in found_in(text)]
    assert found == ["kohm", "uV", " us"]
    assert found_in("45kohm, 3uV and nV/rtHz") == ["kohm", "uV", "rtHz"]
    assert not found_in("45 kΩ, input_ohm, --ohm, ?unit=uV, of us all")


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        *(("uV", "µV"), ("uV s", "µV s"), ("us", "µs"), ("uA", "µA"), ("nV/rtHz", "nV/√Hz")),
        *(("ohm", "Ω"), ("kohm", "kΩ"), ("kOhm", "kΩ"), ("Mohm", "MΩ"), ("V", "V"), ("", "")),
        ("user", "user"),
    ],
)
def test_a_unit_of_a_file_is_shown_as_people_write_it(unit: str, shown: str) -> None:
    assert unit_shown(unit) == shown


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "c2: 45 kΩ, 3 µV, nV/√Hz, 2 × 10²"),
        ("ascii", "c2: 45 kohm, 3 uV, nV/rtHz, 2 x 102"),
        ("cp1252", "c2: 45 kohm, 3 µV, nV/rtHz, 2 × 10²"),
        ("cp437", "c2: 45 kΩ, 3 µV, nV/√Hz, 2 x 10²"),
    ],
)
def test_what_a_terminal_cannot_write_is_spelt_out(encoding: str, expected: str) -> None:
    text = "c2: 45 kΩ, 3 µV, nV/√Hz, 2 × 10²"
    assert text.encode(encoding, PLAIN_ERRORS).decode(encoding) == expected
    assert "漢".encode("ascii", PLAIN_ERRORS) == b"?"
