"""`emgrig electrodes`, as a shell sees it."""

import json
from pathlib import Path

import pytest

import emgrig
from emgrig.driver.board import Board
from emgrig.electrodes import ContactCheck
from emgrig.electrodes.check_file import default_folder
from shell import Run

POOR = "'sim:seed=4&fault=electrode-poor:channel=2,side=n,kohm=60'"


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


@pytest.mark.slow
def test_good_electrodes_are_told_with_uncertainty_account_and_place(run: Run) -> None:
    said = run("electrodes sim:seed=4")
    assert said.code == 0
    lines = said.out.splitlines()
    (first,) = [line for line in lines if line.startswith("c1p")]
    assert "frontalis" in first
    assert "±" in first
    assert "all 14 electrodes are good or fair" in said.out
    assert "bias electrode: ● green on" in said.out
    assert "simulated board" in said.out
    assert "24nA nominal, ± 20 %" in said.out
    assert "emgrig calibrate leadoff" in said.out
    assert "1600 samples an electrode, 0 conversions lost" in said.out
    assert "registers as before, proved by reading" in said.out
    assert max(map(len, lines[:25])) <= 80
    (place,) = [line for line in said.err.splitlines() if "last check" in line]
    assert str(default_folder() / "board-SIM-0004.json") in place
    assert (default_folder() / "board-SIM-0004.json").is_file()


@pytest.mark.long
def test_a_board_whose_current_cannot_be_calibrated_is_not_told_to_do_so(run: Run) -> None:
    said = run("electrodes cyton+sim:seed=3")
    assert said.code == 0
    assert "6nA nominal, ± 20 %; on this board it cannot be calibrated" in said.out
    assert "emgrig calibrate" not in said.out


@pytest.mark.slow
def test_a_capacitance_comes_with_its_uncertainty_or_is_said_not_to_be_told(run: Run) -> None:
    """Beside 0.8 kohm no capacitance shows at 31 Hz."""
    said = run(
        "electrodes 'sim:seed=4&fault=electrode-poor:channel=2,side=n,kohm=0.8' --channels 2"
    )
    good, low = (line for line in said.out.splitlines() if line.startswith(("c2p", "c2n")))
    assert good.count("±") == 3
    assert low.count("±") == 2
    assert low.rstrip().endswith("not told")


@pytest.mark.slow
def test_what_is_wrong_is_told_in_words_and_by_the_exit_code(run: Run) -> None:
    said = run(f"electrodes {POOR}")
    assert said.code == 1
    (words,) = [line for line in said.out.splitlines() if line.startswith("→")]
    assert words.startswith("→ clean skin, new gel at c2 negative: ")


@pytest.mark.slow
def test_a_check_that_cannot_be_kept_is_shown_and_that_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    said = run("electrodes sim:seed=4 --channels 1")
    assert said.code == 5
    assert "c1p" in said.out
    assert "this check is not kept, recordings will not have it: " in said.err
    assert "XDG_DATA_HOME" in said.err


@pytest.mark.slow
def test_limits_are_options(run: Run) -> None:
    board = "sim:seed=4 --channels 1-3"
    usual, wide = (run(f"electrodes {board} {said}") for said in ("", "--green 20000"))
    assert usual.out.count("● yellow") > 0
    for said, good, fair in ((usual, "10 kΩ", "30 kΩ"), (wide, "20 kΩ", "30 kΩ")):
        told = " ".join(said.out.split())
        assert f"green is good, up to {good}; yellow is fair, up to {fair}; red is poor" in told
    assert wide.out.count("● yellow") == 0
    assert wide.code == 0
    assert run(f"electrodes {board} --green 1000 --yellow 2000").code == 1


@pytest.mark.slow
def test_json_is_the_check_and_nothing_else(run: Run) -> None:
    said = run(f"electrodes {POOR} --channels 2 --frequency 7.8125 --current 6nA --json")
    check = ContactCheck.from_json(json.loads(said.out))
    assert said.code == 1
    assert [one.electrode for one in check.electrodes] == ["c2p", "c2n"]
    assert (check.conditions.frequency_hz, check.conditions.current) == (7.8125, "6nA")
    assert check.conditions.n_samples == 4096


@pytest.mark.slow
def test_the_current_is_calibrated_by_the_boards_record(run: Run, tmp_path: Path) -> None:
    board = "sim:seed=4 --channels 2"
    assert run(f"calibrate leadoff {board} --save").code == 0
    said = run(f"electrodes {board} --seconds 0.8")
    assert "24nA calibrated (calibration of board SIM-0004" in said.out
    assert "800 samples an electrode" in said.out
    assert "nominal" in run(f"electrodes {board} --calibration none").out
    assert "nominal" in run(f"electrodes {board} --current 6nA").out  # only 24nA is in it
    elsewhere = run(f"electrodes {board} --calibration {tmp_path}")
    assert (elsewhere.code, elsewhere.err.count("\n")) == (5, 1)
    assert "holds no calibration of SIM-0004" in elsewhere.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("electrode-off:channel=3,side=p", "c3 positive is open"),
        ("bias-off", "the bias electrode is off"),
    ],
)
def test_the_quick_check_names_what_is_open_and_is_not_kept(
    run: Run, fault: str, words: str
) -> None:
    said = run(f"electrodes 'sim:fault={fault}' --quick")
    assert said.code == 1
    assert words in said.out
    assert "kΩ" not in said.out
    assert "samples each" not in said.out
    told = " ".join(said.out.split())
    assert "p and n: positive and negative electrode of a channel, c1p that of channel 1" in told
    assert "on: it closes a circuit; how good its contact is was not measured" in told
    assert "not kept" in said.err
    assert not default_folder().exists()
    good = run("electrodes sim: --quick")
    assert good.code == 0
    assert "none of 14 electrodes is open; how good their contact is was not measured" in good.out


@pytest.mark.slow
def test_watching_shows_channels_for_the_time_that_is_given(run: Run) -> None:
    said = run("electrodes sim:seed=4 --watch --seconds 5 --channels 1,2")
    assert said.code == 0
    assert [line[:2] for line in said.out.splitlines() if line.startswith("c")] == [
        "ch",
        "c1",
        "c2",
    ]
    told = " ".join(said.out.split())
    assert "rms of 3000 samples" in told
    assert "rest: 20 to 450 Hz without mains" in told
    assert "proved by reading" in said.err
    railed = run("electrodes sim:fault=channel-railed:channel=2 --watch --seconds 3")
    assert railed.code == 1
    assert "→ c2 is at the rail (100 % of full scale)" in railed.out


@pytest.mark.slow
def test_watching_ends_well_with_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from emgrig.electrodes import ContactWatch

    real, n_blocks = ContactWatch.feed, 0

    def feed(self: ContactWatch, block: object) -> None:
        nonlocal n_blocks
        n_blocks += 1
        if n_blocks == 200:
            raise KeyboardInterrupt
        real(self, block)  # type: ignore[arg-type]

    monkeypatch.setattr(ContactWatch, "feed", feed)
    said = run("electrodes sim:seed=4 --watch")
    assert said.code == 0
    assert "c7" in said.out


@pytest.mark.slow
def test_a_check_that_is_broken_off_says_that_the_registers_are_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emgrig.electrodes import procedure

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(procedure, "measure_electrode", stop)
    said = run("electrodes sim:seed=4")
    assert said.code == 130
    assert "the registers are as before, proved by reading" in said.err


@pytest.mark.slow
def test_nothing_on_the_board_is_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by watching; the registers are read after all is done."""
    seen: list[list[bytes]] = []
    real = Board.close

    def close(self: Board) -> None:
        if self.chip.files:
            seen.append([file.raw for file in self.chip.read_registers()])
        real(self)

    with emgrig.connect("sim:") as board:
        before = [file.raw for file in board.chip.read_registers()]
    monkeypatch.setattr(Board, "close", close)
    for options in ("", "--quick", "--watch --seconds 2"):
        run(f"electrodes sim: {options}")
    assert seen == [before] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--watch --json", "--watch goes with neither"),
        ("--watch --quick", "--watch goes with neither"),
        ("--current 6uA", "expected 24nA or 6nA"),
        ("--frequency 250", "expected 31.25 or 7.8125"),
        ("--channels 1;3", "expected them as 1,3-5"),
        ("--channels 9", "this board has 1 to 8"),
        ("--green 50000", "rising order"),
        ("--seconds=-1", "more than 0"),
        ("--watch --seconds=-1", "more than 0"),
        ("--profile nothing-like-it", "nothing-like-it"),
    ],
)
def test_wrong_options_are_one_line(run: Run, options: str, words: str) -> None:
    said = run(f"electrodes sim: {options}")
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_board_that_is_not_there_is_exit_code_3(run: Run) -> None:
    assert run("electrodes tcp://127.0.0.1:1").code == 3


@pytest.mark.slow
def test_names_come_from_a_profile(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "jaw.toml"
    profile.write_text('title = "Jaw"\n[channels.1]\nlabel = "c1"\nname = "masseter"\n')
    said = run(f"electrodes sim: --quick --channels 1 --profile {profile}")
    assert "masseter" in said.out
