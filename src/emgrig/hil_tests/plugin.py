"""The pytest plugin: options, fixtures, layers that block, verdicts from measurements.

`pytest_entry` loads it when the suite is named, as in ``pytest --pyargs emgrig.hil_tests --board
ADDRESS``. No other pytest run ever sees it.
"""

import inspect
import os
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.connect import BOARD_VARIABLE
from emgrig.errors import RecordingError
from emgrig.hil_tests.judging.check import (
    CheckInfo,
    CheckResult,
    Layer,
    Level,
    info_of,
    numbers_of,
)
from emgrig.hil_tests.judging.declared import package_checks
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Measure, Outcome, of_arrays, show
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import SOAK_S, BringupRun, RunOptions, refuse_replay, refuse_report
from emgrig.hil_tests.verdict import exit_code, headline, last_line, verdict_lines
from emgrig.names import one_line

RUN = pytest.StashKey[BringupRun]()
INPUTS = ("connected", "open")
"""Electrodes (or resistors in their place) on the inputs, or nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("emgrig bring-up")
    group.addoption("--board", metavar="ADDRESS", help="its address, or sim:; else EMGRIG_BOARD")
    group.addoption("--level", default="quick", choices=list(Level), help="how thorough")
    group.addoption("--limits", default=None, metavar="FILE", help="TOML that overrides limits")
    group.addoption("--soak", default=None, type=float, metavar="S", help="endurance check, s")
    group.addoption("--inputs", default="connected", choices=INPUTS, help="what is on the inputs")
    group.addoption("--only", default="", metavar="B9,B11", help="make these checks alone")
    group.addoption("--keep-going", action="store_true", help="ask on above a layer that failed")
    group.addoption("--report", default=None, metavar="DIR", help="write JSON, HTML and data here")
    group.addoption("--overwrite", action="store_true", help="replace the report of an earlier run")


def pytest_configure(config: pytest.Config) -> None:
    """Make the run of this run, unless who called pytest brought one."""
    if RUN not in config.stash:
        config.stash[RUN] = _run_of(config)
    config.pluginmanager.register(_Witness(config.stash[RUN]))


def _run_of(config: pytest.Config) -> BringupRun:
    level, report = Level(config.getoption("level")), config.getoption("report")
    address = config.getoption("board") or os.environ.get(BOARD_VARIABLE)
    if not address:
        raise pytest.UsageError(
            f"which board? say --board ADDRESS, as --board sim:, or set {BOARD_VARIABLE}"
        )
    try:
        refuse_replay(address)
        refuse_report(report and Path(report), overwrite=config.getoption("overwrite"))
        limits = load_limits(config.getoption("limits"))
    except (RecordingError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error
    options = RunOptions(
        address=address,
        level=level,
        limits=limits,
        soak_s=config.getoption("soak") or SOAK_S[level],
        report=Path(report) if report else None,
        overwrite=config.getoption("overwrite"),
        inputs=config.getoption("inputs"),
        only=numbers_of(config.getoption("only")),
        keep_going=config.getoption("keep_going"),
    )
    return BringupRun(options, Rig(options.address))


# ---- checks -------------------------------------------------------------------------------------


def _info(item: pytest.Item) -> CheckInfo | None:
    return info_of(item.function) if isinstance(item, pytest.Function) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Note which checks belong to the run before any is left out; order those that are made."""
    found = {info.number for item in items if (info := _info(item))}
    result = yield
    run = config.stash[RUN]
    run.asked_for = tuple(sorted(found | package_checks()))
    if run.options.only:
        _pick(config, run.options.only, items)
    _put_in_order(run, items)
    return result


def _pick(config: pytest.Config, only: tuple[str, ...], items: list[pytest.Item]) -> None:
    """Leave out all items but the checks with these numbers; refuse one that nobody has."""
    picked = [item for item in items if (info := _info(item)) and info.number in only]
    if missing := sorted(set(only) - {info.number for item in picked if (info := _info(item))}):
        raise pytest.UsageError(f"--only {missing[0]}: there is no such check among these files")
    config.hook.pytest_deselected(items=[item for item in items if item not in picked])
    items[:] = picked


def _put_in_order(run: BringupRun, items: list[pytest.Item]) -> None:
    """Order the checks by layer and number; refuse two of one number."""
    checks = {item: info for item in items if (info := _info(item))}
    numbers = [info.number for info in checks.values()]
    if twice := {number for number in numbers if numbers.count(number) > 1}:
        raise pytest.UsageError(f"two checks have the number {min(twice)}; give one another")
    last = (len(Layer), "", 0)
    items.sort(key=lambda item: checks[item].order if item in checks else last)
    run.n_checks = len(checks)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a check, or say what blocks it."""
    info = _info(item)
    if info is None:
        return
    run = item.config.stash[RUN]
    if by := run.blocked_by(info):
        pytest.skip(run.block(info, by))
    run.begin(info)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Run a check, and tell pytest what its measurements say."""
    if _info(pyfuncitem) is None:
        return None
    run = pyfuncitem.config.stash[RUN]
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    result = run.run(lambda: pyfuncitem.obj(**arguments))
    pyfuncitem.user_properties.extend(_properties(result))
    if result.outcome is Outcome.SKIPPED:
        pytest.skip(one_line(result.message))
    if result.outcome in (Outcome.FAIL, Outcome.ERROR):
        pytest.fail(one_line(f"{result.info.number} {result.message}"), pytrace=False)
    return True


def _properties(result: CheckResult) -> list[tuple[str, object]]:
    """Return values with units, limits and outcomes as JUnit properties."""
    rows: list[tuple[str, object]] = [
        ("check", result.info.number),
        ("outcome", str(result.outcome)),
        ("samples", str(result.samples)),
    ]
    for measurement in result.measurements:
        name = measurement.name
        for reading in measurement.readings:
            where = "" if reading.channel is None else f"[{reading.channel}]"
            rows.append((name + where, show(reading.value, "")))
        rows += [
            (f"{name}.unit", measurement.unit),
            (f"{name}.limit", measurement.limit.words(measurement.unit)),
            (f"{name}.outcome", str(measurement.outcome)),
        ]
    return rows


# ---- fixtures -----------------------------------------------------------------------------------


@pytest.fixture
def bringup(request: pytest.FixtureRequest) -> BringupRun:
    """Return the run that is on."""
    return request.config.stash[RUN]


@pytest.fixture
def rig(bringup: BringupRun) -> Rig:
    """Return the board under test."""
    return bringup.rig


@pytest.fixture
def measure(bringup: BringupRun) -> Measure:
    """Take values; see `Measure.__call__`."""
    return bringup.measure


@pytest.fixture
def is_full(bringup: BringupRun) -> bool:
    """Say if the run is thorough."""
    return bringup.options.level is Level.FULL


@pytest.fixture
def keep(bringup: BringupRun) -> Callable[..., None]:
    """Keep arrays with the check, if a report is written: ``keep("name", volts=…, rate_hz=…)``."""

    def keep_arrays(name: str, **arrays: NDArray[np.generic] | float) -> None:
        if bringup.options.report is not None:
            bringup.attach(of_arrays(name, arrays))

    return keep_arrays


# ---- end ----------------------------------------------------------------------------------------


_VERDICT = "bringup.py::verdict"


class _Witness:
    """Sees what goes wrong beside the checks: with fixtures, files, tests that are no checks."""

    def __init__(self, run: BringupRun) -> None:
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure that no check stands for."""
        is_told = report.when == "call" and self._run.failed_layer is not None
        if report.failed and not is_told and report.nodeid != _VERDICT:
            self._run.problems.append(f"{report.nodeid.rpartition('::')[2]} ({report.when}) failed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be read as tests."""
        if report.failed:
            self._run.problems.append(f"{report.nodeid or 'the suite'} cannot be collected")


_PROPERTIES = pytest.StashKey[Callable[[str, object], None]]()


@pytest.fixture(scope="session", autouse=True)
def _identity_in_junit(
    request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Keep what writes into the JUnit file: board and verdict are known in the end."""
    request.config.stash[_PROPERTIES] = record_testsuite_property


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find the cause, leave the board as it was, and write the report."""
    bringup = session.config.stash[RUN]
    is_wrong_call = exitstatus == pytest.ExitCode.USAGE_ERROR or bringup.aborted is not None
    if is_wrong_call or session.config.option.collectonly:
        bringup.rig.close()
        return
    bringup.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED and not bringup.problems
    if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        bringup.problems.append("pytest itself went wrong")
    bringup.finish()
    _tell_junit(session.config, bringup)
    if bringup.options.report is not None:
        from emgrig.hil_tests.report import write_report  # matplotlib is slow to import

        write_report(bringup, bringup.options.report)
    if exit_code(bringup) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _tell_junit(config: pytest.Config, run: BringupRun) -> None:
    """Put board and verdict into the JUnit file; a run that is not whole is a failure there too."""
    note = config.stash.get(_PROPERTIES, None)
    for name, value in {**run.facts(), "verdict": last_line(run)}.items():
        if note is not None:
            note(name, value)
    if exit_code(run) and (run.problems or not run.is_complete or run.failed_layer is None):
        report = pytest.TestReport(
            _VERDICT,
            ("bringup.py", 0, "verdict"),
            keywords={},
            outcome="failed",
            longrepr=f"{one_line(headline(run))}\n{one_line(last_line(run))}",
            when="call",
        )
        config.hook.pytest_runtest_logreport(report=report)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say the verdict in the last lines."""
    run = config.stash.get(RUN, None)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if run is not None and run.restored is not None and reporter is not None:
        for line in verdict_lines(run):
            reporter.write_line(one_line(line))
