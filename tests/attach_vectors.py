"""Write the golden messages of the bench's socket: what a client sends, what comes back.

Run ``python tests/attach_vectors.py`` after the wire format changed; a test holds them against the
bench, and decodes them with the tables of docs/attach-socket.md. They hold no noise: the front end
is at full scale without a reference, on any machine.
"""

import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions, ChipOptions
from emgrig.attach.remote.server import BenchServer, Talk
from emgrig.attach.remote.wire import BY_NAME, message

VECTORS = Path(__file__).parent / "attach" / "remote" / "vectors.json"
NAN = float("nan")
CLOCKING = (1, 1e6, 0.0)

#: Verb, its numbers, and its bytes or text.
REQUESTS: list[tuple[str, tuple[Any, ...], bytes]] = [
    ("pin", (0,), b"CS"),  # before hello: not understood
    ("hello", (b"emgrig", 2), b""),  # another version: refused
    ("hello", (b"emgrig", 1), b""),
    ("transfer", (0, *CLOCKING), b"\x20\x00\x00"),
    ("advance", (0.15,), b""),
    ("advance_to", (0.25,), b""),
    ("advance", (-1.0,), b""),
    ("advance", (61.0,), b""),
    ("transfer", (0, 1, 2e6, 1e-6), b"\x11"),
    ("transfer", (0, *CLOCKING), b"\x20\x00\x00"),
    ("select", (1,), b""),
    ("byte", (0x11, 1, 2e6), b""),
    ("exchange", (*CLOCKING,), b"\x00\x00"),
    ("advance", (2e-6,), b""),
    ("deselect", (1,), b""),
    ("set_pin", (1, 0xFF), b"START"),
    ("set_pin", (1, 1), b"GPIO3"),
    ("set_pin", (1, 0), b"DRDY"),
    ("pin", (1,), b"GPIO3"),
    ("pin", (7,), b"GPIO3"),
    ("pin", (0,), b"\xff"),
    ("next_event", (), b""),
    ("wait_drdy", (0, 0, 0.1), b""),
    ("transfer", (0, *CLOCKING), b"\x10"),
    ("wait_transfer", (0, 1, 0.1, 1, 4e6, 0.0), bytes(27)),
    ("drdy_count", (0,), b""),
    ("claim", (1, -187500.0), b""),
    ("claim", (99, 0.0), b""),
    ("set_source", (), b"silence"),
    ("set_source", (), "Straße".encode()),
    ("put_fault", (), b"miso-low"),
    ("set_contact", (3, ord("p"), NAN), b""),
    ("set_contact", (3, ord("n"), 12.5), b""),
    ("set_pin", (0, 0xFF), b"START"),
    ("wait_transfer", (1, 1, 0.0, 1, 4e6, 0.0), bytes(27)),
    ("power_cycle", (0.5,), b""),
    ("next_event", (), b""),
]


def talk(options: BenchOptions) -> Talk:
    """Return one end of a talk with a new bench, without a socket."""
    import threading

    server = SimpleNamespace(bench=Bench(options), lock=threading.Lock(), failure=None)
    return Talk(cast("BenchServer", server))


def a_bench() -> BenchOptions:
    """Return the bench of the vectors."""
    return BenchOptions(chips=(ChipOptions(), ChipOptions()), source="silence", is_wired=True)


def vectors() -> list[dict[str, str]]:
    """Return each message and its answer, in hex."""
    with_bench = talk(a_bench())
    made = []
    for name, numbers, rest in REQUESTS:
        verb = BY_NAME[name]
        request = message(struct.pack("<B", verb.code) + verb.request.numbers.pack(*numbers) + rest)
        answer, _ = with_bench.answer(request)
        made.append({"verb": name, "request": request.hex(), "answer": answer.hex()})
    return made


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
