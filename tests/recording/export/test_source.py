"""A recording read back takes no file from elsewhere, whatever its sidecar names."""

import json
import os
from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.recording.export.source import Part
from emgrig.recording.paths import sidecar_path
from exported import record_face


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording in a folder, and a file beside the folder."""
    (tmp_path / "elsewhere.capture").write_text("somebody else's")
    (tmp_path / "here" / "below").mkdir(parents=True)
    path = tmp_path / "here" / "face.bdf"
    record_face(path, seconds=0.2, address="sim:")
    return path


def names(path: Path, **files: str) -> Part:
    """Have the sidecar name other files."""
    content = json.loads(sidecar_path(path).read_text(encoding="utf-8"))
    content["files"].update(files)
    sidecar_path(path).write_text(json.dumps(content), encoding="utf-8")
    return Part(path)


def test_files_beside_the_recording_are_found(recording: Path) -> None:
    assert Part(recording).capture_path == recording.with_suffix(".capture")
    assert names(recording, capture="gone.capture").capture_path is None


@pytest.mark.parametrize(
    "name", ["../elsewhere.capture", "{above}/elsewhere.capture", "below/../../elsewhere.capture"]
)
def test_a_sidecar_leads_nowhere_else(recording: Path, name: str) -> None:
    named = name.format(above=recording.parent.parent)
    part = names(recording, capture=named, tube=named)
    for ask in (lambda: part.capture_path, lambda: part.tube_path):
        with pytest.raises(RecordingError, match="not in its folder") as caught:
            ask()
        assert len(str(caught.value).splitlines()) == 1


def test_a_name_that_can_be_none_is_a_file_that_is_missing(recording: Path) -> None:
    assert names(recording, capture=f"{'x' * 3000}.capture").capture_path is None
    with pytest.raises(RecordingError, match="is missing"):
        assert names(recording, tube="x" * 3000).tube_path


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_beside_the_recording_leads_nowhere_else(recording: Path) -> None:
    (recording.parent / "a.capture").symlink_to("../elsewhere.capture")
    with pytest.raises(RecordingError, match="not in its folder"):
        assert names(recording, capture="a.capture").capture_path
