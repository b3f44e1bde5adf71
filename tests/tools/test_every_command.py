"""Every command: its help, wrong inputs, what a machine reads, a pipe, and no colours."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bringup_runs import FAKES
from emgrig.hil_tests.measuring import rig
from emgrig.tools import cli
from shell import Run

pytestmark = pytest.mark.slow

#: A line that would do, by command: BOARD, FILE (an input), NEW (an output) are put in. Commands
#: that are asked for nothing, or serve until they are ended, have theirs too: each is called with
#: something wrong in it.
LINES = {
    "attach": "--report NEW -- true",
    "analyse": "FILE -o NEW",
    "bringup": "BOARD",
    "calibrate all": "BOARD",
    "calibrate bench": "BOARD --bench sim",
    "calibrate bench-gain": "BOARD --bench sim",
    "calibrate clock": "BOARD",
    "calibrate crosstalk": "BOARD",
    "calibrate gain": "BOARD",
    "calibrate leadoff": "BOARD",
    "calibrate noise": "BOARD",
    "calibrate sources": "BOARD",
    "clock-report": "--annotations FILE",
    "compare": "FILE FILE",
    "config": "",
    "control": ":1 state",
    "convert": "FILE",
    "demo": "--report NEW",
    "desk": "BOARD",
    "doctor": "",
    "electrodes": "BOARD",
    "explain": "B9",
    "export": "FILE --csv NEW.csv",
    "firmware new": "NEW --target host",
    "gateway": "BOARD --tcp :0",
    "grid": "FILE --annotations FILE",
    "history": "FILE --csv NEW.csv",
    "indicators": "FILE --annotations FILE",
    "info": "BOARD",
    "ports": "",
    "profiles check": "FILE",
    "profiles list": "",
    "profiles show": "facial-emg",
    "record": "BOARD -o NEW.bdf",
    "registers apply": "BOARD facial-emg",
    "registers decode": "00",
    "registers diff": "BOARD",
    "registers dump": "BOARD",
    "registers read": "BOARD ID",
    "registers write": "BOARD CONFIG1=96",
    "reproduce": "--annotations FILE",
    "session": "FILE BOARD",
    "simulate": "--tcp :0",
    "plot": "FILE -o NEW.png",
    "study init": "FILE",
    "study report": "FILE",
    "study run": "FILE",
    "sync": "FILE FILE",
    "view": "FILE",
    "synthetic": "NEW --annotations FILE",
}


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for one in inner:
        yield from _walk(f"{name} {one}", inner[one])


@cache
def commands() -> dict[str, Any]:
    """Return every command by its name."""
    found = [pair for top, one in cli.LATER.items() for pair in _walk(top, one.load(top))]
    return dict(found)


@pytest.fixture
def run(shell: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return shell


def refused(run: Run, line: str, *codes: int) -> str:
    """Call a line that has something wrong; return what it says, which has to be short."""
    said = run(line)
    assert said.code in codes, (line, said)
    assert "Traceback" not in said.out + said.err, line
    assert not re.search("\x1b", said.out + said.err), "no colours in a pipe"
    if "bring-up: FAIL" in said.out:
        return said.out
    assert said.out == "", (line, said.out)
    told = [one for one in said.err.splitlines() if one.startswith("error:")]
    box = [one for one in said.err.splitlines() if one.startswith("│")]
    assert len(told) == 1 or (not told and 1 <= len(box) <= 3), (line, said.err)
    return said.err


def test_each_command_has_its_line() -> None:
    assert set(commands()) == set(LINES)


@pytest.mark.parametrize("columns", [60, 80])
def test_help_fits_and_names_every_option(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, command in commands().items():
        said = run(f"{name} --help")
        assert said.code == 0
        assert said.err == ""
        assert max(map(len, said.out.splitlines())) <= columns, name
        words = set(re.findall(r"--[a-z][a-z0-9-]*", said.out))
        for one in command.params:
            if columns == 80 and one.param_type_name == "option" and not one.hidden:
                assert words & set(one.opts), (name, one.opts)
        assert "--install-completion" not in words, f"{name}: that is of emgrig itself"
        assert not re.search(r"<[a-z]", said.out), f"{name}: a type of Python in its help"
        assert not re.search(r"\[default: +(None|True|False|\[.*\]|\(.*\)|)\]", said.out), name
        if columns < 80:
            continue  # a long word is cut there
        bare = re.sub(r"[\s│]", "", said.out)
        told = [command.help or "", *(one.help or "" for one in command.params)]
        for brackets in re.findall(r"\[.*?\]", "".join(told)):
            assert brackets.replace(" ", "") in bare, f"{name}: {brackets} was taken for markup"


def with_file(name: str, line: str) -> str:
    return f"{name} {line}".replace("NEW", "new").replace("BOARD", "sim:channels=4")


@pytest.mark.parametrize("name", LINES)
def test_an_option_that_there_is_not_and_an_argument_that_is_missing(run: Run, name: str) -> None:
    line = with_file(name, LINES[name]).replace("FILE", "x")
    assert "--nonsense" in refused(run, line.replace(name, f"{name} --nonsense", 1), 2)
    if any(one.required for one in commands()[name].params):
        assert "Missing" in refused(run, name, 2)


NUMBERS = re.compile(r"(--[a-z-]+)(?: +-[a-z])? +[NX] ")
"""Options of a help that take a whole number, N, or any, X."""


@pytest.mark.parametrize("name", LINES)
def test_a_number_that_is_none(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    line = with_file(name, LINES[name]).replace("FILE", "x")
    for option in NUMBERS.findall(run(f"{name} --help").out):
        assert option in refused(run, line.replace(name, f"{name} {option}=many", 1), 2)


OF_BOARDS = [name for name, line in LINES.items() if "BOARD" in line]


@pytest.mark.parametrize("name", [name for name in OF_BOARDS if name != "session"])
@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("nonsense", 2, "is no address"),
        ("cyton+tcp://[fe80::1:99", 2, "cyton+tcp://[fe80::1:99: what stands in brackets"),
        ("sim:fault=nonsense", 2, "nonsense"),
        ("sim:chanels=4", 2, "chanels"),
        ("tcp://127.0.0.1:1", 3, "127.0.0.1:1"),
        ("serial:///dev/nonsense", 3, "/dev/nonsense"),
        ("replay:none.capture", 5, "none.capture"),
    ],
)
def test_a_board_that_is_not_there(
    run: Run, name: str, address: str, code: int, words: str
) -> None:
    line = f"{name} {LINES[name]}".replace("BOARD", f"'{address}'").replace("NEW", "new")
    if "--bench sim" in line and not address.startswith("sim:"):
        line = line.replace("--bench sim", "--bench sim,sim")
    assert words in refused(run, line, code)
    assert not list(Path().iterdir()), "nothing is left behind"


OF_FILES = [name for name, line in LINES.items() if "FILE" in line]


@pytest.mark.parametrize("name", OF_FILES)
def test_a_file_that_is_missing_a_folder_or_broken(run: Run, name: str) -> None:
    Path("folder").mkdir()
    Path("broken.bdf").write_bytes(b"\x00\x01 nothing \xff" * 9)
    Path("broken.toml").write_bytes(b"[[\n")
    ending = "toml" if name in ("session", "profiles check") else "bdf"
    for file in (f"missing.{ending}", "folder", f"broken.{ending}"):
        before = sorted(Path().iterdir())
        line = with_file(name, LINES[name]).replace("FILE", file)
        assert file.partition(".")[0] in refused(run, line, 5)
        assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("name", [name for name, line in LINES.items() if "NEW." in line])
def test_an_output_that_cannot_be_made_is_refused_first(run: Run, name: str) -> None:
    line = with_file(name, LINES[name]).replace("new.", "none/new.").replace("FILE", "x.bdf")
    assert "none" in refused(run, line, 5) or "x.bdf" in refused(run, line, 5)


RESET_HEX = "3C9680600061616161616161610000000000000000000F000000"
QUICK = {
    "bringup": "--list",
    "config": "",
    "doctor": "",
    "explain": "B9",
    "info": "sim:channels=4",
    "ports": "--timeout 0",
    "profiles list": "",
    "registers decode": " ".join(RESET_HEX[:48][n : n + 2] for n in range(0, 48, 2)),
    "registers diff": "sim:channels=4",
    "registers dump": "sim:channels=4",
    "registers read": "sim:channels=4 ID",
    "simulate": "--list-faults",
}
"""Lines that end well, and soon."""
ELSEWHERE = {
    *("analyse", "attach", "clock-report", "compare", "convert", "demo", "electrodes", "export"),
    *(f"calibrate {name}" for name in ("all", "bench", "bench-gain", "clock", "crosstalk")),
    *(f"calibrate {name}" for name in ("gain", "leadoff", "noise", "sources")),
    *("control", "grid", "history", "indicators", "record", "study init", "reproduce", "session"),
    *("study report", "study run", "sync", "synthetic", "profiles check"),
}
"""They take long, or need files: their own tests read their JSON."""


def test_each_command_that_prints_json_is_asked_for_it_somewhere() -> None:
    prints = {n for n, one in commands().items() if any("--json" in p.opts for p in one.params)}
    assert set(QUICK) <= prints
    assert prints <= set(QUICK) | ELSEWHERE


@pytest.mark.parametrize("name", QUICK)
def test_what_a_machine_reads_is_json_alone(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    line = f"{name} {QUICK[name]}"
    said = run(f"{line} --json")
    assert said.code == 0
    json.loads(said.out)
    assert not re.search(r"\(\d+,\)|\((?:'|\d)[^()]*, ", run(line).out), "no tuple of Python"
    assert "\x1b" not in run(line).out


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("no_color", "is_coloured"), [("", True), ("1", False)])
def test_no_color_leaves_no_colour_on_a_terminal(no_color: str, *, is_coloured: bool) -> None:
    """An error is red on a terminal; with NO_COLOR nothing is but bold and plain."""
    import pty

    master, slave = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI", "FORCE_COLOR")}
    env |= {"TERM": "xterm-256color"} | ({"NO_COLOR": no_color} if no_color else {})
    with subprocess.Popen(
        [sys.executable, "-m", "emgrig", "info", "nonsense"],
        stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=env,
    ) as program:  # fmt: skip
        os.close(slave)
        said = b""
        try:
            while piece := os.read(master, 4096):
                said += piece
        except OSError:  # how a pseudo-terminal ends
            pass
    os.close(master)
    assert program.returncode == 2
    codes = {code for one in COLOUR.findall(said.decode()) for code in one[2:-1].split(";")}
    assert bool({c for c in codes if (c and 30 <= int(c) <= 49) or c == "38"}) == is_coloured


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    """As `emgrig explain | head -1` does."""
    with subprocess.Popen(
        [sys.executable, "-m", "emgrig", "explain", "bringup.md"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        said = program.stderr.read()
    assert (program.returncode, said) == (0, b"")


def test_a_board_that_another_program_holds_is_one_code_and_one_wording(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, as with no link: there is no talking to it."""
    for module in (importlib.import_module("emgrig.connect"), rig):
        monkeypatch.setattr(module, "open_transport", lambda *_, **__: FAKES["fake:busy"]())
    for name in ("info", "registers dump", "registers write", "record", "electrodes"):
        line = with_file(name, LINES[name])
        assert "another program holds it" in refused(run, line, 3), name
    said = run("bringup sim:")
    assert said.code == 3
    assert said.out.startswith("Another program holds the board. Next: close it")
    assert "No board" not in said.out
    assert "a board in use at" in said.out.splitlines()[-1]
