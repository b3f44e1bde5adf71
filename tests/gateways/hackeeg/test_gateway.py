"""A HackEEG behind its gateway: the contract, registers, runs, and its firmware's traps."""

import json
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import pytest

import emgrig
from check_gateway import Twin, check_gateway, joined, numbers, place_of
from check_transport import check_transport
from emgrig.desk.stream.hub import Hub
from emgrig.driver.board import Board
from emgrig.driver.can import Counting, Timing
from emgrig.driver.interruption import Happened
from emgrig.driver.samples.block import Block
from emgrig.errors import RequestRefused, TransportTimeout, WireError
from emgrig.gateways.endpoint import Endpoint
from emgrig.protocol.account import Cause
from emgrig.protocol.packets import ResetCause
from emgrig.recording.recorder import record
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.faults.actions import brown_out, limit_link
from emgrig.simulator.firmware.spi import StuckMiso
from emgrig.simulator.transport import SimTransport
from gateways.hackeeg.rig import (
    CODE_V,
    board_of,
    gateway_of,
    processor_of,
    transport_of,
    truth_of,
    twin_of,
)


@pytest.mark.slow
@pytest.mark.parametrize("is_json", [False, True])
def test_it_passes_the_contract_of_gateways(is_json: bool) -> None:
    def open_twin() -> Twin:
        return twin_of(is_json=is_json)

    check_gateway(open_twin)


def test_it_is_a_transport() -> None:
    opened: list[SimTransport] = []

    def open_transport() -> Endpoint:
        opened.append(transport_of())
        return gateway_of(opened[-1])

    def cut() -> None:
        opened[-1].board.cut_link()
        opened[-1].board.restore_link()

    check_transport(open_transport, cut=cut)


def test_it_says_what_it_can() -> None:
    with Board(gateway_of()) as board:
        assert board.identity.firmware == "v0.3.0"
        assert board.identity.is_simulated
        assert (board.can.counting, board.can.timing) == (Counting.NOT, Timing.ASKED)
        assert board.can.loss_words == "an estimate by board time"
        assert board.can.stated is None


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_smaller_chips_have_shorter_frames(n_channels: int) -> None:
    transport = transport_of(f"&channels={n_channels}")
    with board_of(transport) as board, board.stream(duration_s=1.0) as stream:
        volts = joined(list(stream))
    assert volts.shape == (500, n_channels)
    place_of(volts[:20], truth_of(transport), 0.5 * CODE_V)


def test_the_scale_is_that_of_the_electrodes() -> None:
    """5 Hz and 50 mV come out, but for what sinc³ takes (SBAS499C, 9.3.2.1), within 0.1 %."""
    transport = transport_of(source="sine:50mV,5Hz")
    with board_of(transport) as board:
        with board.stream(duration_s=2.0) as stream:
            volts = joined(list(stream))
        check = stream.rate_check
    assert check is not None
    t_s = np.arange(len(volts)) / check.measured_hz
    waves = np.column_stack(
        [np.sin(2 * np.pi * 5 * t_s), np.cos(2 * np.pi * 5 * t_s), np.ones_like(t_s)]
    )
    found = np.linalg.lstsq(waves, volts, rcond=None)[0]
    front_end = transport.board.front_ends[0]
    assert isinstance(front_end, AnalogueFrontEnd)
    chip = front_end.tolerances  # of this chip: what the gateway must not add to
    expected_v = 50e-3 * np.sinc(5 / 500) ** 3 * (1 + chip.gain_error[:, -1])
    expected_v /= 1 + chip.reference_error
    np.testing.assert_allclose(np.hypot(found[0], found[1]), expected_v, rtol=1e-3)


# ---- registers ----------------------------------------------------------------------------------


def test_registers_are_one_to_one() -> None:
    """What is written is in the chip, byte for byte, read past the gateway."""
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        sent = bytes(range(0x11, 0x16))
        with board.quiet():
            board.ports[0].write(0x0D, sent)
            assert board.ports[0].read(0x0D, 5) == sent
        chip = transport.board.bank
        assert chip.transfer(0, bytes((0x20 | 0x0D, 4)) + bytes(5))[2:] == sent


def test_reset_leaves_the_values_of_the_data_sheet() -> None:
    """The firmware writes GPIO and CONFIG3 behind it; what RESET means is put back."""
    with Board(gateway_of()) as board:
        board.chip.configure(gain=12, mux="normal")
        (file,) = board.chip.reset()
        assert (file.raw[0x03], file.raw[0x14], file.raw[0x05]) == (0x60, 0x0F, 0x61)


def test_reset_is_refused_where_it_would_never_end() -> None:
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        transport.board.bank.set_wire_fault(StuckMiso(1), [0])
        with pytest.raises(RequestRefused, match="reset never ends") as caught:
            board.ports[0].command(0x06)
        assert "\n" not in str(caught.value)
        assert not processor_of(transport.board).is_hung


def test_standby_and_wakeup_go_through_text_mode() -> None:
    transport = transport_of()
    with board_of(transport) as board:
        before = board.chip.files
        board.ports[0].command(0x04)
        falls = transport.board.bank.n_true_falls
        transport.clock.sleep(0.1)
        assert transport.board.bank.n_true_falls == falls, "asleep: nothing is converted"
        board.ports[0].command(0x02)
        assert board.chip.read_registers() == before
        with board.stream(duration_s=0.2) as stream:
            assert sum(block.n_samples for block in stream) == 100


def test_an_opcode_without_a_word_is_refused() -> None:
    with Board(gateway_of()) as board, pytest.raises(RequestRefused, match="opcode 1Ah"):
        board.ports[0].command(0x1A)


@pytest.mark.parametrize("mended", ["", "&mended=no-active"])
def test_it_streams_with_all_inputs_shorted(mended: str) -> None:
    """The firmware refuses that with 502; the registers are as they were meant afterwards."""
    transport = transport_of(mended)
    with Board(gateway_of(transport)) as board:
        board.chip.configure(gain=24, mux="shorted")
        board.chip.set_rate(250)  # slow: what is not settled would be seen
        files = board.chip.files
        with board.stream(duration_s=1.0) as stream:
            volts = joined(list(stream))
        assert board.chip.read_registers() == files
    assert 0.1e-6 < volts.std(axis=0).max() < 1e-6, "noise of shorted inputs, and nothing else"


def off_the_line(blocks: list[Block]) -> float:
    """Return how far a sample is at most from where the smooth source was at its number, V.

    The source rises by more than 25 µV from one sample to the next.
    """
    volts, place = joined(blocks), numbers(blocks)
    fits = [np.polynomial.Polynomial.fit(place, column, 6)(place) for column in volts.T]
    return float(np.abs(volts - np.stack(fits, 1)).max())


# ---- runs ---------------------------------------------------------------------------------------


def test_what_is_not_settled_is_left_out() -> None:
    """A gain changed just before START: the first sample is of the new gain alone."""
    with board_of(transport_of()) as board:
        board.chip.configure(gain=12)
        with board.stream(duration_s=0.1) as stream:
            blocks = list(stream)
    assert off_the_line(blocks) < 2e-6


def test_what_the_board_did_not_read_is_seen_in_time() -> None:
    """The sample number has no hole; each sample is in its place nevertheless."""
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=3.0) as stream:
        processor = processor_of(transport.board)
        rng = np.random.default_rng(1)
        kept: list[np.ndarray] = []

        def in_time(n: int) -> np.ndarray:
            kept.append(rng.random(n) > 0.02)
            return kept[-1]

        processor.read_filter = in_time
        blocks = list(stream)
    place = numbers(blocks)
    assert len(place) < 1500
    assert off_the_line(blocks) < 5e-6
    assert {block.cause for block in blocks} == {Cause.NONE, Cause.BOARD}
    assert all(block.is_estimate for block in blocks if block.lost_before)
    assert sum(block.lost_before for block in blocks) == place[-1] + 1 - len(place) > 0
    assert stream.totals.lost_on_link == 0


@pytest.mark.parametrize("is_json", [False, True])
def test_what_is_lost_on_the_way_is_counted(is_json: bool) -> None:
    transport = transport_of("&fault=packets-lost:rate=0.01,at=4")
    with board_of(transport, is_json=is_json) as board, board.stream(duration_s=4.0) as stream:
        blocks = list(stream)
    place = numbers(blocks)
    truth = truth_of(transport)
    begin = place_of(joined(blocks)[:20], truth, 0.5 * CODE_V)
    np.testing.assert_allclose(joined(blocks), truth[begin + place], atol=0.5 * CODE_V)
    assert stream.totals.lost_on_link > 0


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize("bytes_per_s", [15_000, 10_000, 6_000])
def test_a_host_that_is_slow_gets_no_wrong_sample(bytes_per_s: int, is_json: bool) -> None:
    """Frames are held up, its firmware waits, answers come late: what is missing is told."""
    transport = transport_of()
    with board_of(transport, is_json=is_json) as board, board.stream(duration_s=3.0) as stream:
        blocks = [next(stream)]
        limit_link(transport.board, bytes_per_s)
        blocks += list(stream)
    volts, truth = joined(blocks), truth_of(transport)
    found = np.abs(truth[None, :, 0] - volts[:, :1]).argmin(axis=1)
    assert (np.diff(found) > 0).all()
    np.testing.assert_allclose(volts, truth[found], atol=0.5 * CODE_V)
    assert len(volts) + sum(block.lost_before for block in blocks) == 1500
    assert all((block.lost_before > 0) == (block.cause is not Cause.NONE) for block in blocks)


def test_a_chip_that_lost_its_supply_gives_no_wrong_sample() -> None:
    """It converts on with its reset values, since START is high: only a gap in time shows it."""
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=5.0) as stream:
        blocks = [next(stream)]
        transport.board.schedule(transport.board.now_s + 0.7, lambda: brown_out(transport.board))
        blocks += list(stream)
        assert board.chip.rate_hz == 500
    assert [one.reason.happened for one in stream.recoveries] == [Happened.CHIP_LOST]
    assert stream.recoveries[0].restored
    volts, truth = joined(blocks), truth_of(transport)
    gap = next(n for n, block in enumerate(blocks) if block.lost_before)
    n_before = sum(block.n_samples for block in blocks[:gap])
    for part in (volts[:n_before], volts[n_before:]):
        begin = place_of(part[:20], truth, 0.5 * CODE_V)
        np.testing.assert_allclose(part, truth[begin : begin + len(part)], atol=0.5 * CODE_V)


def test_a_board_that_was_only_busy_goes_on() -> None:
    """0.3 s without a read, and the canary is well: a gap, and no recovery."""
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=3.0) as stream:
        blocks = [next(stream)]
        processor = processor_of(transport.board)
        processor.read_filter = lambda n: np.zeros(n, np.bool_)
        transport.board.schedule(
            transport.board.now_s + 0.3, lambda: setattr(processor, "read_filter", None)
        )
        blocks += list(stream)
    assert stream.recoveries == []
    gaps = [block.lost_before for block in blocks if block.lost_before]
    assert gaps
    assert off_the_line(blocks) < 5e-6


def test_a_board_that_starts_anew_is_noticed() -> None:
    transport = transport_of()
    with board_of(transport) as board, board.stream(duration_s=4.0) as stream:
        blocks = [next(stream)]
        transport.board.restart(ResetCause.WATCHDOG)
        blocks += list(stream)
    (recovery,) = stream.recoveries
    assert recovery.reason.happened in (Happened.BOARD_STARTED, Happened.BOARD_STOPPED)
    assert recovery.restored
    volts, truth = joined(blocks), truth_of(transport)
    assert len(volts) > 500
    place_of(volts[-20:], truth, 0.5 * CODE_V)


def test_the_clock_runs_past_its_32_bits() -> None:
    transport = transport_of()
    transport.board.crystal.restart(transport.board.now_s - 2**32 * 1e-6 + 3.0)
    with board_of(transport) as board, board.stream(duration_s=5.0) as stream:
        blocks = list(stream)
    assert sum(block.n_samples for block in blocks) == 2500
    times = [block.board_time_us for block in blocks]
    assert times == sorted(times)
    assert times[0] < 2**32 < times[-1]


def test_a_recording_and_its_replay_say_how_the_loss_is_known(tmp_path: Path) -> None:
    with board_of(transport_of()) as board:
        can = board.can
        record(board, tmp_path / "a.bdf", 1.0)
    sidecar = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert sidecar["capture"]["loss_is"] == "estimate"
    assert {channel["scale_is"] for channel in sidecar["channels"]} == {"read back"}
    replayed = emgrig.connect(f"replay:{tmp_path / 'a.capture'}")
    with replayed, replayed.stream() as stream:
        volts = joined([block for block in stream if block.n_samples])
    assert replayed.can == can
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="error")
    np.testing.assert_allclose(raw.get_data()[:, :500].T, volts[:500], rtol=0, atol=1e-9)


def test_the_desk_says_that_a_loss_is_an_estimate() -> None:
    with board_of(transport_of()) as board:
        hub = Hub(board)
        assert "loss an estimate by board time" in hub.status().told
        assert hub.run_exclusive(lambda one: one.chip.rate_hz).result(timeout=10) == 500


# ---- who is there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "left",
    [
        b"jsonlines\n" + b'{"COMMAND":"messagepack"}\n{"COMMAND":"wreg","PARAMETERS":[5,96]}\n'
        b'{"COMMAND":"start"}\n{"COMMAND":"rdatac"}\n',
        b'jsonlines\n{"COMMAND":"wreg","PARAMETERS":[5,96]}\n{"COMMAND":"rdatac"}\n{"COMM',
        b"wreg 5 60\nrdatac\nwre",
        b"wreg 5 60\nhex\nrdatac\n",
    ],
    ids=["messagepack", "json", "text", "hex"],
)
def test_a_board_in_mid_stream_is_met(left: bytes) -> None:
    """A program crashed: the board streams in some mode, with half a line in its buffer."""
    transport = transport_of()
    for line in left.splitlines(keepends=True):
        transport.write(line)
        transport.clock.sleep(0.3)
    with board_of(transport) as board, board.stream(duration_s=1.0) as stream:
        volts = joined(list(stream))
    place_of(volts[:20], truth_of(transport), 0.5 * CODE_V)


def test_a_board_that_boots_is_waited_for() -> None:
    transport = transport_of()
    transport.board.restart(ResetCause.POWER_ON)
    began_s = transport.clock.now_s()
    with Board(gateway_of(transport)) as board:
        assert 2.5 < board.clock.now_s() - began_s < 4.0


class Scripted:
    """A transport that answers each line with what a function says."""

    is_paced = False

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.address = "scripted:"
        self.clock = transport_of().clock
        self._answer = answer
        self._out = b""

    def write(self, data: bytes, /) -> None:
        for line in data.splitlines():
            self._out += self._answer(line)

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        if not self._out:
            self.clock.sleep(timeout_s)
            raise TransportTimeout("nothing")
        data, self._out = self._out[:max_bytes], self._out[max_bytes:]
        return data

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (lambda _: b"", TransportTimeout, "nothing came in 6 s; is it the right port"),
        (lambda _: b"\xa5\x5a\x01\x02", WireError, "not a HackEEG; first bytes seen: A5 5A 01 02"),
        (lambda _: b"406 Error: Unrecognized command.\r\n\r\n", WireError, "older firmware, which"),
        (
            lambda _: b'{"STATUS_CODE":200,"STATUS_TEXT":"v0.2.1"}\r\n',
            WireError,
            r"firmware 'v0.2.1'; expected v0.3.x: load",
        ),
        (
            lambda line: (
                b'{"STATUS_CODE":200,"STATUS_TEXT":"v0.3.0"}\r\n'
                if b"version" in line
                else b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok","DATA":{"max_channels":8,'
                b'"hardware_type":"ADS1298"}}\r\n'
            ),
            WireError,
            "found 'ADS1298' with 8 channels; expected an ADS1299",
        ),
    ],
    ids=["silence", "native", "text alone", "older", "another chip"],
)
def test_another_board_is_one_line(
    answer: Callable[[bytes], bytes], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        gateway_of(Scripted(answer))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_another_board_of_ours_behind_the_port_is_told() -> None:
    with pytest.raises((WireError, TransportTimeout)):
        gateway_of(SimTransport("bench"))


def test_a_late_answer_is_not_taken_for_another() -> None:
    """The answer to one `rreg` comes only when the next was asked: that must not get it."""
    transport = transport_of()
    gateway = gateway_of(transport)
    inner, held = transport, []
    read = inner.read

    def late(max_bytes: int, /, *, timeout_s: float) -> bytes:
        data = read(max_bytes, timeout_s=timeout_s)
        if b'"DATA":62' in data and not held:  # the ID; it is asked first
            held.append(data)
            inner.clock.sleep(timeout_s)
            raise TransportTimeout("late")
        if held and held[0]:
            data, held[0] = held[0] + data, b""
        return data

    inner.read = late  # type: ignore[method-assign]
    assert gateway.board.read(0, 0x00, 2) == bytes((0x3E, 0x96))
    assert held == [b""]
    gateway.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("hackeeg+sim:bench?form=xml", "expected messagepack or jsonlines"),
        ("hackeeg+nothing:x", "is no address"),
        ("hackeeg+sim:bench&mended=nonsense", "a HackEEG has the traps stop, reset"),
    ],
)
def test_an_address_that_makes_no_sense_is_one_line(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        emgrig.connect(address)
    assert "\n" not in str(caught.value)
