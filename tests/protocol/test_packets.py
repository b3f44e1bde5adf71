"""The schemas: sizes as the link protocol fixes them, round trips, golden vectors, the document."""

import json
import struct
import zlib
from importlib.resources import files
from pathlib import Path

import construct as cs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol_tables
from emgrig.errors import WireError
from emgrig.protocol import packets
from emgrig.protocol.decoder import Decoder
from emgrig.protocol.framing import HEADER, OVERHEAD_BYTES, PACKET, encode_packet
from emgrig.protocol.schema import Message
from places import ROOT
from properties import examples

VECTORS = json.loads((files("emgrig.protocol") / "vectors.json").read_text("utf-8"))
MESSAGES = [
    value
    for value in vars(packets).values()
    if isinstance(value, type) and issubclass(value, Message) and value is not Message
]
DOCUMENT = ROOT / "docs" / "protocol.md"


def test_header_and_overhead_are_as_the_link_protocol_fixes_them() -> None:
    assert HEADER.sizeof() == 8
    assert OVERHEAD_BYTES == 12
    assert packets.SAMPLES_HEADER_BYTES == 4 + 8 + 1 + 1 + 2 + 2


def test_a_packet_built_by_hand_is_what_the_encoder_makes() -> None:
    payload = b"\x01\x02\x03"
    body = struct.pack("<BBHH", 1, 0x10, 0x1234, len(payload)) + payload
    by_hand = b"\xa5\x5a" + body + struct.pack("<I", zlib.crc32(body))
    assert encode_packet(0x10, 0x1234, payload) == by_hand
    parsed = PACKET.parse(by_hand)
    assert (parsed.header.sequence, parsed.payload) == (0x1234, payload)


def test_a_payload_that_is_too_long_is_refused() -> None:
    assert len(encode_packet(1, 0, bytes(4096))) == 4108
    with pytest.raises(ValueError, match="4097"):
        encode_packet(1, 0, bytes(4097))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_golden_vectors_encode_and_decode(vector: dict) -> None:
    raw = bytes.fromhex(vector["hex"])
    packet = PACKET.parse(raw)
    assert packet.crc == zlib.crc32(raw[2:-4]) == int(vector["crc"], 16)
    assert packet.header.type == vector["type"]
    payload = packet.payload
    for name, fields in vector["fields"].items():
        cls = getattr(packets, name)
        expected = cls(
            **{
                k: bytes.fromhex(v) if k in ("values", "can") else _tuple(v)
                for k, v in fields.items()
            }
        )
        assert cls.decode(payload) == expected
        assert payload.startswith(expected.encode())
        payload = payload[len(expected.encode()) :]
        for field, messages in vector.get("inside", {}).items():
            for inner, values in messages.items() if hasattr(expected, field) else ():
                made = getattr(packets, inner)(**{k: _tuple(v) for k, v in values.items()})
                assert made.encode() == getattr(expected, field)
                assert type(made).decode(made.encode()) == made
    assert payload.hex() == vector.get("rest", "")
    assert encode_packet(vector["type"], vector["sequence"], packet.payload) == raw
    assert Decoder().feed(raw)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def test_every_message_has_a_golden_vector() -> None:
    named = {name for vector in VECTORS for name in vector["fields"]}
    named |= {inner for one in VECTORS for said in one.get("inside", {}).values() for inner in said}
    declared = {message.__name__ for message in MESSAGES}
    assert declared - named <= {"NoArguments"}


def test_the_document_holds_the_tables_of_the_schemas() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert protocol_tables.fill(text) == text, (
        "run python tests/protocol_tables.py docs/protocol.md"
    )
    for name in ("Header", "SamplesHeader", "Hello", "Stats", "ChipLostEvent"):
        assert f"<!-- table: {name} -->" in text
    assert "| 4 | 2 | `sequence` |" in text


def test_a_table_goes_on_behind_a_field_without_a_fixed_size() -> None:
    schema = cs.Struct(
        "one" / cs.Int16ul * "two bytes", "text" / cs.GreedyBytes, "after" / cs.Int8ul * "a byte"
    )
    assert protocol_tables.byte_table(schema).splitlines()[2:] == [
        "| 0 | 2 | `one` | two bytes |",
        "| 2 | n | `text` |  |",
        "| … | 1 | `after` | a byte |",
    ]
    assert protocol_tables.byte_table(cs.Struct()).splitlines()[2:] == ["| | 0 | | nothing |"]


def test_a_document_is_filled_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_text("µ\n<!-- table: NoArguments -->\nold\n<!-- end -->\nrest\n", "utf-8")
    monkeypatch.setattr("sys.argv", ["document", str(path)])
    protocol_tables.main()
    table = protocol_tables.byte_table(packets.NoArguments.SCHEMA)
    filled = f"µ\n<!-- table: NoArguments -->\n{table}<!-- end -->\nrest\n"
    assert path.read_text("utf-8") == filled
    path.write_text(filled.replace("NoArguments", "NoSuch"), "utf-8")
    with pytest.raises(ValueError, match=r"no schema named NoSuch; there are .*ClockArguments, "):
        protocol_tables.main()


def test_values_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="300"):
        packets.ReadRegisters(chip=0, address=300, count=1).encode()


def test_a_payload_that_is_too_short_is_a_wire_error() -> None:
    with pytest.raises(WireError, match="ReadRegisters"):
        packets.ReadRegisters.decode(b"\x00\x05")


def test_bytes_behind_the_last_field_are_ignored() -> None:
    reading = packets.ClockReading(1, 2)
    assert packets.ClockReading.decode(reading.encode() + b"newer") == reading


def test_text_that_is_no_utf8_is_shown_and_does_not_raise() -> None:
    assert packets.ErrorReply.decode(b"\x01\x00\x02\xff\xfe").text == "��"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.__name__)
@given(payload=st.binary(max_size=64))
@examples(10)
def test_any_bytes_are_read_as_construct_reads_them(message: type[Message], payload: bytes) -> None:
    try:
        expected = message.SCHEMA.parse(payload)
    except cs.ConstructError:
        with pytest.raises(WireError, match=message.__name__):
            message.decode(payload)
        return
    found = vars(message.decode(payload))
    # as text, for NaN is not itself
    assert repr(found) == repr({name: _plain(expected[name]) for name in found})


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


NUMBERS = st.integers(0, 255) | st.integers(-1, 1 << 65) | st.booleans() | st.floats()
OCTETS = st.binary(max_size=20) | st.sampled_from([bytes(255), bytes(256)])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.__name__)
@given(data=st.data())
@examples(10)
def test_any_values_are_written_as_construct_writes_them(
    message: type[Message], data: st.DataObject
) -> None:
    fields = message.__dataclass_fields__
    kinds = {"int": NUMBERS, "bytes": OCTETS, "str": st.text(max_size=9), "float": st.floats()}
    values = {
        name: data.draw(kinds.get(field.type.__origin__.__name__, st.just(())), label=name)
        for name, field in fields.items()
    }
    try:
        expected = message.SCHEMA.build(values)
    except cs.ConstructError:
        with pytest.raises(ValueError, match=message.__name__):
            message(**values).encode()
        return
    assert message(**values).encode() == expected


def test_every_request_has_arguments_and_a_reply() -> None:
    assert set(packets.ARGUMENTS) == set(packets.REPLIES) == set(packets.Request)
    assert set(packets.EVENTS) == set(packets.EventType)
