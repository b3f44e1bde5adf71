"""The hub and its views, on virtual time."""

import json
from collections.abc import Iterator
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.calibration.contact import check_contact
from emgrig.driver.block import Block
from emgrig.driver.board import Board
from emgrig.protocol.errors import RecordingError
from emgrig.recording.recorder import Recorder
from emgrig.simulator.clock import VIRTUAL_EPOCH_UNIX_S
from emgrig.simulator.transport import SimTransport
from emgrig.tools.desk.history import History
from emgrig.tools.desk.hub import Hub
from emgrig.tools.desk.scope import Scope
from emgrig.tools.desk.status import LinkState


def simulated(query: str = "") -> tuple[Hub, SimTransport]:
    transport = SimTransport(query)
    board = Board(transport)
    board.apply("facial-emg")
    hub = Hub(board)
    hub.start()
    return hub, transport


@pytest.fixture
def hub() -> Iterator[Hub]:
    made, _ = simulated("seed=3")
    with made:
        yield made


# Views.


@given(
    pieces=st.lists(st.tuples(st.integers(0, 120), st.integers(1, 90)), min_size=1, max_size=12),
    rate_hz=st.sampled_from([250, 500, 1000, 2000]),
)
def test_no_sample_is_hidden_from_the_eye(pieces: list[tuple[int, int]], rate_hz: int) -> None:
    """A spike of one sample reaches its column, however the blocks are cut."""
    scope = Scope(rate_hz, 2, mains_hz=None)
    n_each = round(scope.column_s * rate_hz)
    n_samples = sum(n for _, n in pieces)
    uv = np.zeros((n_samples, 2))
    at = n_samples // 2
    uv[at, 1] = 1e4
    begin = 0
    for _, n in pieces:
        scope.feed(uv[begin : begin + n])
        begin += n
    n_columns, columns = scope.since(0)
    assert n_columns == n_samples // n_each == len(columns)
    if at // n_each < n_columns:
        assert columns[at // n_each, 1, 1] > 0.9e4
    assert (columns[:, 0] <= columns[:, 1]).all()
    assert (columns[:, :, 0] == 0).all()


def test_a_hole_is_a_hole_in_the_traces() -> None:
    scope = Scope(1000, 1, mains_hz=50.0)
    scope.feed(np.ones((100, 1)))
    scope.feed(np.ones((100, 1)), 500)
    _, columns = scope.since(0)
    assert np.isnan(columns[:, 0, 0]).sum() == 50
    assert np.isfinite(columns[:10]).all()
    assert np.isfinite(columns[-10:]).all()


@given(
    pieces=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 400)), min_size=1, max_size=20),
    ask=st.tuples(st.floats(-1, 5), st.floats(0.01, 3)),
)
def test_history_gives_back_what_was_at_a_time(
    pieces: list[tuple[int, int]], ask: tuple[float, float]
) -> None:
    history, at = History(1000.0, 1, length_s=2.0), 0
    true = np.full(30_000, np.nan)
    for lost, n in pieces:
        at += lost
        true[at : at + n] = np.arange(at, at + n)
        history.feed(np.arange(at, at + n, dtype=np.float64)[:, None], lost, 100.0 + at / 1000)
        at += n
    begin, length = round(1000 * ask[0]), round(1000 * ask[1])
    got = history.window(100.0 + begin / 1000, 100.0 + (begin + length) / 1000)
    assert got.shape == (length, 1)
    for offset, value in enumerate(got[:, 0]):
        sample = begin + offset
        if not np.isnan(value):
            assert value == sample
        elif max(at - 2000, 0) <= sample < at:
            assert np.isnan(true[sample])


def test_a_window_needs_a_length_and_samples() -> None:
    history = History(1000.0, 1, length_s=2.0)
    with pytest.raises(ValueError, match="no sample has come"):
        history.window(0.0, 1.0)
    with pytest.raises(ValueError, match="is empty"):
        history.window(1.0, 1.0)


# The hub.


def test_markers_lie_at_their_time_on_the_boards_clock(tmp_path: Path) -> None:
    hub, transport = simulated("seed=3&fault=clock-drift:ppm=300")
    with hub:
        hub.run_until(hub.unix_s() + 8.0)
        hub.start_recording(tmp_path / "a.bdf")
        at_s = hub.unix_s() + 2.3
        hub.run_until(at_s + 1.0)
        hub.mark("here x=1", at_s)
        hub.run_until(at_s + 6.0)
        made = hub.stop_recording().result()
    (onset, text), = [(a.onset, a.text) for a in edfio.read_bdf(made.bdf_paths[0]).annotations
                      if a.text == "here x=1"]  # fmt: skip
    assert text == "here x=1"
    # When the board's clock showed the first sample, by true time: a witness of its own.
    start_us = json.loads(made.sidecar_paths[0].read_text())["start"]["board_time_us"]
    true_at_s = at_s - VIRTUAL_EPOCH_UNIX_S
    true_rate_hz = transport.board.bank.buses[0].chip.f_clk_hz / 2048
    true_onset_s = (true_at_s - transport.board.true_s(start_us)) * true_rate_hz / 1000
    assert onset == pytest.approx(true_onset_s, abs=2e-3)


def test_a_window_holds_what_the_file_holds(hub: Hub, tmp_path: Path) -> None:
    hub.run_until(hub.unix_s() + 1.0)
    hub.start_recording(tmp_path / "a.bdf")
    begin_s = hub.unix_s() + 1.0
    hub.run_until(begin_s + 2.0)
    window = hub.window_uv(begin_s, begin_s + 1.0)
    hub.stop_recording().result()
    file = np.stack([s.data for s in edfio.read_bdf(tmp_path / "a.bdf").signals], axis=1)
    at = int(np.argmin(np.abs(file - window[0]).sum(axis=1)))
    np.testing.assert_allclose(file[at : at + len(window)], window, atol=1e-6)


def test_a_check_has_the_board_alone_and_the_stream_goes_on(hub: Hub) -> None:
    hub.run_until(hub.unix_s() + 1.0)
    before = hub.status()
    check = hub.run_exclusive(check_contact).result()
    assert check.is_simulated
    assert check.registers_proved
    hub.run_until(hub.unix_s() + 1.0)
    after = hub.status()
    assert after.link is LinkState.STREAMING
    assert after.n_samples > before.n_samples
    assert after.n_lost == before.n_lost == 0
    assert after.n_paused > 14 * 1600  # each electrode was measured for 1.6 s


def test_no_check_in_mid_recording(hub: Hub, tmp_path: Path) -> None:
    hub.start_recording(tmp_path / "a.bdf")
    with pytest.raises(ValueError, match="a recording is on; stop it first"):
        hub.run_exclusive(check_contact)
    with pytest.raises(ValueError, match="is being recorded; stop that first"):
        hub.start_recording(tmp_path / "b.bdf")
    hub.run_until(hub.unix_s() + 1.0)
    hub.stop_recording().result()
    with pytest.raises(ValueError, match="no recording is on"):
        hub.stop_recording()


def test_a_check_that_fails_is_told_and_the_stream_goes_on(hub: Hub) -> None:
    def fail(_: Board) -> None:
        raise RecordingError("no")

    failed = hub.run_exclusive(fail)
    with pytest.raises(RecordingError, match="no"):
        failed.result()
    before = hub.status().n_samples
    hub.run_until(hub.unix_s() + 1.0)
    assert hub.status().n_samples > before


def test_a_full_disk_ends_the_recording_and_not_the_stream(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.start_recording(tmp_path / "a.bdf")
    hub.run_until(hub.unix_s() + 1.0)

    def full(_self: Recorder, _block: Block) -> None:
        raise RecordingError("cannot write a.capture: No space left on device; make room")

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "feed", full)
        hub.run_until(hub.unix_s() + 1.0)
    going = hub.status().recording
    assert going is not None
    assert not going.is_on
    assert "No space left" in going.problem
    before = hub.status().n_samples
    hub.run_until(hub.unix_s() + 1.0)
    assert hub.status().n_samples > before
    assert (tmp_path / "a.capture").stat().st_size > 0  # what had come is kept
    hub.start_recording(tmp_path / "b.bdf")  # and the next one can begin


def test_closing_makes_the_files(tmp_path: Path) -> None:
    hub, _ = simulated()
    with hub:
        hub.start_recording(tmp_path / "a.bdf")
        hub.run_until(hub.unix_s() + 2.0)
    assert len(edfio.read_bdf(tmp_path / "a.bdf").signals[0].data) >= 2000


def test_a_cut_link_is_one_gap_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Five seconds without a link in mid-recording: counted, marked, and a hole in the views."""
    hub, _ = simulated("seed=2&fault=link-cut:at=4,after=5")
    with hub:
        hub.start_recording(tmp_path / "a.bdf")
        hub.run_until(hub.unix_s() + 14.0)
        status = hub.status()
        window = hub.last_uv(12.0)
        made = hub.stop_recording().result()
    totals = made.account.totals
    assert totals.produced == totals.received + totals.lost
    assert 4500 < status.n_lost < 6500
    assert totals.lost + totals.paused == status.n_lost + status.n_paused
    assert np.isnan(window[:, 0]).sum() == pytest.approx(status.n_lost, abs=32)
    gaps = [a for a in edfio.read_bdf(tmp_path / "a.bdf").annotations if "BAD_gap" in a.text]
    rate_hz = edfio.read_bdf(tmp_path / "a.bdf").signals[0].sampling_frequency
    assert sum((a.duration or 0) * rate_hz for a in gaps) == pytest.approx(status.n_lost, abs=2)


def test_real_time_is_added_to_a_simulated_address() -> None:
    from emgrig.connect import in_real_time

    assert in_real_time("sim:") == "sim:speed=real"
    assert in_real_time("sim:face") == "sim:face&speed=real"
    assert in_real_time("sim:seed=3&speed=10") == "sim:seed=3&speed=10"
    assert in_real_time("tcp://host:1") == "tcp://host:1"
    with emgrig.connect(in_real_time("sim:seed=3")) as board:
        assert board.is_paced
