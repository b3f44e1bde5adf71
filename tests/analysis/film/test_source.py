"""When the frames of a film are: what its container says, and what of that is believed."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.analysis.film.source import FilmFile, frame_times
from emgrig.errors import RecordingError
from tube_film import need_opencv


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 59.94])
@pytest.mark.parametrize("round_s", [None, 3])
def test_even_frames_have_their_rate_whatever_the_rounding(fps: float, round_s: int | None) -> None:
    seconds = np.arange(900) / fps + 1.4
    found = frame_times(seconds if round_s is None else seconds.round(round_s), fps)
    assert found.uneven_s is None
    assert 1 / found.frame_s == pytest.approx(fps, rel=1e-6)
    assert "header" not in found.words


def test_a_header_that_lies_is_said_and_not_taken() -> None:
    found = frame_times(np.arange(250) / 25, 2000.0)
    assert 1 / found.frame_s == pytest.approx(25)
    assert found.words.endswith("its header says 2000, which is not taken")


def test_uneven_frames_keep_their_times() -> None:
    rng = np.random.default_rng(1)
    seconds = np.cumsum(rng.choice([1 / 30, 2 / 30], 300, p=[0.9, 0.1])) + 2
    found = frame_times(seconds, 30)
    assert found.uneven_s is not None
    np.testing.assert_allclose(found.uneven_s, seconds - seconds[0])
    assert found.frame_s == pytest.approx(1 / 30)
    assert found.words.startswith("uneven, 30 a second at the median")


def test_without_times_the_header_is_taken_and_said() -> None:
    found = frame_times(np.zeros(100), 29.97)
    assert (found.uneven_s, found.frame_s) == (None, pytest.approx(1 / 29.97))
    assert "by its header" in found.words


@pytest.mark.parametrize(
    ("seconds", "header", "words"),
    [
        (np.zeros(1), 30, "has 1 frames"),
        (np.zeros(0), 30, "has 0 frames"),
        (np.zeros(9), 0, "give --fps"),
        (np.full(9, np.nan), np.nan, "give --fps"),
    ],
)
def test_what_says_nothing_is_refused(seconds: np.ndarray, header: float, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        frame_times(seconds, header)


def test_what_is_no_film_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need_opencv()
    with pytest.raises(RecordingError, match="there is no film"):
        FilmFile(tmp_path / "none.mp4")
    for number, content in enumerate((b"", b"frame,count\n", b"\0" * 5000)):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(content)
        with pytest.raises(RecordingError, match="is no film that can be read"):
            FilmFile(path)
    assert capfd.readouterr() == ("", "")
