"""COBS and checksums by numpy, against what the words say, byte by byte in Python."""

import binascii

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emgrig.gateways.decoding import checksum, unstuff
from emgrig.gateways.template import Checksum
from properties import examples


def stuffed(data: bytes) -> bytes:
    """Code less than 254 bytes: each zero, and the end, is replaced by the way to it."""
    return b"".join(bytes((len(part) + 1,)) + part for part in data.split(b"\x00"))


def unstuffed(coded: bytes) -> bytes | None:
    """Decode step by step; None if the last step does not lead to the end."""
    out, at = b"", 0
    while at < len(coded):
        step = coded[at]
        out += coded[at + 1 : at + step] + b"\x00"
        at += step
    return out[:-1] if at == len(coded) else None


@examples(50)
@given(
    rows=st.integers(1, 60).flatmap(
        lambda n: st.lists(st.binary(min_size=n, max_size=n), min_size=1, max_size=8)
    )
)
def test_what_was_stuffed_comes_out(rows: list[bytes]) -> None:
    sparse = [bytes(b if b % 3 else 0 for b in row) for row in rows]
    for made in (rows, sparse):
        coded = np.frombuffer(b"".join(map(stuffed, made)), np.uint8).reshape(len(made), -1)
        found, is_coded = unstuff(coded)
        assert is_coded.all()
        assert [row.tobytes() for row in found] == made


@examples(40)
@given(
    rows=st.integers(2, 50).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(1, 255), min_size=n, max_size=n), min_size=1, max_size=8
        )
    )
)
def test_any_bytes_are_unstuffed_or_told(rows: list[list[int]]) -> None:
    found, is_coded = unstuff(np.array(rows, np.uint8))
    for row, is_good, coded in zip(found, is_coded.tolist(), rows, strict=True):
        expected = unstuffed(bytes(coded))
        assert is_good == (expected is not None)
        assert expected is None or row.tobytes() == expected


@given(data=st.binary(min_size=8, max_size=60), first=st.integers(0, 3))
def test_the_crc_is_that_of_the_library(data: bytes, first: int) -> None:
    check = Checksum("crc16-ccitt", at=0, first=first, end=len(data))
    rows = np.frombuffer(data * 2, np.uint8).reshape(2, -1)
    expected = binascii.crc_hqx(data[first:], 0xFFFF)
    assert checksum(rows, check).tolist() == [expected, expected]
