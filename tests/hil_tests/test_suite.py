"""How the suite behaves as a pytest suite, and what it does to a board."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

import emgrig
from emgrig.connect import connect
from emgrig.errors import DeviceError, RecordingError
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.check import CheckInfo, CheckResult, Layer, Level
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.measuring.restore import restore
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import BringupRun, RunOptions
from emgrig.hil_tests.suite import test_07_supplies
from emgrig.hil_tests.verdict import exit_code, headline, last_line
from emgrig.protocol.packets import Request, StartArguments, Started
from places import ROOT

ENTRY = "emgrig.hil_tests.pytest_entry"
SUITE = Path(emgrig.__file__).parent / "hil_tests" / "suite"
N_CHECKS = sum(path.read_text("utf-8").count("@check(") for path in SUITE.glob("test_*.py"))


def _a_run() -> BringupRun:
    options = RunOptions("sim:", Level.QUICK, load_limits(), soak_s=1.0)
    return BringupRun(options, Rig("sim:"))


@pytest.mark.long
@pytest.mark.slow
def test_pytest_runs_the_suite_by_its_package_name(tmp_path: Path) -> None:
    # From a clone that was installed before it had the entry point, the module is named by hand.
    has_entry = any(e.value == ENTRY for e in entry_points(group="pytest11"))
    by_hand = [] if has_entry else ["-p", ENTRY]
    command = [
        sys.executable, "-m", "pytest", *by_hand, "--pyargs", "emgrig.hil_tests",
        "--board", "sim:fault=miso-low", "-p", "no:cacheprovider",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    *_, diagnosis, last = run.stdout.strip().splitlines()
    assert diagnosis.startswith("diagnosis: MISO stays low")
    assert last.startswith(
        "bring-up: FAIL - SIMULATED SIM-0000 at sim:fault=miso-low, quick, 1 pass, 1 fail"
    )
    assert f"1 failed, 1 passed, {N_CHECKS - 2} skipped" in run.stdout


def collected(tmp_path: Path, check: str) -> tuple[int, list[str]]:
    """Collect the suite with a check of one's own; return pytest's exit code, and the names."""
    own = tmp_path / "own_check.py"
    own.write_text(
        "from emgrig.hil_tests.judging.check import Layer, check\n"
        f"@check({check}, 'is it?')\n"
        "def test_own(measure): measure('x', 1.0, high=2.0)\n"
    )
    names: list[str] = []

    class Seen:
        def pytest_collection_finish(self, session: pytest.Session) -> None:
            names.extend(item.name for item in session.items)

    options = [
        "-pemgrig.hil_tests.plugin",
        "--board=sim:",
        "--collect-only",
        f"--confcutdir={SUITE}",
    ]
    settings = f"--config-file={SUITE.parent / 'suite.toml'}"
    return pytest.main([str(SUITE), str(own), settings, *options], plugins=[Seen()]), names


@pytest.mark.slow
def test_a_check_of_ones_own_stands_in_its_layer_behind_the_packages(tmp_path: Path) -> None:
    code, names = collected(tmp_path, "'X1', Layer.SUPPLIES")
    assert code == 0
    assert len(names) == N_CHECKS + 1
    place = names.index("test_own")
    assert names[place - 1 : place + 2] == ["test_reference", "test_own", "test_comparators"]


@pytest.mark.slow
def test_two_checks_of_one_number_are_refused(tmp_path: Path) -> None:
    assert collected(tmp_path, "'B9', Layer.NOISE")[0] == pytest.ExitCode.USAGE_ERROR


def test_the_projects_own_tests_do_not_collect_the_suite() -> None:
    import tomllib

    root = ROOT
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    paths = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    assert all(not SUITE.is_relative_to(root / path) for path in paths)


@pytest.mark.slow
def test_a_check_that_measures_nothing_is_an_error() -> None:
    run = _a_run()
    run.begin(CheckInfo("B0", Layer.LINK, "nothing"))
    result = run.run(lambda: None)
    assert result.outcome is Outcome.ERROR
    assert "measured nothing" in result.message
    assert exit_code(run) != 0


def test_what_rests_on_a_failed_layer_is_blocked_and_its_neighbours_are_not() -> None:
    run = _a_run()
    failed = CheckInfo("B9", Layer.NOISE, "noise")
    run.results.append(CheckResult(failed, Outcome.FAIL))
    assert run.blocked_by(CheckInfo("B10", Layer.NOISE, "offset")) is None
    blocker = run.blocked_by(CheckInfo("B13", Layer.SUPPLIES, "temperature"))
    assert blocker is not None
    assert blocker.info.number == "B9"


def test_a_run_that_keeps_going_is_stopped_by_link_and_identity_only() -> None:
    run = _a_run()
    run.options.keep_going = True
    above = CheckInfo("B13", Layer.SUPPLIES, "temperature")
    run.results.append(CheckResult(CheckInfo("B9", Layer.NOISE, "noise"), Outcome.FAIL))
    assert run.blocked_by(above) is None
    run.results.append(CheckResult(CheckInfo("B2", Layer.IDENTITY, "the ID"), Outcome.FAIL))
    blocker = run.blocked_by(above)
    assert blocker is not None
    assert blocker.info.number == "B2"


def test_an_error_of_the_board_fails_the_check_with_its_own_words() -> None:
    run = _a_run()
    run.begin(CheckInfo("B0", Layer.LINK, "a question"))

    def body() -> None:
        raise DeviceError("the board is on fire")

    result = run.run(body)
    assert result.outcome is Outcome.FAIL
    assert result.message == "the board is on fire"


@pytest.mark.slow
def test_the_observer_is_told_of_every_check_twice() -> None:
    told: list[tuple[str, bool, int]] = []
    run = run_bringup(
        "sim:fault=miso-high",
        observer=lambda result, is_done, n: told.append((result.info.number, is_done, n)),
    )
    assert told[:3] == [("B0", False, N_CHECKS), ("B0", True, N_CHECKS), ("B2", False, N_CHECKS)]
    assert len(told) == 2 * len(run.results) == 2 * N_CHECKS


def test_registers_are_put_back_and_proved() -> None:
    rig = Rig("sim:")
    rig.open()
    rig.identify()
    rig.chip.configure(gain=12, mux="normal")
    rig.before = rig.read_raw()
    rig.prepare()
    assert rig.read_raw() != rig.before
    found = restore(rig)
    assert found.proved
    assert found.after == found.before
    assert found.before[0][10:12] == "50"  # CH1SET: gain 12, normal


def test_a_stream_that_ran_runs_again() -> None:
    rig = Rig("sim:")
    rig.open()
    rig.identify()
    rig.streamed_before = True
    found = restore(rig)
    assert found.proved
    assert found.streams_after


def test_a_board_that_streams_for_nobody_is_found_streaming() -> None:
    rig = Rig("sim:")
    rig.open()
    rig.link.request(Request.START, StartArguments(16, 0), Started)
    assert rig.stats().streaming == 1
    rig.close()


@pytest.mark.slow
def test_no_board_is_one_clear_line_and_exit_code_3() -> None:
    run = run_bringup("tcp://127.0.0.1:1")
    assert exit_code(run) == 3
    assert headline(run).startswith("No board at this address")
    assert last_line(run).startswith("bring-up: FAIL - no board at tcp://127.0.0.1:1")
    assert run.diagnosis is not None
    assert any("127.0.0.1:1" in finding for finding in run.diagnosis.because)


@pytest.mark.slow
def test_an_address_or_argument_that_makes_no_sense_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="is no address"):
        run_bringup("nonsense")
    with pytest.raises(ValueError, match="no fault 'nosuch'"):
        run_bringup("sim:fault=nosuch")
    with pytest.raises(ValueError, match="inputs"):
        run_bringup("sim:", inputs="shorted")
    with pytest.raises(ValueError, match="soak_s"):
        run_bringup("sim:", soak_s=-1)
    with pytest.raises(ValueError, match="thorough"):
        run_bringup("sim:", level="thorough")


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(RecordingError, match=r"cannot make the folder .*taken: .*taken is a file"):
        run_bringup("sim:fault=miso-high", report=taken)


@pytest.mark.slow
def test_after_the_suite_the_board_can_be_used() -> None:
    run = run_bringup("sim:fault=miso-high")
    assert run.restored is not None
    with connect("sim:") as board:
        assert board.identity.is_simulated


@pytest.mark.slow
def test_an_interrupted_run_has_no_verdict_and_leaves_the_board_as_it_was() -> None:
    def interrupt(result: CheckResult, is_done: bool, n_checks: int) -> None:
        if result.info.number == "B4" and not is_done:
            raise KeyboardInterrupt

    class Watched(Rig):
        closed = 0

        def close(self) -> None:
            Watched.closed += 1
            super().close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emgrig.hil_tests.suite_run.Rig", Watched)
        with pytest.raises(KeyboardInterrupt):
            run_bringup("sim:", observer=interrupt)
    assert Watched.closed == 1


def test_two_chips_may_read_different_temperatures() -> None:
    """Each has a sensor of its own, right within 2 K or so: that is no spread of its channels."""
    rig = Rig("sim:bench&chips=2&seed=17")
    found: dict[str, list[float]] = {}
    try:
        rig.open()
        rig.identify()
        test_07_supplies.test_temperature(
            rig, lambda name, value, *_, **__: found.setdefault(name, []).append(value)
        )
    finally:
        rig.close()
    celsius = np.array(found["die_temperature"]).reshape(2, 8)
    assert np.ptp(celsius) > 2.0
    assert found["temperature_spread"] == [np.ptp(celsius, axis=1).max()]
    assert found["temperature_spread"][0] < 1.0


def test_one_check_can_be_asked_alone() -> None:
    run = _a_run()
    run.begin(CheckInfo("B13", Layer.SUPPLIES, "temperature"))

    def body() -> None:
        run.rig.chip.configure(mux="temperature", gain=12)
        run.measure("temperature_spread", 0.1, "K")

    assert run.run(body).outcome is Outcome.PASS
    run.finish()
    assert run.restored is not None
    assert run.restored.proved
