"""The first word of any command: nothing that takes a second to import is imported for it.

All commands are called one after the other in one process of their own, with their help, wrong
words, files that are not there and a link that is refused. After each it is looked at what has been
imported by then.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emgrig.tools import cli
from properties import is_nightly

pytestmark = pytest.mark.slow

#: What takes long to import, and what a message never needs.
HEAVY = (
    "matplotlib",
    "nicegui",
    "pandas",
    "polars",
    "pyarrow",
    *(
        f"scipy.{part}"
        for part in ("fft", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse")
    ),
    "scipy.special",
    "scipy.stats",
)

#: What a message needs even less: none of it is imported by most, in `MORE` is what is.
SCIENCE = (
    *("construct", "edfio", "jinja2", "numpy", "pydantic", "pytest"),
    *("pygments", "rich.markdown", "rich.traceback", "scipy"),
)

REFUSED = "tcp://127.0.0.1:1"  # nobody may listen on port 1

#: A line and its exit code: words 2, link 3, files 5.
WRONG = {
    f"bringup {REFUSED}": 3,
    "bringup sim:nonsense": 2,
    "bringup replay:none.raw": 5,
    f"calibrate all {REFUSED}": 3,
    f"calibrate noise {REFUSED}": 3,
    "calibrate noise sim:nonsense": 2,
    "calibrate clock replay:none.raw": 5,
    f"calibrate bench {REFUSED} --bench sim": 2,
    f"desk {REFUSED} --port 0": 3,
    "desk sim:nonsense --port 0": 2,
    "desk replay:none.raw --port 0": 5,
    f"electrodes {REFUSED}": 3,
    "electrodes sim:nonsense": 2,
    "electrodes replay:none.raw": 5,
    "session none.toml sim:": 5,
    f"gateway {REFUSED} --tcp :0": 3,
    "gateway sim:nonsense --tcp :0": 2,
    "history none.json": 5,
    "sync none.bdf none.csv": 5,
    "explain nonsense": 2,
    "nonsense": 2,
    "info": 2,
    "info --nonsense": 2,
    "export none.bdf --csv x.csv": 5,
    "export none.bdf --parquet x.parquet": 5,
    "compare none.bdf other.bdf": 5,
    "reproduce --annotations none": 5,
    "view none.bdf": 5,
    "plot none.bdf -o x.png": 5,
    "analyse none.bdf -o x": 5,
    "clock-report --annotations none": 5,
    "grid none --annotations none": 5,
    "indicators none --annotations none": 5,
    "study init none": 5,
    "study run none": 5,
    "study report none": 5,
    "synthetic x --annotations none": 5,
    f"info {REFUSED}": 3,
    "info sim:nonsense": 2,
    "info sim:fault=nonsense": 2,
    "info replay:none.raw": 5,
    f"registers dump {REFUSED}": 3,
    "registers dump sim:source=nonsense": 2,
    "registers decode zz": 2,
    f"registers apply {REFUSED} facial-emg": 3,
    "profiles check none.toml": 5,
    "profiles show nonsense": 2,
    f"record {REFUSED} -o x.bdf": 3,
    "record sim:nonsense -o x.bdf": 2,
    "record replay:none.raw -o x.bdf": 5,
    "convert none.raw": 5,
    "demo --seconds 1": 2,
    "firmware new x --target nonsense": 2,
    "simulate --source nonsense": 2,
}

#: Lines that import some of `SCIENCE`, and why.
MORE = {
    f"bringup {REFUSED}": "that nobody answers is a verdict of the suite",
    "demo --seconds 1": "what is wrong with a number is said by pydantic",
    "info sim:fault=nonsense": "faults are data of the simulator",
    "registers dump sim:source=nonsense": "and so are sources",
}

#: In place of a refused link, and its exit code: none is opened, or what is behind it imported.
ADDRESSES = {
    "nonsense": 2,
    "/dev/nonsense": 2,
    "sim:nonsense": 2,
    "sim:chanels=4": 2,
    "cyton+sim:chanels=4": 2,
    "spi:nonsense": 2,
    "serial:///dev/nonsense": 3,
    "cyton:///dev/nonsense": 3,
    "hackeeg:///dev/nonsense": 3,
    "replay:none.capture": 5,
    "replay:.": 5,
}

IN_A_PROCESS = """
import json, sys
heavy, lines = json.loads(sys.argv[1])
from emgrig.tools.cli import main
told = sys.stdout
for line in lines:
    sys.argv = ["emgrig", *line.split()]
    code = 0
    sys.stdout = sys.stderr
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout = told
    print(json.dumps([line, code, [name for name in heavy if name in sys.modules]]), flush=True)
"""


def told(
    lines: list[str], folder: Path, heavy: tuple[str, ...] = HEAVY
) -> list[tuple[str, int, list[str]]]:
    """Call the lines in one process; the exit code of each, and what had been imported after it."""
    given = json.dumps([heavy, lines])
    run = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, given],
        capture_output=True,
        text=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return [(line, code, heavy) for line, code, heavy in map(json.loads, run.stdout.splitlines())]


def test_no_help_waits_for_what_the_work_needs(tmp_path: Path) -> None:
    lines = ["--help", "--version", *(f"{name} --help" for name in cli.LATER)]
    assert told(lines, tmp_path, HEAVY + SCIENCE) == [(line, 0, []) for line in lines]


def test_no_error_waits_for_what_the_work_needs(tmp_path: Path) -> None:
    first = {line: code for line, code in WRONG.items() if line not in MORE}
    expected = [(line, code, []) for line, code in first.items()]
    assert told(list(first), tmp_path, HEAVY + SCIENCE) == expected


def test_no_error_that_needs_more_waits_for_what_takes_a_second(tmp_path: Path) -> None:
    assert told(list(MORE), tmp_path) == [(line, WRONG[line], []) for line in MORE]
    for line in MORE:  # or it need not stand there
        ((_, _, loaded),) = told([line], tmp_path, SCIENCE)
        assert loaded, line


@pytest.mark.nightly
def test_no_address_that_is_wrong_waits_for_what_the_work_needs(tmp_path: Path) -> None:
    """Every command that takes one, with some of the addresses; at night with all."""
    ones = [line for line in WRONG if REFUSED in line and "--bench" not in line]
    lines = {
        line.replace(REFUSED, address): code
        for line in ones
        for address, code in ADDRESSES.items()
        if not line.startswith("bringup") or (code != 3 and "+" not in address)
    }
    some = list(lines)[:: 1 if is_nightly() else 7]
    assert told(some, tmp_path, HEAVY + SCIENCE) == [(line, lines[line], []) for line in some]


def test_every_command_has_its_wrong_line() -> None:
    """Those without one are asked for nothing, or what they are asked for can hardly be wrong."""
    free = {"attach", "control", "ports", "config", "doctor"}
    assert {line.split()[0] for line in WRONG} >= set(cli.LATER) - free


def test_what_is_looked_for_is_found(tmp_path: Path) -> None:
    lines = ["plot none.bdf -o x.png", "bringup --list"]
    given = json.dumps([["emgrig.hil_tests"], lines])
    run = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, given],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    seen = [json.loads(line)[2] for line in run.stdout.splitlines()]
    assert seen == [[], ["emgrig.hil_tests"]]


USED = """
import sys
from emgrig.tools.common import light_help
light_help.load()
assert not {"rich.markdown", "rich.traceback"} & set(sys.modules)
from typer import rich_utils
shown = rich_utils.Markdown("# a")
trace = rich_utils.Traceback.from_exception(ValueError, ValueError("a"), None)
import rich.markdown, rich.traceback
assert type(shown) is rich.markdown.Markdown
assert type(trace) is rich.traceback.Traceback
"""


def test_what_stands_for_markdown_and_tracebacks_is_them_when_it_is_used() -> None:
    said = subprocess.run([sys.executable, "-c", USED], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
