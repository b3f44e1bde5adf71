"""Films of the tube page are read: right, or not at all, and what is left out is counted."""

import numpy as np
import pytest

from emgrig.analysis.film.reader import FilmReader, find, read_film
from emgrig.analysis.film.source import FilmFile
from tube_film import Camera, Shot, need_opencv, room, shots, write_film

cv2 = need_opencv()
pytestmark = [pytest.mark.slow, pytest.mark.long]


def judged(read: object, made: list[Shot]) -> tuple[int, int, int]:
    """Return how many are wrong, and of those that are readable how many were read."""
    found = dict(zip(read.frames.tolist(), read.counts.tolist(), strict=True))  # type: ignore[attr-defined]
    wrong = sum(made[frame].shares.get(count, 0.0) < 0.5 for frame, count in found.items())
    clear = [number for number, shot in enumerate(made) if shot.is_readable]
    return wrong, sum(number in found for number in clear), len(clear)


@pytest.mark.parametrize(
    ("fps", "code", "ending", "camera"),
    [
        (25, "mp4v", "mp4", {}),
        (29.97, "MJPG", "avi", {"n_digits": 4, "width": 110, "noise": 5.0}),
        (30, "mp4v", "mp4", {"white": 80.0, "black": 10.0, "width": 150}),
        (30, "mp4v", "mp4", {"glare": 60.0, "width": 200, "gamma": 1.0}),
        (29.97, "mp4v", "mp4", {"blur": 1.6, "width": 180, "n_digits": 6, "exposure_s": 0.02}),
    ],
)
def test_what_is_readable_is_read_and_nothing_is_wrong(
    tmp_path: object, fps: float, code: str, ending: str, camera: dict
) -> None:
    path = tmp_path / f"film.{ending}"  # type: ignore[operator]
    one = Camera(np.random.default_rng(int(fps)), **camera)
    made = write_film(path, shots(one, 150, fps, 311.7), fps, code)
    film = FilmFile(path)
    read = read_film(film.pictures())
    assert film.times().frame_s == pytest.approx(1 / fps, rel=1e-4)
    assert read.n_frames == 150
    assert read.frames.size + read.n_doubtful + read.n_unseen == 150
    wrong, n_read, n_clear = judged(read, made)
    assert wrong == 0
    assert n_clear > 30
    assert n_read >= 0.97 * n_clear
    assert read.confidence.min() >= 0.5
    assert read.place is not None
    assert read.place.n_digits == one.n_digits


def test_long_exposures_blend_and_what_is_left_out_is_counted() -> None:
    camera = Camera(np.random.default_rng(4), exposure_s=1 / 30)
    made = list(shots(camera, 120, 30, 55.0))
    read = read_film(shot.picture for shot in made)
    wrong, _, _ = judged(read, made)
    assert wrong == 0
    assert read.n_doubtful > 20
    assert len(read.doubtful) > 0
    assert all(one.count is None for one in read.doubtful)


def test_a_room_without_a_display_has_none() -> None:
    for seed in range(3):
        picture = room(np.random.default_rng(seed), (360, 640)).astype(np.uint8)
        assert find(picture) is None
    read = read_film([picture] * 12)
    assert (read.frames.size, read.n_unseen, read.place) == (0, 12, None)


def test_a_camera_that_is_pushed_and_a_hand_in_front_cost_frames_and_nothing_else() -> None:
    before = Camera(np.random.default_rng(1), at=(20, 30), tilt=0.02)
    after = Camera(np.random.default_rng(1), at=(120, 70), tilt=0.02)
    made = [*shots(before, 60, 30, 10.0), *shots(after, 120, 30, 12.0)]
    hidden = made[20].picture.copy()
    hidden[:, :90] = 120
    reader = FilmReader()
    for number, shot in enumerate(made):
        reader.feed(hidden if 20 <= number < 30 else shot.picture)
    read = reader.result()
    wrong, _, _ = judged(read, made)
    assert wrong == 0
    assert not set(range(20, 30)) & set(read.frames.tolist())
    assert read.n_found == 2
    assert (read.frames < 60).sum() > 25
    assert (read.frames >= 110).sum() > 40


def test_a_film_of_damaged_pictures_gives_no_wrong_count() -> None:
    rng = np.random.default_rng(8)
    made = list(shots(Camera(rng, noise=1.0), 60, 30, 99.0))
    pictures = []
    for shot in made:
        picture = shot.picture.copy()
        for _ in range(12):  # blocks of another place, as a torn stream has them
            y, x, v, u = rng.integers(0, (160, 290, 160, 290))
            picture[y : y + 16, x : x + 24] = shot.picture[v : v + 16, u : u + 24]
        pictures.append(picture)
    wrong, _, _ = judged(read_film(pictures), made)
    assert wrong == 0
