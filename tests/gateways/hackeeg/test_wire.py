"""A HackEEG's bytes: whole, cut anywhere, damaged, any bytes at all; and frames placed in time."""

import base64
import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.gateways.hackeeg.wire import Frames, HackEegDecoder, Ready, Reply, numbers, stamps_us
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.placed import Placed
from emgrig.gateways.stamps import ClockLine, StampedRun
from gateways.hackeeg.rig import transport_of
from properties import examples

N_SEEDS = 100
FORMS = ("messagepack", "jsonlines")
LENGTH = {"messagepack": 44, "jsonlines": 65}
Sent = Callable[[str], bytes]


@pytest.fixture(scope="module")
def sent() -> Sent:
    """Return what the twin sends in four seconds at 500 SPS; made once a form."""
    held: dict[str, bytes] = {}

    def get(form: str) -> bytes:
        if form not in held:
            transport = transport_of()
            said = [{"COMMAND": form}, {"COMMAND": "wreg", "PARAMETERS": [1, 0x95]}]
            said += [{"COMMAND": "wreg", "PARAMETERS": [n, 0x60]} for n in range(5, 13)]
            said += [{"COMMAND": "start"}, {"COMMAND": "rdatac"}]
            transport.write(b"jsonlines\n")
            for one in said:
                transport.write(json.dumps(one).encode() + b"\n")
            transport.read(1 << 20, timeout_s=0.0)  # answers, and the first frame
            data = b""
            while len(data) < LENGTH[form] * 1990:
                data += transport.read(1 << 20, timeout_s=1.0)
            held[form] = data
        return held[form]

    return get


def payloads(data: bytes, form: str) -> list[bytes]:
    """Cut whole frames in Python, one by one."""
    if form == "jsonlines":
        return [base64.b64decode(json.loads(line)["D"]) for line in data.splitlines()]
    assert data[:9] == bytes.fromhex("82A143CCC8A144C423")
    return [data[at + 9 : at + 44] for at in range(0, len(data), 44)]


def decoder_of(form: str) -> HackEegDecoder:
    return HackEegDecoder(8, is_json=form == "jsonlines")


def rows_of(items: list[Frames | Reply | Ready]) -> list[bytes]:
    return [row.tobytes() for item in items if isinstance(item, Frames) for row in item.rows]


# ---- decoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_frames_are_those_that_were_sent(form: str, sent: Sent) -> None:
    data, expected = sent(form), payloads(sent(form), form)
    decoder = decoder_of(form)
    assert rows_of(decoder.feed(data)) == expected[:-1], "the newest waits for the next"
    assert decoder.counts.skipped_bytes == decoder.counts.doubtful == 0
    rows = np.frombuffer(b"".join(expected), np.uint8).reshape(-1, 35)
    assert numbers(rows).tolist() == [int.from_bytes(one[4:8], "little") for one in expected]
    assert stamps_us(rows).tolist() == [int.from_bytes(one[:4], "little") for one in expected]


@pytest.mark.parametrize("form", FORMS)
def test_lines_stand_between_frames(form: str, sent: Sent) -> None:
    n, data = LENGTH[form], sent(form)
    reply = b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok","DATA":10}\r\n'
    made = data[: 10 * n] + reply + data[10 * n : 20 * n] + b"Ready\r\n"
    items = decoder_of(form).feed(made)
    assert [type(item) for item in items] == [Frames, Reply, Frames, Ready]
    assert items[1] == Reply(200, "Ok", 10)
    assert rows_of(items) == payloads(data[: 19 * n], form)


@pytest.mark.parametrize(
    "line",
    [
        b'{"STATUS_CODE":200}\r\n',
        b'{"STATUS_CODE":"x","STATUS_TEXT":"Ok"}\r\n',
        b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"\r\n',
        b"[" * 1000 + b"\r\n",
        b"406 Error: Unrecognized command.\r\n",
    ],
)
def test_a_line_that_makes_no_sense_is_counted(line: bytes) -> None:
    decoder = decoder_of("messagepack")
    assert decoder.feed(line) == []
    assert decoder.counts.skipped_bytes == len(line)


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_of_two_halves_is_not_believed(form: str, sent: Sent) -> None:
    """Just as many bytes are lost as make the next head stand in its place."""
    n, data = LENGTH[form], sent(form)
    made = data[: 10 * n + 30] + data[13 * n + 30 : 20 * n]
    expected = payloads(data[: 20 * n], form)
    assert rows_of(decoder_of(form).feed(made)) == expected[:10] + expected[14:19]


@given(
    form=st.sampled_from(FORMS),
    parts=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.integers(0, 40),
            st.sampled_from(
                [
                    bytes.fromhex("82A143CCC8A144C423"),
                    b'{"C":200,"D":"',
                    b'"}\n',
                    b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n',
                    b"Ready\r\n",
                    b"\n",
                ]
            ),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_any_bytes_are_frames_lines_or_counted(
    sent: Sent, form: str, parts: list[bytes | int], cuts: list[int]
) -> None:
    n, whole = LENGTH[form], sent(form)
    made = b"".join(
        part if isinstance(part, bytes) else whole[part * n : (part + 2) * n] for part in parts
    )
    decoder, items = decoder_of(form), []
    edges = sorted(min(cut, len(made)) for cut in cuts)
    for a, b in zip([0, *edges], [*edges, len(made)], strict=True):
        items += decoder.feed(made[a:b])
    at_once = decoder_of(form)
    assert rows_of(at_once.feed(made)) == rows_of(items), "however it is cut"
    known = set(payloads(whole[: 42 * n], form))
    if all(isinstance(part, int) for part in parts):
        assert set(rows_of(items)) <= known
    counts = decoder.counts
    assert counts.frames == len(rows_of(items))
    assert (counts.frames + counts.doubtful) * n + counts.skipped_bytes <= len(made)


@examples(30)
@given(data=st.binary(max_size=300), n_channels=st.sampled_from([4, 6, 8]))
def test_a_decoder_holds_no_more_than_a_line(data: bytes, n_channels: int) -> None:
    decoder = HackEegDecoder(n_channels)
    for _ in range(20):
        decoder.feed(data)
    assert len(decoder._held) <= 1024 + len(data)


# ---- damage -------------------------------------------------------------------------------------


def with_faults(data: bytes, n: int, seed: int) -> bytes:
    """Damage what was sent: pieces lost, garbage or a line put in, a piece twice.

    A flipped bit inside a frame is not made: without a checksum nobody can see it.
    """
    rng = np.random.default_rng([seed, n])
    out, at = bytearray(), 0
    for place in np.sort(rng.integers(10 * n, len(data) - 60 * n, 6)).tolist():
        if place < at:
            continue
        out += data[at:place]
        at = place
        kind = rng.integers(4)
        if kind == 0:
            at += int(rng.integers(1, 40 * n))
        elif kind == 1:
            out += rng.integers(0, 256, int(rng.integers(1, 3 * n)), np.uint8).tobytes()
        elif kind == 2:
            out += data[at : at + int(rng.integers(1, 3)) * n]
        else:
            at += n * int(rng.integers(1, 20))  # a hole that leaves all heads in their places
    return bytes(out + data[at:])


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_no_fault_of_the_link_gives_a_wrong_sample(form: str, sent: Sent) -> None:
    n, data = LENGTH[form], sent(form)
    truth = {one[8:]: k for k, one in enumerate(payloads(data, form))}
    for seed in range(N_SEEDS):
        damaged = with_faults(data, n, seed)
        edges = np.sort(np.random.default_rng([seed, 7]).integers(0, len(damaged), 8)).tolist()
        decoder, out = decoder_of(form), Collected()
        run, line = StampedRun(out), ClockLine()
        run.begin(2000.0)
        rows: list[bytes] = []
        for a, b in zip([0, *edges], [*edges, len(damaged)], strict=True):
            for item in decoder.feed(damaged[a:b]):
                assert isinstance(item, Frames)
                rows += rows_of([item])
                times_us = line.follow(stamps_us(item.rows), 0.0)
                run.take(item.rows[:, 8:], numbers(item.rows), times_us, item.is_cut)
        run.end()
        places = [truth[row[8:]] for row in rows]  # KeyError: a sample that was never sent
        assert places == sorted(set(places)), f"seed {seed}: out of order, or twice"
        assert places[-1] - places[0] + 1 > len(places)
        assert [k - places[0] for k in places] == out.conversions_told, f"seed {seed}"


class Collected(Outgoing):
    """Keeps the conversions that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.conversions_told: list[int] = []

    def samples(self, placed: Placed) -> None:
        self.conversions_told += placed.conversion.tolist()
