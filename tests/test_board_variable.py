"""EMGRIG_BOARD: the address of programs that name none."""

import pytest

import emgrig
from emgrig.connect import BOARD_VARIABLE


def test_a_program_that_names_no_board_takes_the_variable_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(BOARD_VARIABLE, "sim:bench&seed=7")
    with emgrig.connect() as board:
        assert board.identity.serial_number == "SIM-0007"
    with emgrig.connect("sim:seed=8") as board:  # what is named goes first
        assert board.identity.serial_number == "SIM-0008"


@pytest.mark.parametrize("value", [None, ""])
def test_without_either_it_is_an_error_in_a_line(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(BOARD_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(BOARD_VARIABLE, value)
    with pytest.raises(ValueError, match=r"which board\?.* EMGRIG_BOARD$") as caught:
        emgrig.connect()
    assert "\n" not in str(caught.value)


def test_the_suite_takes_it_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["-pemgrig.hil_tests.plugin", "--co", "-q", "-pno:cacheprovider", "--pyargs"]
    named = [*options, "-pno:xdist", "emgrig.hil_tests.verdict"]
    monkeypatch.delenv(BOARD_VARIABLE, raising=False)
    assert pytest.main(named) == pytest.ExitCode.USAGE_ERROR
    assert "or set EMGRIG_BOARD" in capfd.readouterr().err
    monkeypatch.setenv(BOARD_VARIABLE, "sim:")
    assert pytest.main(named) == pytest.ExitCode.NO_TESTS_COLLECTED
