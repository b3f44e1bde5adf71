"""The rate at which people record: a board of 8 channels at its own pace, from the link to volts.

A peer in a process of its own sends 16 samples at once (`_paced_peer`), to our driver in our
protocol, and to BrainFlow's in its boards' (Cyton-WiFi over TCP, Cyton over a pseudo-terminal).
Measured is the processor time of the reading process alone, all its threads, once the stream is on.
It depends on how often samples are wanted, so each figure says it, and both are asked as often:

* at once: ours hands over each packet as it comes (`Board.stream()`); of BrainFlow all that came is
  taken once a packet. So it is where somebody looks at samples, and for the delay.
* every 50 ms, every 250 ms: ours lets so much come together (`Board.stream(gather_s=…)`), BrainFlow
  fills its ring buffer meanwhile. So it is where samples are recorded; 50 ms is as often as
  BrainFlow's own example of a plot takes them, 250 ms as often as `emgrig record`.

A loop that only receives, as often, is the least that a program in Python can take here. Every run
of ours is held against what the board has produced, and says nothing is lost.

``--seconds`` of each stream, ``--rounds`` of everything. BrainFlow is run by the Python that
``EMGRIG_BRAINFLOW_PYTHON`` names; without it, it is installed into a folder that is deleted again.
Where neither works, its rows are left out.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import emgrig
from benchmarks._figures import figure
from benchmarks._paced_peer import FRAMES
from emgrig.driver.board import Board
from emgrig.driver.stream import Stream

VERSION = "5.23.0"
VARIABLE = "EMGRIG_BRAINFLOW_PYTHON"
READER = Path(__file__).with_name("_brainflow_reader.py")
N_WARM = 8  #: Packets before the clock begins: what is imported and made once is not counted.
LEAST_BLOCKS = 12
PACKET_BYTES = 462
AT_ONCE = 0.0
UNIT = "s of processor a million samples"
BEGAN_S = time.monotonic()


def say(words: str) -> None:
    """Say what is measured now, and since when this runs."""
    print(f"  [{time.monotonic() - BEGAN_S:3.0f} s] {words}", flush=True)


def how_often(pace_s: float) -> str:
    """Return it as figures name it; nothing for at once."""
    return f", every {1e3 * pace_s:g} ms" if pace_s else ""


@dataclass
class Peer:
    """A peer that runs; what it told at its end: conversions of each run, and of the last when."""

    address: str
    produced: tuple[int, ...] = ()
    sent_s: tuple[float, ...] = ()


@contextlib.contextmanager
def peer(kind: str, rate_hz: int) -> Iterator[Peer]:
    """Run a peer; when the context is left it has told what it sent."""
    command = [sys.executable, "-m", "benchmarks._paced_peer", kind, str(rate_hz)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=READER.parents[1]
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        made = Peer(process.stdout.readline().strip())
        yield made
        if not made.address.startswith("no:"):
            said = json.loads(process.communicate("\n")[0])
            made.produced, made.sent_s = tuple(said["produced"]), tuple(said["sent_s"])
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Taken:
    """A stream of ours: processor seconds a million samples, and how late each block was, ms."""

    million_s: float
    delays_ms: tuple[float, ...] = ()


def ours(
    kind: str, rate_hz: int, seconds: float, paces_s: Sequence[float], scheme: str = ""
) -> list[Taken]:
    """Stream from a peer at each pace; AssertionError if anything is not accounted for.

    Delays are those of the last of them.
    """
    with peer(kind, rate_hz) as sending:
        address = sending.address
        if scheme:
            address = scheme + address.partition("://")[2]
        with emgrig.connect(address) as board:
            board.chip.set_rate(rate_hz)
            streamed = [_stream(board, pace_s, rate_hz, seconds) for pace_s in paces_s]
    for (_, _, stream), n_produced in zip(streamed, sending.produced[-len(paces_s) :], strict=True):
        totals = stream.totals
        if totals.produced != n_produced or totals.lost or totals.dropped_here:
            raise AssertionError(f"{n_produced} were produced: {totals}")
    delays = _delays_ms(streamed[-1][1], sending.sent_s)
    return [Taken(million_s, delays) for million_s, _, _ in streamed]


def _stream(
    board: Board, pace_s: float, rate_hz: int, seconds: float
) -> tuple[float, list[float], Stream]:
    """Return processor seconds a million samples, when blocks came, and the stream."""
    came_s, n_samples, check = [], 0, 0.0
    with board.stream(gather_s=pace_s) as stream:
        while n_samples < N_WARM * FRAMES:
            n_samples += next(stream).n_samples
        n_asked = round(max(seconds, LEAST_BLOCKS * pace_s) * rate_hz)
        n_warm, begin_s = n_samples, time.process_time()
        for block in stream:
            check += float(block.volts[0, 0])
            came_s.append(time.perf_counter())
            n_samples += block.n_samples
            if n_samples >= n_asked + n_warm:
                break
        taken_s = time.process_time() - begin_s
        left = stream.stop()
    n_handed = n_samples + sum(block.n_samples for block in left)
    if n_handed != stream.totals.delivered:
        raise AssertionError(f"{n_handed} were handed out: {stream.totals}")
    return taken_s * 1e6 / (n_samples - n_warm), came_s, stream


def _delays_ms(came_s: list[float], sent_s: tuple[float, ...]) -> tuple[float, ...]:
    """How long after the last byte of its newest packet each block came, ms."""
    sent = np.array(sent_s)
    newest = np.searchsorted(sent, came_s) - 1
    return tuple(1e3 * (np.array(came_s) - sent[newest]))


def bare_reader(rate_hz: int, seconds: float, pace_s: float = AT_ONCE) -> Taken:
    """Take packets in a loop that only receives: what it costs, and how late each was, ms."""
    packet_s, n = FRAMES / rate_hz, round(seconds * rate_hz / FRAMES)
    code = (
        "import json, socket, sys, time\n"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        "sent, due = [], time.perf_counter()\n"
        "for _ in range(int(sys.argv[2])):\n"
        f"    due += {packet_s!r}\n"
        "    time.sleep(max(due - time.perf_counter(), 0.0))\n"
        "    sent.append(time.perf_counter())\n"
        f"    s.sendall(bytes({PACKET_BYTES}))\n"
        "print(json.dumps(sent))\n"
    )
    came_s = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = [str(listener.getsockname()[1]), str(n)]
        sender = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
        )
        link, _ = listener.accept()
        with link:
            begin_s = time.process_time()
            while True:
                time.sleep(pace_s) if pace_s else None
                if not link.recv(1 << 16):
                    break
                came_s.append(time.perf_counter())
            taken_s = time.process_time() - begin_s
    sent_s = tuple(json.loads(sender.communicate()[0]))
    return Taken(taken_s * 1e6 / (n * FRAMES), _delays_ms(came_s, sent_s))


# BrainFlow.


@contextlib.contextmanager
def brainflow_python() -> Iterator[tuple[list[str], dict[str, str]] | None]:
    """Give the command and the environment that run BrainFlow; None, and a word why, if none do."""
    named = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        path = os.pathsep.join([folder, *sys.path])
        command, environment = [named or sys.executable], {**os.environ, "PYTHONPATH": path}
        if named:
            environment = {**os.environ, "PYTHONPATH": ""}
        else:
            install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
            install += ["--target", folder, f"brainflow=={VERSION}"]
            subprocess.run(install, check=False, capture_output=True)
        ask = "from importlib.metadata import version as v; import brainflow; print(v('brainflow'))"
        command += ["-W", "ignore"]
        told = subprocess.run(
            [*command, "-c", ask], capture_output=True, text=True, check=False, env=environment
        )
        if told.stdout.strip() == VERSION:
            yield command, environment
        else:
            found = told.stdout.strip() or "none"
            print(f"  left out: BrainFlow {VERSION} is needed, found {found}; name a Python that")
            print(f"  has it with {VARIABLE}=PYTHON")
            yield None


def brainflow(
    runs: tuple[list[str], dict[str, str]],
    kind: str,
    rate_hz: int,
    seconds: float,
    paces_s: Sequence[float],
) -> list[float] | None:
    """Return its processor seconds a million samples at each pace; None and a word if it cannot."""
    command, environment = runs
    with tempfile.TemporaryDirectory() as folder, peer(kind, rate_hz) as sending:
        if sending.address.startswith("no:"):
            print(f"  left out: {sending.address.removeprefix('no: ')}")
            return None
        out, where = Path(folder) / "out.json", sending.address.partition("://")[2]
        board = "cyton-wifi" if kind == "shield" else "cyton"
        asked = []
        for pace_s in paces_s:
            n_samples = round(max(seconds, LEAST_BLOCKS * pace_s) * rate_hz)
            asked.append(f"{n_samples}:{pace_s or FRAMES / rate_hz}")
        arguments = [str(READER), board, where, str(out), *asked]
        subprocess.run([*command, *arguments], env=environment, check=True)
        said = json.loads(out.read_text())
    numbers = np.array(said["numbers"], np.int64)
    gaps = int(np.count_nonzero(np.diff(numbers) % 256 != 1))
    if gaps:
        print(f"  (BrainFlow's packet numbers have {gaps} gaps)")
    return [taken["processor_s"] * 1e6 / taken["n"] for taken in said["taken"]]


# The rows.


def against_brainflow(
    runs: tuple[list[str], dict[str, str]] | None,
    name: str,
    kinds: tuple[str, str],
    rate_hz: int,
    given: argparse.Namespace,
) -> None:
    """Print ours, BrainFlow's and their ratio at each pace, each the median of rounds in turn."""
    paces_s = [
        pace_s for pace_s in (0.25, 0.05, AT_ONCE) if pace_s >= FRAMES / rate_hz or not pace_s
    ]
    own: list[list[float]] = []
    theirs: list[list[float]] = []
    for _ in range(given.rounds):
        say(f"{name}, {rate_hz} SPS: emgrig")
        own.append([taken.million_s for taken in ours(kinds[0], rate_hz, given.seconds, paces_s)])
        if runs is not None:
            say(f"{name}, {rate_hz} SPS: BrainFlow")
            said = brainflow(runs, kinds[1], rate_hz, given.seconds, paces_s)
            theirs += [] if said is None else [said]
    for n, pace_s in reversed(list(enumerate(paces_s))):
        row = f"{name}, {rate_hz} SPS{how_often(pace_s)}"
        mine = statistics.median(one[n] for one in own)
        figure(f"{row}: emgrig", mine, UNIT, at_most=6.0 if name == "TCP" else None)
        if theirs:
            other = statistics.median(one[n] for one in theirs)
            figure(f"{row}: BrainFlow {VERSION}", other, UNIT)
            figure(f"{row}: emgrig / BrainFlow", mine / other, at_most=1 / 3)


def delay(given: argparse.Namespace) -> None:
    """Print how late a block is, ``socket://`` beside ``tcp://``, what receiving alone costs."""
    tcp: list[Taken] = []
    other: list[Taken] = []
    bare: list[Taken] = []
    for _ in range(given.rounds):
        say("TCP, 1000 SPS: how late a block is; socket://; a loop that only receives")
        tcp += ours("tcp", 1000, given.seconds, [AT_ONCE])
        other += ours("tcp", 1000, given.seconds, [AT_ONCE], "socket://")
        bare.append(bare_reader(1000, given.seconds))
    for name, share, at_most in (("median", 50, 1.0), ("99th percentile", 99, 5.0)):
        mine, least = (
            float(np.percentile([late for one in every for late in one.delays_ms], share))
            for every in (tcp, bare)
        )
        figure(f"delay of a block, {name}", mine, "ms", at_most=at_most)
        figure(f"delay of a bare socket's reader, {name}", least, "ms")
        figure(f"delay that the driver adds, {name}", mine - least, "ms", at_most=at_most)
    ratio = _median_s(other) / _median_s(tcp)
    figure("socket:// / tcp://, 1000 SPS (processor time)", ratio, at_most=1.2)
    figure("TCP, 1000 SPS: a loop that only receives", _median_s(bare), UNIT)
    for pace_s in (0.05, 0.25):
        slow = [bare_reader(1000, given.seconds, pace_s) for _ in range(given.rounds)]
        row = f"TCP, 1000 SPS{how_often(pace_s)}: a loop that only receives"
        figure(row, _median_s(slow), UNIT)


def _median_s(every: list[Taken]) -> float:
    return statistics.median(one.million_s for one in every)


def fast(given: argparse.Namespace) -> None:
    """Hold 16 kSPS."""
    for scheme in ("tcp://", "socket://"):
        say(f"{scheme} at 16000 SPS")
        (taken,) = ours("tcp", 16_000, given.seconds, [AT_ONCE], scheme)
        figure(f"{scheme} at 16000 SPS, nothing lost", taken.million_s, "s a million samples")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    print("a board at its own pace, 8 channels, 16 samples a packet; produced = received + lost")
    with brainflow_python() as runs:
        against_brainflow(runs, "TCP", ("tcp", "shield"), 1000, given)
        for rate_hz in (1000, 250):
            against_brainflow(runs, "serial", ("pty", "cyton"), rate_hz, given)
    delay(given)
    fast(given)


if __name__ == "__main__":
    main()
