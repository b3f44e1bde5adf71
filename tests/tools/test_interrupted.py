"""Ctrl-C: one line on the standard error, code 130, and what is left on the disk."""

from pathlib import Path

import pytest

import emgrig
from emgrig.calibration.procedures import noise_floor
from emgrig.driver.chip.register_access import RegisterAccess
from emgrig.electrodes import procedure
from emgrig.tools import profile_commands
from emgrig.tools.sync import example
from shell import Run


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_command_without_words_of_its_own_says_a_line(
    shell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emgrig, "connect", interrupt)
    assert shell("info sim:") == ("", "interrupted; no file is left half written\n", 130)


def test_a_group_says_it_once(shell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_commands, "say", interrupt)
    assert shell("profiles list") == ("", "interrupted; no file is left half written\n", 130)


@pytest.mark.slow
def test_a_calibration_says_that_the_registers_are_back(
    shell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise_floor, "prepare", interrupt)
    said = shell("calibrate noise sim:")
    assert (said.out, said.code) == ("", 130)
    (line,) = said.err.splitlines()
    words = "interrupted; the registers are as before, proved by reading; nothing was written"
    assert line == words


@pytest.mark.slow
@pytest.mark.parametrize("command", ["calibrate noise sim:", "electrodes sim:"])
def test_who_does_not_wait_for_the_registers_is_told_that_nothing_is_proved(
    command: str, shell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (noise_floor, procedure):
        monkeypatch.setattr(module, "prepare", interrupt)
    monkeypatch.setattr(RegisterAccess, "restore", interrupt)
    said = shell(command)
    assert (said.out, said.code) == ("", 130)
    assert "interrupted; it is not proved that the registers are as before" in said.err
    assert "proved by reading" not in said.err


def test_before_anything_was_changed_no_register_is_told_of(
    shell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emgrig, "connect", interrupt)
    assert "register" not in shell("electrodes sim:").err


@pytest.mark.parametrize("stage", ["_record", "_write"])
def test_an_example_is_there_whole_or_not_at_all(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_half(path: Path, *_: object) -> None:
        path.write_text("half")
        if stage == path.suffix:
            raise KeyboardInterrupt

    suffix = {"_record": ".bdf", "_write": ".mp4"}[stage]
    kept = tmp_path / "notes.txt"
    kept.write_text("mine")
    for name in ("opencv", "read_source", "_pictures"):
        monkeypatch.setattr(example, name, lambda *_: None)
    for name in ("_record", "_write"):
        monkeypatch.setattr(example, name, make_half)
    stage = suffix
    with pytest.raises(KeyboardInterrupt):
        example.make_example(tmp_path, overwrite=False)
    assert list(tmp_path.iterdir()) == [kept]
    stage = ""
    made = example.make_example(tmp_path, overwrite=False)  # the same call does it now
    assert sorted(tmp_path.iterdir()) == sorted([made.recording, made.film, kept])
