"""The hub and its views, on virtual time."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from emgrig.desk.desk import Desk
from emgrig.desk.pages.face import face_svg, sites_of
from emgrig.desk.pages.panels import alert_words
from emgrig.desk.stream import hub as hub_module
from emgrig.desk.stream.board_settings import Wish
from emgrig.desk.stream.contact import Contact
from emgrig.desk.stream.exchange import Incoming
from emgrig.desk.stream.history import History
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.scope import Scope
from emgrig.desk.stream.status import LinkState
from emgrig.driver.board import Board
from emgrig.driver.samples.block import Block
from emgrig.electrodes import ContactSettings, Light, Limits, check_contact
from emgrig.electrodes.face_positions import SITES
from emgrig.errors import EmgrigError, RecordingError
from emgrig.recording.recorder import Recorder, record
from emgrig.simulator.clock import VIRTUAL_EPOCH_UNIX_S
from emgrig.simulator.transport import SimTransport
from fake_board import FakeTransport


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_boards_drift_is_shown_once_it_can_be_told_with_what_it_is_right_to() -> None:
    hub, _ = simulated("seed=3&fault=clock-drift:ppm=300")
    with hub:
        seen = []
        for _ in range(40):
            hub.run_until(hub.unix_s() + 0.25)
            status = hub.status()
            seen.append((status.drift_ppm, status.drift_bound_ppm))
    assert seen[0] == (None, None)
    told = [(ppm, bound) for ppm, bound in seen if ppm is not None and bound is not None]
    assert 5 < len(told) < 40
    assert all(abs(ppm - 300) <= bound <= 1000 for ppm, bound in told)


@pytest.mark.slow
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


def test_a_marker_lies_at_its_time_where_the_boards_clock_cannot_be_asked(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a Cyton's: it is placed by what came last, and that may be a tenth of a second ago."""
    hub.start_recording(tmp_path / "a.bdf")
    hub.run_until(hub.unix_s() + 2.0)
    at_s = hub.unix_s() + 0.3
    hub.mark("by its clock", at_s)
    with monkeypatch.context() as patched:
        patched.setattr(Hub, "_clock_fit", lambda _: None)
        hub.run_until(hub.unix_s() + 0.1)
        hub.mark("by what came last", at_s)
    hub.run_until(at_s + 1.0)
    made = hub.stop_recording().result()
    onset = {a.text: a.onset for a in edfio.read_bdf(made.bdf_paths[0]).annotations}
    packet_s = 16 / hub.rate_hz
    assert onset["by what came last"] == pytest.approx(onset["by its clock"], abs=packet_s)


@pytest.mark.slow
def test_the_tubes_changes_lie_at_their_conversions_whatever_the_clock(tmp_path: Path) -> None:
    """Its oscillator is 0.25 % slow and the blocks are long: nominal time would be samples off."""
    hub, transport = simulated("seed=2")
    assert abs(transport.board.bank.f_clk_hz / 2_048_000 - 1) > 0.002
    with hub:
        hub.start_recording(tmp_path / "a.bdf")
        hub.run_until(hub.unix_s() + 8.0)
        hub.stop_recording().result()
    table = np.genfromtxt(tmp_path / "a_tube.tsv", names=True, missing_values="n/a")
    assert len(table) > 200
    assert (np.diff(table["count"]) == 1).all()
    assert np.ptp(table["sample"] - table["conversion"]) == 0


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


@pytest.mark.slow
def test_a_check_has_the_board_alone_and_the_stream_goes_on(hub: Hub) -> None:
    hub.run_until(hub.unix_s() + 1.0)
    before = hub.status()
    check = hub.run_exclusive(check_contact).result()
    assert check.board.is_simulated
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


@pytest.mark.slow
def test_a_cut_link_is_one_gap_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Five seconds without a link in mid-recording: counted, marked, and a hole in the views."""
    hub, _ = simulated("seed=2&fault=link-cut:at=4,after=5")
    with hub:
        hub.start_recording(tmp_path / "a.bdf")
        hub.run_until(hub.unix_s() + 14.0)
        status = hub.status()
        window = hub.last_uv(12.0)
        made = hub.stop_recording().result()
    totals = made.totals
    assert totals.produced == totals.received + totals.lost
    assert 4500 < status.n_lost < 6500
    assert totals.lost + totals.paused == status.n_lost + status.n_paused
    assert np.isnan(window[:, 0]).sum() == pytest.approx(status.n_lost, abs=32)
    gaps = [a for a in edfio.read_bdf(tmp_path / "a.bdf").annotations if "BAD_gap" in a.text]
    rate_hz = edfio.read_bdf(tmp_path / "a.bdf").signals[0].sampling_frequency
    assert sum((a.duration or 0) * rate_hz for a in gaps) == pytest.approx(status.n_lost, abs=2)


@pytest.mark.parametrize("is_meant", [True, False])
def test_what_is_missing_between_two_streams_is_a_pause_only_if_it_was_meant(
    hub: Hub, is_meant: bool
) -> None:
    hub.run_until(hub.unix_s() + 1.0)
    if is_meant:
        hub.run_exclusive(lambda board: board.clock.sleep(3.0)).result()
    else:  # as when a stream fails for good, and is begun anew
        hub._lose_stream("the board does not answer")
        hub.board.clock.sleep(3.0)
        hub._open_stream()
    hub.run_until(hub.unix_s() + 1.0)
    status = hub.status()
    missing, nothing = status.n_lost, status.n_paused
    if is_meant:
        missing, nothing = nothing, missing
    assert missing == pytest.approx(3.0 * hub.rate_hz, rel=0.1)
    assert nothing == 0
    hub.views.look()
    assert len(hub.views.pauses) == int(is_meant)
    assert status.n_run_lost == 0
    assert status.n_samples - status.n_run_samples == pytest.approx(hub.rate_hz, abs=0.6e3)


def test_real_time_is_added_to_a_simulated_address() -> None:
    from emgrig.connect import in_real_time

    assert in_real_time("sim:") == "sim:speed=real"
    assert in_real_time("sim:face") == "sim:face&speed=real"
    assert in_real_time("sim:seed=3&speed=10") == "sim:seed=3&speed=10"
    assert in_real_time("tcp://host:1") == "tcp://host:1"
    with emgrig.connect(in_real_time("sim:seed=3")) as board:
        assert board.is_paced


# What goes wrong.


def test_nothing_is_recorded_while_the_electrodes_are_checked(hub: Hub, tmp_path: Path) -> None:
    """Its currents would be in the file; also not while a check waits for the stream to stop."""

    def try_to_record(_: Board) -> None:
        hub.start_recording(tmp_path / "a.bdf")

    with pytest.raises(ValueError, match="no recording now: the board is being checked"):
        hub.run_exclusive(try_to_record).result()
    hub.start_recording(tmp_path / "a.bdf")


def test_a_check_that_fails_leaves_no_registers_behind(hub: Hub) -> None:
    def fail_half_way(board: Board) -> None:
        board.chip.configure(gain=1)
        raise RecordingError("no")

    before = [file.raw for file in hub.board.chip.files]
    hub.run_exclusive(fail_half_way)
    assert [file.raw for file in hub.board.chip.files] == before
    assert hub.status().link is LinkState.STREAMING


def test_a_stream_that_cannot_be_stopped_is_told_to_who_asked(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_: Hub) -> None:
        raise RecordingError("the board refuses STOP")

    with monkeypatch.context() as patched:
        patched.setattr(Hub, "_close_stream", refuse)
        patched.setattr(Hub, "_open_stream", lambda _: None)
        with pytest.raises(RecordingError, match="refuses STOP"):
            hub.run_exclusive(check_contact).result(timeout=0)
    hub.start_recording(tmp_path / "a.bdf")  # nothing waits any more


def test_a_check_is_broken_off_when_the_desk_closes(tmp_path: Path) -> None:
    """Else Ctrl-C would wait for half a minute, or leave the check's currents on."""
    is_closing = threading.Event()
    board = Board(SimTransport(""))
    board.apply("facial-emg")
    before = [file.raw for file in board.chip.files]
    with Hub(board, is_closing=is_closing) as hub:
        hub.start()
        desk = Desk(hub, Contact(hub, Limits()), tmp_path)
        hub.board.clock.sleep(1.0)
        is_closing.set()
        desk.check_electrodes()
        assert "the check failed: the check was broken off" in desk.contact.state.problem
        assert not desk.contact.state.is_on
        assert [file.raw for file in board.chip.files] == before


@pytest.mark.slow
@pytest.mark.parametrize("error", [RecordingError("no link"), RuntimeError("a mistake of ours")])
def test_after_a_check_that_failed_another_can_begin(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    desk = Desk(hub, Contact(hub, Limits()), tmp_path,
                check_settings=ContactSettings(seconds=0.5))  # fmt: skip

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("emgrig.desk.desk.check_contact", fail)
        desk.check_electrodes()
    assert desk.contact.state.problem == f"the check failed: {error}"
    desk.check_electrodes()
    assert desk.contact.state.problem == ""
    assert desk.contact.check is not None
    assert desk.contact.check.conditions.n_samples == 512  # 16 periods, the least


class Broken:
    """Be an outlet that fails at its first block."""

    def __init__(self) -> None:
        self.is_closed = False

    def feed(self, _block: Block) -> None:
        raise RecordingError("LSL is gone")

    def mark(self, _text: str, _unix_s: float) -> None:
        raise AssertionError("it is closed")

    def poll(self) -> Sequence[Incoming]:
        raise AssertionError("it is closed")

    def close(self) -> None:
        self.is_closed = True


def test_an_outlet_that_fails_is_closed_and_said(tmp_path: Path) -> None:
    board, outlet = Board(SimTransport("")), Broken()
    board.apply("facial-emg")
    with Hub(board, outlet=outlet) as hub:
        hub.start()
        hub.start_recording(tmp_path / "a.bdf")
        hub.run_until(hub.unix_s() + 1.0)
        assert outlet.is_closed
        assert "LSL is gone; nothing more goes to other programs" in alert_words(hub.status())
        hub.mark("still kept")
        going = hub.status().recording
        assert going is not None
        assert going.n_marks == 1


def test_a_recording_that_the_disk_ended_says_so_when_it_is_ended(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leads a session ends its recording, and must not hear that there was none."""

    def full(_self: Recorder, _block: Block) -> None:
        raise RecordingError("No space left on device")

    hub.start_recording(tmp_path / "a.bdf")
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "feed", full)
        hub.run_until(hub.unix_s() + 1.0)
    with pytest.raises(RecordingError, match="No space left"):
        hub.stop_recording()


def test_files_that_cannot_be_made_are_said(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Recorder) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Recorder, "close", fail)
    hub.start_recording(tmp_path / "a.bdf")
    hub.run_until(hub.unix_s() + 0.5)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        hub.stop_recording().result(timeout=0)
    going = hub.status().recording
    assert going is not None
    assert (going.is_converting, going.problem) == (False, "a mistake of ours")


def test_a_board_without_a_channel_that_is_on_is_refused() -> None:
    with Board(SimTransport("")) as board:
        board.chip.configure(power_down=True)
        with pytest.raises(ValueError, match="no channel is on; apply a profile"):
            Hub(board)


# In a thread.


def wait_for(is_so: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(30_000):
        if is_so():
            return
        waiting.wait(0.01)
    raise AssertionError("waited for 300 s")


@pytest.mark.parametrize(
    ("query", "true_hz"),
    [
        ("", 0.0),
        ("fault=clock-wrong:factor=1.01", 0.0),  # within what the chip's own clock may be
        ("fault=drdy-slow:factor=4", 250.0),
        ("fault=clock-wrong:factor=1.09", 1090.0),
    ],
)
def test_a_rate_that_is_not_what_the_registers_say_is_said(query: str, true_hz: float) -> None:
    hub, _ = simulated(query)
    with hub:
        hub.run_until(hub.unix_s() + 3.0)
        words = alert_words(hub.status())
    said = re.findall(r"rate 1000 Hz by the registers, by the board's time ([0-9.]+) Hz", words)
    # The simulated chip's own clock is right to 0.5 %.
    assert [float(hz) for hz in said] == pytest.approx([true_hz] if true_hz else [], rel=0.005)
    assert bool(words) == bool(true_hz)


def test_a_board_clock_that_was_set_anew_is_said() -> None:
    transport = FakeTransport()
    hub = Hub(Board(transport))
    hub.start()
    with hub:
        hub.run_until(hub.unix_s() + 2.0)
        assert alert_words(hub.status()) == ""
        transport.board.boot_s -= 1000.0
        hub.run_until(hub.unix_s() + 2.0)
        assert "board time went on by 1000" in alert_words(hub.status())


@pytest.mark.slow
def test_a_mistake_in_a_listener_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RETRY_S", 0.01)
    n_calls = 0

    def fail_once(_: Block) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise RuntimeError("a mistake of ours")

    board = Board(SimTransport(""))
    board.apply("facial-emg")
    with Hub(board) as hub:
        hub.on_block(fail_once)
        hub.start(threaded=True)
        wait_for(lambda: n_calls > 2)
        assert hub.status().link is LinkState.STREAMING


@pytest.mark.slow
def test_a_replay_is_shown_in_its_time_and_ends_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "RETRY_S", 0.01)
    with Board(SimTransport("seed=3")) as board:
        board.apply("facial-emg")
        made = record(board, tmp_path / "a.bdf", 0.5)
    board = emgrig.connect(f"replay:{made.capture_path}")
    with Hub(board) as hub:
        began_s = board.unix_s()
        hub.start(threaded=True)
        wait_for(lambda: hub.status().link is LinkState.STOPPED)
        status = hub.status()
        assert status.n_samples >= 500
        assert "has come to its end" in alert_words(status)
        assert board.unix_s() - began_s >= 0.4
        with pytest.raises(EmgrigError):  # and it still does what it is asked for
            hub.run_exclusive(lambda board: board.reboot()).result(timeout=300)
        wait_for(lambda: hub.status().problem == status.problem)


def test_what_a_replay_cannot_is_refused_with_what_to_do_and_it_goes_on(tmp_path: Path) -> None:
    """It was tried, and the replay was at its end with that: it has no further run."""
    with Board(SimTransport("seed=3")) as board:
        board.apply("facial-emg")
        made = record(board, tmp_path / "a.bdf", 3.0)
    with Hub(emgrig.connect(f"replay:{made.capture_path}")) as hub:
        hub.start(threaded=False)
        hub.run_until(hub.unix_s() + 1.0)
        desk = Desk(hub, Contact(hub, Limits()), tmp_path)
        words = "recording that is shown again.*needs a board, emgrig desk ADDRESS"
        status = hub.status()
        for why in (desk.why_not_check(status), *desk.why_not_change(status).values()):
            assert re.search(words, why)
        for action in (
            desk.check_electrodes,
            lambda: desk.follow(1, "p"),
            lambda: desk.change(Wish(gain=1)),
        ):
            with pytest.raises(ValueError, match=words):
                action()
        before = hub.status().n_samples
        hub.run_until(hub.unix_s() + 1.0)
        assert hub.status().link is LinkState.STREAMING
        assert hub.status().n_samples > before


# The face.


def boxes(svg: str) -> list[tuple[str, float, float, float, float]]:
    """Return where the labels are: text, left, right, top, bottom, by the sizes of Roboto."""
    found = re.findall(
        r'<text x="([\d.-]+)" y="([\d.-]+)" font-size="6.5" text-anchor="(\w+)" [^>]*>'
        r"<title>[^<]*</title>([^<]+)</text>", svg)  # fmt: skip
    made = []
    for x, y, anchor, text in found:
        width = 0.55 * 6.5 * len(text)
        left = float(x) - (width if anchor == "end" else 0.0)
        made.append((text, left, left + width, float(y) - 4.8, float(y) + 0.3))
    return made


def test_no_light_hides_a_label_of_the_face() -> None:
    channels = [(site.channel, site.muscle) for site in SITES]
    svg = face_svg(lambda _, __: Light.RED, Light.GREEN, channels)
    lights = [
        (float(x), float(y), float(r))
        for x, y, r in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)" fill="#', svg)
    ]
    assert len(lights) == 15
    labels = boxes(svg)
    assert {text for text, *_ in labels} == {"bias", *(f"c{n}" for n in range(1, 8))}
    for text, left, right, top, bottom in labels:
        for x, y, r in lights:
            dx, dy = max(left - x, 0, x - right), max(top - y, 0, y - bottom)
            assert dx**2 + dy**2 > r**2, text


def test_the_face_is_said_in_words_too() -> None:
    svg = face_svg(
        lambda n, side: Light.RED if (n, side) == (2, "n") else Light.GREEN,
        Light.GREY,
        [(2, "corrugator supercilii"), (9, "channel 9")],
    )
    assert 'aria-label="electrodes: bias grey, c2n red, 3 green"' in svg
    assert 'data-electrode="c9p"' in svg  # below the face


def test_a_channel_is_drawn_at_its_muscle_whatever_its_number() -> None:
    """A channel on the arm is not shown on the cheek because of its number."""
    sites = sites_of([(1, "Zygomaticus major"), (5, "biceps"), (6, "channel 6"), (9, "channel 9")])
    assert {number: site.muscle for number, site in sites.items()} == {
        1: "zygomaticus major",
        6: "orbicularis oris",
    }
