"""For pytest: the fixture `lab_board`, and an outcome of its own for what the laboratory did.

``pytest -p emgrig.labgrid.pytest_parts --lg-env ENV.yaml``. A test that ends in an
`InfrastructureFailure` counts as "infrastructure", letter I, and the run ends with
`ExitCode.INFRASTRUCTURE` if nothing else failed: neither is a verdict on a board.
"""

from collections.abc import Generator, Iterator
from typing import Any, Final

import pytest

from emgrig.errors import ExitCode, InfrastructureFailure

_WAIT: Final = "--lab-wait"
_IS_LAB: Final = "is_infrastructure_failure"
_LAB: Final = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how long a place may be waited for."""
    group = parser.getgroup("emgrig laboratory")
    group.addoption(
        _WAIT, type=float, default=60.0, metavar="S", help="wait so long for a place, s (60)"
    )


@pytest.fixture(scope="session")
def lab_places(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Hold the places of the environment file, and give them back; none if it names none."""
    from contextlib import ExitStack

    from emgrig.labgrid.locks import held_place

    env = _environment(request.config)
    names = places_of(env.config.get_targets())
    with ExitStack() as held:
        for name in names:
            held.enter_context(held_place(name, wait_s=request.config.getoption(_WAIT)))
        yield names


@pytest.fixture
def lab_board(request: pytest.FixtureRequest, lab_places: list[str]) -> Any:
    """Return the open `Board` of the target "main"; a test may leave it as it likes."""
    del lab_places  # held meanwhile
    target = _environment(request.config).get_target()
    return target.get_driver("EmgrigDriver").board


def places_of(targets: dict[str, Any]) -> list[str]:
    """Return the names of the remote places that targets have."""
    found: list[str] = []
    for target in targets.values():
        resources = target.get("resources", {})
        for one in resources if isinstance(resources, list) else [resources]:
            place = one.get("RemotePlace")
            if place is not None:
                found += [place["name"]] if "name" in place else list(place)
    return found


def _environment(config: pytest.Config) -> Any:
    from labgrid.pytestplugin.hooks import LABGRID_ENV_KEY

    env = config.stash[LABGRID_ENV_KEY]
    if env is None:
        pytest.skip("no environment file: pytest --lg-env FILE.yaml")
    return env


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark what the laboratory did."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(InfrastructureFailure):
        setattr(report, _IS_LAB, True)
        report.longrepr = f"infrastructure failure: {call.excinfo.value}"
        item.config.stash.setdefault(_LAB, []).append(f"{item.nodeid}: {call.excinfo.value}")
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Tell it as an outcome of its own."""
    if getattr(report, _IS_LAB, False):
        return "infrastructure", "I", "INFRASTRUCTURE"
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with a code of its own if nothing but the laboratory failed."""
    n_lab = len(session.config.stash.get(_LAB, []))
    if n_lab and session.testsfailed == n_lab:
        session.exitstatus = ExitCode.INFRASTRUCTURE


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the laboratory did wrong."""
    for line in config.stash.get(_LAB, []):
        terminalreporter.write_line(f"INFRASTRUCTURE {line}")
