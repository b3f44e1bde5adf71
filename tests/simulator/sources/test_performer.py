"""The face that does what it is told: its signal against what it was told, and its past."""

import numpy as np
import pytest

from emgrig.driver.board import Board
from emgrig.simulator.sources.face import Face
from emgrig.simulator.sources.performer import Performer
from emgrig.simulator.stage import perform_on
from emgrig.simulator.transport import SimTransport

RATE_HZ = 2000.0


def seconds(begin_s: float, end_s: float) -> np.ndarray:
    return np.arange(int(begin_s * RATE_HZ), int(end_s * RATE_HZ)) / RATE_HZ


@pytest.mark.slow
def test_until_it_is_told_something_it_is_the_face() -> None:
    t_s = seconds(0, 30)
    np.testing.assert_array_equal(Performer(8, 3).volts(t_s), Face(8, 3).volts(t_s))
    assert Performer(8, 3).truth(0, 60) == Face(8, 3).truth(0, 60)


def test_a_contraction_has_the_level_it_was_told() -> None:
    """Rest of 1.9 uV rms is added; noise of 430 Hz over 2 s is right to about 2.5 %."""
    performer = Performer(8, 3, events_per_minute=0)
    performer.perform(6, 10.0, 3.0, 320.0)
    held_uv = performer.volts(seconds(10.5, 12.5))[:, 5] * 1e6
    assert held_uv.std() == pytest.approx(322, rel=0.06)


def test_only_its_muscle_and_its_time_change() -> None:
    performer, face = Performer(8, 3), Face(8, 3)
    performer.perform(2, 5.0, 1.0, 100.0)
    t_s = seconds(0, 12)
    told, alone = performer.volts(t_s), face.volts(t_s)
    outside = (t_s < 4.98) | (t_s > 6.02)
    np.testing.assert_allclose(told[outside], alone[outside], atol=1e-12)
    np.testing.assert_array_equal(np.delete(told, 1, axis=1), np.delete(alone, 1, axis=1))
    inside = (t_s > 5.3) & (t_s < 5.7)
    assert told[inside, 1].std() > 20 * alone[inside, 1].std()


def test_it_is_told_after_the_samples_were_made() -> None:
    """Blocks of 2 s are kept: they must not hide what came later."""
    late, early = Performer(8, 3), Performer(8, 3)
    early.perform(1, 1.5, 1.0, 200.0)
    late.volts(seconds(0, 1))
    late.perform(1, 1.5, 1.0, 200.0)
    t_s = seconds(0, 4)
    np.testing.assert_array_equal(late.volts(t_s), early.volts(t_s))


def test_the_truth_lists_it() -> None:
    performer = Performer(8, 3)
    performer.perform(4, 20.0, 2.0, 240.0)
    told = [event for event in performer.truth(0, 60) if event.kind == "contraction"]
    assert [(e.channel, e.onset_s, e.offset_s, e.peak_uv) for e in told] == [(4, 20.0, 22.0, 240.0)]
    assert [e for e in performer.truth(0, 60) if e not in told] == Face(8, 3).truth(0, 60)
    assert performer.truth(22.5, 23.0) == Face(8, 3).truth(22.5, 23.0)


@pytest.mark.slow
def test_a_running_board_shows_what_its_face_is_told() -> None:
    """Told 0.3 s ahead, though the front end computes 2 s ahead, or known from the start."""
    volts = []
    for is_known in (True, False):
        transport = SimTransport("seed=4")
        board = Board(transport)
        board.apply("facial-emg")
        with board, board.stream() as stream:
            begin_s = transport.board.now_s
            if is_known:
                assert isinstance(transport.board.truth, Performer)
                transport.board.truth.perform(3, begin_s + 1.5, 1.0, 250.0)
            blocks, n_samples = [], 0
            while n_samples < 3 * board.chip.rate_hz:
                blocks.append(next(stream).volts)
                n_samples += len(blocks[-1])
                if not is_known and n_samples > board.chip.rate_hz:
                    perform_on(transport.board, 3, begin_s + 1.5, 1.0, 250.0)
                    is_known = True
        volts.append(np.concatenate(blocks)[: int(2.9 * board.chip.rate_hz)])
    before, after = volts
    assert len(before) == len(after)
    np.testing.assert_allclose(after, before, atol=1e-7)
    quiet, loud = (
        slice(0, int(1.4 * board.chip.rate_hz)),
        slice(int(1.8 * board.chip.rate_hz), None),
    )
    assert after[loud, 2].std() > 5 * after[quiet, 2].std()


def test_bad_arguments_are_refused() -> None:
    performer = Performer(8, 3)
    with pytest.raises(ValueError, match="muscles 1 to 7"):
        performer.perform(8, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="expected above 0"):
        performer.perform(1, 1.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="expected above 0"):
        performer.perform(1, 1.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="onset"):
        performer.perform(1, -1.0, 1.0, 1.0)


def test_a_board_refuses_what_is_too_late_or_has_no_face() -> None:
    board = SimTransport("").board
    board.run_until(5.0)
    with pytest.raises(ValueError, match=r"too late, it is 5\.000 s"):
        perform_on(board, 1, 5.01, 1.0, 1.0)
    with pytest.raises(ValueError, match="no face"):
        perform_on(SimTransport("bench").board, 1, 5.0, 1.0, 1.0)
