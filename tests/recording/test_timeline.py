"""A capture as a timeline: captures made record by record, every place counted by hand.

The board converts at 1000 Hz: conversion n of a run that began at `run_us` has board time
``run_us + (4 + n) * 1000`` µs.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emgrig.driver.captures.capture import Record, RecordKind
from emgrig.driver.captures.journal import identity_entry
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.errors import RecordingError
from emgrig.protocol import packets as wire
from emgrig.protocol.account import Cause
from emgrig.protocol.framing import PacketEncoder, PacketType, encode_packet
from emgrig.protocol.packets import Capability, EventType, Request
from emgrig.recording.facts import (
    Annotation,
    BadFrames,
    BoardStarted,
    ElectrodeChanged,
    Gap,
    Marker,
    Recovered,
    SettingsChanged,
    Trigger,
)
from emgrig.recording.part import MAX_FILL_S, Change, PartBegin, Samples, Step, TubeRows
from emgrig.recording.sync.tube import TubeRow
from emgrig.recording.timeline import Timeline, _joined
from fake_board import RESET, true_codes
from packet_maker import Maker

BEGIN_US = 1_700_000_000_000_000
RATE_1000, RATE_250 = 0x94, 0x96


def registers(rate: int = RATE_1000, **channels: int) -> bytes:
    """Register bytes of a chip; `ch3=0xE1` sets channel 3's."""
    raw = bytearray(RESET)
    raw[1] = rate
    for name, value in channels.items():
        raw[4 + int(name.removeprefix("ch"))] = value
    return bytes(raw)


class Capture:
    """A capture in memory: what a `CaptureReader` gives."""

    path = Path("a.capture")
    damage = ""
    damaged_bytes = 0

    def __init__(self, duration_s: float | None = None) -> None:
        self.records: list[Record] = []
        self.maker = Maker()
        self.request = PacketEncoder()
        self.at_us = BEGIN_US
        identity = BoardIdentity(
            "F-1", "0.1", "abc", 1, 8, 2.048e6, 4.5, (1, 2, 3), (2200,), Capability(0), 64
        )
        self.note(**identity_entry(identity, "fake:"))
        self.epoch(1, registers())
        self.note(kind="recording", duration_s=duration_s)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def append(self, kind: RecordKind, payload: bytes) -> None:
        self.records.append(Record(kind, self.at_us, payload))

    def note(self, **note: object) -> None:
        self.append(RecordKind.NOTE, json.dumps(note).encode())

    def epoch(self, number: int, raw: bytes) -> None:
        self.note(
            kind="epoch", number=number, registers=[raw.hex()], channels_per_chip=8,
            f_clk_hz=2.048e6, vref_v=4.5, channel_names=["left", "right"],
        )  # fmt: skip

    def ask(self, request: Request, arguments: bytes = b"") -> None:
        head = wire.RequestHeader(7, request).encode()
        self.append(RecordKind.SENT, self.request(PacketType.REQUEST, head + arguments))

    def came(self, *packets: bytes) -> None:
        for packet in packets:
            self.append(RecordKind.RECEIVED, packet)

    def start(self, run: int = 1, run_us: int = 0, number: int = 1) -> None:
        self.came(self.maker.started(run, run_us, number))

    def samples(self, *firsts: int, run: int = 1, run_us: int = 0, n: int = 4, **more) -> None:
        """Packets of `n` conversions each, one record each."""
        for first in firsts:
            self.came(self.maker.samples(run, first, n, run_us, **more))

    def lose(self, n: int = 1) -> None:
        """Let the link lose packets: their numbers are missing."""
        for _ in range(n):
            self.maker.encode(PacketType.SAMPLES, b"")

    def steps(self) -> list[Step]:
        return list(Timeline(self))


def one_part(steps: list[Step]) -> tuple[PartBegin, list[Step]]:
    """Return the one part's begin and what follows it."""
    begin, *rest = steps
    assert isinstance(begin, PartBegin)
    assert not any(isinstance(step, PartBegin) for step in rest)
    return begin, rest


def shapes(steps: list[Step]) -> list[object]:
    """Steps as they are, but of samples in a row only how many, negative if made up."""
    made: list[object] = []
    for step in steps:
        if not isinstance(step, Samples):
            made.append(step)
            continue
        n = -len(step.codes) if step.is_fill else len(step.codes)
        if made and isinstance(made[-1], int) and (made[-1] < 0) == step.is_fill:
            made[-1] += n
        else:
            made.append(n)
    return made


placed = Annotation.of


def gap(sample: int, n_lost: int, cause: Cause, is_estimate: bool, is_filled: bool) -> Annotation:
    fact = Gap(n_lost, cause, is_estimate, is_filled)
    return placed(sample, fact, n_lost if is_filled else 0)


def is_gap(step: Step) -> bool:
    return isinstance(step, Annotation) and isinstance(step.fact, Gap)


def truth(*conversions: int, run: int = 1) -> np.ndarray:
    return true_codes(run, conversions)


def codes_of(steps: list[Step]) -> np.ndarray:
    return np.concatenate([step.codes for step in steps if isinstance(step, Samples)])


# A part.


def test_a_part_begins_with_its_first_sample() -> None:
    capture = Capture()
    capture.epoch(1, registers(ch2=0xE1, ch8=0xE1))  # powered down
    capture.start()
    capture.at_us += 50_000
    capture.samples(0, n=10)
    capture.at_us += 10_000
    capture.samples(10, n=10)
    begin, steps = one_part(capture.steps())
    assert begin.epoch.number == 1
    assert begin.channel_indices == (0, 2, 3, 4, 5, 6)
    assert begin.board_time_us == 4000
    # Its 10 samples had come by then, so the first was 10 periods before.
    assert begin.arrival_s == pytest.approx(BEGIN_US * 1e-6 + 0.05 - 0.01, abs=1e-6)
    assert begin.clock_index == 0
    assert shapes(steps) == [20]
    np.testing.assert_array_equal(codes_of(steps), truth(*range(20))[:, [0, 2, 3, 4, 5, 6]])


def test_where_all_channels_are_off_all_are_kept() -> None:
    capture = Capture()
    capture.epoch(1, registers(**{f"ch{n}": 0xE1 for n in range(1, 9)}))
    capture.start()
    capture.samples(0)
    begin, steps = one_part(capture.steps())
    assert begin.channel_indices == tuple(range(8))
    np.testing.assert_array_equal(codes_of(steps), truth(*range(4)))


def test_the_part_says_which_of_the_boards_clocks_it_is_of() -> None:
    capture = Capture()
    capture.note(kind="clock", exchanges=[[1.0, 5_000_000, 1.1]])
    capture.note(kind="clock", exchanges=[[2.0, 1_000, 2.1]])  # it began anew
    capture.start()
    capture.samples(0)
    begin, _ = one_part(capture.steps())
    assert begin.clock_index == 1


def test_the_rate_of_a_part_is_by_board_time() -> None:
    capture = Capture()
    capture.start()
    for first in range(0, 260, 10):
        capture.samples(first, n=10, period_us=1020)
    begin, _ = one_part(capture.steps())
    # The last packet began at 250; from 256 on a rate is believed.
    assert begin.rate.measured_hz is None
    capture.samples(260, n=10, period_us=1020)
    begin, _ = one_part(capture.steps())
    assert begin.rate.n_conversions == 260
    assert begin.rate.duration_us == pytest.approx(260 * 1020)
    assert begin.rate.measured_hz == pytest.approx(1e6 / 1020)


def test_the_rate_of_a_part_is_over_all_its_runs_and_not_over_the_pauses() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0, 400, n=4, period_us=1020)
    capture.lose()
    capture.samples(400, n=4, period_us=1020)
    capture.came(capture.maker.stopped(1, 404, 408 * 1020))
    capture.start(2, 5_000_000)
    capture.samples(0, 300, n=4, run=2, run_us=5_000_000, period_us=1010)
    capture.lose()
    begin, _ = one_part(capture.steps())
    assert begin.rate.n_conversions == 400 + 300
    assert begin.rate.duration_us == pytest.approx(400 * 1020 + 300 * 1010)


# The length that was asked for.


@pytest.mark.parametrize(
    ("asked", "expected", "n_behind"),
    [
        # Received: 0-3, 8-11, 12-15.
        (3, [3], 9),
        (4, [4], 8),
        (6, [4, gap(4, 2, Cause.LINK, False, False)], 8),
        (8, [4, gap(4, 4, Cause.LINK, False, False)], 8),
        (9, [4, gap(4, 4, Cause.LINK, False, True), -4, 1], 7),
        (12, [4, gap(4, 4, Cause.LINK, False, True), -4, 4], 4),
        (14, [4, gap(4, 4, Cause.LINK, False, True), -4, 6], 2),
        (16, [4, gap(4, 4, Cause.LINK, False, True), -4, 8], 0),
        (17, [4, gap(4, 4, Cause.LINK, False, True), -4, 8], 0),
    ],
)
def test_what_comes_behind_the_length_is_left_out(
    asked: int, expected: list[object], n_behind: int
) -> None:
    """Also the part of a gap: a gap of 4 across the end is one of 2 if its first 2 are within."""
    capture = Capture(duration_s=asked / 1000)
    capture.start()
    capture.samples(0)
    capture.lose()
    capture.samples(8, 12)
    timeline = Timeline(capture)
    _, steps = one_part(list(timeline))
    assert shapes(steps) == expected
    totals = timeline.totals
    assert (totals.received, totals.unused, totals.delivered) == (12, n_behind, 12 - n_behind)
    assert totals.lost_on_link == 4


def test_a_gap_that_lies_wholly_behind_the_length_is_left_out() -> None:
    capture = Capture(duration_s=0.006)
    capture.start()
    capture.samples(0, 4)
    capture.lose()
    capture.samples(12)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [6]


def test_events_before_the_end_are_kept_though_the_samples_behind_it_are_not() -> None:
    capture = Capture(duration_s=0.006)
    capture.start()
    capture.samples(0)
    capture.came(event(capture, 2, 5))
    capture.lose()
    capture.samples(8)
    _, steps = one_part(capture.steps())
    lost, mark = gap(4, 2, Cause.LINK, False, False), placed(5, Trigger(2, True))
    assert shapes(steps) == [4, lost, mark]


def test_an_event_at_the_very_end_is_kept() -> None:
    """It comes alone, after the last sample: an empty block that lacks nothing."""
    capture = Capture(duration_s=0.004)
    capture.start()
    capture.samples(0)
    capture.came(event(capture, 1, 3))
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4, placed(3, Trigger(1, True))]


def test_frames_behind_the_end_are_not_looked_at() -> None:
    capture = Capture(duration_s=0.004)
    capture.start()
    capture.samples(0, n=8, status=[0xC00000] * 4 + [0x800000] * 4)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4]


def test_the_length_is_counted_at_the_rate_that_it_was_asked_at() -> None:
    """20 samples at 1000 Hz: 10 of them came before the rate was made 250 Hz."""
    capture = Capture(duration_s=0.02)
    capture.epoch(2, registers(RATE_250))
    capture.start(1, 100_000)
    capture.samples(0, n=10, run_us=100_000)
    capture.came(capture.maker.stopped(1, 10, 113_500))  # the last one was at 113 ms
    capture.start(2, 113_500, number=2)
    capture.samples(0, n=13, run=2, run_us=98_000, number=2, period_us=4000)  # from 114 ms on
    assert shapes(capture.steps())[1::2] == [10, 10]


# Gaps.


def event(capture: Capture, line: int, conversion: int, run_us: int = 0) -> bytes:
    """A trigger at a conversion, by board time."""
    at_us = run_us + (4 + conversion) * 1000
    head = wire.EventHeader(EventType.TRIGGER, conversion, at_us).encode()
    return capture.maker.encode(PacketType.EVENT, head + wire.TriggerEvent(line, 1).encode())


def test_a_gap_is_filled_with_the_sample_before_it() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.samples(7)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4, gap(4, 3, Cause.BOARD, False, True), -3, 4]
    np.testing.assert_array_equal(codes_of(steps), truth(0, 1, 2, 3, 3, 3, 3, 7, 8, 9, 10))


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_gap_of_over_ten_minutes_begins_a_new_part(beyond: int) -> None:
    assert MAX_FILL_S == 600.0
    n_lost = 600_000 + beyond
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.samples(4 + n_lost)
    steps = capture.steps()
    if beyond:
        first, before, second, lost, after = shapes(steps)
        assert isinstance(first, PartBegin)
        assert isinstance(second, PartBegin)
        assert second.board_time_us == (4 + 4 + n_lost) * 1000
        assert lost == gap(0, n_lost, Cause.BOARD, False, False)
        assert (before, after) == (4, 4)
        return
    _, steps = one_part(steps)
    assert shapes(steps) == [4, gap(4, n_lost, Cause.BOARD, False, True), -n_lost, 4]
    assert max(len(s.codes) for s in steps if isinstance(s, Samples)) == 1 << 15  # in pieces
    assert (codes_of(steps)[4:-4] == truth(3)).all()


def test_what_the_end_of_a_run_lacks_is_a_gap_that_is_not_filled() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(capture.maker.stopped(1, 9, 20_000))
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4, gap(4, 5, Cause.TAIL, False, False)]


def test_what_lacks_before_the_first_sample_of_a_run_that_was_seen_to_begin_is_a_gap() -> None:
    capture = Capture()
    capture.start()
    capture.samples(6)
    timeline = Timeline(capture)
    _, steps = one_part(list(timeline))
    assert shapes(steps) == [gap(0, 6, Cause.LINK, False, False), 4]
    assert timeline.totals.lost_on_link == 6


def test_what_was_before_the_capture_is_no_gap_and_no_loss() -> None:
    capture = Capture()
    capture.samples(6)
    capture.lose()
    capture.samples(14)
    timeline = Timeline(capture)
    _, steps = one_part(list(timeline))
    assert shapes(steps) == [4, gap(4, 4, Cause.LINK, False, True), -4, 4]
    assert timeline.totals.lost_on_link == 4


def test_a_pause_is_a_gap_by_time() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(capture.maker.stopped(1, 4, 8_000))
    capture.start(2, 20_000)
    capture.samples(0, run=2, run_us=20_000)
    _, steps = one_part(capture.steps())
    # Conversion 3 was at 7 ms, the next run's first at 24 ms: 16 periods without one.
    assert shapes(steps) == [4, gap(4, 16, Cause.PAUSE, True, True), -16, 4]


@pytest.mark.parametrize("booted", [False, True])
def test_a_hello_in_a_run_says_that_the_link_was_lost_unless_the_board_itself_was(
    booted: bool,
) -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    if booted:
        capture.came(capture.maker.event(EventType.BOOT, wire.BootEvent(1)))
        capture.ask(Request.HELLO)
        capture.at_us += 100_000
        capture.start(1, 500)
        capture.samples(0, run_us=500)
    else:
        capture.ask(Request.HELLO)
        capture.samples(8)
    _, steps = one_part(capture.steps())
    lost = next(step for step in steps if is_gap(step))
    if booted:
        # By host time: 100 ms after the last sample of one packet came the last of the other.
        assert lost == gap(4, 96, Cause.RESTART, True, True)
    else:
        assert lost == gap(4, 4, Cause.OUTAGE, False, True)


def test_what_is_held_when_the_link_goes_came_before_it() -> None:
    """A packet was cut short, and the one behind it waits for bytes that never come."""
    capture = Capture()
    capture.start()
    capture.samples(0)
    cut = capture.maker.samples(1, 4, 40, 0)[:30]
    capture.came(cut + capture.maker.samples(1, 44, 4, 0))
    capture.at_us += 50_000
    capture.ask(Request.HELLO)
    capture.came(capture.maker.event(EventType.BOOT, wire.BootEvent(1)))
    capture.at_us += 100_000
    capture.start(1, 1000)
    capture.samples(0, run_us=1000)
    _, steps = one_part(capture.steps())
    # They count as come when the HELLO was sent; 100 ms later came the 4 of the other run.
    assert shapes(steps) == [
        4,
        gap(4, 40, Cause.LINK, False, True),
        -40,
        4,
        gap(48, 96, Cause.RESTART, True, True),
        -96,
        placed(139, BoardStarted(1)),  # 5 ms before the first conversion
        4,
    ]


def test_a_hello_in_a_run_whose_start_was_not_seen_is_a_lost_link_too() -> None:
    capture = Capture()
    capture.samples(6)
    capture.came(event(capture, 1, 8))
    capture.ask(Request.HELLO)
    capture.samples(14)
    _, steps = one_part(capture.steps())
    lost, mark = gap(4, 4, Cause.OUTAGE, False, True), placed(2, Trigger(1, True))
    assert shapes(steps) == [4, lost, -4, mark, 4]


def test_after_a_new_start_a_hello_is_a_lost_link_again() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(capture.maker.event(EventType.CHIP_LOST, wire.ChipLostEvent(0, 1, 0, 1), 4))
    capture.came(capture.maker.stopped(0, 0, 8_000))
    capture.start(2, 10_000)
    capture.samples(0, run=2, run_us=10_000)
    capture.ask(Request.HELLO)
    capture.samples(8, run=2, run_us=10_000)
    _, steps = one_part(capture.steps())
    gaps = [step for step in steps if is_gap(step)]
    assert [one.fact.cause for one in gaps] == [Cause.PAUSE, Cause.OUTAGE]


def test_a_chip_that_lost_its_registers_is_no_lost_link() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(capture.maker.event(EventType.CHIP_LOST, wire.ChipLostEvent(0, 1, 0, 1), 4))
    capture.ask(Request.HELLO)
    capture.start(2, 10_000)
    capture.samples(0, run=2, run_us=10_000)
    _, steps = one_part(capture.steps())
    (lost,) = [step for step in steps if is_gap(step)]
    assert lost == gap(4, 6, Cause.PAUSE, True, True)


# New parts.


@pytest.mark.parametrize(
    ("raw", "is_new"),
    [
        (registers(RATE_250), True),
        (registers(ch3=0x51), True),  # gain 12 for 24
        (registers(ch3=0xE1), True),  # powered down
        (registers(ch3=0x60), False),  # another input
    ],
)
def test_another_rate_gain_or_power_begins_a_new_part(raw: bytes, is_new: bool) -> None:
    capture = Capture()
    capture.epoch(2, raw)
    capture.start()
    capture.samples(0)
    capture.samples(4, number=2)
    steps = capture.steps()
    assert sum(isinstance(step, PartBegin) for step in steps) == 1 + is_new
    if is_new:
        assert shapes(steps)[1] == 4
        assert shapes(steps)[3:] == [4]
    else:
        change, mark = steps[2:4]
        assert isinstance(change, Change)
        assert (change.sample, change.epoch.number) == (4, 2)
        assert isinstance(mark, Annotation)
        assert isinstance(mark.fact, SettingsChanged)
        assert (mark.sample, mark.n_samples) == (4, 0)
        assert {one.register for one in mark.fact.changes} == {"CH3SET"}
        assert mark.text.startswith("settings: CH3SET")


def test_settings_that_were_written_again_change_nothing() -> None:
    capture = Capture()
    capture.epoch(2, registers())
    capture.start()
    capture.samples(0)
    capture.samples(4, number=2)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [8]


def test_a_change_is_told_once() -> None:
    capture = Capture()
    capture.epoch(2, registers(ch3=0x60))
    capture.start()
    capture.samples(0)
    capture.samples(4, number=2)
    capture.note(kind="something new")  # what is read alone is a block of its own
    capture.samples(8, number=2)
    _, steps = one_part(capture.steps())
    kinds = [step if isinstance(step, int) else type(step) for step in shapes(steps)]
    assert kinds == [4, Change, Annotation, 8]


def test_samples_of_a_new_part_are_counted_from_its_own_first() -> None:
    capture = Capture()
    capture.epoch(2, registers(ch3=0x51))
    capture.start()
    capture.samples(0)
    capture.samples(6, number=2)
    capture.came(event(capture, 1, 11))
    capture.samples(10, number=2)
    steps = capture.steps()
    assert shapes(steps)[3:] == [
        gap(0, 2, Cause.BOARD, False, False), 4, placed(5, Trigger(1, True)), 4,
    ]  # fmt: skip


# Marks.


def test_an_event_lies_at_its_board_time() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(event(capture, 1, 2), event(capture, 2, 6))
    capture.samples(4)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [
        4, placed(2, Trigger(1, True)), placed(6, Trigger(2, True)), 4,
    ]  # fmt: skip


def test_an_event_before_the_first_sample_lies_at_it() -> None:
    capture = Capture()
    capture.start()
    capture.came(event(capture, 1, 0, run_us=-3000))
    capture.samples(0)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [placed(0, Trigger(1, True)), 4]


@pytest.mark.parametrize(("ahead", "sample"), [(10_000, 10_004), (10_001, 4)])
def test_an_event_of_another_clock_lies_at_its_block(ahead: int, sample: int) -> None:
    """Board time further than 10 s from the samples around it is of a board that began anew."""
    capture = Capture()
    capture.start()
    capture.samples(0)
    capture.came(event(capture, 1, 4 + ahead))
    capture.samples(4)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4, placed(sample, Trigger(1, True)), 4]


def test_an_event_lies_at_the_sample_nearest_to_it() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0)
    for after_us in (9_999_495, 9_999_505):  # from conversion 4 on
        head = wire.EventHeader(EventType.TRIGGER, 0, 8_000 + after_us).encode()
        body = wire.TriggerEvent(1, 1).encode()
        capture.came(capture.maker.encode(PacketType.EVENT, head + body))
    capture.samples(4)
    _, steps = one_part(capture.steps())
    assert [s.sample for s in steps if isinstance(s, Annotation)] == [4 + 9_999, 4 + 10_000]


def test_events_lie_right_where_the_clock_is_slow() -> None:
    """2 % slow, as 260 conversions show: 1000 conversions on it is 20 samples less."""
    capture = Capture()
    capture.start()
    capture.samples(*range(0, 270, 10), n=10, period_us=1020)
    head = wire.EventHeader(EventType.TRIGGER, 0, (4 + 270 + 1000) * 1020).encode()
    body = wire.TriggerEvent(3, 0).encode()
    capture.came(capture.maker.encode(PacketType.EVENT, head + body))
    capture.samples(270, n=10, period_us=1020)
    _, steps = one_part(capture.steps())
    (mark,) = [step for step in steps if isinstance(step, Annotation)]
    assert mark == placed(1270, Trigger(3, False))


def test_what_the_status_words_say_is_no_event() -> None:
    capture = Capture()
    capture.start()
    capture.came(capture.maker.event(EventType.LEAD_OFF, wire.LeadOffEvent(0, 1)))
    capture.samples(0)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [4]


def test_markers_lie_at_their_board_time_or_at_the_end_of_what_came() -> None:
    capture = Capture()
    capture.note(kind="marker", text="early", board_time_us=1_000)
    capture.note(kind="marker", text="before its samples came", board_time_us=(4 + 6) * 1000)
    capture.note(kind="marker", text="of another clock", board_time_us=90_000_000)
    capture.note(kind="recovery", down_s=2.0, reason="cut", restored=[])
    capture.start()
    capture.samples(0, 4)
    capture.note(kind="marker", text="by time", board_time_us=(4 + 2) * 1000 + 400)
    capture.note(kind="marker", text="by place")
    capture.note(kind="marker", text="")
    capture.samples(8)
    capture.note(kind="marker", text="long ago", board_time_us=-20_000_000)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [
        placed(0, Marker("early")),
        placed(6, Marker("before its samples came")),
        placed(0, Marker("of another clock")),
        placed(0, Recovered(Interruption(Happened.LINK_LOST, link_said="cut"), 2.0)),
        8,
        placed(2, Marker("by time")),
        placed(8, Marker("by place")),
        4,
        placed(12, Marker("long ago")),
    ]


def test_what_was_said_early_is_said_once() -> None:
    capture = Capture()
    capture.epoch(2, registers(ch3=0x51))
    capture.note(kind="marker", text="early")
    capture.start()
    capture.samples(0)
    capture.samples(4, number=2)
    assert sum(isinstance(step, Annotation) for step in capture.steps()) == 1


def test_changes_of_the_tube_are_placed_from_the_parts_first_sample_on() -> None:
    capture = Capture()
    capture.note(kind="tube", changes=[[1, 0, 4_000]])  # no part yet
    capture.start()
    capture.samples(8, n=8)
    capture.note(kind="tube", changes=[[2, 4, 8_000], [3, 8, 12_000], [4, 14, 18_000]])
    capture.note(kind="tube", changes=[[5, 20, 60_000_000]])  # of another clock
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [
        gap(0, 8, Cause.LINK, False, False),
        8,
        TubeRows((TubeRow(3, 8, 0), TubeRow(4, 14, 6))),
        TubeRows((TubeRow(5, 20, 8),)),
    ]


def test_an_electrode_that_is_off_is_marked_with_its_name() -> None:
    """More than half of a quarter of a second; LOFF_STATP is bits 12 to 19 of the status word."""
    capture = Capture()
    capture.start()
    off, on = 0xC00000 | 1 << 13, 0xC00000
    for first in range(0, 500, 50):
        n_off = {0: 50, 50: 50, 100: 26}.get(first, 0)
        status = [off] * n_off + [on] * (50 - n_off)
        capture.samples(first, n=50, status=status)
    _, steps = one_part(capture.steps())
    assert [step for step in steps if isinstance(step, Annotation)] == [
        placed(0, ElectrodeChanged(True, 2, "p", "right")),
        placed(250, ElectrodeChanged(False, 2, "p", "right")),
    ]


def test_over_a_gap_it_is_not_known_which_electrodes_are_off() -> None:
    """130 of 250 samples would be more than half, but for the 10 between that nobody saw."""
    capture = Capture()
    capture.start()
    capture.samples(0, n=130, status=[0xC00000 | 1 << 13] * 130)
    capture.samples(140, n=120)
    capture.samples(260, n=130)
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [130, gap(130, 10, Cause.BOARD, False, True), -10, 250]


def test_lead_off_of_a_recording_that_begins_late_counts_from_its_first_sample() -> None:
    capture = Capture()
    capture.start()
    capture.samples(1000, n=50)
    for first in range(1050, 1500, 50):
        capture.samples(first, n=50, status=[0xC00000 | 1 << 4] * 50)
    _, steps = one_part(capture.steps())
    (mark,) = [s for s in steps if isinstance(s, Annotation) and not is_gap(s)]
    assert mark == placed(0, ElectrodeChanged(True, 1, "n", "left"))


def test_frames_out_of_step_are_marked_from_the_first_to_the_last() -> None:
    capture = Capture()
    capture.start()
    good, bad = 0xC00000, 0x800000
    capture.samples(0)
    capture.samples(4, n=8, status=[good, bad, bad, good, good, bad, bad, bad])
    _, steps = one_part(capture.steps())
    assert shapes(steps) == [
        4,
        placed(5, BadFrames(2), 2),
        placed(9, BadFrames(3), 3),
        8,
    ]


# The account, and what is refused.


def test_the_account_says_what_the_decoder_threw_away() -> None:
    capture = Capture()
    capture.damage = "3 damaged bytes were skipped"
    capture.start()
    capture.samples(0)
    broken = bytearray(capture.maker.samples(1, 4, 4, 0))
    broken[-3] ^= 1
    capture.came(bytes(broken), b"noise")
    capture.samples(8)
    timeline = Timeline(capture)
    _, steps = one_part(list(timeline))
    assert shapes(steps) == [4, gap(4, 4, Cause.LINK, False, True), -4, 4]
    assert timeline.damage == "3 damaged bytes were skipped"
    assert timeline.decoder.packets == 3
    assert timeline.decoder.bad_crc == 1
    assert timeline.decoder.skipped_bytes == len(broken) + 5
    assert timeline.totals.received == 8


def test_a_capture_without_its_board_is_refused() -> None:
    capture = Capture()
    capture.start()
    capture.records = [one for one in capture.records if one.kind is not RecordKind.NOTE]
    for use in (list, lambda timeline: timeline.totals):
        with pytest.raises(RecordingError) as caught:
            use(Timeline(capture))
        assert str(caught.value) == (
            "a.capture does not say from which board it is; it ended before anything was recorded"
        )


def test_samples_of_settings_that_were_not_noted_are_refused() -> None:
    capture = Capture()
    capture.start()
    capture.samples(0, number=3)
    with pytest.raises(RecordingError, match=r"a\.capture: samples came of settings epoch 3"):
        capture.steps()


def test_a_note_with_registers_that_mean_nothing_is_refused() -> None:
    capture = Capture()
    capture.epoch(2, registers(ch3=0x71))  # gain 111b: do not use
    with pytest.raises(RecordingError, match=r"^a\.capture: CHnSET reads 71h"):
        capture.steps()


# Joining.


def joined(*records: tuple[RecordKind, int, bytes]) -> list[tuple[int, bytes]]:
    made = [Record(kind, time_us, payload) for kind, time_us, payload in records]
    return [(record.time_us, record.payload) for record in _joined(made)]


def test_records_with_nothing_between_are_joined_but_for_the_first() -> None:
    got, sent = RecordKind.RECEIVED, RecordKind.SENT
    assert joined(
        (got, 1, b"a"), (got, 2, b"b"), (got, 3, b"c"),
        (sent, 4, b"?"), (got, 5, b"d"), (got, 6, b"e"), (RecordKind.NOTE, 7, b"{}"),
        (got, 8, b"f"), (got, 9, b"g"), (got, 10, b"h"),
    ) == [
        (1, b"a"), (3, b"bc"), (4, b"?"), (5, b"d"), (6, b"e"), (7, b"{}"), (8, b"f"), (10, b"gh"),
    ]  # fmt: skip


def test_records_of_samples_that_came_eight_seconds_apart_are_not_joined() -> None:
    got = RecordKind.RECEIVED
    assert joined(
        (got, 0, b"a"), (got, 10, b"b"), (got, 8_000_009, b"c"), (got, 8_000_010, b"d"),
        (got, 16_000_010, b"e"),
    ) == [(0, b"a"), (8_000_009, b"bc"), (8_000_010, b"d"), (16_000_010, b"e")]  # fmt: skip


SAMPLES_OF_4 = encode_packet(PacketType.SAMPLES, 7, b"1234")
EVENT, REPLY = (encode_packet(kind, 7, b"") for kind in (PacketType.EVENT, PacketType.REPLY))


@pytest.mark.parametrize("loud", [EVENT, REPLY, SAMPLES_OF_4 + EVENT, b"12" + REPLY])
def test_what_is_not_of_samples_is_not_joined_to_what_came_a_second_before_or_after(
    loud: bytes,
) -> None:
    got, quiet = RecordKind.RECEIVED, SAMPLES_OF_4 * 3
    assert joined(
        (got, 0, b"a"), (got, 10, quiet), (got, 7_000_000, quiet), (got, 7_000_010, loud),
        (got, 8_000_009, quiet), (got, 8_000_010, quiet), (got, 15_000_000, quiet),
    ) == [
        (0, b"a"), (7_000_000, quiet + quiet), (8_000_009, loud + quiet),
        (15_000_000, quiet + quiet),
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_an_event_whose_begin_was_cut_is_not_joined_to_what_came_after_a_second(cut: int) -> None:
    got, quiet = RecordKind.RECEIVED, SAMPLES_OF_4
    first, rest = quiet + EVENT[:cut], EVENT[cut:] + quiet
    assert joined((got, 0, b"a"), (got, 10, first), (got, 20, rest), (got, 1_000_010, quiet)) == [
        (0, b"a"), (20, first + rest), (1_000_010, quiet),
    ]  # fmt: skip


@pytest.mark.parametrize(("fill", "most"), [(b"\0", 1 << 18), (EVENT, 1 << 16)])
def test_no_more_than_256_kib_and_one_record_are_joined_or_64_of_others(
    fill: bytes, most: int
) -> None:
    got, size = RecordKind.RECEIVED, 1 << 15
    piece = fill + bytes(size - len(fill))
    sizes = [(at, len(data)) for at, data in joined((got, 0, b"a"), *[(got, 1, piece)] * 9)]
    whole, rest = divmod(9 * size, most)
    assert sizes == [(0, 1), *[(1, most)] * whole, (1, rest)]
