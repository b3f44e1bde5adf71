"""The control port of a bench."""

import json

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.control import BenchControl, serve_control
from emgrig.attach.options import BenchOptions
from emgrig.attach.remote.client import RemoteBench
from emgrig.attach.remote.server import serve
from emgrig.simulator.control import client, words

DEADLINE_S = 300.0


def swing(bench: Bench, channel: int) -> int:
    """Read 200 frames of a bench that converts; swing of a channel once it has settled, codes."""
    codes = []
    for _ in range(200):
        assert bench.wait_drdy(edge=True)
        frame = bench.transfer(bytes(27))
        codes.append(int.from_bytes(frame[3 * channel : 3 * channel + 3], "big", signed=True))
    return max(codes[10:]) - min(codes[10:])


def converting(**options: object) -> Bench:
    bench = Bench(BenchOptions(**{"source": "silence", **options}))  # type: ignore[arg-type]
    bench.advance(0.2)
    for sent in (b"\x11", b"\x43\x00\xe0", b"\x41\x00\x94", b"\x45\x07" + b"\x60" * 8):
        bench.transfer(sent)
    bench.advance(0.2)
    bench.transfer(b"\x08")
    bench.transfer(b"\x10")
    return bench


def test_what_is_asked_for_is_seen_in_the_next_frames() -> None:
    bench = converting()
    with serve(bench) as server, serve_control(server) as port:

        def ask(**request: object) -> dict[str, object]:
            return client.ask(port.address, request, timeout_s=DEADLINE_S)  # type: ignore[no-any-return]

        quiet = swing(bench, 3)
        assert ask(do="lift", electrode="3P")["lifted"] == ["3P"]
        assert swing(bench, 3) > 20 * quiet
        assert swing(bench, 2) < 5 * quiet
        status = ask(do="contact", electrode="3p", kohm=10)
        assert (status["lifted"], status["contacts_kohm"]) == ([], {"3P": 10.0})
        assert ask(do="source", source="sine:1mV,80Hz")["source"] == "sine:1mV,80Hz"
        lsb_v = 4.5 / 24 / 2**23
        assert swing(bench, 3) * lsb_v == pytest.approx(2e-3, rel=0.1)
        assert ask(do="fault", fault="drdy-dead")["faults"] == ["drdy-dead"]
        assert not bench.wait_drdy(edge=True)
        for request, says in (
            ({"do": "fault", "fault": "packets-lost"}, "board's firmware or link"),
            ({"do": "speed", "speed": 2}, "said at its start"),
            ({"do": "lift", "electrode": "9P"}, "channel 9"),
        ):
            with pytest.raises(ValueError, match=says):
                client.ask(port.address, request, timeout_s=DEADLINE_S)


def test_a_pause_holds_up_the_next_call_and_ends_with_the_port() -> None:
    bench = converting()
    with serve(bench) as server:
        control = BenchControl(bench, server.lock)
        for _ in range(2):  # a second time does nothing
            said = words.answer(control, json.dumps({"do": "pause"}).encode())
            assert said["status"]["is_paused"] is True  # type: ignore[index]
        assert server.lock.locked()
        assert words.answer(control, b'{"do": "lift", "electrode": "1N"}')["ok"]
        assert words.answer(control, b'{"do": "resume"}')["ok"]
        assert not server.lock.locked()
        with serve_control(server) as port:
            client.ask(port.address, {"do": "pause"}, timeout_s=DEADLINE_S)
        with RemoteBench(server.address) as remote:
            assert len(remote.transfer(bytes(27))) == 27


def test_time_of_the_wall_cannot_be_held_up() -> None:
    bench = Bench(BenchOptions(source="silence", speed=1.0))
    with serve(bench) as server:
        said = words.answer(BenchControl(bench, server.lock), b'{"do": "pause"}')
    assert "the wall's" in str(said["error"])
