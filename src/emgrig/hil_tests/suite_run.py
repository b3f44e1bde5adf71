"""The suite in this process: pytest, with what was asked for, in a run that comes back filled."""

from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from emgrig.files import attempt
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.plugin import RUN
from emgrig.hil_tests.run import BringupRun, Observer, RunOptions

JUNIT_FILE = "junit.xml"
_UNFINISHED = f".{JUNIT_FILE}.unfinished"


class _Carrier:
    """Brings a run into pytest, so that who called gets it back filled."""

    def __init__(self, run: BringupRun) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run


def run_suite(options: RunOptions, observer: Observer | None, began: datetime) -> BringupRun:
    """Put all questions to a board; the run says if it was aborted or interrupted.

    RecordingError if the report cannot be written.
    """
    run = BringupRun(options, Rig(options.address), observer=observer, began=began)
    pytest.main(_arguments(options), plugins=[_Carrier(run)])
    _keep_junit(options.report, is_wanted=run.aborted is None)
    if run.aborted is None and not run.interrupted and not (run.asked_for or run.problems):
        raise RuntimeError("pytest found no checks: is the package installed whole?")
    return run


def _arguments(options: RunOptions) -> list[str]:
    here = files("emgrig.hil_tests")
    arguments = [
        str(here / "suite"),
        "-pemgrig.hil_tests.plugin",
        f"--config-file={here / 'suite.toml'}",
        f"--rootdir={here}",
        f"--confcutdir={here}",
    ]
    if options.report is not None:
        arguments.append(f"--junitxml={options.report / _UNFINISHED}")
    return arguments


def _keep_junit(folder: Path | None, *, is_wanted: bool) -> None:
    """Put pytest's file in its place, beside the record; take it away if nothing was asked."""
    unfinished = folder and folder / _UNFINISHED
    if unfinished is None or not unfinished.exists():
        return
    with attempt("write", unfinished):
        if is_wanted:
            unfinished.replace(unfinished.with_name(JUNIT_FILE))
        else:
            unfinished.unlink()
