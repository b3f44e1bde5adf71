"""Lead-off bits of the status words."""

import numpy as np

from emgrig.recording.leadoff import LeadOffWatch

ALL_ON = 0xC00000
P3_OFF = 0xC00000 | 1 << 12 + 2  # LOFF_STATP is bits 19 to 12 (SBAS499C, 9.4.4.2)
N8_OFF = 0xC00000 | 1 << 4 + 7


def feed(watch: LeadOffWatch, words: list[int], piece: int = 7) -> list[tuple]:
    changes = []
    for begin in range(0, len(words), piece):
        status = np.array(words[begin : begin + piece], np.uint32)[:, None]
        changes += watch.feed(status, begin, 0)
    return [(c.conversion, c.channel, c.side, c.is_off) for c in changes]


def test_an_electrode_that_comes_off_and_on_is_told_once_each() -> None:
    words = [ALL_ON] * 500 + [P3_OFF] * 500 + [ALL_ON] * 500
    expected = [(500, 3, "P", True), (1000, 3, "P", False)]
    for piece in (1, 7, 250, 1500):
        assert feed(LeadOffWatch(1000.0, 1), words, piece) == expected


def test_both_sides_are_told_apart() -> None:
    words = [P3_OFF | N8_OFF] * 250
    assert feed(LeadOffWatch(1000.0, 1), words) == [(0, 8, "N", True), (0, 3, "P", True)]


def test_a_flicker_is_not_told() -> None:
    words = ([ALL_ON] * 200 + [P3_OFF] * 50) * 8
    assert feed(LeadOffWatch(1000.0, 1), words) == []


def test_a_comparator_that_toggles_with_an_ac_current_is_told_once() -> None:
    words = ([P3_OFF] * 20 + [ALL_ON] * 12) * 40  # 31.2 Hz, off in more than half
    assert feed(LeadOffWatch(1000.0, 1), words) == [(0, 3, "P", True)]


def test_words_that_are_no_status_say_nothing() -> None:
    assert feed(LeadOffWatch(1000.0, 1), [0x0FFFFF] * 1000) == []


def test_a_gap_begins_the_window_anew() -> None:
    watch = LeadOffWatch(1000.0, 1)
    status = np.full((200, 1), P3_OFF, np.uint32)
    assert watch.feed(status, 0, 0) == []
    assert watch.feed(status, 1000, 800) == []
    assert [change.conversion for change in watch.feed(status, 1200, 0)] == [1000]
