"""What the eye sees: filtered traces, spectra, markers at their place; and what nobody changes."""

import math
from pathlib import Path

import edfio
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from emgrig.analysis.signal.eye import Eye
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.scope import Scope
from emgrig.desk.stream.spectra import MOST_POINTS, spectrum_of
from emgrig.desk.words import MOST_WORDS, USUAL, read_words
from emgrig.driver.board import Board
from emgrig.simulator.transport import SimTransport

RATE_HZ = 1000.0


def tone(
    hz: float, amplitude_uv: float, seconds: float, rate_hz: float = RATE_HZ
) -> NDArray[np.float64]:
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return amplitude_uv * np.sin(2 * np.pi * hz * at_s)[:, None]


def height_uv(eye: Eye | None, hz: float) -> float:
    """Return the largest value that the traces show of a tone of 100 µV, when it has settled."""
    scope = Scope(RATE_HZ, 1, mains_hz=None, eye=eye)
    scope.feed(tone(hz, 100.0, 6.0))
    _, columns = scope.since(scope.n_columns - 100)
    return float(columns[:, 1, 0].max())


@pytest.mark.parametrize(
    ("eye", "hz"),
    [
        (Eye(20.0, 450.0), 5.0),
        (Eye(20.0, 450.0), 20.0),
        (Eye(20.0, 450.0), 100.0),
        (Eye(30.0, 300.0), 300.0),
        (Eye(None, 30.0), 60.0),
    ],
)
def test_a_band_is_one_pass_of_a_butterworth_filter(eye: Eye, hz: float) -> None:
    """By scipy's own design, once forward: -3 dB at the edges, not the -6 dB of both ways."""
    if eye.low_hz is None:
        assert eye.high_hz is not None
        sections = signal.butter(2, eye.high_hz, fs=RATE_HZ, output="sos")
    else:
        sections = signal.butter(2, (eye.low_hz, eye.high_hz), "bandpass", fs=RATE_HZ, output="sos")
    _, response = signal.sosfreqz(sections, [hz], fs=RATE_HZ)
    assert height_uv(eye, hz) == pytest.approx(100 * abs(response[0]), rel=0.02, abs=0.2)
    if hz in (eye.low_hz, eye.high_hz):
        assert height_uv(eye, hz) == pytest.approx(100 / math.sqrt(2), rel=0.02)


def test_notches_take_mains_and_its_multiples_out_and_nothing_else() -> None:
    eye = Eye(mains_hz=50.0)
    assert height_uv(eye, 50.0) < 0.5
    assert height_uv(eye, 150.0) < 0.5
    assert height_uv(eye, 75.0) == pytest.approx(100, rel=0.03)
    assert height_uv(None, 50.0) == pytest.approx(100, rel=0.01)


def test_a_filter_carries_its_state_from_block_to_block() -> None:
    rng = np.random.default_rng(4)
    uv = 1e4 + rng.normal(size=(4000, 2)).cumsum(axis=0)
    eye = Eye(20.0, 450.0, mains_hz=50.0)
    whole, pieces = (Scope(RATE_HZ, 2, mains_hz=50.0, eye=eye) for _ in range(2))
    whole.feed(uv)
    for begin in range(0, 4000, 37):
        pieces.feed(uv[begin : begin + 37])
    assert np.allclose(whole.since(0)[1], pieces.since(0)[1], atol=1e-9)


def test_another_filter_is_seen_on_what_came_before_and_moves_nothing() -> None:
    hub = made("seed=3")
    with hub:
        hub.run_until(hub.unix_s() + 4.0)
        views = hub.views
        _, before = views.look().since(0)
        end = views.look().n_columns
        views.see(Eye(20.0, 450.0))
        assert views.scope.n_columns == end
        _, banded = views.scope.since(end - len(before))
        assert np.ptp(banded[100:, 1]) < np.ptp(before[100:, 1])  # the blinks are slow
        views.see(Eye())
        _, again = views.scope.since(end - len(before))
        assert np.allclose(again[-100:], before[-100:], atol=1e-6)
        with pytest.raises(ValueError, match="below the upper one"):
            views.see(Eye(600.0, 700.0))
        assert views.scope.eye == Eye()


def test_the_recording_is_unfiltered_whatever_the_eye_sees(tmp_path: Path) -> None:
    files = []
    for name, eye in (("plain", None), ("seen", Eye(70.0, 450.0, mains_hz=50.0))):
        hub = made("seed=3")
        with hub:
            if eye is not None:
                hub.views.see(eye)
            hub.start_recording(tmp_path / f"{name}.bdf")
            hub.run_until(hub.unix_s() + 2.0)
            hub.stop_recording()
        files.append(edfio.read_bdf(tmp_path / f"{name}.bdf").signals)
    for plain, seen in zip(*files, strict=True):
        assert np.array_equal(plain.digital, seen.digital)


def made(query: str) -> Hub:
    board = Board(SimTransport(query))
    board.apply("facial-emg")
    hub = Hub(board)
    hub.start()
    return hub


# Spectra.


def test_a_line_in_a_spectrum_has_the_power_of_its_tone() -> None:
    """A sine of amplitude A has the power A²/2 (Parseval), wherever the window spreads it."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=8000)
    uv = tone(50.0, 20.0, 8.0)[:, 0] + noise + 3000.0
    found = spectrum_of(uv, RATE_HZ)
    assert found is not None
    assert found.step_hz == 1.0
    assert int(found.density.argmax()) == 50
    assert found.density[45:56].sum() * found.step_hz == pytest.approx(200.0, rel=0.02)
    # White noise of 1 µV rms is spread over 0 to 500 Hz.
    assert np.median(found.density[100:450]) == pytest.approx(1 / 500, rel=0.1)


def test_a_spectrum_takes_the_last_stretch_without_a_gap_or_nothing() -> None:
    uv = np.concatenate((tone(50.0, 20.0, 4.0)[:, 0], tone(120.0, 1.0, 4.0)[:, 0]))
    uv[3999] = np.nan
    found = spectrum_of(uv, RATE_HZ)
    assert found is not None
    assert int(found.density.argmax()) == 120
    assert found.length_s == 4.0
    uv[6500] = np.nan
    assert spectrum_of(uv, RATE_HZ) is None
    assert spectrum_of(np.full(8000, np.nan), RATE_HZ) is None


def test_many_bins_become_few_points_and_no_line_is_hidden() -> None:
    found = spectrum_of(tone(4321.0, 5.0, 4.0, 16000.0)[:, 0], 16000.0)
    assert found is not None
    assert len(found.density) <= MOST_POINTS
    assert int(found.density.argmax()) * found.step_hz == pytest.approx(4321, abs=found.step_hz)
    upto = spectrum_of(tone(60.0, 5.0, 4.0)[:, 0], RATE_HZ, 250.0)
    assert upto is not None
    assert (len(upto.density) - 1) * upto.step_hz == 250.0


# Markers.


def test_a_marker_lies_where_the_traces_show_its_time() -> None:
    hub = made("seed=3")
    with hub:
        hub.run_until(hub.unix_s() + 3.0)
        now_s, end = hub.unix_s(), hub.views.look().n_columns
        hub.mark("now")
        hub.mark("a second ago", now_s - 1.0)
        here, before = hub.marks.since(0)
        assert here.column == pytest.approx(end, abs=60)  # what is under way: half a second
        assert here.column - before.column == pytest.approx(100.0, abs=1e-6)
        assert hub.marks.since(hub.marks.n) == []


def test_words_and_keys_of_ones_own() -> None:
    words = read_words(["R = rest", "look left", "2=smile = broad"])
    assert [(word.key, word.text) for word in words] == [
        ("r", "rest"), ("", "look left"), ("2", "smile = broad"),
    ]  # fmt: skip
    assert read_words(map(str, words)) == words
    assert len(read_words(USUAL)) == 4


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["r=rest", "r=run"], "the same words or key"),
        (["rest", "r=rest"], "the same words or key"),
        ([""], "expected WORDS or KEY=WORDS"),
        (["a\nb"], "expected WORDS or KEY=WORDS"),
        (["x" * 61], "60 characters"),
        ([f"word {n}" for n in range(MOST_WORDS + 1)], "24 at most"),
    ],
)
def test_words_that_make_no_sense_are_refused(said: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_words(said)
