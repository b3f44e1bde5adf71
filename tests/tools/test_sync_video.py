"""`emgrig sync --video`: a film of a simulated recording's tube, read and mapped by itself."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from emgrig.recording.sync.tube import HEAD
from emgrig.tools.sync.example import FPS as FPS_OF_EXAMPLE
from emgrig.tools.sync.example import LOST as LOST_OF_EXAMPLE
from emgrig.tools.sync.example import N_FRAMES, Example, make_example, middle_s
from emgrig.tools.sync.read import read_source
from page_check import check_page
from shell import Run
from tube_film import CHANGE_S, Camera, Shot, need_opencv, shots, write_film

pytestmark = [pytest.mark.slow, pytest.mark.long]
FPS, BEGINS_S, LOST = 29.97, 400.7, (170,)
HALF_MS = (1e3 / FPS + CHANGE_S * 1e3) / 2


@pytest.fixture
def run(shell: Run) -> Run:
    return lambda line: shell(f"sync {line}")


@dataclass(frozen=True)
class Filmed:
    bdf: Path
    film: Path
    made: list[Shot]

    def error_ms(self, frames: Path) -> float:
        """Return the largest error of a map, ms; the film's time is that of the recording."""
        rows = np.genfromtxt(frames, delimiter=",", names=True)
        true_s = np.array([self.made[int(frame)].middle_s for frame in rows["frame"]])
        return float(np.nanmax(np.abs(rows["sample"] / 1000 - true_s)) * 1e3)


def with_table(folder: Path, first: int = 1, last: int = 20000) -> Path:
    """Write a table of counts without display times, and a file that stands for the recording."""
    bdf = folder / "face.bdf"
    bdf.write_bytes(b"")
    rows = [f"{n}\t{n * 32}\t{n * 32}\t{n * 0.032:.6f}\tn/a" for n in range(first, last)]
    text = "\n".join(["\t".join(HEAD), *rows, ""])
    (folder / "face_tube.tsv").write_text(text, encoding="utf-8")
    return bdf


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    need_opencv()
    folder = tmp_path_factory.mktemp("film")
    film = folder / "face.mp4"
    camera = Camera(np.random.default_rng(2), refresh_hz=1000.0)
    made = write_film(film, shots(camera, 360, FPS, BEGINS_S, LOST), FPS)
    return Filmed(with_table(folder), film, made)


def test_a_film_is_mapped_by_itself(run: Run, filmed: Filmed, tmp_path: Path) -> None:
    out, page, read = tmp_path / "f.csv", tmp_path / "s.html", tmp_path / "r.csv"
    more = f"-o {out} --page {page} --write-readings {read} --json"
    said, _, code = run(f"{filmed.bdf} --video {filmed.film} {more}")
    assert code == 0
    found = json.loads(said)
    assert found["verdict"] == "good"
    video = found["video"]
    assert (video["n_frames"], video["is_even"], video["display"]["n_digits"]) == (360, True, 5)
    assert 1 / found["frame_s"] == pytest.approx(FPS)
    n_left_out = video["n_doubtful"] + video["n_without_display"]
    assert video["n_read"] + n_left_out == 360
    assert found["n_unreadable"] == n_left_out
    assert found["n_wrong"] == 0
    assert [one["n_frames"] for one in found["jumps"]] == [1]  # the one that the camera lost
    assert filmed.error_ms(out) < HALF_MS
    check_page(page.read_text("utf-8"), simulated=False)
    # By hand, what was written gives the same map.
    again = tmp_path / "again.csv"
    assert run(f"{filmed.bdf} {read} --fps {FPS} -o {again}")[2] == 0
    assert again.read_text() == out.read_text()


def test_it_says_what_was_taken_and_left_out(run: Run, filmed: Filmed) -> None:
    said, _, code = run(f"{filmed.bdf} --video {filmed.film}")
    assert code == 0
    for words in (
        "360 frames of 320 × 180",
        "29.97 frames a second, even",
        "5 digits of",
        "doubtful",
    ):
        assert words in said


def test_a_container_with_a_wrong_rate_is_not_believed(run: Run, tmp_path: Path) -> None:
    camera = Camera(np.random.default_rng(5), refresh_hz=1000.0)
    film = tmp_path / "face.mp4"
    write_film(film, shots(camera, 200, 25, BEGINS_S), 30)
    bdf = with_table(tmp_path)
    said, _, code = run(f"{bdf} --video {film} --json")
    found = json.loads(said)
    assert code == 0
    assert 1 / found["frame_s"] == pytest.approx(25)
    assert found["remarks"][0] == (
        "the file says 30 frames a second; by its counts it has 25, which is taken"
    )
    assert not found["jumps"]
    # One that a person tells is held on to.
    _, error, code = run(f"{bdf} --video {film} --fps 30")
    assert code == 2
    assert "by the counts in it the film has 25" in error


def test_a_count_that_began_anew_is_known_by_the_digits_of_the_display(
    run: Run, tmp_path: Path
) -> None:
    camera = Camera(np.random.default_rng(6), n_digits=4, refresh_hz=1000.0)
    film, out = tmp_path / "face.mp4", tmp_path / "f.csv"
    made = write_film(film, shots(camera, 120, 30, 410.0), 30)  # counts of 12812 and more
    bdf = with_table(tmp_path)
    _, _, code = run(f"{bdf} --video {film} --begins 400 -o {out}")
    assert code == 0
    assert Filmed(bdf, film, made).error_ms(out) < HALF_MS
    _, error, code = run(f"{bdf} --video {film} --digits 5")
    assert code == 2
    assert "the film shows 4 digits" in error


def test_what_cannot_be_read_is_one_clear_line(
    run: Run, filmed: Filmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.mp4"
    dark = Shot(np.full((180, 320), 60, np.uint8), 0.0, {0: 1.0})
    write_film(empty, iter([dark] * 25), 25)
    for line, code, words in (
        (f"--video {tmp_path}/none.mp4", 5, "there is no film"),
        (f"--video {filmed.bdf.with_name('face_tube.tsv')}", 5, "is no film that can be read"),
        (f"--video {empty}", 5, "in none of 25 frames of 320 × 180"),
        ("", 2, "readings or --video FILE"),
        (f"readings.csv --video {empty}", 2, "readings or --video FILE"),
        ("readings.csv --write-readings r.csv", 2, "there is no --video"),
        (f"--video {filmed.film} -o {filmed.film}", 2, "is read and cannot be written too"),
    ):
        _, error, got = run(f"{filmed.bdf} {line}")
        lines = [one for one in error.splitlines() if not one.startswith("reading ")]
        assert (got, len(lines)) == (code, 1), error
        assert words in error
    monkeypatch.setitem(sys.modules, "cv2", None)
    _, error, code = run(f"{filmed.bdf} --video {filmed.film}")
    assert code == 5
    assert "a film needs cv2" in error


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    need_opencv()
    return make_example(tmp_path_factory.mktemp("example"), overwrite=False)


def test_the_example_gives_what_its_page_describes(
    run: Run, example: Example, tmp_path: Path
) -> None:
    """All comes out: the clock of the camera, the frame that it lost, no wrong count."""
    frames = tmp_path / "frames.csv"
    said = run(f"{example.recording} --video {example.film} -o {frames} --json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    rate_hz = read_source(example.recording).table.rate_hz
    rows = np.genfromtxt(frames, delimiter=",", names=True)
    true = np.array([middle_s(int(frame)) for frame in rows["frame"]]) * rate_hz
    assert len(rows) > 0.98 * N_FRAMES
    assert np.abs(rows["sample"] - true).max() / rate_hz < (1 / FPS_OF_EXAMPLE + CHANGE_S) / 2
    (jump,) = found["jumps"]
    assert jump["n_frames"] == 1
    first, last = jump["after_s"] * FPS_OF_EXAMPLE, jump["before_s"] * FPS_OF_EXAMPLE
    assert LOST_OF_EXAMPLE - 3 < first < last < LOST_OF_EXAMPLE + 3
    assert abs(found["drift_ppm_on_measured_rate"]) < 100 < found["drift_ppm"]
    assert found["video"]["n_read"] > 0.85 * N_FRAMES


def test_the_example_is_the_same_each_time_and_over_nothing(
    run: Run, example: Example, tmp_path: Path
) -> None:
    said = run(f"--example {tmp_path}")
    assert said.code == 0, said.err
    assert f"next: emgrig sync {tmp_path}/face.bdf --video {tmp_path}/face.mp4" in said.out
    assert said.out.startswith("SIMULATED: ")
    for path in (example.recording, example.film):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    said = run(f"--example {tmp_path}")
    assert said.code == 5
    assert "exists; choose another" in said.err
