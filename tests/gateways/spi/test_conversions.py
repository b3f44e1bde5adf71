"""What became of each conversion, by the times of edges and transfers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.errors import TransportError
from emgrig.gateways.spi.conversions import (
    MARGIN_NS,
    MOST_UNSEEN,
    ChipEdges,
    Conversion,
    Losses,
    Slots,
    State,
)
from emgrig.gateways.spi.hardware import Edge

PERIOD_NS = 1_000_000


def read(conversion: Conversion, begin_ns: int, end_ns: int) -> None:
    conversion.state, conversion.frame = State.HELD, b"x"
    conversion.begin_ns, conversion.end_ns = begin_ns, end_ns


def after(
    begin_ns: int, end_ns: int, next_ns: int, number: int = 2
) -> tuple[Conversion, Conversion, Losses]:
    """A frame of an edge at 0 that is read from `begin_ns` to `end_ns`, and the next edge."""
    losses = Losses()
    edges = ChipEdges(losses)
    (first,) = edges.take(Edge(0, 1, 0))
    read(first, begin_ns, end_ns)
    return first, edges.take(Edge(0, number, next_ns))[-1], losses


def test_a_frame_that_ends_before_the_next_edge_is_good() -> None:
    first, second, losses = after(20_000, 80_000, PERIOD_NS)
    assert (first.state, second.state) == (State.GOOD, State.UNREAD)
    assert losses == Losses()


@pytest.mark.parametrize(("end_ns", "state"), [(700_000, State.GOOD), (760_000, State.LOST)])
def test_a_frame_that_took_most_of_a_period_is_not_believed(end_ns: int, state: State) -> None:
    """The edge after it may have been stamped late, and have met it."""
    first, second, losses = after(20_000, end_ns, PERIOD_NS)
    assert (first.state, second.state) == (state, State.UNREAD)
    assert losses.late == (state is State.LOST)


@pytest.mark.parametrize("end_ns", [PERIOD_NS - MARGIN_NS, PERIOD_NS - 1, PERIOD_NS + 30_000])
def test_a_frame_that_the_next_edge_meets_is_torn_and_so_is_the_next(end_ns: int) -> None:
    """The next edge's own frame was begun by these clocks: it is not whole either."""
    first, second, losses = after(PERIOD_NS - 60_000, end_ns, PERIOD_NS)
    assert (first.state, second.state) == (State.LOST, State.LOST)
    assert losses == Losses(torn=2)


def test_a_frame_that_was_read_after_the_next_edge_is_the_next_one() -> None:
    first, second, losses = after(PERIOD_NS + 10_000, PERIOD_NS + 70_000, PERIOD_NS)
    assert (first.state, second.state, second.frame) == (State.LOST, State.HELD, b"x")
    assert losses == Losses(late=1)


def test_a_frame_before_an_edge_that_found_no_room_is_not_believed() -> None:
    first, second, losses = after(20_000, 80_000, 3 * PERIOD_NS, number=4)
    assert first.state is State.LOST
    assert second.state is State.UNREAD
    assert losses == Losses(torn=1, unseen=2)


def test_edges_that_found_no_room_lie_between_those_that_did() -> None:
    edges = ChipEdges(Losses())
    edges.take(Edge(0, 1, 0))
    came = edges.take(Edge(0, 5, 4 * PERIOD_NS))
    assert [one.at_ns for one in came] == [PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS, 4 * PERIOD_NS]
    assert edges.period_ns == PERIOD_NS


def test_the_kernel_s_count_wraps_and_an_edge_told_twice_is_one() -> None:
    edges = ChipEdges(Losses())
    edges.count_from(2**32 - 2)
    assert len(edges.take(Edge(0, 2**32 - 1, 0))) == 1
    assert len(edges.take(Edge(0, 0, PERIOD_NS))) == 1
    assert edges.take(Edge(0, 0, PERIOD_NS)) == []
    assert len(edges.take(Edge(0, 2, 3 * PERIOD_NS))) == 2


def test_a_standstill_is_told_as_that() -> None:
    edges = ChipEdges(Losses())
    edges.take(Edge(0, 1, 0))
    with pytest.raises(TransportError, match="conversions passed unseen: was the program stopped"):
        edges.take(Edge(0, MOST_UNSEEN + 3, 10**12))


@given(
    st.lists(st.integers(900, 1100), max_size=60),
    st.lists(st.integers(900, 1100), max_size=60),
    st.data(),
)
def test_every_conversion_of_both_chips_is_delivered_or_counted(
    first: list[int], second: list[int], data: st.DataObject
) -> None:
    """Whatever the order and whatever is lost: one slot each, in order, none twice."""
    losses = Losses()
    slots = Slots(2, losses)
    at = [0, 0]
    events: list[tuple[int, int, Conversion]] = []
    for chip, steps in enumerate((first, second)):
        for number, step in enumerate(steps):
            at[chip] += step
            state = State.GOOD if data.draw(st.integers(0, 4)) else State.LOST
            made = Conversion(at[chip], state, bytes([chip, number]))
            events.append((at[chip], chip, made))
    for _, chip, made in sorted(events, key=lambda one: one[:2]):
        slots.add(chip, made)
    ready = slots.ready()
    assert [number for number, _, _ in ready] == sorted({number for number, _, _ in ready})
    assert all(number < slots.count for number, _, _ in ready)
    frames = [frame for _, _, frame in ready]
    assert all(frame[0] == 0 and frame[2] == 1 for frame in frames)
    for column in (1, 3):
        numbers = [frame[column] for frame in frames]
        assert numbers == sorted(set(numbers))
    # Each slot holds one conversion of one chip at least, and each conversion has one slot.
    is_open = len(first) + len(second) > 0 and slots.count < max(len(first), len(second), 1)
    assert max(len(first), len(second)) - is_open <= slots.count <= len(first) + len(second)
    n_good = sum(made.state is State.GOOD for _, _, made in events)
    assert 2 * len(frames) + losses.alone <= n_good


def test_a_chip_that_is_silent_delivers_nothing_and_counts_all() -> None:
    losses = Losses()
    slots = Slots(2, losses)
    for number in range(10):
        slots.add(0, Conversion(number * PERIOD_NS, State.GOOD, b"a"))
    assert slots.ready() == []
    assert slots.count == 9  # the last one's partner may still come
    assert losses.alone == 9
