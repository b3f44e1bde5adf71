from dataclasses import replace

import numpy as np
import pytest

from emgrig.analysis.paper import synthetic
from emgrig.analysis.paper.annotations import Expression, recordings
from emgrig.analysis.signal.cleaning import remove_mains, subtract_mains
from emgrig.analysis.spotting.casmemg import casmemg_code
from emgrig.analysis.spotting.detector import DetectorSettings, double_threshold
from emgrig.analysis.spotting.scoring import score_events
from emgrig.reading import open_recording
from places import RECORDINGS

BURSTS = ((3000, 3300), (7000, 8200), (12_000, 12_250))


def record(seed: int = 0, scale: float = 1.0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(scale=2, size=20_000)
    for start, stop in BURSTS:
        x[start:stop] *= 8
    return x * scale


def assert_near_the_bursts(found: np.ndarray) -> None:
    """Edges within 20 ms as a rule; single ones reach 25 ms of smoothing and 50 ms of search."""
    assert found.shape == (3, 2)
    errors = np.abs(found - np.array(BURSTS))
    assert np.median(errors) <= 20
    assert errors.max() <= 75


def test_bursts_are_found_where_they_are() -> None:
    (found,) = double_threshold(record(), 1000.0)
    assert_near_the_bursts(found)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_unit_does_not_matter(scale: float) -> None:
    np.testing.assert_array_equal(
        double_threshold(record(scale=scale), 1000.0)[0], double_threshold(record(), 1000.0)[0]
    )


@pytest.mark.parametrize("seed", range(5))
def test_rest_alone_gives_no_event_where_the_baseline_always_fires(seed: int) -> None:
    rest = np.random.default_rng(seed).normal(scale=2, size=30_000)
    assert double_threshold(rest, 1000.0)[0].shape == (0, 2)
    assert casmemg_code(rest).shape[0] > 5


def test_declared_rest_finds_what_a_mostly_active_record_hides() -> None:
    x = np.random.default_rng(4).normal(scale=2, size=20_000)
    for start in range(3000, 20_000, 1000):
        x[start : start + 800] *= 8
    (declared,) = double_threshold(x, 1000.0, rest_s=(0.5, 2.5))
    assert declared.shape == (17, 2)


def test_an_event_ends_at_a_gap_and_never_reaches_into_it() -> None:
    x = record()
    x[7500:7600] = np.nan
    (found,) = double_threshold(x, 1000.0)
    gap = np.isnan(x)
    for start, stop in found:
        assert not gap[start:stop].any()
    assert len(found) == 4


@pytest.mark.parametrize("x", [np.zeros(5000), np.full(5000, -187_500.0), np.full(5000, np.nan)])
def test_a_channel_that_is_constant_or_missing_has_no_event(x: np.ndarray) -> None:
    assert double_threshold(x, 1000.0)[0].shape == (0, 2)


def test_a_record_too_short_to_smooth_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 83 samples"):
        double_threshold(record()[:60], 1000.0)


def test_mains_is_subtracted_without_ringing_beside_a_burst() -> None:
    t = np.arange(20_000) / 1000
    mains = 20 * np.sin(2 * np.pi * 50.03 * t + 1)
    plain = record()
    loud = plain + mains
    beside = np.r_[3350:3700]
    fitted = subtract_mains(loud, 1000.0)[:, 0]
    notched = remove_mains(loud, 1000.0)[:, 0]
    assert np.std((fitted - plain)[beside]) < 0.5 < np.std((notched - plain)[beside])
    (found,) = double_threshold(loud, 1000.0, settings=DetectorSettings(mains_hz=50.0))
    assert_near_the_bursts(found)


def test_mains_is_subtracted_up_to_the_ends() -> None:
    t = np.arange(20_000) / 1000
    left = subtract_mains(100 * np.sin(2 * np.pi * 49.97 * t) + record(), 1000.0)[:, 0]
    assert np.std(left[:200]) < 4
    assert np.std(left[-200:]) < 4


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_low_activity_behind_a_burst_does_not_lengthen_it(share: float, seed: int) -> None:
    """The kind of the real recording below: 0.28 s, and half a second of something behind it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=2, size=12_000)
    x[5000:5280] += rng.normal(scale=40, size=280)
    x[5280:5780] += rng.normal(scale=40 * share, size=500)
    ((start, stop),) = double_threshold(x, 1000.0)[0].tolist()
    assert abs(start - 5000) <= 30
    assert abs(stop - 5280) <= 75


def test_events_that_low_activity_joins_are_parted_also_when_one_is_much_weaker() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(scale=2, size=12_000)
    for start, stop, rms in ((3000, 3400, 200), (3400, 5000, 5), (4000, 4400, 40)):
        x[start:stop] += rng.normal(scale=rms, size=stop - start)
    found = double_threshold(x, 1000.0)[0]
    np.testing.assert_allclose(found, [[3000, 3400], [4000, 4400]], atol=60)


def test_the_burst_of_a_real_recording_lasts_as_long_as_it_does() -> None:
    """Zygomaticus, 0.28 s at 12.4 s (data/README.md), with half a second of low activity behind."""
    path = RECORDINGS / "countenance_facial" / "femg_raw_exported_sample.txt.gz"
    found = open_recording(path)
    settings = DetectorSettings(mains_hz=50.0)
    (event,) = double_threshold(found.matrix([1]), found.rate_hz, settings=settings)[0].tolist()
    assert event[0] < 12_450 < event[1]
    assert 150 < event[1] - event[0] < 400


@pytest.mark.parametrize(
    "bad",
    [
        {"low": 8.0},
        {"low": 0.0},
        {"change": 1.0},
        {"least_s": 0.0},
        {"smooth_hz": -1.0},
        {"faint": 0.5},
        {"lesser": 1.0},
        {"anew": 1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"expected|above 0"):
        DetectorSettings(**bad)  # type: ignore[arg-type]


def test_rest_declared_in_a_gap_is_refused() -> None:
    x = record()
    x[:1000] = np.nan
    with pytest.raises(ValueError, match="gap"):
        double_threshold(x, 1000.0, rest_s=(0.0, 0.9))


@pytest.mark.slow
def test_a_synthetic_recording_keeps_the_annotated_truth() -> None:
    group = [
        Expression(2, 1, 1, 2, 9.3, 9.4, 9.7, 6606, 6762, 6906),
        Expression(3, 1, 1, 2, 43.5, 43.7, 43.8, 40_820, 40_950, 41_140),
        Expression(4, 1, 1, 3, 43.7, 43.8, 43.9, 41_040, 41_100, 41_250),
    ]
    face = synthetic.recording(group, seed=3)
    assert face.samples_uv.shape == (60_000, 7)
    assert face.events[1].tolist() == [[6606, 6906], [40_820, 41_140]]
    assert face.events[2].tolist() == [[41_040, 41_250]]
    np.testing.assert_array_equal(synthetic.recording(group, seed=3).samples_uv, face.samples_uv)
    assert not np.array_equal(synthetic.recording(group, seed=4).samples_uv, face.samples_uv)
    with pytest.raises(ValueError, match="one recording"):
        synthetic.recording([*group, replace(group[0], video=2)])


def test_drawn_intensities_have_table_3s_mean_and_sd() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([synthetic.draw_intensity(True, rng) for _ in range(20_000)])
    assert drawn.mean() == pytest.approx(8.11, rel=0.03)
    assert drawn.std() == pytest.approx(8.54, rel=0.1)


@pytest.mark.long
@pytest.mark.slow
def test_ours_leads_the_baseline_on_whole_recordings(made_up: list[Expression]) -> None:
    """On faces of another generator than that of the benchmark."""
    settings = DetectorSettings(mains_hz=50.0)
    ours, theirs = [], []
    for group in recordings(made_up).values():
        face = synthetic.recording(group, seed=301)
        for index, true in enumerate(face.events):
            if not len(true):
                continue
            x, length_s = face.samples_uv[:, index], face.samples_uv.shape[0] / 1000
            found = double_threshold(x, 1000.0, settings=settings)[0]
            ours.append((found / 1000, true / 1000, length_s))
            code = casmemg_code(x)
            theirs.append((code[code[:, 1] > code[:, 0]] / 1000, true / 1000, length_s))
    mine, code_scores = score_events(ours), score_events(theirs)
    assert mine.mean_iou > code_scores.mean_iou + 0.1
    assert mine.recall > code_scores.recall
    assert mine.precision > 0.7 > 0.1 > code_scores.precision
    assert mine.false_alarms_per_min < 0.3 < 10 < code_scores.false_alarms_per_min


def test_speech_bursts_of_a_real_recording_are_found() -> None:
    """P008_F speaks a word about every 1.5 s: about 26 in 40 s (data/README.md)."""
    path = RECORDINGS / "subvocal_cyton_face" / "P008_F_Sim.csv.gz"
    found = open_recording(path, rate_hz=250.0)
    band = DetectorSettings().preset
    settings = DetectorSettings(
        preset=type(band)("250 Hz", band_hz=(30.0, 112.0), mean_removed="after"), mains_hz=60.0
    )
    events = double_threshold(found.matrix(range(4)), 250.0, settings=settings)
    assert 16 < max(len(e) for e in events) < 32
    starts = max(events, key=len)[:, 0] / 250
    assert 1.3 < np.median(np.diff(starts)) < 2.0
