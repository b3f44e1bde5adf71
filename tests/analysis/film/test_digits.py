"""What is read off the tube page's digits: right, or nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.film import glyphs
from emgrig.analysis.film.digits import BLURS, SCALE, face_shape, read_face
from properties import examples
from tube_film import STROKES, UNIT


def face(parts: dict[int, float], n_digits: int = 5, blur: float = 1.0) -> np.ndarray:
    """Draw a display as it is straightened, of 200 grey levels on 20."""
    rows, columns = face_shape(n_digits)
    x = (np.arange(columns) + 0.5)[np.newaxis, :] / SCALE
    y = (np.arange(rows) + 0.5)[:, np.newaxis] / SCALE
    drawn = glyphs.frame_image(n_digits, x, y, blur)
    for count, share in parts.items():
        for i, sign in enumerate(str(count).zfill(n_digits)):
            left = glyphs.MARGIN + glyphs.PITCH * i
            drawn += share * glyphs.digit_image(int(sign), x - left, y - glyphs.MARGIN, blur)
    return 20 + 180 * drawn


def test_the_page_draws_what_the_reader_expects() -> None:
    ours = {
        str(digit): [[(float(x), float(y)) for x, y in stroke] for stroke in drawn]
        for digit, drawn in enumerate(glyphs.DIGITS)
    }
    assert ours == {sign: drawn for sign, drawn in STROKES.items() if sign != "-"}
    named = ("STROKE", "PITCH", "FRAME", "MARGIN", "WIDTH", "HEIGHT")
    assert {name: getattr(glyphs, name) for name in named} == UNIT


@pytest.mark.parametrize("count", [1234, 56789, 0, 80808, 99999, 71717])
def test_a_clear_display_is_read_and_sure(count: int) -> None:
    found = read_face(face({count: 1.0}), 5, BLURS[0])
    assert found.count == count
    assert found.confidence > 0.8


@pytest.mark.parametrize(("old", "new"), [(1234, 1235), (1299, 1300), (9999, 10000), (8, 9)])
def test_counts_that_blend_half_and_half_are_doubtful(old: int, new: int) -> None:
    found = read_face(face({old: 0.5, new: 0.5}), 5, BLURS[0])
    assert found.is_face
    assert found.count is None


@pytest.mark.parametrize(("old", "new"), [(1234, 1235), (1299, 1300), (9999, 10000), (8, 9)])
def test_of_counts_that_blend_the_one_that_was_there_longer_is_read(old: int, new: int) -> None:
    assert read_face(face({old: 0.85, new: 0.15}), 5, BLURS[0]).count == old
    assert read_face(face({old: 0.15, new: 0.85}), 5, BLURS[0]).count == new


def test_digits_that_blend_as_no_two_counts_in_a_row_do_are_doubtful() -> None:
    assert read_face(face({1234: 0.75, 1334: 0.25}), 5, BLURS[0]).count is None  # 2 and 3, alone
    assert read_face(face({1234: 0.5, 1264: 0.5}), 5, BLURS[0]).count is None
    blank = face({1234: 1.0})
    blank[:, 60:90] = 20  # a digit is hidden
    assert read_face(blank, 5, BLURS[0]).count is None


def test_without_its_frame_there_is_no_display() -> None:
    cut = face({1234: 1.0})
    cut[:, 120:] = 20  # something is in front of it
    assert not read_face(cut, 5, BLURS[0]).is_face
    assert not read_face(np.full(face_shape(5), 90.0), 5, BLURS[0]).is_face
    noise = np.random.default_rng(0).normal(100, 30, face_shape(5))
    assert not read_face(noise, 5, BLURS[0]).is_face


@pytest.mark.slow
@examples(40)
@given(
    count=st.integers(0, 99998),
    share=st.floats(0, 1),
    blur=st.floats(0.3, 2.5),
    noise=st.floats(0, 120),
    slope=st.floats(-80, 80),
    seed=st.integers(0, 1000),
)
def test_whatever_is_read_was_there(
    count: int, share: float, blur: float, noise: float, slope: float, seed: int
) -> None:
    drawn = face({count: share, count + 1: 1 - share}, blur=blur)
    drawn += np.random.default_rng(seed).normal(0, noise, drawn.shape)
    drawn += np.linspace(0, slope, drawn.shape[1])
    found = read_face(np.clip(drawn, 0, 255), 5, BLURS[seed % len(BLURS)])
    right = {n for n, part in ((count, share), (count + 1, 1 - share)) if part > 0.5}
    assert found.count is None or found.count in right
