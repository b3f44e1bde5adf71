"""The examples run as they stand."""

import json
import os
import re
import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from emgrig.errors import AddressError, ExitCode, TransportTimeout
from following import PLUGIN
from places import ROOT

pytestmark = pytest.mark.slow

OWN_CHECK = ROOT / "examples" / "own_check.py"
EXAMPLES = sorted(set((ROOT / "examples").glob("*.py")) - {OWN_CHECK})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.setenv("EMGRIG_BOARD", "sim:")
    runpy.run_path(str(path), run_name="__main__")
    assert capfd.readouterr().out


CONNECTING = [one for one in EXAMPLES if "emgrig.connect(" in one.read_text("utf-8")]


def ended(path: Path) -> int:
    """Run an example that ends early; return its exit code."""
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    return int(str(end.value.code))


@pytest.mark.parametrize("path", CONNECTING, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransportTimeout("tcp://192.168.4.1:4299: no answer in 10 s"), ExitCode.LINK),
        (AddressError("'none' is no address"), ExitCode.USAGE),
    ],
    ids=["no-board", "no-address"],
)
def test_an_example_without_a_board_ends_in_one_line(
    path: Path,
    error: Exception,
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.setenv("EMGRIG_BOARD", "sim:")
    monkeypatch.setattr("emgrig.connect", fail)
    assert ended(path) == code
    assert capfd.readouterr() == ("", f"error: {error}\n")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("lost_samples", ExitCode.USAGE),
        ("own_profile", ExitCode.USAGE),
        ("stream", ExitCode.USAGE),
        ("mvc_percent", ExitCode.FILE),  # what it is told is a file
    ],
)
def test_an_example_that_is_told_nonsense_ends_in_one_line(
    name: str, code: ExitCode, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "examples" / f"{name}.py"
    monkeypatch.setenv("EMGRIG_BOARD", "nonsense")
    monkeypatch.setattr(sys, "argv", [str(path), "nonsense"])
    assert ended(path) == code
    said = capfd.readouterr().err
    assert said.startswith("error: ")
    assert "nonsense" in said
    assert said.count("\n") == 1


def test_no_example_talks_to_a_board_in_another_way() -> None:
    """What none of the tests above would run: a script elsewhere below `examples`."""
    others = set((ROOT / "examples").rglob("*.py")) - set(CONNECTING)
    for path in others:
        assert "emgrig.connect(" not in path.read_text("utf-8"), path


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_the_notebook_prints_what_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {}
    notebook = json.loads((ROOT / "examples" / "a_recording.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            said = [
                "".join(one["text"]) for one in cell["outputs"] if one["output_type"] == "stream"
            ]
            assert capsys.readouterr().out == "".join(said)


@pytest.mark.long
def test_an_example_runs_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "stream.py")],
        env={**os.environ, "EMGRIG_BOARD": "sim:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_check_of_ones_own_is_the_one_of_its_page() -> None:
    text = (ROOT / "docs" / "adding-a-check.md").read_text("utf-8")
    parts = re.findall(r"<!-- put: own_check.py -->\n```python\n(.*?)```", text, re.DOTALL)
    assert "".join(parts) == OWN_CHECK.read_text("utf-8")


@pytest.mark.long
def test_the_check_of_ones_own_runs_with_all_others_as_documented(tmp_path: Path) -> None:
    (line,) = re.findall(
        r"^pytest (.* examples/own_check.py .*)$",
        (ROOT / "docs" / "bringup.md").read_text("utf-8"),
        re.MULTILINE,
    )
    has_entry = any(e.value == PLUGIN for e in entry_points(group="pytest11"))
    by_hand = [] if has_entry else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", *by_hand, "-p", "no:cacheprovider", *line.split()]
    done = subprocess.run(
        [*command, "--report", str(tmp_path / "r")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bring-up: PASS - SIMULATED" in done.stdout
    record = json.loads((tmp_path / "r" / "record.json").read_text("utf-8"))
    page = (tmp_path / "r" / "index.html").read_text("utf-8")
    assert "AVDD, as each channel reads it</td>" in page
    assert "u3 output" not in page
    made = {one["number"]: one["outcome"] for one in record["checks"]}
    assert made["X1"] == "pass"
    assert len(made) > 20


def test_the_commands_of_the_snakefile_are_there() -> None:
    from typer.main import get_command

    from emgrig.tools.study.command import app

    text = (ROOT / "examples" / "study" / "Snakefile").read_text("utf-8")
    known = get_command(app).commands  # type: ignore[attr-defined]
    said = re.findall(r"emgrig study (\w+)", text)
    assert set(said) == {"init", "run", "report"} == set(known)
    assert "--only" in {name for one in known["run"].params for name in one.opts}
