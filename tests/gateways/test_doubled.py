"""Frames that came again: counted as such, and never as stray bytes, in whatever pieces they came.

A link that sends a packet twice after all, or a driver that reads a buffer twice, loses nothing. So
nothing may be told as lost, torn or stray, wherever the cut between two reads falls.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.board import Board
from emgrig.gateways.counting import Numbering
from emgrig.gateways.cyton.frames import CytonDecoder
from emgrig.gateways.decoding import MOST_AGAIN, FrameCounts, FrameDecoder
from emgrig.gateways.hackeeg.wire import Frames, HackEegDecoder
from emgrig.gateways.template import load_template, parse_template
from emgrig.protocol.account import Cause
from emgrig.simulator.transport import SimTransport
from gateways.cyton.cytons import stream as cyton_packets
from gateways.twins import bytes_of, gateway_of, transport_of

#: Its fixed bytes and its counter prove little: three frames behind one must follow it.
LITTLE_PROOF = """
title = "Mine"
facts_from = "its firmware"
[frame]
bytes = 10
fixed = { 0 = "A5" }
[counter]
at = 1
bytes = 1
modulus = 16
[channels]
at = 2
count = 4
bits = 16
bytes = 2
rate_hz = 500.0
gains = [6.0]
"""
Made = tuple[Callable[[], FrameDecoder], list[bytes]]


def counted_frames(n: int, *, seed: int = 0) -> list[bytes]:
    """Return frames of `LITTLE_PROOF`."""
    rng = np.random.default_rng(seed)
    return [bytes((0xA5, k % 16)) + rng.bytes(8) for k in range(n)]


def of_little_proof() -> FrameDecoder:
    return FrameDecoder(parse_template(LITTLE_PROOF, "mine.toml"))


def knight_frames(n: int) -> list[bytes]:
    """Return frames of a Knight, full of what could be its first and last bytes."""
    rng = np.random.default_rng(7)
    pick = rng.choice([0xA0, 0xC0, 0x01], (n, 18)).astype(np.uint8)
    return [bytes((0xA0, k % 256)) + pick[k].tobytes() + b"\xc0" for k in range(n)]


DECODERS: dict[str, Callable[[], Made]] = {
    "knight": lambda: (lambda: FrameDecoder(load_template("knight")), knight_frames(12)),
    "cyton": lambda: (CytonDecoder, cyton_packets(12)),
}


def fed(decoder: FrameDecoder, data: bytes, edges: list[int]) -> tuple[list[bytes], int]:
    """Feed in pieces; return the frames, and how many of them have a cut before."""
    rows, n_cut = [], 0
    for begin, end in pairwise([0, *sorted(edges), len(data)]):
        found, is_cut = decoder.feed(data[begin:end])
        rows += [row.tobytes() for row in found]
        n_cut += int(is_cut.sum())
    return rows, n_cut


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("n_more", [1, 2, 5])
def test_a_frame_that_came_again_is_that_wherever_it_is_cut(name: str, n_more: int) -> None:
    make, frames = DECODERS[name]()
    n, again = len(frames[0]), [*frames[:5], *[frames[4]] * n_more, *frames[5:]]
    data = b"".join(again)
    every = [[at] for at in range(len(data) + 1)]
    for edges in [*every, list(range(len(data))), *([at, at + n] for at in range(len(data) - n))]:
        decoder = make()
        rows, n_cut = fed(decoder, data, edges)
        assert rows == frames[: -decoder.n_behind], edges
        assert n_cut == 0, f"{edges}: nothing is missing"
        expected = FrameCounts(frames=len(rows), twice=n_more)
        assert decoder.counts == expected, edges
        assert decoder.n_stray == decoder.counts.unproved == 0, edges


@pytest.mark.parametrize("name", DECODERS)
def test_garbage_before_it_is_counted_by_itself(name: str) -> None:
    make, frames = DECODERS[name]()
    garbage = bytes(range(1, 12))
    data = b"".join([*frames[:5], garbage, frames[5], frames[5], *frames[5:]])
    for at in range(len(data) + 1):
        decoder = make()
        rows, n_cut = fed(decoder, data, [at])
        assert rows == [*frames[:4], *frames[5 : -decoder.n_behind]], at  # nothing proves the fifth
        assert (n_cut, decoder.counts.twice) == (1, 2), at
        assert decoder.counts.skipped_bytes == len(garbage) + len(frames[0]), at
        assert decoder.n_stray == len(garbage), at


@given(
    parts=st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 5), st.binary(max_size=9)), max_size=8
    ),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_whatever_comes_again_the_counts_do_not_depend_on_the_pieces(
    parts: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    frames = counted_frames(40)
    data = b""
    for first, n_times, garbage in parts:
        data += b"".join(frames[first : first + 5]) + n_times * frames[first + 5] + garbage
    at_once, in_pieces, by_bytes = of_little_proof(), of_little_proof(), of_little_proof()
    expected = fed(at_once, data, [])
    assert fed(in_pieces, data, [min(cut, len(data)) for cut in cuts]) == expected
    assert fed(by_bytes, data, list(range(len(data)))) == expected
    assert at_once.counts == in_pieces.counts == by_bytes.counts
    for decoder in (at_once, in_pieces, by_bytes):
        decoder.flush()
        counts = decoder.counts
        assert (counts.frames + counts.twice) * 10 + counts.skipped_bytes == len(data)


def test_a_board_that_hangs_is_told_in_little_memory() -> None:
    """It sends one frame for ever: none follows it, and not all of them are kept."""
    decoder, frame = of_little_proof(), counted_frames(1)[0]
    for _ in range(1000):
        assert not len(decoder.feed(frame * 3)[0])
        assert len(decoder.held) <= (MOST_AGAIN + 4) * len(frame)
    assert decoder.n_stray == decoder.counts.twice == 0
    assert not decoder.is_whole
    decoder.flush()
    assert decoder.counts.skipped_bytes == 3000 * len(frame)


def test_a_frame_comes_again_so_often_and_no_more() -> None:
    frames = counted_frames(12)
    data = b"".join([frames[0] * 40, *frames])
    for edges in ([], [100], list(range(0, len(data), 7)), list(range(len(data)))):
        decoder = of_little_proof()
        rows, n_cut = fed(decoder, data, edges)
        assert rows == frames[: -decoder.n_behind]
        assert (n_cut, decoder.counts.twice) == (1, MOST_AGAIN)
        assert decoder.counts.skipped_bytes == (40 - MOST_AGAIN) * len(frames[0])


@pytest.mark.parametrize("name", ["cerelog", "knight", "eegfrontier"])
def test_each_board_that_can_tell_tells_it(name: str) -> None:
    """Proved by a checksum both come out of the decoder, and the numbers tell them apart."""
    template, sent = load_template(name), bytes_of(name, 0.3)
    decoder = FrameDecoder(template)
    n, data = decoder.coded_bytes, sent.data
    first = data.index(b"\x00") + 1 if template.frame.coding == "cobs" else 0
    whole = [data[at : at + n] for at in range(first, len(data) - n + 1, n)][:12]
    doubled = b"".join([*whole[:6], whole[5], *whole[6:]])
    for at in range(len(doubled) + 1):
        decoder, numbering = FrameDecoder(template), Numbering(template)
        numbering.begin(0.0)
        places: list[int] = []
        for piece in (doubled[:at], doubled[at:]):
            placed = numbering.place(*decoder.feed(piece))
            places += placed.conversion.tolist()
            assert not placed.is_cut.any()
        assert places == list(range(len(whole) - decoder.n_behind)), at
        assert decoder.counts.twice + numbering.repeated == 1, at
        assert decoder.counts.skipped_bytes == 0


def test_a_hackeeg_tells_it_too() -> None:
    head = bytes.fromhex("82A143CCC8A144C423")
    frames = [
        head + (8000 * k).to_bytes(4, "little") + k.to_bytes(4, "little") + b"\xc0" + bytes(26)
        for k in range(12)
    ]
    doubled = b"".join([*frames[:6], frames[5], *frames[6:]])
    for at in range(len(doubled) + 1):
        decoder, n_cut, n_rows = HackEegDecoder(8), 0, 0
        for item in decoder.feed(doubled[:at]) + decoder.feed(doubled[at:]):
            assert isinstance(item, Frames)
            n_cut += int(item.is_cut.sum())
            n_rows += len(item.rows)
        assert (n_rows, n_cut) == (len(frames) - 1, 0), at
        assert (decoder.counts.twice, decoder.counts.skipped_bytes) == (1, 0), at


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1, 10, 20, 21, 22, 41])
def test_it_reaches_the_account_of_a_stream(cut: int) -> None:
    class Doubling(SimTransport):
        """Sends 21 bytes again, once; the cut falls so many bytes behind the first of them."""

        rest = b""
        is_done = False

        def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
            if self.rest:
                data, self.rest = self.rest, b""
                return data
            data = super().read(max_bytes, timeout_s=timeout_s)
            if self.is_done or not data.startswith(b"\xa0\x20"):  # not at the first frames
                return data
            self.is_done = True
            whole = data[:21] + data
            self.rest = whole[cut:]
            return whole[:cut]

    transport = Doubling(transport_of("knight").address.removeprefix("sim:"))
    gateway = gateway_of("knight", transport)
    with Board(gateway) as board, board.stream(duration_s=2.0) as stream:
        blocks = list(stream)
    assert transport.is_done
    assert all(block.cause is Cause.NONE for block in blocks)
    assert stream.totals.lost == 0
    assert stream.totals.repeated == 1
