"""The engine at work on a rig: when it measures, and when something cannot be written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.errors import RecordingError
from emgrig.experiment.course.engine import Engine
from emgrig.experiment.course.steps import Begin, Continue
from emgrig.experiment.driver import SessionDriver
from emgrig.experiment.files.record import SessionRecord
from session_plans import ONE_MOVEMENT, a_plan

RATE_HZ = 1000.0


class FakeRig:
    """Noise with a contraction of 200 uV from 103 s on, of which samples come `lag_s` late."""

    rate_hz = RATE_HZ
    channels = ((5, "zygomaticus major"), (6, "orbicularis oris"))

    def __init__(self, lag_s: float = 0.1, gap: tuple[float, float] = (0.0, 0.0)) -> None:
        self.now_s = 100.0
        self.early_uv = 1.0
        self.marks: list[tuple[str, float | None]] = []
        self.windows: list[tuple[float, float]] = []
        self._lag_s, self._gap = lag_s, gap

    def unix_s(self) -> float:
        return self.now_s

    def mark(self, text: str, unix_s: float | None = None) -> None:
        self.marks.append((text, unix_s))

    def window_uv(self, begin_unix_s: float, end_unix_s: float) -> NDArray[np.float64]:
        self.windows.append((begin_unix_s, end_unix_s))
        t_s = np.arange(round((end_unix_s - begin_unix_s) * RATE_HZ)) / RATE_HZ + begin_unix_s
        uv = np.random.default_rng(1).standard_normal((len(t_s), 2))
        uv[t_s > 103.0, 0] *= 200.0
        uv[(t_s > 101.0) & (t_s < 101.5), 0] *= self.early_uv
        uv[t_s > self.now_s - self._lag_s] = np.nan
        uv[(t_s > self._gap[0]) & (t_s < self._gap[1])] = np.nan
        return uv

    def run_until(self, unix_s: float) -> None:
        self.now_s = unix_s


@pytest.fixture
def driver_on(tmp_path: Path) -> Callable[[FakeRig], SessionDriver]:
    plan = a_plan(tmp_path, part_a=ONE_MOVEMENT)

    def make(rig: FakeRig) -> SessionDriver:
        record = SessionRecord(
            "P01", plan.content(), tuple(c.id for c in plan.part_b.clips), True, ""
        )
        driver = SessionDriver(Engine(plan, record), rig, lambda _: None)
        driver.handle(Begin("P01.bdf"))
        driver.handle(Continue())
        return driver

    return make


def run(driver: SessionDriver, rig: FakeRig, until_s: float) -> None:
    while rig.now_s < until_s:
        rig.run_until(rig.now_s + 0.1)
        driver.tick()


def test_a_contraction_is_measured_when_its_samples_are_there(
    driver_on: Callable[[FakeRig], SessionDriver],
) -> None:
    rig = FakeRig()
    driver = driver_on(rig)
    run(driver, rig, 106.4)
    assert not rig.windows
    run(driver, rig, 106.7)
    (contraction,) = driver.record.contractions
    assert contraction.is_accepted
    assert contraction.begin_unix_s == pytest.approx(103.0, abs=0.11)
    assert rig.windows[-1][0] < contraction.begin_unix_s - 2.0
    text, at_s = rig.marks[-1]
    assert text.startswith("mvc end channel=5 repetition=1 attempt=1 peak_uv=")
    assert at_s == contraction.end_unix_s


def test_what_was_before_the_cue_does_not_count(
    driver_on: Callable[[FakeRig], SessionDriver],
) -> None:
    """White noise of 200 uV rms has an envelope around 160 uV, one of 1000 around 800."""
    rig = FakeRig()
    rig.early_uv = 1000.0
    driver = driver_on(rig)
    run(driver, rig, 107.0)
    peak_uv = driver.record.contractions[0].peak_uv
    assert peak_uv is not None
    assert 140 < peak_uv < 300


def test_samples_that_come_late_are_waited_for(
    driver_on: Callable[[FakeRig], SessionDriver],
) -> None:
    rig = FakeRig(lag_s=1.2)
    driver = driver_on(rig)
    run(driver, rig, 107.1)
    assert rig.windows
    assert not driver.record.contractions
    run(driver, rig, 107.6)
    assert driver.record.contractions[0].is_accepted


@pytest.mark.parametrize("gap", [(104.0, 104.1), (105.0, 1e9)])
def test_samples_that_never_come_are_a_gap(
    driver_on: Callable[[FakeRig], SessionDriver], gap: tuple[float, float]
) -> None:
    rig = FakeRig(gap=gap)
    driver = driver_on(rig)
    run(driver, rig, 108.5)
    assert driver.record.contractions[0].problem == "gap"
    assert "samples were lost" in driver.view.operator


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    plan, rig = a_plan(tmp_path, part_a=ONE_MOVEMENT), FakeRig()

    def fail(_: SessionRecord) -> None:
        raise RecordingError("no room")

    driver = SessionDriver(Engine(plan, SessionRecord("P01", {}, (), True, "")), rig, fail)
    with pytest.raises(RecordingError, match="no room"):
        driver.handle(Begin("P01.bdf"))
    assert driver.view.phase == "ready"
    assert rig.marks[0][0].startswith("session begin")
