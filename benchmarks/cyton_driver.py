"""Boards of others over a pseudo-terminal: processor time for a million samples, and how soon.

The same twin, in another process, sends to each driver in turn: as fast as it is read (a flood), or
as fast as a board does (its own pace). Measured is the processor time of the reading process alone,
all its threads, from the first samples to the last, the least of two rounds in turn. Ours gives
volts and an account of loss, block by block; BrainFlow 5.23.0 gives microvolts, and is asked for
what it has as often as a block of ours is due, in a flood every 20 ms. How often that is decides
what a sample costs at a board's own pace, so it is told for two lengths of block. BrainFlow wakes
up for every frame, however seldom it is asked.

BrainFlow has a driver for a Cyton, a Cyton + Daisy and a Knight. For a Cerelog and an EEGFrontier
there is none: theirs is held against a program that reads the bytes and scales them, with no look
at whether they are frames, and no goal is set. BrainFlow is installed into a folder of its own
(``--brainflow FOLDER`` takes one where it is already).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np
import serial

import emgrig
from benchmarks._figures import figure
from benchmarks._simulated import simulated
from emgrig.gateways.template import load_template, spoken

#: Samples a second, of all channels.
RATE_HZ = {"cyton": 250, "cyton-daisy": 125, "knight": 125, "cerelog": 250, "eegfrontier": 250}
HAS_BRAINFLOW = ("cyton", "cyton-daisy", "knight")
FRAMES_PER_BLOCK = 16  #: As a stream has it if nobody says another.
LONG_BLOCK_S = 0.25
FLOOD_POLL_S = 0.02
N_SAMPLES = 200_000
PACED_S = 12
ROUNDS = 2
VERSION = "5.23.0"
GOAL = 0.5
CLIENT = Path(__file__).parents[1] / "tests" / "gateways" / "cyton" / "brainflow_client.py"


def twin(board: str, speed: str) -> AbstractContextManager[str]:
    """Serve a board from a process of its own; gives its address."""
    return simulated("--as", board, "--pty", "--speed", speed, "--source", "silence")


def port_of(address: str) -> str:
    """Return the port that an address names."""
    return address.partition("://")[2].partition("?")[0]


def ours(address: str, n_samples: int, rate_hz: int, frames: int) -> float:
    """Return the processor seconds of our driver, in blocks of so many frames.

    From the first block to the last, as of BrainFlow: what it takes to start and to stop is none
    of a sample's.
    """
    with emgrig.connect(address) as board:
        with board.stream(1.0, frames_per_packet=frames) as stream:  # what is made once
            list(stream)
        n_came, check, first, begin_s, taken_s = 0, 0.0, 0, 0.0, 0.0
        with board.stream(n_samples / rate_hz, frames_per_packet=frames) as stream:
            for block in stream:
                n_came += block.n_samples
                check += float(block.volts[0, 0]) if block.n_samples else 0.0
                if not first:
                    first, begin_s = n_came, time.process_time()
                elif n_came == n_samples:
                    assert stream.totals.received >= n_came  # what was put off is done
                    taken_s = time.process_time() - begin_s
        if stream.totals.lost or n_came != n_samples:
            raise AssertionError(f"the benchmark lost samples: {stream.totals}")
    return taken_s * n_samples / (n_samples - first)


def brainflow(board: str, address: str, n_samples: int, folder: Path, poll_s: float) -> float:
    """Return the processor seconds of BrainFlow's driver."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "taken.npz"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
        arguments = [str(CLIENT), port_of(address), board, str(n_samples), "", str(out)]
        command = [sys.executable, "-W", "ignore", *arguments, str(poll_s)]
        subprocess.run(command, env=environment, check=True)
        with np.load(out) as found:
            return float(found["processor_s"]) * n_samples / int(found["n_taken"])


def bare(board: str, address: str, n_samples: int) -> float:
    """Return the processor seconds of reading the bytes of so many frames and scaling them."""
    template = load_template(board)
    table, coded = template.channels, template.frame.bytes
    coded += 2 if template.frame.coding == "cobs" else 0
    with serial.Serial(port_of(address), template.link.hello_baud or template.link.baud) as port:
        for text in (template.link.hello, template.link.start):
            port.write(spoken(text, time.time()))
        begin, held, n_left, check = time.process_time(), b"", n_samples, 0.0
        while n_left > 0:
            held += port.read(max(port.in_waiting, 1))
            n_frames = min(len(held) // coded, n_left)
            if not n_frames:
                continue
            rows = np.frombuffer(held, np.uint8, n_frames * coded).reshape(n_frames, coded)
            codes = rows[:, table.at : table.at + 3 * table.count].astype(np.int32)
            codes = codes.reshape(n_frames, table.count, 3)
            value = codes[:, :, 0] << 24 | codes[:, :, 1] << 16 | codes[:, :, 2] << 8
            check += float((value * 1e-9)[0, 0])
            held, n_left = held[n_frames * coded :], n_left - n_frames
        return time.process_time() - begin


def compare(board: str, speed: str, n_samples: int, frames: int, peers: Path, rounds: int) -> None:
    """Let both drivers read, in turn; print what a million samples cost, and the ratio."""
    has_peer = board in HAS_BRAINFLOW
    poll_s = frames / RATE_HZ[board] if speed == "real" else FLOOD_POLL_S
    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(rounds):
        with twin(board, speed) as address:
            taken["ours"].append(ours(address, n_samples, RATE_HZ[board], frames))
        with twin(board, speed) as address:
            if has_peer:
                said = brainflow(board, address, n_samples, peers, poll_s)
            else:
                said = bare(board, address, n_samples)
            taken["theirs"].append(said)
    each_s = {who: min(times) * 1e6 / n_samples for who, times in taken.items()}
    block_ms = 1e3 * frames / RATE_HZ[board]
    how = f"own pace, blocks of {block_ms:.0f} ms" if speed == "real" else "flood"
    peer = "BrainFlow" if has_peer else "bare reading"
    figure(f"{board}, {how}", each_s["ours"], "s a million samples")
    figure(f"{board}, {how}: {peer}", each_s["theirs"], "s a million samples")
    goal = GOAL if has_peer else None
    figure(f"{board}, {how}: ours / {peer}", each_s["ours"] / each_s["theirs"], at_most=goal)


def main() -> None:
    """Print the figures and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks cyton_driver")
    parser.add_argument("--board", choices=list(RATE_HZ), action="append", default=[])
    parser.add_argument("--samples", type=int, default=N_SAMPLES, help="of a flood")
    parser.add_argument("--paced", type=int, default=PACED_S, help="seconds at a board's own pace")
    parser.add_argument("--frames", type=int, help="a block at a board's own pace, one length only")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--brainflow", type=Path, help="a folder where it is installed")
    given = parser.parse_args()
    with ExitStack() as stack:
        peers = given.brainflow
        if peers is None:
            peers = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
            subprocess.run([*install, str(peers), f"brainflow=={VERSION}"], check=True)
        for board in given.board or RATE_HZ:
            rate_hz = RATE_HZ[board]
            if given.samples:
                compare(board, "max", given.samples, FRAMES_PER_BLOCK, peers, given.rounds)
            lengths = [FRAMES_PER_BLOCK, round(LONG_BLOCK_S * rate_hz)]
            lengths = [given.frames] if given.frames else lengths
            for frames in lengths if given.paced and board in HAS_BRAINFLOW else []:
                compare(board, "real", given.paced * rate_hz, frames, peers, given.rounds)


if __name__ == "__main__":
    main()
