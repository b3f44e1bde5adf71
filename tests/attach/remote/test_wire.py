"""The bytes on the socket: the document says what they are, and nothing that comes in hurts."""

import json
import math
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attach_vectors import VECTORS, a_bench, talk, vectors
from emgrig.attach.bench import PINS, Bench
from emgrig.attach.options import BenchOptions
from emgrig.attach.remote.client import RemoteBench
from emgrig.attach.remote.server import serve
from emgrig.attach.remote.wire import VERBS, VERSION
from emgrig.errors import RecordingError, TransportError, WireError
from places import ROOT

DOCUMENT = (ROOT / "docs" / "attach-socket.md").read_text("utf-8")
GOLDEN = json.loads(VECTORS.read_text("utf-8"))
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "f64": 8, "magic": 6}

# ---- a decoder made of the document alone ----------------------------------------------------


def documented() -> Iterator[tuple[int, str, str, str]]:
    """Code, name, request and answer of each verb, from the document's table."""
    row = re.compile(r"^\| ([0-9A-F]{2})h \| (\w+) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)
    for code, name, request, answer in row.findall(DOCUMENT):
        yield int(code, 16), name, request, answer


BY_CODE = {code: (name, request, answer) for code, name, request, answer in documented()}


def number(form: str, raw: bytes) -> Any:
    """Read one number: little-endian, f64 as IEEE 754 has it."""
    if form == "magic":
        return raw.decode("ascii")
    value = sum(byte << 8 * place for place, byte in enumerate(raw))
    if form != "f64":
        return value
    sign, exponent = -1 if value >> 63 else 1, value >> 52 & 0x7FF
    fraction = value & (1 << 52) - 1
    if exponent == 0x7FF:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        return sign * math.ldexp(fraction, -1074)
    return sign * math.ldexp(fraction | 1 << 52, exponent - 1075)


def fields(layout: str, payload: bytes) -> dict[str, Any]:
    """Read the fields of a layout as the document writes it."""
    read: dict[str, Any] = {}
    for part in layout.split(", ") if layout else []:
        form, name = part.split()
        if form in SIZES:
            raw, payload = payload[: SIZES[form]], payload[SIZES[form] :]
            assert len(raw) == SIZES[form]
            read[name] = number(form, raw)
        else:
            read[name], payload = payload.decode() if form == "text" else payload, b""
    assert payload == b""
    return read


def framed(raw: bytes) -> bytes:
    """Take the length off one message."""
    assert number("u32", raw[:4]) == len(raw) - 4
    return raw[4:]


def decoded(vector: dict[str, str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Verb, fields of the request, fields of the answer with those of its head."""
    request, answer = (framed(bytes.fromhex(vector[key])) for key in ("request", "answer"))
    name, asked, said = BY_CODE[request[0]]
    head = fields("u8 status, f64 now_s, u32 n_falls", answer[:13])
    head |= fields("text text" if head["status"] else said, answer[13:])
    try:
        return name, fields(asked, request[1:]), head
    except UnicodeDecodeError:
        return name, {}, head


# ---- the document, the table and the messages ------------------------------------------------


def test_the_document_has_every_verb_as_the_code_has_it() -> None:
    def written(layout: Any) -> str:
        return ", ".join(f"{field.form} {field.name}" for field in layout.fields)

    assert list(documented()) == [
        (verb.code, verb.name, written(verb.request), written(verb.answer)) for verb in VERBS
    ]
    assert f"version {VERSION}" in DOCUMENT


def test_the_golden_messages_are_what_the_bench_answers() -> None:
    assert vectors() == GOLDEN


def test_the_golden_messages_have_every_verb_and_every_status() -> None:
    every = [decoded(vector) for vector in GOLDEN]
    assert {name for name, _, _ in every} == {verb.name for verb in VERBS}
    assert {answer["status"] for _, _, answer in every} == {0, 1, 2}


@pytest.mark.parametrize(
    ("at", "request_fields", "answer_fields"),
    [
        (0, {"chip": 0, "name": "CS"}, {"status": 2, "text": "expected hello (00h) first"}),
        (1, {"magic": "emgrig", "version": 2}, {"status": 1}),
        (2, {"version": 1}, {"status": 0, "version": 1, "n_chips": 2, "channels": 8, "speed": 0.0}),
        (4, {"duration_s": 0.15}, {"status": 0}),
        (5, {"time_s": 0.25}, {"status": 0, "now_s": 0.25}),
        (6, {}, {"status": 1, "text": "cannot advance by -1.0 s; expected 0 or more"}),
        (7, {"duration_s": 61.0}, {"status": 1}),
        # ID: an ADS1299 with 8 channels reads 3Eh (SBAS499C, 9.6.1.1)
        (9, {"mosi": b"\x20\0\0", "sclk_hz": 1e6}, {"status": 0, "miso": b"\0\0\x3e"}),
        (15, {"level": 1, "chip": 255, "name": "START"}, {"status": 0}),
        (17, {"name": "DRDY"}, {"status": 1}),
        (18, {"chip": 1, "name": "GPIO3"}, {"status": 0, "level": 1}),
        (20, {}, {"status": 2, "text": "pin: the text is no UTF-8"}),
        (22, {"edge": 0, "timeout_s": 0.1}, {"is_seen": 1, "n_falls": 2}),  # of two chips
        # without a reference all channels are at one end of the scale
        (24, {"edge": 1}, {"is_seen": 1, "miso": b"\xc0\0\0" + b"\x7f\xff\xff" * 8}),
        (26, {"channel": 1, "microvolts": -187500.0}, {"status": 0}),
        (32, {"channel": 3, "side": ord("n"), "kohm": 12.5}, {"status": 0}),
        (34, {"chip": 1, "timeout_s": 0.0}, {"is_seen": 0, "miso": b""}),
    ],
)
def test_the_document_reads_the_golden_messages(
    at: int, request_fields: dict[str, Any], answer_fields: dict[str, Any]
) -> None:
    _, request, answer = decoded(GOLDEN[at])
    assert {name: request[name] for name in request_fields} == request_fields
    assert {name: answer[name] for name in answer_fields} == answer_fields


def test_no_number_is_not_a_number() -> None:
    assert math.isnan(decoded(GOLDEN[31])[1]["kohm"])
    assert math.isnan(decoded(GOLDEN[-1])[2]["time_s"])


def test_the_document_s_exchange_is_what_happens() -> None:
    (block,) = re.findall(r"```text\n(.*?)```", DOCUMENT, re.DOTALL)
    sent, told = ([bytes.fromhex(line[2:]) for line in block.splitlines() if line.startswith(way)]
                  for way in ("->", "<-"))  # fmt: skip
    bench = talk(BenchOptions(source="silence"))
    assert [bench.answer(message)[0].hex(" ") for message in sent] == [m.hex(" ") for m in told]


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:0", None])
def test_the_document_s_client_reads_the_id(address: str | None) -> None:
    (client,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    with serve(Bench(BenchOptions(source="silence")), address) as server:
        ran = subprocess.run(
            [sys.executable, "-c", client],
            env={"EMGRIG_ATTACH": server.address, "SYSTEMROOT": "C:\\Windows"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert ran.stdout == "ID register: 3e\n"


# ---- what comes in -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 4096])
def test_messages_in_pieces_are_the_same_messages(size: int) -> None:
    stream = b"".join(bytes.fromhex(vector["request"]) for vector in GOLDEN)
    with_bench = talk(a_bench())
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    answers = b"".join(with_bench.answer(piece)[0] for piece in pieces)
    assert answers.hex() == "".join(vector["answer"] for vector in GOLDEN)


def answers_of(raw: bytes) -> list[bytes]:
    """Cut what came back into its messages."""
    cut = []
    while raw:
        (length,) = struct.unpack_from("<I", raw)
        assert len(raw) >= 4 + length >= 17
        cut.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return cut


HELLO = bytes.fromhex(GOLDEN[2]["request"])
PAYLOADS = st.lists(
    st.binary(max_size=40)
    | st.tuples(
        st.sampled_from([verb.code for verb in VERBS]), st.binary(max_size=40)
    ).map(lambda pair: bytes([pair[0]]) + pair[1]),
    max_size=8,
)  # fmt: skip


@pytest.mark.slow
@given(PAYLOADS)
def test_any_messages_are_answered_one_by_one(payloads: list[bytes]) -> None:
    with_bench = talk(BenchOptions(source="silence"))
    stream = HELLO + b"".join(struct.pack("<I", len(one)) + one for one in payloads)
    answer, goes_on = with_bench.answer(stream)
    assert goes_on
    assert [one[0] <= 2 for one in answers_of(answer)] == [True] * (1 + len(payloads))
    after, _ = with_bench.answer(HELLO)
    assert answers_of(after)[0][0] == 0


@pytest.mark.slow
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_answered_or_waited_for(junk: bytes, has_greeted: bool) -> None:
    with_bench = talk(BenchOptions(source="silence"))
    answer, goes_on = with_bench.answer(HELLO * has_greeted + junk)
    for one in answers_of(answer):
        assert one[0] <= 2
    if not goes_on:
        assert b"hanging up" in answers_of(answer)[-1]


NUMBERS = {
    "f64": st.floats() | st.sampled_from([0.0, 1e-6, 1e-3, 1.0, 1e6, 4e6, 61.0]),
    "u8": st.integers(0, 3) | st.integers(0, 255),
    "u16": st.integers(0, 20) | st.integers(0, 0xFFFF),
    "magic": st.just(b"emgrig"),
}
RESTS = {
    "bytes": st.binary(max_size=40) | st.integers(0, 30).map(bytes),
    "text": st.sampled_from(PINS)
    | st.sampled_from(["silence", "face", "sine:1mV,37Hz", "miso-high", "drdy-dead", "brown-out"])
    | st.text(max_size=12),
    "": st.just(b""),
}


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw a message of the right form with any values."""
    verb = draw(st.sampled_from(VERBS))
    values = [draw(NUMBERS[field.form]) for field in verb.request.fields if field.form in NUMBERS]
    rest = draw(RESTS[verb.request.rest])
    payload = verb.request.numbers.pack(*values) + (
        rest.encode() if isinstance(rest, str) else rest
    )
    return struct.pack("<IB", 1 + len(payload), verb.code) + payload


@pytest.mark.slow
@given(st.lists(requests(), max_size=10))
def test_any_values_are_done_or_refused_and_the_bench_is_never_at_fault(
    stream: list[bytes],
) -> None:
    with_bench = talk(BenchOptions(source="silence"))
    answer, goes_on = with_bench.answer(HELLO + b"".join(stream))
    told = answers_of(answer)
    assert goes_on
    assert len(told) == 1 + len(stream)
    assert [one for one in told if one[0] > 1] == []
    times = [struct.unpack_from("<d", one, 1)[0] for one in told]
    assert times == sorted(times)


def test_a_length_beyond_the_longest_is_answered_and_ends_the_connection() -> None:
    with serve(Bench(BenchOptions(source="silence")), "tcp://127.0.0.1:0") as server:
        port = int(server.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(struct.pack("<I", 65537))
            heard = b""
            while piece := link.recv(4096):
                heard += piece
        (answer,) = answers_of(heard)
        assert (answer[0], b"expected at most 65536" in answer) == (2, True)
        with RemoteBench(server.address) as other:
            assert other.pin("CS") == 1


def test_the_longest_message_is_done_and_a_longer_one_refused_before_it_is_sent() -> None:
    bench = Bench(BenchOptions(source="silence"))
    with serve(bench) as server, RemoteBench(server.address) as remote:
        most = 65536 - 19
        assert remote.transfer(bytes(most), sclk_hz=20e6) == bytes(most)
        with pytest.raises(ValueError, match="at most 65536"):
            remote.transfer(bytes(most + 1), sclk_hz=20e6)
        with pytest.raises(ValueError, match="in one message"):
            remote.transfer(bytes(100), sclk_hz=2.0)


def test_a_file_that_cannot_be_read_is_no_refusal() -> None:
    bench = Bench(BenchOptions(source="silence"))
    with (
        serve(bench) as server,
        RemoteBench(server.address) as remote,
        pytest.raises(RecordingError),
    ):
        remote.set_source("file:no-such-file.csv?unit=uV&rate=1000")


def test_what_is_wrong_with_the_bench_itself_is_told_to_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(BenchOptions(source="silence"))
    monkeypatch.setattr(bench, "select", lambda chip: [][chip])
    serving = serve(bench)
    server = serving.__enter__()
    with RemoteBench(server.address) as remote:
        with pytest.raises(RecordingError, match="the bench failed: IndexError"):
            remote.select(0)
        assert remote.pin("CS") == 1
    with pytest.raises(IndexError):
        serving.__exit__(None, None, None)


@pytest.mark.parametrize(
    "answer", [b"", b"\x01\0\0\0\0", struct.pack("<IBdI", 14, 0, 0.0, 0) + b"\x01", b"HTTP/1.1 400"]
)
def test_what_is_no_bench_is_said(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_one() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(100)
                link.sendall(answer)

        thread = threading.Thread(target=serve_one)
        thread.start()
        with pytest.raises((WireError, TransportError)):
            RemoteBench(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
