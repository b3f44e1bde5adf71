"""Whether a .mat file of version 5 to 7 is whole, before a library is given it.

MAT-File Format (MathWorks, R2023b), chapter 1: elements with a tag of type and size, nested in
matrices. scipy 1.17 trusts them, and ends the whole process over some that are damaged: so every
size is checked here against what is there.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emgrig.errors import RecordingError

_MOST_BYTES = 2_000_000_000
_MOST_DEPTH = 24
_MATRIX, _COMPRESSED = 14, 15
#: Bytes of a number of each type that holds some (table 1-1).
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMBERS = range(6, 16)
_IS_COMPLEX = 0x08


class _Damage(Exception):
    """What is wrong with it."""


@dataclass(frozen=True)
class _Element:
    kind: int
    content: memoryview


def check_mat(path: Path) -> None:
    """Raise RecordingError if a .mat file of version 5 is damaged, or unpacks to too much."""
    raw = path.read_bytes()
    if not raw.startswith(b"MATLAB 5.0") or len(raw) < 128:
        return
    order = "<" if raw[126:128] == b"IM" else ">"
    try:
        _check_variables(memoryview(raw)[128:], order, _MOST_BYTES)
    except (_Damage, struct.error) as error:
        raise RecordingError(f"{path} is damaged: {error}") from error


def _check_variables(content: memoryview, order: str, left: int) -> None:
    for one in _elements(content, order):
        if one.kind == _COMPRESSED:
            inside = _unpacked(one.content, left)
            left -= len(inside)
            if inside[:4] == struct.pack(f"{order}I", _COMPRESSED):
                raise _Damage("a packed element in a packed element")
            _check_variables(memoryview(inside), order, left)
        elif one.kind == _MATRIX:
            _check_matrix(one.content, order, 0)
        else:
            raise _Damage(f"an element of type {one.kind} where a matrix was expected")


def _unpacked(content: memoryview, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        head = stream.decompress(content, 8)
        size = struct.unpack("<I", head[4:8])[0] if len(head) == 8 else 0
        if min(size, struct.unpack(">I", head[4:8])[0] if len(head) == 8 else 0) > most:
            raise _Damage(f"it says that it unpacks to {size} bytes")
        inside = head + stream.decompress(stream.unconsumed_tail, most)
    except zlib.error as error:
        raise _Damage(str(error)) from error
    if not stream.eof:
        raise _Damage("a packed element does not end, or is too large")
    return inside


def _elements(content: memoryview, order: str) -> Iterator[_Element]:
    """Give the elements that follow each other; all but packed ones are padded to 8 bytes."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:  # small: size and type in 4 bytes, up to 4 of content behind them
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise _Damage(f"a small element of {size} bytes")
            yield _Element(kind, content[at + 4 : at + 4 + size])
            at += 8
            continue
        if size > len(content) - at - 8:
            raise _Damage(f"an element of {size} bytes where {len(content) - at - 8} are left")
        yield _Element(kind, content[at + 8 : at + 8 + size])
        at += 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)


def _check_matrix(content: memoryview, order: str, depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise _Damage("structs in structs without an end")
    if not len(content):
        return None  # an empty one
    parts = _elements(content, order)
    flags = _next(parts, "flags", 6)
    if len(flags.content) != 8:
        raise _Damage("flags that are not 8 bytes")
    (word,) = struct.unpack_from(f"{order}I", flags.content)
    kind, is_complex = word & 0xFF, bool(word >> 8 & _IS_COMPLEX)
    if kind == _OPAQUE:
        return _check_opaque(parts, order, depth)
    n = math.prod(_dimensions(_next(parts, "dimensions", 5, 6), order))
    _next(parts, "a name", 1, 16)
    if kind in _NUMBERS or kind == _CHAR:
        for _ in range(1 + is_complex):
            _check_numbers(_next(parts, "numbers"), n, is_text=kind == _CHAR)
    elif kind in (_CELL, _STRUCT, _OBJECT, _FUNCTION):
        if kind == _OBJECT:
            _next(parts, "the name of a class", 1)
        if kind in (_STRUCT, _OBJECT):
            n *= _n_fields(parts, order)
        _check_matrices(parts, 1 if kind == _FUNCTION else n, order, depth)
    else:
        what = "a sparse matrix, which is not read" if kind == _SPARSE else f"class {kind}"
        raise _Damage(f"a variable is {what}")
    if any(True for _ in parts):
        raise _Damage("a matrix holds more than it says")
    return None


def _next(parts: Iterator[_Element], what: str, *kinds: int) -> _Element:
    one = next(parts, None)
    if one is None or (kinds and one.kind not in kinds and one.content):
        found = "nothing" if one is None else f"type {one.kind}"
        raise _Damage(f"{what} of a matrix were expected, {found} is there")
    return one


def _dimensions(one: _Element, order: str) -> tuple[int, ...]:
    n = len(one.content) // 4
    if not 2 <= n <= 32 or len(one.content) % 4:
        raise _Damage(f"a matrix of {n} dimensions")
    sizes = struct.unpack(f"{order}{n}i", one.content)
    if min(sizes) < 0 or math.prod(sizes) > _MOST_BYTES:
        raise _Damage(f"a matrix of {' x '.join(map(str, sizes))}")
    return sizes


def _size(one: _Element, order: str) -> int:
    return int.from_bytes(one.content, "little" if order == "<" else "big")


def _check_numbers(one: _Element, n: int, *, is_text: bool) -> None:
    width = _WIDTHS.get(one.kind)
    if width is None or (one.kind > 13 and not is_text):
        raise _Damage(f"numbers of type {one.kind}")
    # UTF-8 has one byte to four for a character.
    fits = n <= len(one.content) <= 4 * n if is_text else len(one.content) == n * width
    if not fits and not (is_text and len(one.content) in (0, n * width)):
        raise _Damage(f"{len(one.content)} bytes for {n} numbers of {width}")


def _n_fields(parts: Iterator[_Element], order: str) -> int:
    length = _next(parts, "the length of field names", 5)
    names = _next(parts, "field names", 1, 16)
    width = _size(length, order)
    if not 0 < width <= 64 or len(names.content) % width:
        raise _Damage(f"field names of {width} bytes")
    return len(names.content) // width


def _check_matrices(parts: Iterator[_Element], n: int, order: str, depth: int) -> None:
    for _ in range(n):
        _check_matrix(_next(parts, "cells", _MATRIX).content, order, depth + 1)


def _check_opaque(parts: Iterator[_Element], order: str, depth: int) -> None:
    for what in ("a name", "a system of types", "the name of a class"):
        _next(parts, what, 1)
    _check_matrices(parts, 1, order, depth)
