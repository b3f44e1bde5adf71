"""The pages that add an export and a board, followed word by word."""

from pathlib import Path

import pytest

from following import copy_of_the_project, follow

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_an_export_is_added_as_the_page_says(tmp_path: Path) -> None:
    copy_of_the_project(tmp_path)
    _, exported, tested = follow("adding-an-export.md", tmp_path)
    assert "a.npz" in exported.stdout
    assert "a.npz: annotations are left out" in exported.stderr
    assert "1 passed" in tested.stdout or "[100%]" in tested.stdout


@pytest.mark.long
def test_a_board_is_added_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What `pip install .` leaves behind, without the installer and its network.
    info = tmp_path / "tests" / "lab-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[emgrig.gateways]\nlab = lab:open_lab\n", "utf-8")
    (info.parent / "lab.py").symlink_to(tmp_path / "lab.py")
    shown, recorded, refused, *framed = follow("adding-a-board.md", tmp_path)
    assert "SIM-0007" in shown.stdout
    assert (tmp_path / "a.bdf").is_file()
    assert "lab:first: expected the number of a shelf, as lab:3" in refused.stderr
    assert recorded.returncode == 0
    told, framed_recording, without_registers = framed
    assert "stated, not read back" in told.stdout
    assert "a converter of 16 bits" in told.stdout
    assert (tmp_path / "b.bdf").is_file()
    assert "loss is counted modulo 256" in framed_recording.stdout
    assert "board mine cannot" in without_registers.stderr
