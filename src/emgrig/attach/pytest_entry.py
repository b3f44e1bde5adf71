"""The fixture `bench` for tests of firmware, in every environment with this package.

It is the entry point `pytest11`. Nothing else of this package is imported until a test asks for the
fixture; a project's own fixture of that name goes before it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from emgrig.attach.bench import Bench

MARKER: Final = "emgrig_bench"
_HELP: Final = (
    f"{MARKER}(chips=1, channels=8, source='face', faults=(), seed=0, processor='mcu', "
    "reference=False, wired=False, enforce=True, options=None, allow=()): "
    "the simulated bench that the fixture `bench` gives; `allow` names rules that may be broken"
)
_BENCH: Final = pytest.StashKey["Bench"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _HELP)


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> "Bench":
    """Return a bench as the marker `emgrig_bench` has it.

    The test fails if in the end something was lost, torn or wrong, with the first cause of the
    report, unless the marker's `allow` names it.
    """
    from emgrig.attach.pytest_bench import bench_of

    made = bench_of(request.node)
    request.node.stash[_BENCH] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Judge what was done with the bench, when the test's own body is through."""
    try:
        yield
    except BaseException:
        _judge(item, is_told=True)
        raise
    _judge(item, is_told=False)


def _judge(item: pytest.Item, *, is_told: bool) -> None:
    made = item.stash.get(_BENCH, None)
    if made is None:
        return
    from emgrig.attach.pytest_bench import judge

    cause = judge(item, made)
    if cause and not is_told:
        pytest.fail(cause, pytrace=False)
