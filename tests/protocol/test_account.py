"""The account of conversions, packet by packet: every figure here was counted by hand."""

import numpy as np
import pytest

from emgrig.protocol.account import Cause, LossAccount, Piece, Totals
from emgrig.protocol.decoder import OnePacket, SamplePackets

WRAP = 1 << 32  # the board counts conversions in 32 bits
N_FRAMES = 4
PERIOD_US = 1000


def packets(
    *firsts: int,
    link_lost: list[int] | None = None,
    times_us: list[int] | None = None,
    n_frames: int = N_FRAMES,
) -> SamplePackets:
    """Packets that begin with these conversions; each frame holds its packet's place in the row."""
    n = len(firsts)
    times_us = [first * PERIOD_US for first in firsts] if times_us is None else times_us
    frames = np.zeros((n, n_frames, 27), np.uint8)
    frames[:] = np.arange(n, dtype=np.uint8)[:, None, None]
    return SamplePackets(
        first_conversion=np.array(firsts, np.int64),
        board_time_us=np.array(times_us, np.int64),
        settings=np.ones(n, np.int64),
        flags=np.zeros(n, np.int64),
        link_lost=np.array(link_lost or [0] * n, np.int64),
        frames=frames,
    )


def said(pieces: list[Piece]) -> list[tuple[int, int, int, Cause]]:
    """Return packets, first conversion, what is lost before, and why, of each piece."""
    return [(p.packets.n_packets, p.first_conversion, p.lost_before, p.cause) for p in pieces]


@pytest.fixture
def account() -> LossAccount:
    made = LossAccount()
    made.begin_run()
    return made


def test_nothing_is_counted_before_anything_came() -> None:
    account = LossAccount()
    assert account.totals == Totals(0, 0, 0, 0, 0, 0)
    assert account.expected == 0
    assert said(account.add(packets(0))) == [(1, 0, 0, Cause.NONE)]  # 0 is the first of any run


def test_a_row_without_a_gap_is_one_piece(account: LossAccount) -> None:
    assert said(account.add(packets(0, 4, 8))) == [(3, 0, 0, Cause.NONE)]
    assert said(account.add(packets(12))) == [(1, 12, 0, Cause.NONE)]
    assert account.expected == 16
    assert account.totals == Totals(received=16)


def test_a_gap_in_both_counts_is_the_links_and_in_one_the_boards(account: LossAccount) -> None:
    # 4 to 7 went with a packet of the link; 12 to 19 were never sent; 24 to 27 with a packet.
    pieces = account.add(packets(0, 8, 20, 28, link_lost=[0, 1, 1, 2]))
    assert said(pieces) == [
        (1, 0, 0, Cause.NONE),
        (1, 8, 4, Cause.LINK),
        (1, 20, 8, Cause.BOARD),
        (1, 28, 4, Cause.LINK),
    ]
    assert [int(piece.packets.frames[0, 0, 0]) for piece in pieces] == [0, 1, 2, 3]
    assert account.totals == Totals(received=16, lost_on_link=8, lost_on_board=8)
    assert account.totals.lost == 16
    assert account.expected == 32


@pytest.mark.parametrize(("link_lost", "cause"), [(5, Cause.BOARD), (6, Cause.LINK)])
def test_a_gap_between_two_reads_is_told_apart_too(
    account: LossAccount, link_lost: int, cause: Cause
) -> None:
    account.add(packets(0, 4, link_lost=[4, 5]))
    assert said(account.add(packets(12, link_lost=[link_lost]))) == [(1, 12, 4, cause)]


def test_what_lacks_at_the_beginning_of_a_run_is_the_links(account: LossAccount) -> None:
    """Nothing came before that could say otherwise, not even of the run before."""
    account.add(packets(0, link_lost=[3]))
    account.end_run(4)
    account.begin_run()
    assert said(account.add(packets(4, 8, link_lost=[3, 3]))) == [(2, 4, 4, Cause.LINK)]


def test_what_came_twice_before_a_gap_does_not_make_it_the_boards(account: LossAccount) -> None:
    """The link lost 4 to 7; that it did is seen with the packet between already."""
    row = packets(0, 0, 8, link_lost=[0, 1, 1])
    assert said(account.add(row))[1:] == [(1, 8, 4, Cause.LINK)]
    account.add(packets(8, link_lost=[2]))
    assert said(account.add(packets(16, link_lost=[2]))) == [(1, 16, 4, Cause.LINK)]


def test_pieces_go_on_behind_a_gap(account: LossAccount) -> None:
    row = packets(0, 4, 12, 16, 20, 28, link_lost=[0, 0, 1, 1, 1, 2])
    assert said(account.add(row)) == [
        (2, 0, 0, Cause.NONE),
        (3, 12, 4, Cause.LINK),
        (1, 28, 4, Cause.LINK),
    ]
    assert account.totals == Totals(received=24, lost_on_link=8)


def test_the_sum_of_what_is_lost_is_of_all_four_places_and_not_of_pauses() -> None:
    assert Totals(1000, 1, 10, 100, 10_000, 100_000).lost == 10_111


# The end of a run.


def test_the_end_lacks_what_the_board_counted_and_nobody_saw(account: LossAccount) -> None:
    account.add(packets(0, 4))
    assert account.end_run(11) == 3
    assert account.totals == Totals(received=8, lost_at_end=3)
    assert account.expected == 11
    account.begin_run()
    assert account.expected == 0
    account.add(packets(0))
    assert account.end_run(6) == 2
    assert account.totals == Totals(received=12, lost_at_end=5)


@pytest.mark.parametrize("fewer", [0, 1, 8])
def test_a_board_that_counts_fewer_than_it_sent_lacks_nothing(
    account: LossAccount, fewer: int
) -> None:
    account.add(packets(0, 4))
    assert account.end_run(8 - fewer) == 0
    assert account.totals == Totals(received=8)
    assert account.expected == 8


def test_at_the_end_half_of_what_32_bits_count_is_the_border(account: LossAccount) -> None:
    account.add(packets(0))
    assert account.end_run(4 + WRAP // 2) == 0
    assert account.end_run(4 + WRAP // 2 - 1) == WRAP // 2 - 1


# Beyond 2**32.


def test_a_run_goes_on_where_the_boards_count_begins_anew(account: LossAccount) -> None:
    account.add(packets(WRAP // 2 - 4, link_lost=[1]))
    account.add(packets(WRAP - 8, link_lost=[2]))
    assert said(account.add(packets(WRAP - 4, link_lost=[2]))) == [(1, WRAP - 4, 0, Cause.NONE)]
    assert said(account.add(packets(0, 4, link_lost=[2, 2]))) == [(2, WRAP, 0, Cause.NONE)]
    assert said(account.add(packets(12, link_lost=[3]))) == [(1, WRAP + 12, 4, Cause.LINK)]
    assert account.end_run(18) == 2
    assert account.totals == Totals(6 * 4, WRAP - 8, 0, 2)


def test_a_row_over_the_border_is_one_piece(account: LossAccount) -> None:
    account.add(packets(WRAP // 2 - 4, link_lost=[1]))
    account.add(packets(WRAP - 8, link_lost=[2]))
    row = packets(WRAP - 4, 0, 4, link_lost=[2, 2, 2])
    assert said(account.add(row)) == [(3, WRAP - 4, 0, Cause.NONE)]


@pytest.mark.parametrize(("ahead", "is_ahead"), [(WRAP // 2 - 1, True), (WRAP // 2, False)])
def test_half_of_the_count_ahead_is_the_past(
    account: LossAccount, ahead: int, is_ahead: bool
) -> None:
    account.add(packets(0))
    pieces = account.add(packets(4 + ahead))
    assert said(pieces) == ([(1, 4 + ahead, ahead, Cause.BOARD)] if is_ahead else [])
    assert account.totals.repeated == (0 if is_ahead else N_FRAMES)


# The past: twice, late, or a run that began anew.


def test_what_comes_twice_is_used_once(account: LossAccount) -> None:
    row = packets(0, 4, 4, 8, 0, 4, 12, link_lost=[0] * 7)
    pieces = account.add(row)
    assert said(pieces) == [(2, 0, 0, Cause.NONE), (1, 8, 0, Cause.NONE), (1, 12, 0, Cause.NONE)]
    assert [int(piece.packets.frames[-1, 0, 0]) for piece in pieces] == [1, 3, 6]
    assert account.totals == Totals(received=16, repeated=12)


def test_what_comes_late_stays_lost(account: LossAccount) -> None:
    assert said(account.add(packets(0, 8, 4, 12, link_lost=[0, 1, 1, 1]))) == [
        (1, 0, 0, Cause.NONE),
        (1, 8, 4, Cause.LINK),
        (1, 12, 0, Cause.NONE),
    ]
    assert account.totals == Totals(received=12, lost_on_link=4, repeated=4)


@pytest.mark.parametrize("n_packets", [7, 8, 9, 200])
def test_however_many_packets_come_twice_they_are_no_new_run(
    account: LossAccount, n_packets: int
) -> None:
    """A bridge that repeats its buffer: a run never begins by a number alone."""
    account.add(packets(0, 4))
    account.add(packets(1000))  # 992 lost on the board
    assert account.add(packets(*range(0, 4 * n_packets, 4))) == []
    assert said(account.add(packets(1004, 1008))) == [(2, 1004, 0, Cause.NONE)]
    assert account.totals == Totals(12 + 8, 0, 992, repeated=4 * n_packets)
    assert account.expected == 1012


def test_a_packet_that_is_far_ahead_is_believed_when_the_next_goes_on_there() -> None:
    account = LossAccount()
    account.begin_run(most_lost=100)
    account.add(packets(0))
    assert account.add(packets(1000)) == []
    row = packets(1004, 1008, link_lost=[0, 0])
    assert said(account.add(row)) == [(1, 1000, 996, Cause.BOARD), (2, 1004, 0, Cause.NONE)]
    assert account.totals == Totals(16, 0, 996)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_number_that_cannot_be_takes_only_its_own_packet(at_once: bool) -> None:
    """One damaged counter of the board: 4 to 7 are lost, and what they were is not guessed."""
    account = LossAccount()
    account.begin_run(most_lost=100)
    firsts = (0, 1 << 30, 8, 12)
    rows = [packets(*firsts)] if at_once else [packets(first) for first in firsts]
    pieces = [piece for row in rows for piece in account.add(row)]
    assert [(first, lost) for _, first, lost, _ in said(pieces)][:2] == [(0, 0), (8, 4)]
    assert account.totals.received == 12
    assert (account.totals.lost, account.totals.repeated) == (4, 4)
    assert account.expected == 16


def test_a_packet_that_is_far_ahead_at_the_end_of_a_run_is_not_used() -> None:
    account = LossAccount()
    account.begin_run(most_lost=100)
    account.add(packets(0, 1000))
    assert account.end_run(8) == 4
    assert account.totals == Totals(4, lost_at_end=4, repeated=4)


def test_a_run_that_was_on_before_is_counted_from_where_it_is(account: LossAccount) -> None:
    account.begin_at(WRAP - 4)
    assert said(account.add(packets(WRAP - 4, 0, 4))) == [(3, WRAP - 4, 0, Cause.NONE)]
    assert account.end_run(12) == 4
    assert account.totals == Totals(12, lost_at_end=4)


@pytest.mark.parametrize("with_a_gap", [False, True])
def test_packets_from_the_past_with_others_between_are_no_new_run(
    account: LossAccount, with_a_gap: bool
) -> None:
    """A link that doubles packets now and then: each one is newer than the one before it."""
    step = 8 if with_a_gap else 4
    for first in range(0, 20 * step, step):
        assert len(account.add(packets(first))) == 1
        assert account.add(packets(first)) == []
    assert account.totals.repeated == 80
    assert account.totals.received == 80


# Board time.


def hidden(periods_us: list[float], n_frames: int, *, at_once: bool, nominal_us: float) -> int:
    """Account for packets of which each one took so long for each frame."""
    account = LossAccount()
    account.begin_run(nominal_us)
    ends_us = np.rint(np.cumsum(np.array(periods_us) * n_frames)).astype(int).tolist()
    firsts = list(range(0, n_frames * (len(periods_us) + 1), n_frames))
    times_us = [0, *ends_us]
    if at_once:
        account.add(packets(*firsts, times_us=times_us, n_frames=n_frames))
    else:
        for first, time_us in zip(firsts, times_us, strict=True):
            account.add(packets(first, times_us=[time_us], n_frames=n_frames))
    assert account.totals.received == n_frames * len(firsts)
    assert account.totals.lost == 0
    return account.totals.hidden


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("n_frames", [1, 4, 16])
def test_a_jump_of_board_time_alone_is_a_hidden_loss(n_frames: int, at_once: bool) -> None:
    jump = 1000.0 * (n_frames + 3) / n_frames  # three conversions more
    periods = [1000.0] * 20 + [jump] + [1000.0] * 5 + [jump]
    assert hidden(periods, n_frames, at_once=at_once, nominal_us=1000.0) == 6


@pytest.mark.parametrize("at_once", [False, True])
def test_a_time_that_is_short_takes_nothing_off(at_once: bool) -> None:
    periods = [1000.0] * 3 + [2000.0] + [500.0] * 4 + [1000.0] * 3
    assert hidden(periods, 4, at_once=at_once, nominal_us=1000.0) == 4


def test_without_a_nominal_period_time_is_not_judged() -> None:
    assert hidden([1000.0, 5000.0], 4, at_once=True, nominal_us=0.0) == 0


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("n_frames", [16, 64])
@pytest.mark.parametrize("off", [-0.025, -0.01, 0.01, 0.025])
def test_a_clock_that_is_off_hides_no_loss_and_makes_none(
    off: float, n_frames: int, at_once: bool
) -> None:
    """±2.5 % is what the chip's own clock may be off (SBAS499C, 7.5): 1.6 periods of 64."""
    true_us = 1000.0 * (1 + off)
    steady = [true_us] * 60
    assert hidden(steady, n_frames, at_once=at_once, nominal_us=1000.0) == 0
    steady[40] += true_us / n_frames  # one conversion that nobody counted
    assert hidden(steady, n_frames, at_once=at_once, nominal_us=1000.0) == 1


def test_a_clock_that_is_far_off_is_not_followed() -> None:
    """Over 3 % is no clock of this chip: each packet of 64 lacks two conversions."""
    periods = [1000.0 * 66 / 64] * 10
    assert hidden(periods, 64, at_once=False, nominal_us=1000.0) == 20
    assert hidden([1000.0 * 65.9 / 64] * 10, 64, at_once=False, nominal_us=1000.0) == 0


def test_the_period_is_that_of_the_packets_of_late() -> None:
    """A clock that drifts by 2 % is followed: the last 16 packets say how long a period is."""
    drift = [1000.0] * 100 + [1000.0 + k / 10 for k in range(200)] + [1020.0] * 40
    assert hidden(drift, 32, at_once=False, nominal_us=1000.0) == 0
    drift[-1] += 1020.0 / 32
    assert hidden(drift, 32, at_once=False, nominal_us=1000.0) == 1


def totals_of(times_us: list[int], n_frames: int, at_once: int) -> Totals:
    """Return the account of packets with these times, so many at once; 0 gives each alone."""
    account, firsts = LossAccount(), [n * n_frames for n in range(len(times_us))]
    account.begin_run(PERIOD_US)
    if not at_once:
        for first, time_us in zip(firsts, times_us, strict=True):
            frames = bytes(27 * n_frames)
            account.add(OnePacket(first, time_us, 1, 0, 0, frames, 0, n_frames, 27))
    for at in range(0, len(firsts), at_once) if at_once else ():
        times = times_us[at : at + at_once]
        account.add(packets(*firsts[at : at + at_once], times_us=times, n_frames=n_frames))
    return account.totals


@pytest.mark.parametrize("n_frames", [1, 3, 16])
@pytest.mark.parametrize("off", [0.98, 1.0, 1.028, 1.05])
@pytest.mark.parametrize("jitter_us", [0.0, 20.0, 300.0])
def test_what_time_says_is_hidden_does_not_hang_on_how_many_packets_come_at_once(
    n_frames: int, off: float, jitter_us: float
) -> None:
    random = np.random.default_rng(1)
    steps_us = np.full(200, n_frames * PERIOD_US * off)
    steps_us[[40, 90, 91]] += (2_000_000, 700, 50_000)  # a loss that the board hides
    times_us = np.cumsum(steps_us) + random.normal(size=200) * jitter_us
    alone = totals_of(times_us.astype(int).tolist(), n_frames, 0)
    assert alone.hidden > 0
    for at_once in (1, 7, 64, 200):
        assert totals_of(times_us.astype(int).tolist(), n_frames, at_once) == alone


def test_gaps_repeats_and_new_runs_are_no_hidden_loss(account: LossAccount) -> None:
    account.begin_run(float(PERIOD_US))
    account.add(packets(0, 4, 12, 12, 16, link_lost=[0, 0, 1, 1, 1]))
    account.add(packets(40, link_lost=[2]))
    assert account.totals.hidden == 0
    account.end_run(44)
    account.begin_run(float(PERIOD_US))
    account.add(packets(0, 4, times_us=[900_000, 904_000]))  # the board's clock went on
    assert account.totals.hidden == 0
    account.add(packets(8, times_us=[910_000]))
    assert account.totals.hidden == 2
    account.begin_run(float(2 * PERIOD_US))  # another rate: what was followed before is forgotten
    account.add(packets(0, 4, times_us=[1_000_000, 1_008_000]))
    assert account.totals.hidden == 2
