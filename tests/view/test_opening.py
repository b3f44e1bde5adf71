"""From a file to what is looked at: the cache, what is read whole, what is left behind."""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.view import cache as cache_module
from emgrig.view import opening
from emgrig.view.cache import Cache, default_folder, key_of
from emgrig.view.eye import Eye
from emgrig.view.screen import Screen
from reading import made

N_RECORDS, RATE_HZ = 300, 500
ALL = [0, 1]


@pytest.fixture
def bdf(tmp_path: Path) -> Path:
    codes = np.random.default_rng(3).integers(-9000, 9000, (2, N_RECORDS * RATE_HZ))
    return made.edf(tmp_path / "long.bdf", list(codes), RATE_HZ)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setattr(opening, "IN_MEMORY", 1000)  # everything is long
    return Cache(tmp_path / "cache")


def open_it(path: Path, files: ExitStack, cache: Cache | None) -> Screen:
    screen = opening.open_screen(path, files, cache=cache)
    screen.wait()
    return screen


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


@pytest.mark.slow
def test_a_pyramid_is_kept_and_found_again(bdf: Path, cache: Cache, tmp_path: Path) -> None:
    with ExitStack() as files:
        first = open_it(bdf, files, cache).see(0, 1e9, 500, ALL, Eye())
    (key,) = left(tmp_path)
    with ExitStack() as files:
        # Nothing is read of the samples: they are not needed.
        screen = opening.open_screen(bdf, files, cache=Cache(tmp_path / "cache"))
        assert not screen.is_building
        again = screen.see(0, 1e9, 500, ALL, Eye())
    assert left(tmp_path) == [key]
    np.testing.assert_array_equal(first.trace.low, again.trace.low)
    np.testing.assert_array_equal(first.trace.high, again.trace.high)
    np.testing.assert_array_equal(first.trace.holes, again.trace.holes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "long.bdf"]


@pytest.mark.slow
def test_another_recording_or_another_reading_is_not_taken_for_it(bdf: Path) -> None:
    key = key_of(bdf, None)
    assert key_of(bdf, None) == key
    assert key_of(bdf, 250.0) != key
    raw = bytearray(bdf.read_bytes())
    raw[-1] ^= 1
    before = bdf.stat()
    bdf.write_bytes(raw)
    os.utime(bdf, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert key_of(bdf, None) != key  # the last bytes are looked at
    raw[-1] ^= 1
    bdf.write_bytes(raw)
    os.utime(bdf, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert key_of(bdf, None) == key
    bdf.with_suffix(".json").write_text("{}")
    assert key_of(bdf, None) != key


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["shorter", "empty", "gone"])
def test_a_damaged_cache_is_made_anew(bdf: Path, cache: Cache, tmp_path: Path, damage: str) -> None:
    with ExitStack() as files:
        first = open_it(bdf, files, cache).see(0, 1e9, 500, ALL, Eye())
    (key,) = left(tmp_path)
    plane = tmp_path / "cache" / key / "high.npy"
    if damage == "gone":
        plane.unlink()
    else:
        plane.write_bytes(plane.read_bytes()[:100] if damage == "shorter" else b"")
    with ExitStack() as files:
        again = open_it(bdf, files, cache).see(0, 1e9, 500, ALL, Eye())
    np.testing.assert_array_equal(first.trace.high, again.trace.high)
    assert left(tmp_path) == [key]


@pytest.mark.slow
def test_what_is_for_a_filter_is_removed_in_the_end(
    bdf: Path, cache: Cache, tmp_path: Path
) -> None:
    with ExitStack() as files:
        screen = open_it(bdf, files, cache)
        screen.see(0, 1e9, 500, ALL, Eye(20, 200, has_envelope=True))
        screen.wait()
        assert screen.see(0, 1e9, 500, ALL, Eye(20, 200, has_envelope=True)).envelope is not None
        assert len(left(tmp_path)) == 3
    assert len(left(tmp_path)) == 1


@pytest.mark.slow
def test_a_recording_that_is_read_whole_is_read_once(tmp_path: Path, cache: Cache) -> None:
    one = made.without(made.take(20_000, 250), 3000, 3100)
    path = made.timed_table(tmp_path / "a.csv", one)
    with ExitStack() as files:
        screen = open_it(path, files, cache)
        found = screen.recording
        assert found.part is not None
        seen = screen.see(2990, 3110, 120, [0], Eye())
        expected = np.full(120, np.nan)
        expected[:10], expected[110:] = one.values[2990:3000, 0], one.values[3000:3010, 0]
        np.testing.assert_array_equal(seen.trace.low[0], expected.astype(np.float32))
        assert left(tmp_path)
    assert left(tmp_path) == []


def test_without_a_cache_nothing_is_written(bdf: Path, tmp_path: Path) -> None:
    with ExitStack() as files:
        assert open_it(bdf, files, None).see(0, 1e9, 50, ALL, Eye()).share == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["long.bdf"]


def test_what_was_left_by_a_viewer_that_was_killed_goes_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    for name, age_s in (("unfinished-old", 2 * 86_400), ("unfinished-new", 60)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (1e9 - age_s, 1e9 - age_s))
    Cache(folder, now_s=1e9)
    assert left(tmp_path) == ["unfinished-new"]


def test_the_oldest_goes_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_MOST_BYTES", 250)
    for nth, name in enumerate("abc"):
        place = tmp_path / "cache" / name
        place.mkdir(parents=True)
        (place / "low.npy").write_bytes(b"x" * 100)
        os.utime(place, (1e9 + nth, 1e9 + nth))
    Cache(tmp_path / "cache")
    assert left(tmp_path) == ["b", "c"]


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "emgrig" / "view"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder().is_absolute()


def test_a_cache_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecordingError, match="--no-cache"):
        Cache(tmp_path / "file" / "cache")


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve room")
def test_a_full_disk_is_said_before_anything_is_written(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    place = cache.scratch()
    with pytest.raises(RecordingError, match=r"No space left.*--no-cache"):
        place.store("low", (2, 100), np.float32)
    place.close()
