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
