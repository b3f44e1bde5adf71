"""The Lab Streaming Layer, with pylsl's own inlets and outlets at the other end."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import emgrig
from emgrig.connect import open_transport
from emgrig.driver.board import Board
from emgrig.driver.chip.registers import Gain
from emgrig.driver.samples.block import Block, Epoch
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.errors import RecordingError, TransportError
from emgrig.protocol.account import Cause
from emgrig.recording.lsl.markers import LslMarkerInlet, Marker
from emgrig.recording.lsl.outlet import LslLink, LslOutlet
from emgrig.recording.lsl.stamps import SessionTime
from emgrig.simulator.clock import VIRTUAL_EPOCH_UNIX_S, VirtualClock
from emgrig.simulator.transport import SimTransport
from lsl_here import keep_lsl_here, lsl_configuration

RATE_HZ = 1000.0
MUSCLES = [
    "frontalis",
    "corrugator supercilii",
    "orbicularis oculi",
    "levator labii superioris alaeque nasi",
    "zygomaticus major",
    "orbicularis oris",
    "depressor anguli oris",
]
CODE_UV = 4.5e6 / 12 / 2**23  # facial-emg has gain 12 (SBAS499C, equation 8)
#: liblsl compares two clocks to within half a round trip, s; `lsl_configuration` allows 30 ms.
LSL_BOUND_S = 15e-3
#: When a test gives up, s. Nothing takes so long; the machine may be busy.
GIVE_UP_S = 300.0


@pytest.fixture(scope="module", autouse=True)
def _here() -> None:
    keep_lsl_here()


@pytest.fixture(scope="module")
def pylsl() -> object:
    return pytest.importorskip("pylsl", reason="needs pylsl: pip install 'emgrig[lsl]'")


def listen(pylsl, source_id: str):
    """Return pylsl's inlet for a stream, open."""
    (info,) = pylsl.resolve_byprop("source_id", source_id, 1, GIVE_UP_S)
    inlet = pylsl.StreamInlet(info)
    inlet.info(GIVE_UP_S)
    inlet.open_stream(GIVE_UP_S)
    return inlet


def texts_until(inlet, last: str) -> list[tuple[float, str]]:
    """Take markers up to one text, which is left out."""
    came: list[tuple[float, str]] = []
    while True:
        (text,), at_s = inlet.pull_sample(GIVE_UP_S)
        if text == last:
            return came
        came.append((at_s, text))


@dataclass
class Heard:
    """What came over LSL from one run of a simulated board, and what was true."""

    blocks: list[Block]
    values: np.ndarray
    stamps_s: np.ndarray
    markers: list[tuple[float, str]]
    zero_s: float  # true time 0 by LSL's clock, or up to `slack_s` later
    slack_s: float
    transport: SimTransport
    stream: object

    @property
    def conversions(self) -> np.ndarray:
        return np.concatenate([b.first_conversion + np.arange(b.n_samples) for b in self.blocks])

    def true_s(self, conversions: np.ndarray) -> np.ndarray:
        """When the last run of the simulated chip converted, by the simulator's true time."""
        run = self.transport.board.firmware.streaming.run
        return run.last_fall_s + (conversions - run.conversions + 1) * run.period_s


def hear(pylsl, query: str, duration_s: float, **more) -> Heard:
    """Stream a simulated board to LSL, and take everything with pylsl's inlets."""
    transport = open_transport(query)
    blocks: list[Block] = []
    with Board(transport) as board:
        board.apply("facial-emg")
        before_s = pylsl.local_clock()
        link = LslLink(board, listen=False, **more)
        slack_s = pylsl.local_clock() - before_s
        zero_s = before_s - board.clock.unix_s() + VIRTUAL_EPOCH_UNIX_S
        serial = board.identity.serial_number
        samples = listen(pylsl, f"emgrig-{serial}-emg")
        markers = listen(pylsl, f"emgrig-{serial}-markers")
        with link, board.stream(duration_s) as stream:
            for block in stream:
                link.feed(block)
                blocks.append(block)
            link.mark("the last", board.clock.unix_s())
    n_samples = sum(block.n_samples for block in blocks)
    values, stamps_s = samples.pull_chunk(GIVE_UP_S, max_samples=n_samples, as_numpy=True)
    return Heard(
        blocks,
        values,
        stamps_s,
        texts_until(markers, "the last"),
        zero_s,
        slack_s,
        transport,
        stream,
    )


# Samples out.


def test_the_stream_says_what_it_is(pylsl) -> None:
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        with LslLink(board):
            info = listen(pylsl, f"emgrig-{board.identity.serial_number}-emg").info(GIVE_UP_S)
    assert (info.name(), info.type()) == (f"emgrig {board.identity.serial_number}", "EMG")
    assert info.nominal_srate() == RATE_HZ
    assert info.channel_format() == pylsl.cf_float32
    assert info.channel_count() == 7  # channel 8 is powered down
    assert info.get_channel_labels() == MUSCLES
    assert info.get_channel_units() == ["microvolts"] * 7
    assert info.get_channel_types() == ["EMG"] * 7
    channel = info.desc().child("channels").child("channel")
    assert channel.child_value("gain") == "12"
    assert channel.child_value("reference") == "own negative electrode"
    acquisition = info.desc().child("acquisition")
    assert acquisition.child_value("simulated") == "yes"
    assert acquisition.child_value("serial_number") == board.identity.serial_number
    assert info.desc().child("scale").child_value("calibrated") == "no"


@pytest.mark.slow
def test_the_values_are_microvolts(pylsl) -> None:
    heard = hear(pylsl, "sim:seed=3", 1.0)
    codes = np.concatenate([block.codes for block in heard.blocks])[:, :7]
    assert heard.values.shape == (1000, 7)
    np.testing.assert_array_equal(heard.values, (codes * CODE_UV).astype(np.float32))


@pytest.mark.slow
def test_the_stamps_are_when_the_chip_converted(pylsl) -> None:
    """Against the simulator's true time; its crystal is 4.5 ppm off, its chip 0.17 % fast."""
    heard = hear(pylsl, "sim:", 3.0)
    late_s = heard.stamps_s - heard.true_s(heard.conversions) - heard.zero_s
    assert len(late_s) == 3000
    assert np.ptp(late_s) < 20e-6  # 4.5 ppm of 3 s, and the board's whole µs
    assert -20e-6 < late_s.min() < late_s.max() < heard.slack_s + 20e-6  # of LSL's clock at zero
    steps_s = np.diff(heard.stamps_s)
    run = heard.transport.board.firmware.streaming.run
    assert np.abs(steps_s - run.period_s).max() < 3e-6  # no jitter of arrival


@pytest.mark.slow
def test_a_gap_is_a_jump_of_the_stamps_and_a_marker(pylsl) -> None:
    heard = hear(pylsl, "sim:seed=5&fault=packets-lost:rate=0.04", 3.0)
    gaps = [block for block in heard.blocks if block.lost_before and block.n_samples]
    assert gaps
    true_s = heard.true_s(heard.conversions)
    late_s = heard.stamps_s - true_s
    assert np.ptp(late_s) < 20e-6  # the gaps too are as long as they were
    assert len(heard.stamps_s) == heard.stream.totals.received - heard.stream.totals.unused
    offset_s = float(np.median(late_s))
    said = [(t, text) for t, text in heard.markers if text.startswith("BAD_gap")]
    whole = [block for block in heard.blocks if block.lost_before]
    assert [text for _, text in said] == [
        f"BAD_gap {block.lost_before} conversions: {block.cause.words}" for block in whole
    ]
    first_missing = np.array([block.first_conversion - block.lost_before for block in whole])
    at_s = np.array([t for t, _ in said])
    np.testing.assert_allclose(at_s, heard.true_s(first_missing) + offset_s, rtol=0, atol=25e-6)


@pytest.mark.slow
def test_a_lost_link_is_marked_and_nothing_else_is_lost(pylsl, caplog) -> None:
    heard = hear(pylsl, "sim:fault=link-cut:at=1.5,after=5", 12.0)
    received = heard.stream.totals.received - heard.stream.totals.unused
    assert len(heard.stamps_s) == len(heard.conversions) == received
    assert (np.diff(heard.stamps_s) > 0).all()
    outage = [block for block in heard.blocks if block.cause is Cause.OUTAGE]
    assert outage
    texts = [text for _, text in heard.markers]
    assert texts[0] == f"BAD_gap {outage[0].lost_before} conversions: the link was down"
    back_s, back = next(mark for mark in heard.markers if mark[1].startswith("going on"))
    assert back.endswith("s: the link was down")
    # The second run's samples lie right: by the true time of the simulator, and the same zero.
    board = heard.transport.board
    at_us = np.array([block.board_time_us for block in heard.blocks])
    first = np.searchsorted(heard.conversions, [b.first_conversion for b in heard.blocks])
    late_s = heard.stamps_s[first] - [board.true_s(us) for us in at_us] - heard.zero_s
    assert np.ptp(late_s) < 60e-6  # 4.5 ppm for the seconds until the clock is asked again
    assert back_s == pytest.approx(heard.stamps_s[first[heard.blocks.index(outage[0])]], abs=1e-6)


@pytest.mark.slow
def test_a_board_that_starts_anew_goes_on_in_time(pylsl, caplog) -> None:
    heard = hear(pylsl, "sim:fault=board-restart:at=1.5", 4.0)
    restart = next(block for block in heard.blocks if block.cause is Cause.RESTART)
    assert (np.diff(heard.stamps_s) > 0).all()
    later = heard.conversions >= restart.first_conversion
    # By true time of the last run, whose conversions count from the restart.
    true_s = heard.true_s(heard.conversions[later] - restart.first_conversion)
    late_s = heard.stamps_s[later] - true_s - heard.zero_s
    assert np.ptp(late_s) < 30e-6
    assert -30e-6 < late_s.min() < late_s.max() < heard.slack_s + 30e-6
    assert any(text.startswith("board started") for _, text in heard.markers)
    (back_s,) = [at_s for at_s, text in heard.markers if text.startswith("going on after")]
    assert back_s == pytest.approx(heard.stamps_s[later][0], abs=1e-6)


@pytest.mark.slow
def test_calibrated_volts_go_out_if_they_are_known(pylsl) -> None:
    def scale_uv(_epoch: Epoch, channel_index: int) -> tuple[float, float]:
        return 0.05 * (channel_index + 1), -3.0

    heard = hear(pylsl, "sim:", 0.5, scale_uv=scale_uv)
    codes = np.concatenate([block.codes for block in heard.blocks])[:, :7]
    expected = codes * (0.05 * np.arange(1, 8)) - 3.0
    np.testing.assert_array_equal(heard.values, expected.astype(np.float32))


@pytest.mark.slow
def test_another_gain_opens_the_stream_anew(pylsl) -> None:
    blocks: list[Block] = []
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        source = f"emgrig-{board.identity.serial_number}-emg"
        with LslLink(board, listen=False) as link, board.stream(2.0) as stream:
            first, second = listen(pylsl, source), None
            for block in stream:
                link.feed(block)
                if second is not None:
                    blocks.append(block)
                elif block.epoch.gain[1] == Gain.X24.word:
                    second = listen(pylsl, source)
                elif block.first_conversion > 500 and board.chip.gains[1] != Gain.X24.word:
                    board.chip.configure(channels=[2], gain=24)
    assert _gains(first.info(GIVE_UP_S)) == ["12"] * 7
    assert _gains(second.info(GIVE_UP_S)) == ["12", "24", *["12"] * 5]
    codes = np.concatenate([block.codes for block in blocks])[:, 1]
    assert len(codes) > 500
    values, _ = second.pull_chunk(GIVE_UP_S, max_samples=len(codes), as_numpy=True)
    np.testing.assert_array_equal(values[:, 1], (codes * CODE_UV / 2).astype(np.float32))


def _gains(info) -> list[str]:
    gains, channel = [], info.desc().child("channels").child("channel")
    while not channel.empty():
        gains.append(channel.child_value("gain"))
        channel = channel.next_sibling("channel")
    return gains


def test_what_was_marked_last_is_heard_though_the_stream_closes(pylsl) -> None:
    with emgrig.connect("sim:") as board:
        with LslLink(board) as link:
            inlet = listen(pylsl, f"emgrig-{board.identity.serial_number}-markers")
            for number in range(20):
                link.mark(f"count {number}", board.clock.unix_s())
        texts, _ = inlet.pull_chunk(GIVE_UP_S, max_samples=20)
        link.close()
        with pytest.raises(ValueError, match="markers' is closed"):
            link.mark("late", board.clock.unix_s())
    assert [text for (text,) in texts] == [f"count {number}" for number in range(20)]


def test_a_marker_needs_a_text(pylsl) -> None:
    with (
        emgrig.connect("sim:") as board,
        LslLink(board) as link,
        pytest.raises(ValueError, match="a marker needs a text"),
    ):
        link.mark(" \n", 0.0)


# When it goes out.


def test_blocks_wait_until_rate_and_clock_are_known(pylsl) -> None:
    pushed: list[int] = []
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        with board.stream(1.5) as stream:
            blocks = list(stream)
        link = LslLink(board, listen=False)
        outlet: LslOutlet = link._outlet
        outlet._outlet.push = lambda uv, _stamps: pushed.append(len(uv))
        outlet.feed(blocks[0], board.clock_fit)
        assert pushed == []  # one block does not tell the rate
        outlet.feed(blocks[1], None)
        assert pushed == []  # the clock was not asked
        outlet.feed(blocks[2], board.clock_fit)
        assert pushed == [block.n_samples for block in blocks[:3]]
        link.close()


@pytest.mark.slow
def test_a_short_stream_goes_out_when_it_ends(pylsl) -> None:
    heard = hear(pylsl, "sim:", 0.1)
    assert len(heard.values) == 100


def test_session_time_is_the_difference_of_the_clocks(pylsl) -> None:
    clock = VirtualClock(7.0)
    before_s = pylsl.local_clock()
    made = SessionTime.measure(clock.unix_s)
    after_s = pylsl.local_clock()
    assert before_s <= made.to_lsl(VIRTUAL_EPOCH_UNIX_S + 7.0) <= after_s
    assert made.to_unix(made.to_lsl(1.7e9)) == pytest.approx(1.7e9, abs=1e-6)


# Markers in.


class Person:
    """Somebody else's program that sends markers."""

    there: ClassVar[list["Person"]] = []

    def __init__(self, pylsl, source_id: str, n_channels: int = 1, kind: str = "string") -> None:
        info = pylsl.StreamInfo("PsychoPy", "Markers", n_channels, 0, kind, source_id)
        self.outlet = pylsl.StreamOutlet(info)
        self.there.append(self)

    def close(self) -> None:
        self.outlet = None


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    """A failed test holds its objects: its streams must not be heard by the next one."""
    yield
    while Person.there:
        Person.there.pop().close()


@pytest.fixture
def inlet(pylsl) -> Iterator[LslMarkerInlet]:
    with LslMarkerInlet(SessionTime.measure(VirtualClock().unix_s)) as made:
        yield made


def poll(inlet, *, until: Callable[[list[Marker]], bool]) -> list[Marker]:
    """Poll as a program would, now and then, until what came is what was waited for."""
    tick, came = threading.Event(), []
    for _ in range(round(GIVE_UP_S / 0.01)):
        came += inlet.poll()
        if until(came):
            break
        tick.wait(0.01)
    return came


def heard_by(inlet, person: Person) -> None:
    poll(inlet, until=lambda _: bool(inlet.sources) and person.outlet.have_consumers())
    assert inlet.sources == ("PsychoPy",)


def test_a_marker_comes_in_with_its_time(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "p1")
    heard_by(inlet, person)
    sent_s = pylsl.local_clock()
    person.outlet.push_sample(["clip 7\nstarts"], sent_s - 0.125)
    person.outlet.push_sample(["smile"], sent_s - 0.5)
    came = poll(inlet, until=lambda came: len(came) == 2)
    assert [marker.text for marker in came] == ["smile", "clip 7 starts"]
    expected = np.array([sent_s - 0.5, sent_s - 0.125]) - inlet._time.lsl_minus_unix_s
    np.testing.assert_allclose([m.unix_s for m in came], expected, rtol=0, atol=LSL_BOUND_S)
    assert {marker.source for marker in came} == {"PsychoPy"}
    assert not any(marker.is_by_arrival for marker in came)


def test_numbers_and_several_channels_become_text(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "p2", n_channels=3, kind="double64")
    heard_by(inlet, person)
    person.outlet.push_sample([17.0, 0.1, -2.5e6])
    person.outlet.push_sample([0.0, 1.0, 2.0])
    came = poll(inlet, until=lambda came: len(came) == 2)
    assert [marker.text for marker in came] == ["17 0.1 -2500000", "0 1 2"]


def test_bytes_that_are_no_text_do_no_harm(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "p3")
    heard_by(inlet, person)
    for raw in (b"\xff\x14\x00ok", b""):
        person.outlet.push_sample([raw])
    came = poll(inlet, until=lambda came: len(came) == 2)
    assert sorted(marker.text for marker in came) == ["(no text)", "\ufffd ok"]


@pytest.mark.slow
def test_a_source_may_go_and_come_back(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "p4")
    heard_by(inlet, person)
    person.outlet.push_sample(["before"])
    came = poll(inlet, until=lambda came: len(came) == 1)
    person.close()
    for _ in range(100):
        assert inlet.poll() == []  # nothing waits, nothing raises
    person = Person(pylsl, "p4")
    assert person.outlet.wait_for_consumers(GIVE_UP_S)
    person.outlet.push_sample(["after"])
    came += poll(inlet, until=lambda came: len(came) == 1)
    assert [marker.text for marker in came] == ["before", "after"]
    assert inlet.sources == ("PsychoPy",)


@pytest.mark.slow
def test_a_source_without_an_id_may_go_and_come_back(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "")
    heard_by(inlet, person)
    person.close()
    poll(inlet, until=lambda _: not inlet.sources)
    assert inlet.sources == ()
    person = Person(pylsl, "")
    heard_by(inlet, person)
    person.outlet.push_sample(["after"])
    assert [m.text for m in poll(inlet, until=lambda came: len(came) == 1)] == ["after"]


_SENDER = """
import sys, pylsl
outlet = pylsl.StreamOutlet(pylsl.StreamInfo("PsychoPy", "Markers", 1, 0, "string", "p5"))
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_source_that_is_gone_at_once_blocks_nobody(
    pylsl, inlet: LslMarkerInlet, tmp_path: Path
) -> None:
    """In a process of its own: liblsl may crash where an outlet ends while somebody connects."""
    configuration = tmp_path / "lsl_api.cfg"
    configuration.write_text(lsl_configuration(), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", _SENDER],
        stdin=subprocess.PIPE,
        env={**os.environ, "LSLAPICFG": str(configuration)},
    ) as sender:
        poll(inlet, until=lambda _: bool(inlet._sources))
        sender.kill()

    def go_on() -> None:
        for _ in range(20):
            inlet.poll()
        inlet.close()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    thread.join(GIVE_UP_S)
    assert not thread.is_alive()
    with pytest.raises(ValueError, match="the marker inlet is closed"):
        inlet.poll()


def test_a_clock_that_cannot_be_compared_is_said(pylsl, inlet: LslMarkerInlet) -> None:
    """The sender goes before its clock was asked: the marker is placed by when it came."""
    person = Person(pylsl, "p6")
    heard_by(inlet, person)
    (source,) = inlet._sources.values()

    class Deaf:
        pull_chunk = source.inlet.pull_chunk

        def time_correction(self, _timeout: float) -> float:
            raise pylsl.util.TimeoutError("no answer")

    source.inlet = Deaf()
    before_s = pylsl.local_clock()
    person.outlet.push_sample(["x"], 1.0)  # long ago, by its own clock
    poll(inlet, until=lambda _: bool(source.held))
    after_s = pylsl.local_clock()
    (held,) = source.held
    source.held = [(*held[:2], after_s + 60)]
    assert inlet.poll() == []
    source.held = [(*held[:2], held[2] - 3.1)]
    (marker,) = inlet.poll()
    assert marker.is_by_arrival
    begin_s, end_s = (inlet._time.to_unix(lsl_s - 3.1) for lsl_s in (before_s, after_s))
    assert begin_s < marker.unix_s < end_s


def test_a_marker_of_another_machine_is_moved_to_our_clock(pylsl, inlet: LslMarkerInlet) -> None:
    person = Person(pylsl, "p8")
    heard_by(inlet, person)
    (source,) = inlet._sources.values()

    class Behind:
        pull_chunk = source.inlet.pull_chunk

        def time_correction(self, _timeout: float) -> float:
            return 5.0

    source.inlet = Behind()
    person.outlet.push_sample(["x"], 1000.0)
    (marker,) = poll(inlet, until=lambda found: bool(found))
    assert marker.unix_s == pytest.approx(inlet._time.to_unix(1005.0), abs=1e-9)
    assert not marker.is_by_arrival


def test_only_the_streams_that_are_meant_are_heard(pylsl) -> None:
    with emgrig.connect("sim:") as board, LslLink(board) as link:
        person = Person(pylsl, "p7")
        heard_by(link, person)
        link.mark("ours", board.clock.unix_s())
        person.outlet.push_sample(["theirs"])
        came = poll(link, until=lambda came: bool(came))
        assert [marker.text for marker in came] == ["theirs"]
        assert link.sources == ("PsychoPy",)
        with LslMarkerInlet(link.session_time, name="somebody else") as other:
            for _ in range(30):
                assert other.poll() == []
            assert other.sources == ()


# What is missing.


def test_a_stream_that_cannot_be_opened_leaves_none_open(
    pylsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = pylsl.StreamOutlet, []

    def second_fails(info):
        made.append(info.source_id())
        if len(made) == 2:
            raise RuntimeError("could not create stream outlet.")
        return real(info)

    monkeypatch.setattr(pylsl, "StreamOutlet", second_fails)
    with (
        emgrig.connect("sim:") as board,
        pytest.raises(RecordingError, match=r"LSL stream 'emgrig SIM-.*' cannot be opened"),
    ):
        LslLink(board)
    assert pylsl.resolve_byprop("source_id", made[0], 1, 0.3) == []


def test_a_clock_that_cannot_be_asked_stops_no_stream(
    pylsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emgrig.connect("sim:") as board:
        board.apply("facial-emg")
        with board.stream(1.2) as stream:
            blocks = list(stream)
        with LslLink(board, listen=False) as link:
            pushed: list[int] = []
            link._outlet._outlet.push = lambda uv, _stamps: pushed.append(len(uv))

            def fail(_n: int) -> ClockFit:
                raise TransportError("the link was cut")

            monkeypatch.setattr(board, "synchronise", fail)
            link.feed(replace(blocks[0], cause=Cause.RESTART, is_estimate=True, lost_before=5))
            assert pushed == []
            for block in blocks[1:]:  # the stream itself has asked by then
                link.feed(block)
            assert sum(pushed) == 1200
