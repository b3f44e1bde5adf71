"""`emgrig calibrate`, as a shell sees it."""

import json
from pathlib import Path

import pytest

from emgrig.calibration.certificate.certificate_file import read_certificate
from emgrig.simulator.analog.tolerances import Tolerances
from emgrig.tools.calibrate.words import read_channels, read_date, read_integers, read_numbers
from page_check import check_page
from shell import Run

SIM = "'sim:bench&source=silence&seed=4'"


@pytest.fixture
def run(shell: Run) -> Run:
    return lambda line: shell(f"calibrate {line}")


@pytest.mark.slow
def test_noise_is_told_with_its_uncertainty_and_the_band_that_is_left(run: Run) -> None:
    said = run(f"noise {SIM} --channels 1-2 --duration 10")
    assert said.code == 0
    assert "at 1000 SPS the chip is -3 dB at 262 Hz" in said.out
    assert "± 0.00" in said.out
    assert "k = 2.00" in said.out
    assert "as before, proved by reading" in said.out
    assert "12 of 37 other amplifiers" in said.out


@pytest.mark.slow
def test_many_values_are_one_screen(run: Run) -> None:
    said = run(f"noise {SIM} --channels 1-4 --gains 12,24 --duration 10")
    lines = said.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines[2:6])) <= 80
    found = json.loads(run(f"noise {SIM} --channels 1-4 --gains 12,24 --duration 10 --json").out)
    whole = [
        one["value"]
        for one in found["reports"][0]["readings"]
        if one["quantity"] == "noise, whole band" and one["gain"] == 24
    ]
    assert f"24    {min(whole):.4g} to {max(whole):.4g} µV  pass" in said.out
    assert f"{88 - 8} more values, which have no limit" in said.out


@pytest.mark.slow
def test_json_holds_every_reading_and_the_registers(run: Run) -> None:
    said = run(f"noise {SIM} --channels 1 --gains 6,24 --duration 10 --json")
    found = json.loads(said.out)
    (report,) = found["reports"]
    levels = [r for r in report["readings"] if r["quantity"] == "noise, whole band"]
    assert [level["gain"] for level in levels] == [6, 24]
    assert all(level["outcome"] == "pass" and level["n_lost"] == 0 for level in levels)
    assert report["registers"]["before"] == report["registers"]["after"]
    assert report["registers"]["is_restored"] is True
    kinds = {one["comparability"] for one in found["amplifiers"]}
    assert kinds >= {"converted", "limit only", "not comparable"}


@pytest.mark.slow
def test_a_noisy_board_ends_with_exit_code_1(run: Run) -> None:
    said = run("noise 'sim:bench&source=silence&fault=channel-noisy:channel=1' --duration 10")
    assert said.code == 1
    assert "fail" in said.out


@pytest.mark.long
@pytest.mark.slow
def test_all_makes_a_page_and_a_record_that_is_near_the_truth(run: Run, tmp_path: Path) -> None:
    said = run(f"all {SIM} --channels 1,2 --resistors 10000,100000 --save --report {tmp_path}/page")
    assert said.code == 0
    assert "the simulator does it" in said.err
    page = (tmp_path / "page" / "index.html").read_text()
    assert "<svg" in page
    check_page(page, simulated=True)
    for words in ("limit only", "converted", "-3 dB at 262 Hz", "Lead-off current"):
        assert words in page
    assert json.loads((tmp_path / "page" / "calibration.json").read_text())["reports"]
    record = read_certificate(tmp_path / "data" / "emgrig" / "calibration" / "board-SIM-0004.json")
    true = Tolerances.draw(8, 4)
    current = record.lead_off_current_a(2, "n", "24nA")
    assert current is not None
    assert current.value == pytest.approx(24e-9 * (1 + true.lead_off_error[9]), rel=0.006)
    assert [one.role for one in record.instruments] == ["resistors"]


@pytest.mark.slow
def test_the_bench_puts_its_instruments_into_the_record(run: Run, tmp_path: Path) -> None:
    said = run(
        f"bench-gain {SIM} --bench sim --channels 1 --meter-due 2099-01-31 --save "
        f"--calibration {tmp_path}/records"
    )
    assert said.code == 0
    record = read_certificate(tmp_path / "records" / "board-SIM-0004.json")
    assert [one.role for one in record.instruments] == ["generator", "meter", "attenuator"]
    assert "34461A" in record.instruments[1].identity
    true = Tolerances.draw(8, 4)
    gain = record.gain_of(1, 24)
    assert gain.gain.contains((1 + true.gain_error[0, 6]) / (1 + true.reference_error))
    assert gain.offset is not None


@pytest.mark.slow
def test_the_bench_measures_what_it_is_asked_for(run: Run) -> None:
    said = run(f"bench {SIM} --bench sim --channels 1 --what dynamics --json")
    assert said.code == 0
    (report,) = json.loads(said.out)["reports"]
    assert report["title"] == "Dynamics"
    assert run(f"bench {SIM} --bench sim --what nonsense").code == 2


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("noise tcp://127.0.0.1:9", 3, "refused"),
        ("noise nonsense:", 2, "no address"),
        ("noise sim: --gains 5", 2, "gains are (5,)"),
        ("noise sim: --gains x", 2, "expected whole numbers"),
        ("noise sim: --channels 9", 2, "1 to 8"),
        ("noise sim: --duration 1", 2, "10 s or more"),
        ("noise sim: --amplifiers /nowhere.csv", 5, "nowhere"),
        ("noise sim:fault=miso-high", 4, "MISO floats"),
        ("clock sim: --duration 1", 2, "too short"),
        ("leadoff sim: --resistors 100", 2, "two or more different"),
        ("bench-gain tcp://127.0.0.1:9 --bench sim", 2, "--bench sim goes with"),
        ("bench-gain sim: --bench one", 2, "expected two VISA resources"),
        ("bench-gain sim: --bench sim --meter-due soon", 2, "no date"),
    ],
)
def test_bad_input_is_one_clear_line(run: Run, line: str, code: int, words: str) -> None:
    said = run(line)
    assert said.code == code
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_options_are_read_as_people_write_them() -> None:
    assert read_channels("1,3-5") == (1, 3, 4, 5)
    assert read_channels("") is None
    assert read_integers("24,6,24", "gains") == (24, 6)
    assert read_numbers("1e3,10e3", "resistors") == (1000.0, 10_000.0)
    assert read_date("") is None
    with pytest.raises(ValueError, match="1,3-5"):
        read_channels("one")
