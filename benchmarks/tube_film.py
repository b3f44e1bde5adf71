"""Ten minutes of film of the tube page, read frame by frame: ``python -m benchmarks tube_film``.

1920 × 1080, 29.97 frames a second, compressed (MPEG-4); the page 420 pixels wide, seen at an angle
beside a drawn face; 10 ms of exposure on a screen of 60 Hz, so that one frame in four blends two
counts; two frames are lost. ``--minutes`` and ``--fps`` change it; ``--keep FILE`` keeps the film.
Needs 'emgrig[video]' and the tests beside it, which have the camera.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks._figures import figure
from emgrig.analysis.clocks.tube import Kind, align
from emgrig.analysis.clocks.tube_table import TubeTable
from emgrig.analysis.film.reader import read_film
from emgrig.analysis.film.source import FilmFile

BEGINS_S = 20.0


def main() -> None:
    """Print what was read and how long it took."""
    given = _options()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from tube_film import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        CHANGE_S,
        Camera,
        shots,
        write_film,
    )

    n_frames = round(given.minutes * 60 * given.fps)
    lost = (n_frames // 3, n_frames * 2 // 3)
    rng = np.random.default_rng(given.seed)
    camera = Camera(rng, shape=(1080, 1920), width=420, exposure_s=0.010, phase_s=0.003)
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "film.mp4"
        made = write_film(path, shots(camera, n_frames, given.fps, BEGINS_S, lost), given.fps)
        print(f"{n_frames} frames, {path.stat().st_size / 1e6:.0f} MB")
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        film = FilmFile(path)
        read = read_film(film.pictures())
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    found = dict(zip(read.frames.tolist(), read.counts.tolist(), strict=True))
    wrong = sum(made[frame].shares.get(count, 0.0) < 0.5 for frame, count in found.items())
    clear = [number for number, shot in enumerate(made) if shot.is_readable]
    share = sum(number in found for number in clear) / len(clear)
    counts = np.arange(1, int((BEGINS_S + n_frames / given.fps + 9) / CHANGE_S))
    samples = np.round(counts * CHANGE_S * 1000).astype(np.int64)
    table = TubeTable(counts, samples, np.full(counts.size, np.nan), 1000.0)
    frame_s = film.times().frame_s
    video_s = np.asarray(read.frames * frame_s, dtype=np.float64)
    sync = align(video_s, read.counts, table, frame_s=frame_s)
    true_s = np.array([shot.middle_s for shot in made])
    late_ms = true_s * 1e3 - sync.sample(np.arange(n_frames) * frame_s)
    print(f"read {read.frames.size}, doubtful {read.n_doubtful}, no display {read.n_unseen}")
    print(f"readable {len(clear)}: {share:.2%} of them read; wrong counts: {wrong}")
    print(f"jumps {[one.n_frames for one in sync.jumps]}, called wrong {sync.n(Kind.WRONG)}")
    print(
        f"map less truth: {-late_ms.max():.1f} to {-late_ms.min():.1f} ms, the screen's delay in it"
    )
    film_s = n_frames / given.fps
    print(f"{cpu_s:.0f} s of a processor, {wall_s:.0f} s, for {film_s:.0f} s of film")
    figure("readable frames that were read", share, at_least=0.99)
    figure("counts that are wrong", wrong, at_most=0)
    worst_ms = float(np.abs(late_ms).max())
    figure("error of the map / its bound", worst_ms / (sync.bound_s * 1e3), at_most=1)
    figure("processor time / length of the film", cpu_s / film_s, at_most=1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--fps", type=float, default=29.97)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
