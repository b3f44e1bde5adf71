"""Many boards recorded by one process, `emgrig record boards.toml`, each at 1000 SPS over TCP.

``python -m benchmarks many_boards`` records 10, 20, 50 and 100 boards for a short while;
``--boards 100 --minutes 10`` is the long run, ``--boards 20 --desk`` one beside a desk whose page
is open on another board. The boards are one other process (`_paced_boards`): they make conversions
by their own clocks, and throw away what their buffers cannot hold. Measured is the processor time
of the process that records, all its threads, from the moment when all boards run to the first one's
end; connecting, and making the BDF+ files, are told apart. Each file's account is held against what
its board made: produced = received + lost.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._figures import figure

RATE_HZ = 1000
BOARDS = (10, 20, 50, 100)
SHORT_S = 10.0
MOST_CORES = 1.0  #: Of the process that records 100 boards.
TICKS_HZ = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """What was measured of one run."""

    n_boards: int
    recorded_s: float  #: From the moment when all ran to the end of the first.
    connect_s: float  #: Processor seconds before, between, and after.
    record_s: float
    files_s: float
    memory_mb: float  #: The most that it held.
    told: list[dict[str, Any]]  #: What `emgrig record` says of each board.
    boards: list[dict[str, Any]] = field(default_factory=list)  #: What each board says of itself.
    feeder_s: float = 0.0  #: Processor seconds of the boards.


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, all its threads, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_HZ


def memory_mb(pid: int) -> float:
    """Return the most memory that a process has held, MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


class Feeder:
    """The boards, in a process of their own."""

    def __init__(self, n_boards: int) -> None:
        command = [sys.executable, "-m", "benchmarks._paced_boards", "--boards", str(n_boards)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.addresses: list[str] = self.line()["addresses"]

    def line(self) -> dict[str, Any]:
        """Wait for the next thing that it says; the last is what the boards made."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError("the boards are gone")
        told: dict[str, Any] = json.loads(said)
        return told

    def end(self) -> dict[str, Any]:
        """Have it end; return what it made."""
        self.let_end()
        told = self.line()
        while "boards" not in told:
            told = self.line()
        self._process.wait()
        return told

    def wait_for(self, what: str) -> None:
        """Wait until it says that; RuntimeError if it ends before."""
        said: dict[str, Any] = {}
        while said.get("now") != what:
            said = self.line()
            if "boards" in said:
                raise RuntimeError(f"the recording ended before {what!r}")

    def let_end(self) -> None:
        """Tell it to end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def record(feeder: Feeder, n_boards: int, seconds: float, folder: Path) -> Run:
    """Record the first boards, and measure it."""
    boards = folder / "boards.toml"
    boards.write_text("".join(f'[[board]]\naddress = "{a}"\n' for a in feeder.addresses[:n_boards]))
    command = [sys.executable, "-m", "emgrig", "record", str(boards), "-o", str(folder / "made")]
    command += ["--duration", f"{seconds:g}", "--calibration", "none", "--json"]
    out = folder / "said.json"
    with out.open("w") as said:
        child = subprocess.Popen(command, stdout=said)
        was_on = threading.Event()
        threading.Thread(target=_end_with, args=(child, feeder, was_on), daemon=True).start()
        try:
            feeder.wait_for("all on")
            began_s, connect_s = time.perf_counter(), processor_s(child.pid)
            feeder.wait_for("first off")
            was_on.set()
            ended_s, record_s = time.perf_counter(), processor_s(child.pid)
            most_mb = 0.0
            while not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                most_mb = max(memory_mb(child.pid), most_mb)
                time.sleep(0.05)
            used_s = processor_s(child.pid)
            if child.wait():
                raise SystemExit(f"emgrig record ended with {child.returncode}")
        finally:
            child.kill()
            child.wait()
    return Run(
        n_boards,
        ended_s - began_s,
        connect_s,
        record_s - connect_s,
        used_s - record_s,
        most_mb,
        json.loads(out.read_text()),
    )


def _end_with(child: subprocess.Popen[bytes], feeder: Feeder, was_on: threading.Event) -> None:
    """Have the boards end if the recording ends too early: they would be waited for in vain."""
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    if not was_on.is_set():
        feeder.let_end()


def check(run: Run) -> tuple[int, int]:
    """Hold each account against what its board made; return conversions lost, and thrown away.

    Raises AssertionError if one contradicts itself, its board, or its file.
    """
    lost = 0
    for made, told in zip(run.boards, run.told, strict=True):
        sidecar = json.loads(Path(told["files"][2]).read_text("utf-8"))
        account = sidecar["capture"]
        produced = account["produced"]
        where = f"{made['name']}: {made} {account}"
        assert told["name"] == made["name"], where
        assert produced == account["received"] + account["lost"], where
        assert produced == made["produced"][-1], where
        assert account["lost"] >= made["dropped"], where
        assert account["received"] == told["account"]["received"], where
        lost += account["lost"]
    return lost, sum(made["dropped"] for made in run.boards)


def say(run: Run, name: str, most_cores: float | None) -> None:
    """Check a run, and tell its figures."""
    lost, dropped = check(run)
    n_frames = run.n_boards * run.recorded_s * RATE_HZ
    off_ppm = [
        abs(told["clock_ppm"] - made["ppm"])
        for made, told in zip(run.boards, run.told, strict=True)
        if told["clock_ppm"] is not None
    ]
    received = sum(told["account"]["received"] for told in run.told)
    figure(f"{name}: recording", run.record_s / run.recorded_s, "cores", at_most=most_cores)
    figure(f"{name}: processor, 1e6 frames", run.record_s / n_frames * 1e6, "s")
    figure(f"{name}: conversions lost", lost, "", at_most=0)
    print(
        f"    {run.n_boards} boards, {run.recorded_s:.1f} s, {received} conversions received, "
        f"{dropped} thrown away by boards; connecting {run.connect_s:.1f} s of processor, files "
        f"{run.files_s:.1f} s; {run.memory_mb:.0f} MB at most; {len(off_ppm)} clocks known, "
        f"right to {max(off_ppm, default=0.0):.1f} ppm; the boards took {run.feeder_s:.1f} s, and "
        f"sent {max(made['latest_s'] for made in run.boards):.3f} s late at most"
    )


@contextmanager
def desk(address: str, folder: Path) -> Iterator[None]:
    """Have a desk with an open page on a board meanwhile; it must not lose anything either."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "emgrig", "desk", address, "--port", "0", "-o", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            page = browser.new_page(viewport={"width": 1440, "height": 860})
            page.goto(url)
            page.get_by_test_id("rate").wait_for()
            began_s, before_s = time.perf_counter(), processor_s(process.pid)
            yield
            used_s = processor_s(process.pid) - before_s
            words = page.get_by_test_id("rate").inner_text()
            browser.close()
        print(f"    the desk: {used_s / (time.perf_counter() - began_s):.1%} of a core; {words}")
        if not re.search(r"\b0 lost", words):
            raise AssertionError(f"the desk fell behind: {words}")
    finally:
        process.terminate()
        process.communicate()


def measure(n_boards: int, seconds: float, *, with_desk: bool) -> None:
    """Record so many boards for so long, and tell what it took."""
    feeder = Feeder(n_boards + with_desk)
    try:
        with tempfile.TemporaryDirectory() as made_in:
            folder = Path(made_in)
            with desk(feeder.addresses[-1], folder) if with_desk else nullcontext():
                run = record(feeder, n_boards, seconds, folder)
            made = feeder.end()
            run.boards, run.feeder_s = made["boards"][:n_boards], made["processor_s"]
            name = f"with a desk, boards {n_boards}" if with_desk else f"boards {n_boards}"
            say(run, name, MOST_CORES if n_boards >= max(BOARDS) else None)
    finally:
        feeder.kill()


def main() -> None:
    """Record as asked."""
    parser = argparse.ArgumentParser(prog="many_boards", description=__doc__)
    parser.add_argument("--boards", type=int, action="append", help="how many; may be repeated")
    parser.add_argument("--minutes", type=float, default=SHORT_S / 60, help="of recording")
    parser.add_argument("--desk", action="store_true", help="a desk is open on one more board")
    asked = parser.parse_args()
    for n_boards in asked.boards or BOARDS:
        measure(n_boards, asked.minutes * 60, with_desk=asked.desk)


if __name__ == "__main__":
    main()
