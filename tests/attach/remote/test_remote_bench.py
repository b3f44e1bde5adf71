"""A bench over the socket is the bench."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.remote.client import RemoteBench
from emgrig.attach.remote.server import BenchServer, serve
from emgrig.errors import TransportError

OPTIONS = BenchOptions(
    chips=(ChipOptions(oscillator_ppm=100), ChipOptions()), processor=PROCESSORS["mcu"]
)
Verbs = Bench | RemoteBench


def use(bench: Verbs) -> list[object]:
    """Drive a bench through all its verbs, and note all that it says."""
    seen: list[object] = []
    bench.advance(0.15)
    seen += [bench.transfer(b"\x11", chip=n) for n in (0, 1)]
    seen += [bench.transfer(bytes([0x43, 0, 0xE0]), chip=n, gap_s=2e-6) for n in (0, 1)]
    bench.advance_to(0.4)
    bench.set_pin("GPIO2", 1)
    seen += [bench.pin("GPIO2", n) for n in (0, 1)]
    bench.set_pin("START", 1, 0)
    seen += [bench.pin("START", n) for n in (0, 1)]
    bench.select(0)
    seen += [bench.byte(0x20, sclk_hz=2e6), bench.byte(0x02), bench.exchange(bytes(3), gap_s=1e-6)]
    seen.append(bench.pin("CS"))
    bench.deselect(0)
    seen += [bench.transfer(b"\x10", mode=2), bench.transfer(b"\x10"), bench.next_event_s()]
    for _ in range(3):
        seen += [bench.wait_drdy(edge=True), bench.now_s, bench.drdy_count(), bench.pin("DRDY")]
        seen.append(bench.transfer(bytes(27), sclk_hz=4e6))
        bench.claim(2, 12.5)
    bench.set_source("sine:1mV,37Hz")
    bench.set_contact(3, "p", None)
    bench.set_contact(3, "n", 20.0)
    bench.put_fault("miso-high")
    seen += [bench.wait_drdy(timeout_s=61.0), bench.transfer(bytes(27))]
    bench.power_cycle(0.2)
    seen += [bench.wait_drdy(1, timeout_s=0.1), bench.n_drdy_falls, bench.now_s]
    return seen


@pytest.fixture(params=["unix", "tcp"])
def served(request: pytest.FixtureRequest) -> Iterator[BenchServer]:
    if request.param == "unix" and not hasattr(socket, "AF_UNIX"):
        pytest.skip("no unix sockets on this system")
    with serve(Bench(OPTIONS), None if request.param == "unix" else "tcp://localhost:0") as server:
        yield server


def test_every_verb_does_over_the_socket_what_it_does_in_process(served: BenchServer) -> None:
    own = Bench(OPTIONS)
    with RemoteBench(served.address) as remote:
        assert use(remote) == use(own)
    there, here = served.bench.facts(), own.facts()
    assert (there.duration_s, there.n_transfers) == (here.duration_s, here.n_transfers)
    assert there.transfers == here.transfers
    assert there.claims == here.claims
    assert there.chips == here.chips


def test_wait_transfer_is_wait_drdy_and_transfer() -> None:
    options = BenchOptions(processor=PROCESSORS["linux"])
    own = Bench(options)
    with serve(Bench(options)) as server, RemoteBench(server.address) as remote:
        for bench in (own, remote):
            bench.advance(0.2)
            bench.set_pin("START", 1)
        for _ in range(5):
            waited = own.wait_drdy(edge=True)
            there = remote.wait_transfer(bytes(27), edge=True, sclk_hz=4e6)
            assert waited
            assert there == own.transfer(bytes(27), sclk_hz=4e6)
            assert remote.now_s == own.now_s
        for bench in (own, remote):
            bench.set_pin("START", 0)
            bench.advance(0.1)  # the conversion that runs is completed
        assert not own.wait_drdy(edge=True, timeout_s=0.5)
        assert remote.wait_transfer(bytes(27), edge=True, timeout_s=0.5) is None
        assert remote.now_s == own.now_s
        assert server.bench.facts().n_transfers == own.facts().n_transfers


@pytest.mark.parametrize(
    "call",
    [
        "bench.advance(-1.0)",
        "bench.advance(float('inf'))",
        "bench.advance_to(float('nan'))",
        "bench.wait_drdy(2)",
        "bench.wait_drdy(timeout_s=-1.0)",
        "bench.select(7)",
        "bench.byte(0x11, mode=4)",
        "bench.transfer(bytes(3), sclk_hz=0.0)",
        "bench.exchange(bytes(3), gap_s=-1e-6)",
        "bench.set_pin('DRDY', 1)",
        "bench.set_pin('BUSY', 1)",
        "bench.set_pin('START', 1, 9)",
        "bench.pin('BUSY')",
        "bench.drdy_count(3)",
        "bench.power_cycle(-1.0)",
        "bench.set_source('no such source')",
        "bench.put_fault('no-such-fault')",
        "bench.set_contact(17, 'p', 5.0)",
        "bench.set_contact(1, 'x', 5.0)",
        "bench.set_contact(1, 'p', 0.0)",
        "bench.claim(99, 1.0)",
    ],
)
def test_a_refusal_has_the_same_words(call: str) -> None:
    own = Bench(OPTIONS)
    with pytest.raises(ValueError) as here:
        eval(call, {"bench": own})
    with serve(Bench(OPTIONS)) as server, RemoteBench(server.address) as remote:
        with pytest.raises(ValueError) as there:
            eval(call, {"bench": remote})
        assert str(there.value) == str(here.value)
        assert remote.pin("CS") == 1  # and goes on


@pytest.mark.parametrize(
    "call",
    ["bench.byte(300)", "bench.select(-1)", "bench.pin('CS', 256)", "bench.set_pin('CS', 0, 255)"],
)
def test_what_no_message_can_say_is_refused_here(call: str) -> None:
    with serve(Bench(OPTIONS)) as server, RemoteBench(server.address) as remote:
        with pytest.raises(ValueError):
            eval(call, {"bench": remote})
        assert (server.bench.now_s, remote.pin("CS")) == (0.0, 1)


def test_a_client_that_goes_leaves_the_bench_to_the_next() -> None:
    with serve(Bench(OPTIONS)) as server:
        with RemoteBench(server.address) as first:
            first.advance(0.25)
            first.set_pin("START", 1)
        with RemoteBench(server.address) as second, RemoteBench(server.address) as third:
            second.advance(0.25)
            assert third.pin("START") == 1
            assert third.now_s == 0.5 + OPTIONS.processor.call_s * 2


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Bench(OPTIONS)) as server:
        monkeypatch.setenv("EMGRIG_ATTACH", server.address)
        with RemoteBench() as remote:
            assert (remote.n_chips, remote.channels, remote.speed) == (2, 8, None)
            assert remote.call_s == OPTIONS.processor.call_s
    monkeypatch.delenv("EMGRIG_ATTACH")
    with pytest.raises(ValueError, match="EMGRIG_ATTACH"):
        RemoteBench()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unix:",
        "tcp:127.0.0.1:1",
        "tcp://127.0.0.1",
        "tcp://:1",
        "tcp://h:99999",
        "sim:",
        "tcp://h:²",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|port"):
        RemoteBench(address)


def test_other_machines_are_let_in_only_when_asked() -> None:
    with (
        pytest.raises(ValueError, match="other machines"),
        serve(Bench(OPTIONS), "tcp://0.0.0.0:0"),
    ):
        pass
    with serve(Bench(OPTIONS), "tcp://0.0.0.0:0", beyond_this_machine=True) as server:
        port = server.address.rpartition(":")[2]
        with RemoteBench(f"tcp://127.0.0.1:{port}") as remote:
            assert remote.n_chips == 2


def test_nobody_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no bench at unix:"):
        RemoteBench(f"unix:{tmp_path}/nobody")
    with (
        pytest.raises(TransportError, match="cannot listen"),
        serve(Bench(OPTIONS), f"unix:{tmp_path}/no/such/folder"),
    ):
        pass


def test_a_bench_that_stops_is_a_link_that_is_lost() -> None:
    with serve(Bench(OPTIONS)) as server:
        remote = RemoteBench(server.address)
    with remote, pytest.raises(TransportError, match=r"gone|hung up"):
        remote.pin("CS")


def test_an_answer_that_was_interrupted_is_not_taken_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C in the middle of a call, then a script's `finally` that talks to the chip."""
    with serve(Bench(BenchOptions(source="silence"))) as server, RemoteBench(server.address) as far:
        far.advance(0.2)

        def interrupted(_: RemoteBench) -> bytes:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(RemoteBench, "_received", interrupted)
            with pytest.raises(KeyboardInterrupt):
                far.transfer(b"\x20\x00\x00")
        far.transfer(b"\x11")
        assert far.transfer(b"\x20\x00\x00") == b"\0\0\x3e"
