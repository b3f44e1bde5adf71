"""A Cyton as it is found, and what happens to it: crashed programs, boots, dongles, strangers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from check_gateway import place_of
from emgrig.driver.board import Board
from emgrig.errors import DeviceError, EmgrigError, TransportError, TransportTimeout, WireError
from emgrig.gateways.cyton.gateway import CytonGateway
from emgrig.protocol.account import Cause
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.clock import VirtualClock
from emgrig.simulator.transport import SimTransport
from gateways.cyton.cytons import (
    asked,
    conversions_of,
    firmware_of,
    gateway_of,
    runs_of,
    transport_of,
)
from properties import examples


class Deaf(SimTransport):
    """Opening it pulls DTR: the board is deaf for 3 s, and then it boots."""

    def __init__(self, query: str, deaf_s: float = 3.0) -> None:
        super().__init__(query)
        self._hears_s = self.clock.now_s() + deaf_s
        self.board.schedule(
            self.board.now_s + deaf_s, lambda: self.board.restart(ResetCause.RESET_PIN)
        )

    def write(self, data: bytes, /) -> None:
        if self.clock.now_s() >= self._hears_s:
            super().write(data)


class Answering:
    """Something that is no Cyton, or not the whole of one: it answers letters by a table."""

    is_paced = False

    def __init__(self, answers: dict[bytes, bytes], babble: bytes = b"") -> None:
        self.address = "cyton:///dev/ttyUSB0"
        self.clock = VirtualClock()
        self._answers, self._babble, self._out = answers, babble, b""
        self.is_closed = False

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        self._out += self._babble
        out, self._out = self._out[:max_bytes], self._out[max_bytes:]
        self.clock.sleep(0.01 if out else timeout_s)
        if not out:
            raise TransportTimeout("nothing")
        return out

    def write(self, data: bytes, /) -> None:
        self._out += self._answers.get(data, b"")

    def reopen(self) -> None:
        raise TransportError("gone")

    def close(self) -> None:
        self.is_closed = True


#: Parts of what a Cyton says, and anything else.
ANSWERS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"$$$", b"v3.1.5$$$", b"Time stamp ON$$$", b"Board ADS Registers\n", b"OpenBCI V3"]
        ),
        st.just(asked(transport_of(), b"?").encode()),
    ),
    max_size=3,
).map(b"".join)
V1 = b"OpenBCI V3 8bit Board\nSetting ADS1299 Channel Values\nADS1299 Device ID: 0x3E\n$$$"
V2 = b"OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\nFirmware: v2.0.1\n$$$"
HOST = b"Failure: Communications timeout - Device failed to poll Host$$$"


@pytest.mark.parametrize(
    ("inner", "error", "words"),
    [
        (Answering({}), TransportTimeout, "nothing came in 10 s; is it the right port"),
        (Answering({b"s": b"login: "}), WireError, "is no Cyton's; first bytes seen: 6C 6F 67"),
        (Answering({}, b"\xab\xcd\x1f"), WireError, "is no Cyton's; first bytes seen: AB CD 1F"),
        (Answering({b"v": V1}), DeviceError, "has firmware 1; .* update it"),
        (Answering({b"v": V2}), DeviceError, r"has firmware 2\.0\.1; .* from 3\.0\.0 on: update"),
        (Answering({b"V": HOST}), TransportError, "the dongle answers, its board does not"),
        (Answering({b"V": b"v3.1.5$$$"}), TransportTimeout, "asked for its registers 3 times"),
    ],
)
def test_what_is_no_cyton_is_one_line(
    inner: Answering, error: type[EmgrigError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        CytonGateway(inner, address=inner.address)
    assert "\n" not in str(caught.value)
    assert inner.is_closed
    assert inner.clock.now_s() < 30.0


@pytest.mark.slow
@examples(60)
@given(
    st.dictionaries(st.sampled_from([b"s", b"V", b"v", b"?", b"<", b"~6"]), ANSWERS, max_size=6),
    st.one_of(st.just(b""), st.binary(max_size=40)),
)
def test_whatever_answers_ends_in_one_line_and_in_time(
    answers: dict[bytes, bytes], babble: bytes
) -> None:
    inner = Answering(answers, babble)
    try:
        CytonGateway(inner, address=inner.address).close()
    except EmgrigError as error:
        said = str(error)
    else:
        said = "it is taken for a Cyton: all that was asked was answered"
    assert "\n" not in said
    assert inner.is_closed
    assert inner.clock.now_s() < 60.0


@pytest.mark.slow
def test_another_twin_behind_the_right_port_is_told() -> None:
    with pytest.raises(WireError, match="is no Cyton's; first bytes seen: A0"):
        emgrig.connect("cyton+sim:bench&firmware=knight")


@pytest.mark.slow
@pytest.mark.parametrize("left", [b"b", b"<b", b"xx1b", b"bx10", b"~4", b"bv"])
def test_a_board_is_taken_as_a_crashed_program_left_it(left: bytes) -> None:
    """In mid-stream, with half a word, at another rate, reset in mid-stream: it is put right."""
    transport = transport_of()
    transport.write(left)
    transport.clock.sleep(0.5)
    with Board(gateway_of(transport)) as board:
        assert board.chip.rate_hz == 250.0
        assert board.chip.files[0].raw[4] == 0x02  # LOFF, also behind ~
        with board.stream(duration_s=1.0) as stream:
            assert sum(block.n_samples for block in stream) == 250


@pytest.mark.slow
def test_settings_of_before_are_kept_also_where_the_rate_must_be_put_right() -> None:
    transport = transport_of()
    asked(transport, b"~4")
    asked(transport, b"x3020000X")
    asked(transport, b"z201Z")
    transport.clock.sleep(0.1)
    with Board(gateway_of(transport)) as board:
        raw = board.chip.files[0].raw
        assert raw[1:5] == bytes.fromhex("96C0EC02")
        assert raw[5:17] == bytes.fromhex("68682068686868 68 FBFB 00 02")


def test_a_board_that_is_deaf_and_boots_is_waited_for() -> None:
    transport = Deaf("bench&firmware=cyton&seed=3")
    with Board(gateway_of(transport)) as board:
        assert 3.0 < transport.clock.now_s() < 12.0
        assert board.identity.firmware == "3.1.5"  # its banner says 3.1.2


@pytest.mark.slow
def test_a_board_that_boots_in_mid_stream_is_set_up_again() -> None:
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        board.chip.configure(channels=[1], gain=6)
        with board.stream(duration_s=8.0) as stream:
            blocks = [next(stream)]
            inner = transport.board
            inner.schedule(inner.now_s + 1.0, lambda: inner.restart(ResetCause.BROWN_OUT))
            blocks += list(stream)
        assert [str(one.reason.happened) for one in stream.recoveries] == ["board_started"]
        assert board.chip.files[0].raw[5] == 0x38
    gaps = [block for block in blocks if block.lost_before]
    assert [block.cause for block in gaps] == [Cause.RESTART]
    assert gaps[0].is_estimate
    at = blocks.index(gaps[0])
    runs = [conversions_of(run) for run in runs_of(firmware_of(transport))]
    for run, part in zip(runs, (blocks[:at], blocks[at:]), strict=True):
        codes = np.concatenate([block.codes for block in part]).astype(np.float64)
        place_of(codes[:20], np.array(run, np.float64), 0.1)


@pytest.mark.slow
def test_a_chip_that_lost_its_registers_is_reset_and_set_up_again() -> None:
    """What v alone brings back, the reference and LOFF, comes back; the stream goes on."""
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        board.chip.configure(channels=[1], gain=6)
        before = board.chip.files
        with board.stream(duration_s=12.0) as stream:
            blocks = [next(stream)]
            inner = transport.board
            inner.schedule(inner.now_s + 1.0, inner.bank.buses[0].chip.brown_out)
            blocks += list(stream)
        assert [str(one.reason.happened) for one in stream.recoveries] == ["board_stopped"]
        assert board.chip.read_registers() == before
    assert sum(block.n_samples for block in blocks) > 500
    truth = {
        tuple(codes) for run in runs_of(firmware_of(transport)) for codes in conversions_of(run)
    }
    for block in blocks:
        assert {tuple(codes) for codes in block.codes.tolist()} <= truth


@pytest.mark.slow
@pytest.mark.parametrize("boots", [False, True])
def test_a_lost_link_is_opened_anew_and_the_gap_is_said(boots: bool) -> None:
    """A board that was switched off and on meanwhile is set up again."""
    transport = transport_of()
    inner = transport.board
    with Board(gateway_of(transport)) as board:
        board.chip.configure(channels=[2], gain=8)
        with board.stream(duration_s=8.0) as stream:
            blocks = [next(stream)]
            inner.cut_link()
            if boots:
                inner.restart(ResetCause.POWER_ON)
            inner.schedule(inner.now_s + 1.0, inner.restore_link)
            blocks += list(stream)
        assert board.chip.files[0].raw[6] == 0x48
    gaps = [block for block in blocks if block.lost_before]
    assert [gap.cause for gap in gaps] == [Cause.OUTAGE]
    assert sum(block.n_samples + block.lost_before for block in blocks) == 8 * 250


def test_answers_that_are_lost_are_asked_for_again() -> None:
    """One reply in five never comes; what is set is proved all the same."""

    class Lossy(SimTransport):
        n = 0

        def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
            data = super().read(max_bytes, timeout_s=timeout_s)
            self.n += data.endswith(b"$$$")
            if data.endswith(b"$$$") and self.n % 5 == 2:
                return data[:-2]
            return data

    with Board(gateway_of(Lossy("bench&firmware=cyton&seed=3"))) as board:
        board.chip.configure(gain=12)
        assert board.chip.files[0].raw[5:13] == bytes([0x58] * 8)


def test_a_port_that_vanished_is_not_asked_again_and_again() -> None:
    """Who waits for a lost port hears of it at once, each time; nothing spins meanwhile."""

    class Counting(SimTransport):
        n_reads = 0

        def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
            self.n_reads += 1
            return super().read(max_bytes, timeout_s=timeout_s)

    transport = Counting("bench&firmware=cyton&seed=3")
    gateway = gateway_of(transport)
    transport.board.cut_link()
    transport.n_reads = 0
    for _ in range(10):
        with pytest.raises(TransportError, match="the link was cut"):
            gateway.read(65536, timeout_s=300.0)
        with pytest.raises(TransportError):
            gateway.reopen()
    assert transport.n_reads == 10
    gateway.close()
