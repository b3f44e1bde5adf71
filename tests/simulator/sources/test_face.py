"""The simulated face: its truth against the published figures, and its signal against its truth."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from emgrig.errors import RecordingError
from emgrig.simulator.sources.face import MUSCLES, MVC_UV_RMS, Face, FaceEvent, envelope

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def events() -> list[FaceEvent]:
    """Ten hours of expressions: about 6000."""
    return Face(8, seed=1).truth(0.0, 10 * HOUR_S)


def expressions(events: list[FaceEvent], kind: str) -> list[FaceEvent]:
    return [event for event in events if event.kind == kind]


@pytest.mark.slow
def test_durations_are_those_of_the_annotations(events: list[FaceEvent]) -> None:
    micro = np.array([e.offset_s - e.onset_s for e in expressions(events, "micro")])
    macro = np.array([e.offset_s - e.onset_s for e in expressions(events, "macro")])
    assert micro.max() <= 0.5 + 1e-9
    assert macro.min() > 0.5
    assert micro.mean() == pytest.approx(0.317, abs=0.01)
    assert micro.std() == pytest.approx(0.079, abs=0.01)
    assert macro.mean() == pytest.approx(1.161, abs=0.06)
    assert len(micro) / (len(micro) + len(macro)) == pytest.approx(233 / 380, abs=0.02)


@pytest.mark.slow
def test_intensities_are_those_of_the_paper(events: list[FaceEvent]) -> None:
    for kind, mean in (("micro", 8.11), ("macro", 23.09)):
        share = [100 * e.peak_uv / MVC_UV_RMS[e.channel - 1] for e in expressions(events, kind)]
        assert np.mean(share) == pytest.approx(mean, rel=0.06)
        assert min(share) >= 2.0
        assert max(share) <= 100.0 + 1e-9


def test_muscles_occur_as_often_as_in_the_annotations(events: list[FaceEvent]) -> None:
    both = [e for e in events if e.kind != "blink"]
    counts = np.bincount([e.channel for e in both], minlength=8)[1:]
    published = np.array([27, 109, 24, 8, 9, 105, 98])
    np.testing.assert_allclose(counts / counts.sum(), published / 380, atol=0.02)


def test_expressions_do_not_overlap_and_have_order(events: list[FaceEvent]) -> None:
    both = [e for e in events if e.kind != "blink"]
    assert all(e.onset_s < e.apex_s < e.offset_s for e in events)
    assert all(a.offset_s < b.onset_s for a, b in pairwise(both))


@pytest.mark.slow
def test_events_follow_the_rate_that_was_asked_for() -> None:
    often = expressions(Face(8, 1, events_per_minute=12).truth(0, HOUR_S), "micro")
    assert not expressions(Face(8, 1, events_per_minute=0).truth(0, HOUR_S), "micro")
    assert len(often) == pytest.approx(12 * 60 * 233 / 380, rel=0.1)


def test_truth_does_not_depend_on_how_it_is_asked_for(events: list[FaceEvent]) -> None:
    face = Face(8, seed=1)
    pieces = [e for start in range(0, 600, 30) for e in face.truth(start, start + 30)]
    whole = face.truth(0, 600)
    assert {(e.onset_s, e.channel) for e in pieces} == {(e.onset_s, e.channel) for e in whole}
    assert whole == [e for e in events if e.onset_s < 600]


@pytest.mark.slow
def test_the_signal_is_where_the_truth_says() -> None:
    """Bursts: envelope times noise; the rms over a burst is that of its raised cosine."""
    face = Face(8, seed=5)
    rate = 2000.0
    volts = face.volts(np.arange(int(240 * rate)) / rate)
    events = face.truth(0.0, 239.0)
    blinks = [event for event in events if event.kind == "blink"]
    ratios = []
    for event in events:
        is_alone = all(b.offset_s < event.onset_s or b.onset_s > event.offset_s for b in blinks)
        if event.kind == "blink" or event.peak_uv < 20 or not is_alone:
            continue
        begin, end = int(event.onset_s * rate), int(event.offset_s * rate)
        t_s = np.arange(begin, end) / rate
        expected = 1.5 + event.peak_uv * envelope(event, t_s)
        seen = volts[begin:end, event.channel - 1] * 1e6
        ratios.append(np.sqrt(np.mean(seen**2) / np.mean(expected**2)))
    assert len(ratios) > 8
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


@pytest.mark.slow
def test_rest_is_small_and_in_the_band_of_emg() -> None:
    face = Face(8, seed=2, events_per_minute=0)
    rate = 2000.0
    volts = face.volts(np.arange(int(60 * rate)) / rate)
    cheek = volts[:, 5:7] * 1e6  # no lid potential there
    assert np.all((cheek.std(axis=0) > 1.0) & (cheek.std(axis=0) < 3.0))
    frequency, density = signal.welch(cheek, rate, nperseg=2000, axis=0)
    inside = density[(frequency > 40) & (frequency < 350)].mean()
    assert density[frequency < 5].mean() < 0.02 * inside
    assert density[frequency > 800].mean() < 0.02 * inside
    assert not volts[:, 7].any()


def test_blinks_move_the_lid_and_the_muscle_around_the_eye() -> None:
    face = Face(8, seed=2, events_per_minute=0)
    blink = face.truth(0, 4)[0]
    assert blink.kind == "blink"
    assert blink.channel == 3
    around = face.volts(np.linspace(blink.onset_s, blink.offset_s, 400))[:, 2] * 1e6
    assert around.max() > 60
    assert len(face.truth(0, 60)) == pytest.approx(15, abs=1)


def test_seeds_differ_and_repeat() -> None:
    t_s = np.linspace(1000.0, 1001.0, 2000)
    np.testing.assert_array_equal(Face(8, 3).volts(t_s), Face(8, 3).volts(t_s))
    assert not np.array_equal(Face(8, 3).volts(t_s), Face(8, 4).volts(t_s))


def test_a_far_moment_costs_no_more_than_a_near_one() -> None:
    face = Face(8, seed=1)
    day = face.volts(np.linspace(86400.0, 86401.0, 2000))
    assert np.all(day[:, :7].std(axis=0) > 0.5e-6)
    assert len(face._made) <= 4


@pytest.mark.parametrize("n_electrodes", [1, 4, 8, 16])
def test_fewer_or_more_electrodes_than_muscles(n_electrodes: int) -> None:
    face = Face(n_electrodes, seed=1)
    assert face.volts(np.arange(100) / 1000).shape == (100, n_electrodes)
    expressions_seen = [e for e in face.truth(0, 600) if e.kind != "blink"]
    assert all(e.channel <= min(n_electrodes, len(MUSCLES)) for e in expressions_seen)


def test_the_truth_is_written_as_json(tmp_path: Path) -> None:
    face = Face(8, seed=1)
    face.write_truth(tmp_path / "truth.json", 0.0, 120.0)
    content = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert content["muscles"][1] == "corrugator supercilii"
    assert [FaceEvent(**event) for event in content["events"]] == face.truth(0.0, 120.0)
    with pytest.raises(RecordingError, match="cannot write"):
        face.write_truth(tmp_path / "no" / "truth.json", 0.0, 1.0)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 12"):
        Face(8, 1, events_per_minute=13)
    with pytest.raises(ValueError, match="seed"):
        Face(8, -1)
    with pytest.raises(ValueError, match="at least 1"):
        Face(0)
