"""A data set that mne-bids wrote: another rate, volts, a trigger channel, events of its own."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from emgrig.study.dataset import find_units
from emgrig.study.recording import Result, work
from emgrig.study.settings import Names, StudySettings

pytestmark = pytest.mark.slow

RATE_HZ = 2000.0
#: Channel, begin and length, s, and peak, V.
BURSTS = ((0, 12.0, 0.4, 30e-6), (1, 25.0, 1.2, 60e-6), (0, 35.0, 0.3, 25e-6))
NAMES = Names(trial_begin="stim_*")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mne, mne_bids = pytest.importorskip("mne"), pytest.importorskip("mne_bids")
    rng = np.random.default_rng(0)
    n = int(56 * RATE_HZ)
    volts = rng.normal(scale=2e-6, size=(3, n))
    volts[2] = 0.0
    for channel, at, lasts, peak in BURSTS:
        part = slice(int(at * RATE_HZ), int((at + lasts) * RATE_HZ))
        size = part.stop - part.start
        volts[channel, part] += peak * np.hanning(size) * rng.normal(size=size)
    info = mne.create_info(
        ["zygomaticus", "corrugator", "trigger"], RATE_HZ, ["emg", "emg", "stim"], verbose=False
    )
    raw = mne.io.RawArray(volts, info, verbose=False)
    raw.info["line_freq"] = 50
    begins, lengths = [10.0, 24.0, 48.0], [10.0, 10.0, 1.5]
    raw.set_annotations(mne.Annotations(begins, lengths, ["stim_anger", "stim_joy", "BAD_move"]))
    folder = tmp_path_factory.mktemp("mne")
    path = mne_bids.BIDSPath(subject="01", task="pictures", root=folder, datatype="emg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # places of electrodes are not known, and are not needed
        mne_bids.write_raw_bids(
            raw, path, format="BDF", allow_preload=True, emg_placement="Other", verbose=False
        )
    return folder


def study(root: Path, settings: StudySettings) -> Result:
    (unit,) = find_units(root)
    return work(unit, settings)


def test_what_rises_is_found_in_microvolts_and_the_trigger_is_no_emg(root: Path) -> None:
    found = study(root, StudySettings())
    assert (found.recording.status, found.recording.why) == ("done", "")
    assert (found.recording.n_channels, found.recording.rate_hz) == (2, RATE_HZ)
    rows = [row for row in found.events if not row.left_out]
    assert [(row.channel, row.muscle) for row in rows] == [
        ("zygomaticus", 5), ("corrugator", 2), ("zygomaticus", 5)]  # fmt: skip
    for row, (_, at, lasts, peak) in zip(rows, BURSTS, strict=True):
        assert at - 0.02 < row.onset_s < row.offset_s < at + lasts + 0.02
        # The envelope of noise of this RMS, rectified (x sqrt(2/pi)) and smoothed over its peak.
        assert 0.45 * peak * 1e6 < row.peak_uv < 1.0 * peak * 1e6
    assert not found.recording.is_simulated


def test_without_a_part_a_events_stay_and_have_no_intensity(root: Path) -> None:
    rows = [row for row in study(root, StudySettings()).events if not row.left_out]
    assert len(rows) == 3
    assert np.isnan([row.mvc_percent for row in rows]).all()
    assert np.isfinite([row.iemg_ms for row in rows]).all()


def test_a_star_takes_clip_and_emotion_from_the_event_s_name(root: Path) -> None:
    found = study(root, StudySettings(names=NAMES))
    joined = [(row.clip, row.emotion, row.left_out) for row in found.events]
    outside = ("", "", "outside of clips")
    assert joined == [("anger", "anger", ""), ("joy", "joy", ""), outside]


def test_rows_of_events_that_are_bad_are_missing_samples(root: Path) -> None:
    row = study(root, StudySettings()).recording
    assert (row.n_lost, row.n_gaps) == (int(1.5 * RATE_HZ), 1)
