"""A transfer in one go is its bytes one by one, whatever the processor beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions, Processor

SCLKS = st.sampled_from([1e6, 4e6, 20e6])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([None, 0.0, 1e-6, 1e-4, 3.9e-3]),  # DRDY, or a time
        st.integers(1, 30),
        SCLKS,
    ),
    max_size=12,
)


def started(processor: Processor) -> Bench:
    """Return a bench that converts, in RDATAC, brought there without a breach."""
    bench = Bench(BenchOptions(source="silence", processor=processor))
    for command in (b"\x11", b"\x43\x00\xe0", b"\x08", b"\x10"):
        bench.advance(0.15)
        bench.transfer(command, gap_s=4e-6)
    bench.advance(0.01)
    return bench


def by_bytes(bench: Bench, n_bytes: int, sclk_hz: float, processor: Processor) -> bytes:
    """Do what a transfer does, byte by byte."""
    bench.select()
    miso = bytes(bench.byte(0, sclk_hz=sclk_hz) for _ in range(n_bytes))
    bench.advance(processor.hold_s)
    bench.deselect()
    bench.advance(processor.pause_s)
    return miso


@pytest.mark.slow
@given(
    st.sampled_from([0.0, 0.2e-6, 1e-6, 1.95e-6, 3e-6]),
    st.sampled_from([0.0, 0.5e-6, 2e-6]),
    STEPS,
)
def test_a_transfer_is_its_bytes(
    hold_s: float, pause_s: float, steps: list[tuple[float | None, int, float]]
) -> None:
    processor = Processor("any", 0.0, hold_s, pause_s)
    whole, bytewise = started(processor), started(processor)
    for time_s, n_bytes, sclk_hz in steps:
        for bench in (whole, bytewise):
            bench.wait_drdy(edge=True) if time_s is None else bench.advance(time_s)
        sent = whole.transfer(bytes(n_bytes), sclk_hz=sclk_hz)
        assert by_bytes(bytewise, n_bytes, sclk_hz, processor) == sent
    one, other = whole.facts().chips[0], bytewise.facts().chips[0]
    assert one.counts == other.counts
    assert [(b.rule, b.severity, b.text, b.transfer, b.sent) for b in one.breaches] == [
        (b.rule, b.severity, b.text, b.transfer, b.sent) for b in other.breaches
    ]
    assert (one.n_read, one.n_torn, one.n_transfers) == (
        other.n_read, other.n_torn, other.n_transfers,
    )  # fmt: skip
    for mine, its in zip(one.margins, other.margins, strict=True):
        assert (mine.name, round(mine.us, 2)) == (its.name, round(its.us, 2))
