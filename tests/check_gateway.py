"""The contract that every gateway passes: what comes out is what the board sent, or is said.

`emgrig.gateways` has the gateways. Each is a transport, so it passes `check_transport` too; call
`check_gateway` with the twin's ground truth beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

import emgrig
from emgrig.driver.board import Board
from emgrig.driver.can import Registers, StatusWord, Timing
from emgrig.driver.samples.block import Block
from emgrig.protocol.packets import Line


@dataclass(frozen=True)
class Twin:
    """A board, connected through its gateway, and what its twin knows.

    `truth` returns what the electrodes saw at the twin's own samples, V, one row each; `step_v` is
    half a code: what is rounded away on the way.
    """

    board: Board
    truth: Callable[[], NDArray[np.float64]]
    step_v: float


def check_gateway(open_twin: Callable[[], Twin]) -> None:
    """Check all of the contract."""
    check_what_it_says_of_itself(open_twin)
    check_every_value(open_twin)
    check_a_second_run_begins_anew(open_twin)
    check_what_it_cannot_is_refused(open_twin)


def joined(blocks: Sequence[Block]) -> NDArray[np.float64]:
    """Return the volts of all blocks, one row a sample."""
    return np.concatenate([block.volts for block in blocks])


def numbers(blocks: Sequence[Block]) -> NDArray[np.int64]:
    """Return the number of each sample."""
    return np.concatenate([b.first_conversion + np.arange(b.n_samples) for b in blocks])


def check_what_it_says_of_itself(open_twin: Callable[[], Twin]) -> None:
    """What it can and cannot agree, and the scale that is stated is the one that scales."""
    with open_twin().board as board:
        can = board.can
        if can.stated is None:
            assert can.registers in (Registers.ALL, Registers.ALL_READ)
            return
        assert len(can.stated.gains) == board.identity.layout.n_channels
        expected = np.array(can.stated.vref_v) / np.array(can.stated.gains) / 2.0**23
        np.testing.assert_allclose(board.chip.scale_v, expected, rtol=1e-12)
        assert board.chip.rate_hz == can.stated.rate_hz
        assert can.limits, "a board without registers says so"


def check_every_value(open_twin: Callable[[], Twin]) -> None:
    """Each sample that comes out is what the electrodes saw, in its place, and none is missing."""
    twin = open_twin()
    with twin.board as board:
        with board.stream(duration_s=4.0) as stream:
            blocks = list(stream)
        n_samples = round(4.0 * board.chip.rate_hz)
        assert sum(block.n_samples for block in blocks) == n_samples
        assert stream.totals.lost == 0
        assert stream.totals.hidden == 0
        truth = twin.truth()
        volts = joined(blocks)
        begin = place_of(volts[:20], truth, twin.step_v)
        expected = truth[begin + numbers(blocks)]
        np.testing.assert_allclose(volts, expected, rtol=0, atol=twin.step_v)
        for block in blocks:
            assert block.flags == 0
            if board.can.status is StatusWord.WHOLE:
                assert (block.status >> 20 == 0b1100).all()
            if board.can.status is StatusWord.NONE:
                assert not block.status.any()


def check_a_second_run_begins_anew(open_twin: Callable[[], Twin]) -> None:
    """After STOP a board runs again; the count begins at 0, and time goes on."""
    with open_twin().board as board:
        ends = []
        for _ in range(2):
            with board.stream(duration_s=1.0) as stream:
                blocks = list(stream)
            assert blocks[0].first_conversion == 0
            ends.append((blocks[0].board_time_us, blocks[-1].board_time_us))
        assert ends[0][0] < ends[0][1] <= ends[1][0] < ends[1][1]


def check_what_it_cannot_is_refused(open_twin: Callable[[], Twin]) -> None:
    """What the board cannot do is refused in one line, before anything is sent."""
    with open_twin().board as board:
        can, sent = board.can, []
        board.tap = lambda direction, data, _: sent.append(data) if direction == "sent" else None
        refused = [lambda: board.set_line(Line.RESET, high=False)] if not can.lines else []
        if can.stated is not None:
            refused += [
                lambda: board.chip.configure(gain=24),
                lambda: board.chip.read_registers(),
                lambda: board.chip.files,
                lambda: board.apply("facial-emg"),
                lambda: board.ports[0].read(0, 1),
                lambda: board.ports[0].command(0x11),
                lambda: board.quiet().__enter__(),
            ]
        if can.timing is not Timing.ASKED:
            refused.append(lambda: board.synchronise())
        for ask in refused:
            with pytest.raises(emgrig.BoardCannot) as caught:
                ask()
            assert "\n" not in str(caught.value)
            assert board.identity.serial_number in str(caught.value)
            assert str(caught.value).endswith("nothing was sent")
        assert not sent


def place_of(rows: NDArray[np.float64], truth: NDArray[np.float64], step_v: float) -> int:
    """Return the one place of the truth at which these consecutive samples lie."""
    windows = np.lib.stride_tricks.sliding_window_view(truth, len(rows), axis=0)
    apart = np.abs(windows.transpose(0, 2, 1) - rows)
    found = np.flatnonzero((apart <= step_v).all(axis=(1, 2)))
    assert len(found) == 1, f"these samples are at {len(found)} places of the truth"
    return int(found[0])
