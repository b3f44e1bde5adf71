"""What `analyse` makes of a session: no part A, blinks apart, all else with its trial; the page."""

import csv
import io
import re
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.analysis.report.candidates import Analysis, analyse
from emgrig.analysis.report.events import events_tsv
from emgrig.analysis.report.page import page
from emgrig.analysis.report.stretches import stretches_of
from emgrig.analysis.report.trials import Course, course_of
from page_check import check_page

RATE_HZ, LENGTH_S = 1000.0, 200.0
LABELS = ("zygomaticus", "orbicularis oculi")
#: Begin and length, s, and size, uV.
BURSTS_S = (
    *((8.0, 1.0, 300.0), (62.0, 0.3, 30.0), (70.0, 0.8, 60.0)),
    *((95.0, 0.3, 30.0), (130.0, 0.7, 40.0)),
)
BLINKS_S = tuple(np.arange(5.0, 195.0, 4.0).tolist())
MARKS = [
    (2.0, "session begin participant=P01 seed=7 run=1"),
    (8.0, "mvc begin channel=1 repetition=1 attempt=1"),
    (11.0, "mvc end channel=1 repetition=1 attempt=1 peak_uv=310.0 accepted=yes"),
    (40.0, "baseline begin"),
    (50.0, "baseline end"),
    (50.0, "clip begin trial=1 clip=joy1 emotion=happiness"),
    (50.5, "clip shown trial=1"),
    (71.5, "key L trial=1"),
    (90.0, "clip end trial=1"),
    (92.0, "rating trial=1 value=3"),
    (92.0, "gap begin"),
    (100.0, "gap end"),
    (100.0, "clip begin trial=2 clip=<b>sad1 emotion==cmd()"),
    (180.0, "clip end trial=2"),
    (182.0, "session end"),
]  # fmt: skip


def signals() -> NDArray[np.float64]:
    """Make bursts on the first channel; on the second waves of a lid, with short bursts."""
    rng = np.random.default_rng(3)
    time_s = np.arange(int(LENGTH_S * RATE_HZ)) / RATE_HZ
    x = rng.normal(0, 1.0, (time_s.size, 2))
    for begin_s, length_s, size in BURSTS_S:
        part = slice(int(begin_s * RATE_HZ), int((begin_s + length_s) * RATE_HZ))
        x[part, 0] += rng.normal(0, size, part.stop - part.start)
    for begin_s in BLINKS_S:
        x[:, 1] += 200 * np.exp(-(((time_s - begin_s - 0.1) / 0.06) ** 2) / 2)
        part = slice(int((begin_s + 0.02) * RATE_HZ), int((begin_s + 0.2) * RATE_HZ))
        x[part, 1] += rng.normal(0, 15, part.stop - part.start)
    return x


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(
        signals(), RATE_HZ, labels=LABELS, units=("uV", "uV"), muscles={0: 5, 1: 3},
        course=course_of(MARKS, LENGTH_S),
    )  # fmt: skip


pytestmark = pytest.mark.slow


def rows(analysis: Analysis) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(events_tsv(analysis)), delimiter="\t"))


def test_part_a_is_left_out_and_counted(analysis: Analysis) -> None:
    assert analysis.n_part_a == 1 + sum(at_s < 40 for at_s in BLINKS_S)
    assert all(float(row["onset"]) > 40 for row in rows(analysis))


def test_blinks_are_named_and_no_candidates(analysis: Analysis) -> None:
    assert len(analysis.blinks) == sum(at_s > 40 for at_s in BLINKS_S)
    assert {one.channel_index for one in analysis.blinks} == {1}
    assert {one.channel_index for one in analysis.expressions} == {0}
    assert [row["trial_type"] for row in rows(analysis)].count("blink") == len(analysis.blinks)


def test_expressions_have_their_trial(analysis: Analysis) -> None:
    found = [row for row in rows(analysis) if row["trial_type"] != "blink"]
    assert [float(row["onset"]) for row in found] == pytest.approx([62, 70, 95, 130], abs=0.1)
    told = [tuple(row[key] for key in ("phase", "trial", "clip", "rating")) for row in found]
    assert told == [
        ("clip", "1", "joy1", "3"),
        ("clip", "1", "joy1", "3"),
        ("rest", "n/a", "n/a", "n/a"),
        ("clip", "2", "<b>sad1", "n/a"),
    ]
    assert float(found[0]["since_clip"]) == pytest.approx(11.5, abs=0.1)
    assert [row["key_after"] == "n/a" for row in found] == [True, False, True, True]
    assert float(found[1]["key_after"]) == pytest.approx(1.5, abs=0.1)
    assert found[3]["emotion"].startswith("'=")  # no formula


def test_the_page_begins_with_the_whole_and_opens_trial_by_trial(analysis: Analysis) -> None:
    html = page(analysis, title="P01")
    check_page(html, simulated=False)
    assert "Part A is left out" in html
    assert f"Blinks, counted apart: {len(analysis.blinks)}." in html
    assert html.count("<details>") == 2
    assert html.index("<h2") < html.index("<details>")
    assert "<b>sad1" not in html
    assert re.search(r"1 joy1 \(happiness\)</b><br>.*1 micro, 1 macro; rating 3; key: 1", html)


@pytest.mark.long
def test_half_an_hour_on_seven_channels_stays_below_five_megabytes() -> None:
    n = 1800 * 150
    x = np.random.default_rng(0).normal(0, 1, (n, 7))
    trials = [
        mark
        for k in range(24)
        for mark in (
            (70.0 * k + 60, f"clip begin trial={k + 1} clip=c{k} emotion=fear"),
            (70.0 * k + 120, f"clip end trial={k + 1}"),
        )
    ]
    found = analyse(
        x, 150.0, labels=[f"c{i}" for i in range(7)], units=["uV"] * 7,
        course=course_of(trials, 1800.0),
    )  # fmt: skip
    assert len(found.stretches) == 24
    assert len(page(found, title="half an hour").encode()) < 5_000_000


@pytest.mark.parametrize(
    ("length_s", "n", "each_s"), [(100, 0, 0), (181, 4, 60), (3600, 60, 60), (3601, 31, 120)]
)
def test_a_long_recording_without_a_session_is_drawn_minute_by_minute(
    length_s: float, n: int, each_s: float
) -> None:
    found = stretches_of(Course(), length_s)
    assert len(found) == n
    if n:
        assert found[0].end_s == each_s
        assert found[-1].end_s == length_s
        assert all(a.end_s == b.begin_s for a, b in pairwise(found))
