"""The OpenBCI GUI of all versions, its SD card, and BrainFlow, as they write their files."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from reading import made


@pytest.mark.parametrize("version", made.OPENBCI)
@pytest.mark.parametrize("channels", [4, 8, 16])
def test_every_version_gives_its_channels(tmp_path: Path, version: int, channels: int) -> None:
    one = made.take(300, 250, at=100, channels=channels)
    found = open_recording(made.openbci(tmp_path / "a.txt", one, one.number % 256, version))
    assert found.labels == tuple(f"EXG {i + 1}" for i in range(channels))
    np.testing.assert_allclose(found.matrix(), one.values)
    assert (found.rate_hz, found.units[0], found.source) == (250, "uV", "OpenBCI text")


def test_the_row_of_zeros_of_version_5_is_no_sample(tmp_path: Path) -> None:
    one = made.take(300, 250, channels=8)
    found = open_recording(made.openbci(tmp_path / "a.txt", one, one.number % 256, 5))
    assert found.values(0)[0] == one.values[0, 0]


def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    one = made.take(300, 250, channels=8)
    path = made.openbci(tmp_path / "a.txt", one, one.number % 256, 6)
    path.write_text(path.read_text()[:-130])
    assert open_recording(path).n_samples == 299


def test_losses_are_gaps_and_said(tmp_path: Path) -> None:
    one = made.without(made.take(900, 250, channels=8), 300, 640)
    found = open_recording(made.openbci(tmp_path / "a.txt", one, one.number % 256, 6))
    assert found.runs.gaps.tolist() == [[300, 640]]
    assert found.remarks[0] == "340 samples were lost and are marked as gaps"


def test_a_rate_that_is_said_nowhere_is_asked_for(tmp_path: Path) -> None:
    one = made.take(300, 250, channels=8)
    path = made.openbci(tmp_path / "a.txt", one, one.number % 256, 6)
    path.write_text(path.read_text().replace("%Sample Rate = 250 Hz\n", ""))
    path.write_text(path.read_text().replace("%Sample Rate = 250.0 Hz\n", ""))
    with pytest.raises(RecordingError, match="--rate"):
        open_recording(path)
    assert open_recording(path, rate_hz=250).n_samples == 300


def test_more_channels_than_columns_are_refused(tmp_path: Path) -> None:
    one = made.take(300, 250, channels=8)
    path = made.openbci(tmp_path / "a.txt", one, one.number % 256, 4)
    path.write_text(path.read_text().replace("channels = 8", "channels = 80"))
    with pytest.raises(RecordingError, match="cannot hold 80 channels"):
        open_recording(path)


@pytest.mark.parametrize("packed", [False, True])
def test_the_sd_card_holds_codes_in_two_s_complement(tmp_path: Path, packed: bool) -> None:
    """Gain 24, 4.5 V: one code is 4.5 V / 24 / (2**23 - 1) (OpenBCI, Cyton data format)."""
    codes = np.array([[0, 1, -1, 8388607, -8388608, 5, 6, 7]] * 300)
    path = made.sd_card(tmp_path / "OBCI_01.TXT", np.arange(300) % 256, codes)
    if packed:  # every tenth row or so holds the accelerometer too
        rows = path.read_text().splitlines()
        rows[5::10] = [row + ",0FA1,FF12,0001" for row in rows[5::10]]
        path.write_text("\n".join(rows))
    found = open_recording(path)
    np.testing.assert_allclose(found.matrix(), codes * 4.5e6 / 24 / (2**23 - 1))
    assert found.rate_hz == 250
    assert any("250 Hz are taken" in one for one in found.remarks)


def test_a_cut_row_of_the_sd_card_is_a_gap(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(-999, 999, (300, 8))
    path = made.sd_card(tmp_path / "a.txt", np.arange(300) % 256, codes)
    rows = path.read_text().splitlines()
    rows[50] = rows[50][:20]
    path.write_text("\n".join(rows))
    found = open_recording(path)
    assert found.runs.gaps.tolist() == [[49, 50]]
    assert "1 row is cut and was left out" in found.remarks


def test_brainflow_has_marks_and_the_rate_of_its_board(tmp_path: Path) -> None:
    one = made.take(600, 250, channels=8)
    path = made.brainflow(tmp_path / "a.csv", one, one.number % 256)
    rows = [row.split("\t") for row in path.read_text().splitlines()]
    rows[100][-1] = "7.000000"
    path.write_text("\n".join("\t".join(row) for row in rows))
    found = open_recording(path)
    np.testing.assert_allclose(found.matrix(), one.values)
    assert [(m.onset_s, m.text) for m in found.marks] == [(0.4, "7")]
    assert found.source == "BrainFlow (Cyton by its columns)"


def test_brainflow_at_a_rate_that_its_board_has_not_is_asked_for(tmp_path: Path) -> None:
    one = made.take(600, 500, channels=8)
    path = made.brainflow(tmp_path / "a.csv", one, one.number % 256)
    with pytest.raises(RecordingError, match=r"Cyton at 250 or 1000 Hz, .* give 5"):
        open_recording(path)
    assert open_recording(path, rate_hz=500).n_samples == 600
