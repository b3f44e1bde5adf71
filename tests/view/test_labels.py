"""Names of marks above a picture: none over another, none sticks out, all are counted."""

import itertools
import re

import numpy as np
import pytest

from emgrig.pages import plots
from emgrig.reading import Mark
from emgrig.view.eye import Eye
from emgrig.view.labels import COLOUR, place, shortened
from emgrig.view.picture import Layout, picture, whole_view
from emgrig.view.screen import Screen
from view import made


@pytest.mark.parametrize("seed", range(20))
def test_no_name_lies_over_another_or_a_line_or_sticks_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, width = int(rng.integers(1, 60)), 400.0
    wanted = list(zip(np.sort(rng.uniform(0, width, n)), rng.uniform(5, 120, n), strict=True))
    found = place(wanted, width)
    kept = [one for one in found if one is not None]
    assert len(found) == n
    assert kept
    for (x, length), one in zip(wanted, found, strict=True):
        if one is not None:
            assert (one.x, one.end - one.begin) == (x, pytest.approx(length))
            assert 0 <= one.begin < one.end <= width
            assert not one.begin < x < one.end
    for one, other in itertools.permutations(kept, 2):
        if one.row == other.row:
            assert one.end < other.begin or other.end < one.begin
        if one.row <= other.row:  # the other's line passes by, or ends, at its height
            assert not one.begin < other.x < one.end


def test_few_names_take_few_rows_and_one_at_the_right_stands_left_of_its_line() -> None:
    (one,) = place([(390.0, 50.0)], 400.0)
    assert one is not None
    assert (one.row, one.is_left) == (0, True)
    apart = place([(0.0, 50.0), (100.0, 50.0), (200.0, 50.0)], 400.0)
    assert [at and at.row for at in apart] == [0, 0, 0]
    together = place([(0.0, 50.0), (1.0, 50.0), (2.0, 50.0)], 400.0)
    assert [at and at.row for at in together] == [2, 1, 0]
    assert place([(20.0, 500.0)], 400.0) == [None]


def test_a_cut_name_says_so() -> None:
    assert [shortened("orbic. oculi", n) for n in (12, 8, 7)] == [
        "orbic. oculi",
        "orbic…",
        "orbic…",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("width_mm", [40.0, 88.0, 180.0])
def test_all_words_lie_on_the_picture_and_what_has_no_name_is_counted(width_mm: float) -> None:
    marks = [
        *(Mark(k / 2, 0.0, f"mark {k} of the participant") for k in range(40)),
        Mark(5.0, 1.0, "BAD_gap 1000 samples"),
        Mark(5.0, 0.0, "BAD_frames"),
    ]
    layout = Layout(0.0, 20.0, [0, 1], width_mm=width_mm)
    screen = Screen(made.recording(made.table(20_000), marks=marks))
    seen = whole_view(screen, layout, 300, Eye(20, 450, has_envelope=True))
    drawn = picture(screen, layout, seen)
    bare = picture(screen, Layout(0.0, 20.0, [0, 1], width_mm, has_marks=False), seen)
    svg = plots.svg(drawn)
    for rows in (drawn.axes, bare.axes):
        for axes in rows:
            for one in (axes.title, axes._left_title, axes.xaxis.label):
                box = one.get_window_extent()
                assert box.x1 <= drawn.bbox.width
                assert not one.get_text() or box.x0 >= 0
    first = drawn.axes[0]
    place_px = first.get_window_extent()
    names = [one for one in first.texts if one.get_text()]
    assert names
    for one in names:
        box = one.get_window_extent()
        assert one.get_color() == COLOUR
        assert place_px.x0 <= box.x0 < box.x1 <= place_px.x1
        assert place_px.y1 <= box.y0  # above the trace,
        assert box.y1 <= first._left_title.get_window_extent().y0  # below the title
    for one, other in itertools.combinations(names, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent())
    said = re.sub(r"\s+", " ", drawn.axes[-1].get_xlabel())
    assert f"{len(names)} of 40 marks named" in said
    assert "BAD_" not in svg
    assert "named" not in bare.axes[-1].get_xlabel()
    heights = [rows[0].get_window_extent().height for rows in (drawn.axes, bare.axes)]
    plots.svg(bare)
    heights[1] = bare.axes[0].get_window_extent().height
    assert heights[0] == pytest.approx(heights[1], rel=0.1)  # names take nothing from the trace
