"""The rate at which people record: a board of 8 channels at its own pace, from the link to volts.

A peer in a process of its own sends 16 samples at once (`_paced_peer`), to our driver in our
protocol, and to BrainFlow's in its boards' (Cyton-WiFi over TCP, Cyton over a pseudo-terminal), in
turn. Measured is the processor time of the reading process alone, all its threads, once the stream
is on: ours gives volts and an account of loss in blocks of 16; of BrainFlow all that came is taken,
in µV, as often. Every run of ours is held against what the board has produced.

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import emgrig
from benchmarks._figures import figure
from benchmarks._paced_peer import FRAMES

VERSION = "5.23.0"
VARIABLE = "EMGRIG_BRAINFLOW_PYTHON"
READER = Path(__file__).with_name("_brainflow_reader.py")
N_WARM = 8  #: Blocks before the clock begins: what is imported and made once is not counted.
PACKET_BYTES = 462


@dataclass
class Peer:
    """A peer that runs; `said` is what it told at its end."""

    address: str
    produced: int = 0
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
        if process.poll() is None:
            said = json.loads(process.communicate("\n")[0])
            made.produced, made.sent_s = said["produced"][-1], tuple(said["sent_s"])
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Taken:
    """A stream of ours: processor seconds a million samples, and when each block came, s."""

    million_s: float
    came_s: tuple[float, ...]
    delays_ms: tuple[float, ...]


def ours(kind: str, rate_hz: int, seconds: float, scheme: str = "") -> Taken:
    """Stream from a peer to our driver; AssertionError if anything is not accounted for."""
    came_s, n_samples, check = [], 0, 0.0
    with peer(kind, rate_hz) as sending:
        address = sending.address
        if scheme:
            address = scheme + address.partition("://")[2]
        with emgrig.connect(address) as board:
            board.chip.set_rate(rate_hz)
            with board.stream() as stream:
                for _ in range(N_WARM):
                    next(stream)
                begin_s = time.process_time()
                for block in stream:
                    check += float(block.volts[0, 0])
                    came_s.append(time.perf_counter())
                    n_samples += block.n_samples
                    if n_samples >= seconds * rate_hz:
                        break
                taken_s = time.process_time() - begin_s
                left = stream.stop()
        totals = stream.totals
    n_sent = totals.received + totals.lost
    n_handed = n_samples + N_WARM * FRAMES + sum(block.n_samples for block in left)
    if n_sent != sending.produced or totals.lost or totals.dropped_here:
        raise AssertionError(f"{sending.produced} were produced: {totals}")
    if len(came_s) + N_WARM + len(left) == len(sending.sent_s) and n_handed != totals.delivered:
        raise AssertionError(f"{n_handed} were handed out: {totals}")
    delays = _delays_ms(came_s, sending.sent_s)
    return Taken(taken_s * 1e6 / n_samples, tuple(came_s), delays)


def _delays_ms(came_s: list[float], sent_s: tuple[float, ...]) -> tuple[float, ...]:
    """How long after the last byte of its newest packet each block came, ms."""
    sent = np.array(sent_s)
    newest = np.searchsorted(sent, came_s) - 1
    return tuple(1e3 * (np.array(came_s) - sent[newest]))


def bare_reader(rate_hz: int, seconds: float) -> tuple[float, ...]:
    """Return how long after its last byte each packet came to a loop that only receives, ms."""
    pace_s, n = FRAMES / rate_hz, round(seconds * rate_hz / FRAMES)
    code = (
        "import json, socket, sys, time\n"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        "sent, due = [], time.perf_counter()\n"
        "for _ in range(int(sys.argv[2])):\n"
        f"    due += {pace_s!r}\n"
        "    time.sleep(max(due - time.perf_counter(), 0.0))\n"
        f"    s.sendall(bytes({PACKET_BYTES}))\n"
        "    sent.append(time.perf_counter())\n"
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
            while link.recv(1 << 16):
                came_s.append(time.perf_counter())
    return _delays_ms(came_s, tuple(json.loads(sender.communicate()[0])))


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
    runs: tuple[list[str], dict[str, str]], kind: str, rate_hz: int, seconds: float
) -> float | None:
    """Return BrainFlow's processor seconds a million samples; None, and a word why, if it cannot."""
    command, environment = runs
    with tempfile.TemporaryDirectory() as folder, peer(kind, rate_hz) as sending:
        if sending.address.startswith("no:"):
            print(f"  left out: {sending.address.removeprefix('no: ')}")
            return None
        out, where = Path(folder) / "out.json", sending.address.partition("://")[2]
        board = "cyton-wifi" if kind == "shield" else "cyton"
        arguments = [board, where, str(round(seconds * rate_hz)), str(FRAMES / rate_hz), str(out)]
        subprocess.run([*command, str(READER), *arguments], env=environment, check=True)
        said = json.loads(out.read_text())
    numbers = np.array(said["numbers"], np.int64)
    gaps = int(np.count_nonzero(np.diff(numbers) % 256 != 1))
    if gaps:
        print(f"  (BrainFlow's packet numbers have {gaps} gaps)")
    return float(said["processor_s"]) * 1e6 / int(said["n"])


# The rows.


def against_brainflow(
    runs: tuple[list[str], dict[str, str]] | None,
    name: str,
    kinds: tuple[str, str],
    rate_hz: int,
    given: argparse.Namespace,
) -> None:
    """Print ours, BrainFlow's and their ratio, each the median of rounds in turn."""
    own, theirs = [], []
    for _ in range(given.rounds):
        own.append(ours(kinds[0], rate_hz, given.seconds).million_s)
        if runs is not None and (said := brainflow(runs, kinds[1], rate_hz, given.seconds)):
            theirs.append(said)
    at_most = 6.0 if name == "TCP" and rate_hz == 1000 else None
    unit = "s of processor a million samples"
    figure(f"{name}, {rate_hz} SPS: emgrig", statistics.median(own), unit, at_most=at_most)
    if theirs:
        figure(f"{name}, {rate_hz} SPS: BrainFlow {VERSION}", statistics.median(theirs), unit)
        ratio = statistics.median(own) / statistics.median(theirs)
        figure(f"{name}, {rate_hz} SPS: emgrig / BrainFlow", ratio, at_most=1 / 3)


def delay(given: argparse.Namespace) -> None:
    """Print how long after a packet's last byte its block is there, and a bare reader's delay."""
    own: list[float] = []
    bare: list[float] = []
    for _ in range(given.rounds):
        own += ours("tcp", 1000, given.seconds).delays_ms
        bare += bare_reader(1000, given.seconds)
    for name, share, at_most in (("median", 50, 1.0), ("99th percentile", 99, 5.0)):
        mine, least = float(np.percentile(own, share)), float(np.percentile(bare, share))
        figure(f"delay of a block, {name}", mine, "ms", at_most=at_most)
        figure(f"delay of a bare socket's reader, {name}", least, "ms")
        figure(f"delay that the driver adds, {name}", mine - least, "ms", at_most=at_most)


def sockets(given: argparse.Namespace) -> None:
    """Print what ``socket://`` costs beside ``tcp://``, and hold 16 kSPS."""
    tcp, other = [], []
    for _ in range(given.rounds):
        tcp.append(ours("tcp", 1000, given.seconds).million_s)
        other.append(ours("tcp", 1000, given.seconds, "socket://").million_s)
    ratio = statistics.median(other) / statistics.median(tcp)
    figure("socket:// / tcp://, 1000 SPS (processor time)", ratio, at_most=1.2)
    for scheme in ("tcp://", "socket://"):
        taken = ours("tcp", 16_000, given.seconds, scheme)
        figure(f"{scheme} at 16000 SPS, nothing lost", taken.million_s, "s a million samples")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("a board at its own pace, 8 channels, 16 samples a packet; produced = received + lost")
    with brainflow_python() as runs:
        against_brainflow(runs, "TCP", ("tcp", "shield"), 1000, given)
        for rate_hz in (250, 1000):
            against_brainflow(runs, "serial", ("pty", "cyton"), rate_hz, given)
    delay(given)
    sockets(given)


if __name__ == "__main__":
    main()
