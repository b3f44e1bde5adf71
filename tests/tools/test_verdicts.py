"""Every command with a verdict: never green unless all that was asked for was done."""

import json
from pathlib import Path
from typing import NoReturn

import pytest

from emgrig.errors import DeviceError
from emgrig.tools.demo.run import DemoResult, _judge
from shell import Run, Said

pytestmark = pytest.mark.slow

GREEN = ("PASS", "is good", "good -", "none open -", "good or fair")
IN_THE_MIDDLE = {
    "bringup sim:channels=4": "emgrig.hil_tests.measuring.rig.Rig.capture",
    "calibrate noise sim:": "emgrig.calibration.procedures.noise_floor.measure_noise",
    "calibrate gain sim:": "emgrig.calibration.procedures.scale.measure_scale",
    "calibrate clock sim:": "emgrig.calibration.procedures.clock.measure_clock",
    "electrodes sim:": "emgrig.electrodes.check_contact",
    "electrodes sim: --quick": "emgrig.electrodes.check_contact",
    "demo --seconds 8 --speed 20": "emgrig.tools.demo.run._record",
    "registers diff sim:": "emgrig.driver.chip.ads1299.Ads1299.read_registers",
}
"""Commands, and a function in the midst of their work."""


@pytest.fixture
def run(shell: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Run:
    monkeypatch.chdir(str(tmp_path))
    return shell


def greens(said: Said) -> list[str]:
    """Return what of it calls something good."""
    return [word for word in GREEN if word in said.out + said.err]


@pytest.mark.parametrize(("line", "inside"), IN_THE_MIDDLE.items())
@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), (130,)), (DeviceError("it is on fire"), (1, 4))]
)
def test_what_is_broken_off_is_never_called_good(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    inside: str,
    error: BaseException,
    code: tuple[int, ...],
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(inside, broken)
    said = run(line)
    assert said.code in code
    assert greens(said) == []


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("calibrate noise sim:seed=3 --duration 10", "calibrate: PASS - SIMULATED SIM-0003, "),
        ("electrodes sim:seed=4 --quick", "electrodes: none open - SIMULATED SIM-0004, 14 elec"),
        (
            "electrodes sim:seed=4 --channels 2 --seconds 0.5",
            "electrodes: good - SIMULATED SIM-0004, 2 electrodes asked, ",
        ),
        ("registers diff sim:", "no difference from reset (SIMULATED)"),
    ],
)
def test_the_verdict_comes_first_with_what_it_rests_on(run: Run, line: str, first: str) -> None:
    said = run(line)
    assert said.code == 0
    assert said.out.splitlines()[0].startswith(first)


@pytest.mark.parametrize(
    "line",
    [
        "info sim:",
        "registers read sim: ID",
        "registers dump sim:",
        "registers diff sim: facial-emg",
        "record sim: -o a.bdf --duration 0.5",
        "calibrate gain sim:seed=3 --gains 24",
        "electrodes sim:seed=4 --quick",
        "bringup sim:fault=miso-high",
    ],
)
def test_the_json_of_a_simulated_run_says_so(run: Run, line: str) -> None:
    content = json.loads(run(f"{line} --json").out)
    for one in content if isinstance(content, list) else [content]:
        said = [one.get("simulated"), one.get("board"), one.get("verdict")]
        inside = [part for part in said if isinstance(part, dict)]
        assert said[0] is True or any(
            part.get("simulated") or part.get("is_simulated") for part in inside
        )


def test_a_filtered_calibration_says_how_many_channels_it_rests_on(run: Run) -> None:
    line = run("calibrate noise sim:seed=3 --duration 10 --channels 2").out.splitlines()[0]
    assert " of 1 channels, up to " in line
    assert "samples a value" in line


def test_a_demo_that_was_cut_short_fails() -> None:
    result = DemoResult("face", 1, asked_s=14.0, rate_hz=1000.0, conversions=9000)
    _judge(result)
    assert "incomplete: 9.0 of 14 s recorded" in result.problems
    assert result.verdict.startswith("demo: FAIL - SIMULATED, 0 channels, 0 samples")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("demo --report r", "index.html"),
        ("demo --report r", "demo.capture"),
        ("calibrate noise tcp://127.0.0.1:1 --report r", "calibration.json"),
        ("bringup tcp://127.0.0.1:1 --report r", "junit.xml"),
    ],
)
def test_an_earlier_report_is_not_replaced(run: Run, line: str, name: str) -> None:
    made = Path("r") / name
    made.parent.mkdir()
    made.write_text("somebody's")
    said = run(line)
    assert (said.code, said.out) == (5, "")
    assert f"{made} exists" in said.err
    assert "--overwrite" in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert [path.name for path in made.parent.iterdir()] == [name]


def test_the_address_of_a_bring_up_must_be_given(run: Run) -> None:
    assert run("bringup").code == 2
