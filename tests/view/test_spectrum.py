"""The spectrum of a stretch, against scipy's Welch."""

import numpy as np
import pytest
from scipy import signal

from emgrig.view import spectrum as module
from emgrig.view.spectrum import spectrum
from view import made


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(0, 10_000), (1234, 7777)])
def test_it_is_welchs(ends: tuple[int, int]) -> None:
    x = made.table(10_000)
    found = spectrum(made.recording(x), 1, *ends)
    hz, density = signal.welch(x[1, slice(*ends)], made.RATE_HZ, nperseg=1000)
    np.testing.assert_allclose(found.frequency_hz, hz)
    np.testing.assert_allclose(found.density, density, rtol=1e-6, atol=1e-15)
    assert not found.is_part
    assert found.frequency_hz[found.density.argmax()] == 50


def test_a_stretch_shorter_than_a_piece_is_one_piece() -> None:
    x = made.table(1000)
    found = spectrum(made.recording(x), 0, 100, 331)
    _, density = signal.welch(x[0, 100:331], made.RATE_HZ, nperseg=231)
    np.testing.assert_allclose(found.density, density, rtol=1e-6, atol=1e-15)
    assert found.n_pieces == 1


def test_pieces_with_a_gap_are_left_out() -> None:
    x = made.table(4000)
    holed = made.holed(x, [(0, 1400, 1410)])
    found = spectrum(made.recording(holed), 0, 0, 4000)
    pieces = [signal.welch(x[0, a : a + 1000], made.RATE_HZ, nperseg=1000)[1]
              for a in (0, 1500, 2000, 2500, 3000)]  # fmt: skip
    assert found.n_pieces == 5
    np.testing.assert_allclose(found.density, np.mean(pieces, axis=0), rtol=1e-6, atol=1e-15)


def test_where_every_piece_has_a_gap_the_longest_without_one_is_taken() -> None:
    x = made.holed(made.table(1500), [(0, 500, 501), (0, 1200, 1201)])
    found = spectrum(made.recording(x), 0, 0, 1500)
    _, density = signal.welch(x[0, 501:1200], made.RATE_HZ, nperseg=699)
    np.testing.assert_allclose(found.density, density, rtol=1e-6, atol=1e-15)


def test_of_a_long_stretch_pieces_are_spread_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PIECES", 3)
    found = spectrum(made.recording(made.table(10_000)), 0, 0, 10_000)
    assert (found.n_pieces, found.is_part) == (3, True)


@pytest.mark.parametrize("ends", [(5, 10), (20, 20), (990, 2000)])
def test_too_short_a_stretch_is_refused(ends: tuple[int, int]) -> None:
    x = made.holed(made.table(1000), [(0, 10, 18)])
    with pytest.raises(ValueError, match="16 samples"):
        spectrum(made.recording(x), 0, *ends)
