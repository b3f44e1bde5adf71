"""The recursive filter by blocks, against the one of scipy that goes sample by sample."""

import numpy as np
import pytest
from scipy import signal

from emgrig.simulator.sources.face import EMG_BAND_HZ, EMG_FILTER
from emgrig.simulator.sources.recursion import BLOCK, RecursiveFilter


def made_of(sections: np.ndarray) -> RecursiveFilter:
    return RecursiveFilter(tuple((*row[:3], *row[4:]) for row in sections.tolist()))


FILTERS = {
    "a resonance that rings for hundreds of samples": signal.tf2sos(*signal.iirpeak(0.2, 30)),
    "a low pass of three sections": signal.butter(6, 0.2, output="sos"),
    "a section that forgets at once": np.array([[1.0, 2.0, 3.0, 1.0, 0.0, 0.0]]),
    "the EMG band": signal.butter(2, EMG_BAND_HZ, "bandpass", fs=2000.0, output="sos"),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("n_blocks", [1, 2, 9, 144])
def test_it_gives_what_sosfilt_gives(name: str, n_blocks: int) -> None:
    rows = np.random.default_rng(5).standard_normal((7, n_blocks * BLOCK), dtype=np.float32)
    expected = signal.sosfilt(FILTERS[name], rows)
    found = made_of(FILTERS[name])(rows)

    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_rows_do_not_meet() -> None:
    rows = np.zeros((3, 4 * BLOCK))
    rows[1] = 1.0
    filtered = made_of(FILTERS["the EMG band"])(rows)
    assert not filtered[0].any()
    assert not filtered[2].any()


def test_the_filter_of_the_face_is_the_one_it_says_and_keeps_the_rms_of_white_noise() -> None:
    sections = signal.butter(2, EMG_BAND_HZ, "bandpass", fs=2000.0, output="sos")
    _, gain = signal.sosfreqz(sections, 4096)
    sections[0, :3] /= np.sqrt(np.mean(np.abs(gain) ** 2))
    np.testing.assert_allclose(
        EMG_FILTER.sections, np.delete(sections, 3, axis=1), rtol=1e-15, atol=0
    )


def test_what_it_cannot_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="16 samples; expected a multiple of 32"):
        EMG_FILTER(np.zeros((2, 16)))
    for a1, a2 in ((0.0, 1.0), (-2.0, 1.0), (1.5, 0.4)):
        with pytest.raises(ValueError, match="not stable"):
            RecursiveFilter(((1.0, 0.0, 0.0, a1, a2),))
