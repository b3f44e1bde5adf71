"""Run the suite from a program: `emgrig bringup` is this with a progress bar."""

from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import pytest

from emgrig.files import attempt
from emgrig.hil_tests.judging.check import Level, package_checks
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.plugin import RUN
from emgrig.hil_tests.run import (
    SOAK_S,
    BringupRun,
    Observer,
    RunOptions,
    refuse_replay,
    refuse_report,
)

JUNIT_FILE = "junit.xml"
_UNFINISHED = f".{JUNIT_FILE}.unfinished"


class _Carrier:
    """Brings a run into pytest, so that who called gets it back filled."""

    def __init__(self, run: BringupRun) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run


class BringupInterrupted(KeyboardInterrupt):
    """A person ended the run; `run` holds what came out until then, and its verdict."""

    def __init__(self, run: BringupRun) -> None:
        super().__init__("interrupted")
        self.run = run


def run_bringup(
    address: str,
    *,
    level: Level | str = Level.QUICK,
    report: Path | str | None = None,
    limits: Path | str | None = None,
    soak_s: float | None = None,
    inputs: str = "connected",
    instruments: tuple[str, ...] = (),
    overwrite: bool = False,
    only: Collection[str] = (),
    keep_going: bool = False,
    observer: Observer | None = None,
) -> BringupRun:
    """Put all questions to a board; return the run with results, diagnosis and record.

    Record, page, JUnit file and raw data are written into the folder `report`; `limits` is TOML
    that overrides limits. `soak_s` is the length of the endurance check, s of board time; `inputs`
    says what is on them, "connected" or "open"; `instruments` what else is connected, for the
    record. `only` are the numbers of the checks to make, as ("B9", "B11"): such a run is
    incomplete, whatever comes out. With `keep_going` a failed layer does not block those above it,
    but for link and identity. `observer` is told of each check; see `BringupRun`.

    Raises ValueError if an argument makes no sense or `address` is a replay, and nothing was sent;
    RecordingError if `limits` cannot be read, the folder holds the report of an earlier run and
    `overwrite` does not say that it goes (nothing was sent), or the report cannot be written;
    BringupInterrupted if it was interrupted: the board is left as it was found, and what is known
    is in the report.
    """
    refuse_replay(address)
    if inputs not in ("connected", "open"):
        raise ValueError(f"inputs is {inputs!r}; expected connected or open")
    if soak_s is not None and not 0 < soak_s < float("inf"):
        raise ValueError(f"soak_s is {soak_s}; expected more than 0")
    if unknown := sorted(set(only) - package_checks()):
        raise ValueError(f"there is no check {unknown[0]!r}; emgrig bringup --list says which")
    level = Level(level)
    options = RunOptions(
        address=address,
        level=level,
        limits=load_limits(limits),
        soak_s=soak_s or SOAK_S[level],
        report=Path(report) if report else None,
        inputs=inputs,
        instruments=instruments,
        overwrite=overwrite,
        only=tuple(only),
        keep_going=keep_going,
    )
    refuse_report(options.report, overwrite=overwrite)
    run = BringupRun(options, Rig(address), observer=observer)
    pytest.main(_arguments(options), plugins=[_Carrier(run)])
    _keep_junit(options.report, is_wanted=run.aborted is None)
    if run.aborted is not None:
        raise run.aborted
    if run.interrupted:
        raise BringupInterrupted(run)
    if not run.asked_for and not run.problems:
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
