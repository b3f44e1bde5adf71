"""Files of ours that are damaged: a line that says so and exit code 5, or what they still say."""

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emgrig.calibration.certificate.certificate_file import read_certificate
from emgrig.electrodes.check_file import last_check
from emgrig.errors import RecordingError
from emgrig.experiment.files.record import SessionRecord, read_record, write_record
from emgrig.filetext import MOST_DEPTH, parse_json, parse_toml, read_text
from emgrig.recording.export.source import open_parts
from json_damage import damaged
from properties import runs
from shell import Run

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "tables and lists deep"),
        ('{"a":' * (MOST_DEPTH + 1) + "1" + "}" * (MOST_DEPTH + 1), "tables and lists deep"),
        ("[" + "[]," * 2_000_000 + "1]", "more than 1000000 values"),
        ('"' + "x" * (33 << 20) + '"', "more than 32 MB"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        ("\x00", "is not JSON"),
    ],
)
def test_size_and_depth_of_json_are_limited_before_it_is_believed(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_json(text, "a file")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a" + ".a" * 5000 + " = 1", "[a" + ".a" * 99 + "]"]
)
def test_depth_of_toml_is_limited(text: str) -> None:
    with pytest.raises(ValueError, match="tables and lists deep"):
        parse_toml(text, "a file")
    with pytest.raises(ValueError, match="more than 1 MB"):
        parse_toml("#" * (2 << 20), "a file")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it is no file"):
        read_text(tmp_path, "a folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="it is no file"):
            read_text(tmp_path / "pipe", "a pipe")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, a calibration, a check of electrodes and a session."""
    from emgrig.tools import cli

    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        for line in (
            f"record sim:seed=4 -o {folder}/a.bdf --duration 0.5",
            f"calibrate gain sim:seed=4 --gains 24 --save --calibration {folder}/c.json",
            "electrodes sim:seed=4 --channels 1 --seconds 0.5",
        ):
            patch.setattr("sys.argv", ["emgrig", *line.split()])
            with pytest.raises(SystemExit):
                cli.main()
    write_record(folder / "s.json", SessionRecord("P01", {"a": {"b": 1}}, ("k1",), False, "x"))
    return folder


def _part(folder: Path, raw: bytes) -> None:
    (folder / "a.json").write_bytes(raw)
    (part,) = open_parts([folder / "a.bdf"])
    assert part.registers
    assert part.gaps.shape[1] == 2


def _check(folder: Path, raw: bytes) -> None:
    (folder / "board-SIM-0004.json").write_bytes(raw)
    last_check("SIM-0004", is_simulated=True, now=NOW, folder=folder)


def _certificate(folder: Path, raw: bytes) -> None:
    (folder / "c.json").write_bytes(raw)
    read_certificate(folder / "c.json")


def _session(folder: Path, raw: bytes) -> None:
    (folder / "s.json").write_bytes(raw)
    read_record(folder / "s.json")


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("a.json", _part),
        ("data/emgrig/contact/board-SIM-0004.json", _check),
        ("c.json", _certificate),
        ("s.json", _session),
    ],
)
def test_damage_is_one_line_or_does_no_harm(
    made: Path, tmp_path: Path, name: str, reads: Callable[[Path, bytes], None]
) -> None:
    (tmp_path / "a.bdf").write_bytes((made / "a.bdf").read_bytes())
    refused: list[str] = []
    for raw in damaged((made / name).read_text("utf-8"), runs(150, nightly=3000), seed=1):
        try:
            reads(tmp_path, raw)
        except RecordingError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not [words for words in refused if "\n" in words]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["{", "[" * 5000, json.dumps({"format": "emgrig recording 2"}), "\x00"]
)
def test_a_damaged_file_is_exit_code_5(shell: Run, made: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.bdf").write_bytes((made / "a.bdf").read_bytes())
    for name in ("a.json", "s_session.json", "c.json"):
        (tmp_path / name).write_text(text)
    for line in (
        f"export {tmp_path}/a.bdf --csv {tmp_path}/a.csv",
        f"desk sim: --mvc {tmp_path}/s_session.json --port 0",
        f"record sim: -o {tmp_path}/b.bdf --duration 1 --calibration {tmp_path}/c.json",
    ):
        said = shell(line)
        assert said.code == 5, (line, said)
        errors = [one for one in said.err.splitlines() if not one.startswith("no calibration")]
        assert len(errors) == 1, said.err
