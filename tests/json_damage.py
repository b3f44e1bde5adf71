"""Damage to JSON files, by chance and by intent: bytes that change, values that are others."""

import copy
import json
import random
from collections.abc import Iterator

ODD: list[object] = [
    None, True, -1, 0, 1e308, 10**30, "", "x" * 3000, "\x1b[31m", [], {}, [[]], {"a": 1}, [None],
    "2026-13-45T99:99:99+00:00", "0001-01-01T00:00:00+00:00", "../../x", float("1e-320"),
]  # fmt: skip


def damaged(text: str, n: int, seed: int) -> Iterator[bytes]:
    """Yield `n` damaged copies of a file."""
    by_chance = random.Random(seed)
    raw = text.encode()
    for number in range(n):
        yield _bytes(raw, by_chance) if number % 3 == 0 else _values(text, by_chance)


def _bytes(raw: bytes, by_chance: random.Random) -> bytes:
    kind, at = by_chance.randrange(4), by_chance.randrange(len(raw))
    if kind == 0:
        return raw[:at]
    if kind == 1:
        return raw[:at] + bytes([by_chance.randrange(256)]) + raw[at + 1 :]
    if kind == 2:
        return raw[:at] + raw[at + by_chance.randrange(40) :]
    return raw[:at] + bytes(by_chance.randrange(256) for _ in range(5)) + raw[at:]


def _values(text: str, by_chance: random.Random) -> bytes:
    content = json.loads(text)
    for _ in range(by_chance.randrange(1, 3)):
        places = list(_places(content))
        if not places:
            break
        holder, key = by_chance.choice(places)
        if by_chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(by_chance.choice(ODD))  # it may be damaged in its turn
    return json.dumps(content).encode()


def _places(value: object) -> Iterator[tuple[object, object]]:
    pairs = (
        list(value.items()) if isinstance(value, dict)
        else list(enumerate(value)) if isinstance(value, list) else []
    )  # fmt: skip
    for key, one in pairs:
        yield value, key
        yield from _places(one)
