"""The desk with a browser on it: 8 channels at 2000 SPS, recording; share of a core, and lag.

A simulated board and the desk run in processes of their own, a real Chromium shows the page. What
counts is the processor time of the desk alone. The baseline is a program that only streams the
board to volts, in the same time: each packet at once, and as often as the desk takes them.
`DESK_SECONDS` sets how long; 3600 is an hour.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._figures import figure
from emgrig.desk.stream.hub import GATHER_S

SECONDS = float(os.environ.get("DESK_SECONDS", "30"))
WARM_UP_S = 5.0
GOAL_PERCENT, GOAL_BARE_PERCENT = 4.0, 1.5
CHROMIUM = shutil.which("chromium") or ""
PROFILE = """title = "eight channels"
[board]
rate = 2000
reference = "internal"
[bias]
sense_p = [1, 2, 3, 4, 5, 6, 7, 8]
sense_n = [1, 2, 3, 4, 5, 6, 7, 8]
amplifier = true
internal_reference = true
[defaults]
gain = 12
mux = "normal"
""" + "".join(f"[channels.{n}]\n" for n in range(1, 9))
BARE = """
import sys, emgrig
with emgrig.connect(sys.argv[1]) as board:
    board.apply(sys.argv[2])
    with board.stream(float(sys.argv[3]), gather_s=float(sys.argv[4])) as stream:
        print(sum(float(b.volts[0, 0]) for b in stream if b.n_samples))
"""


def main() -> None:
    """Print the figures and their ratio."""
    if not CHROMIUM:
        print("no Chromium here: apt install chromium")
        return
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "eight.toml")
        profile.write_text(PROFILE, encoding="utf-8")
        with _simulator() as address:
            bare, gathered = (_bare(address, profile, pace_s) for pace_s in (0.0, GATHER_S))
        with _simulator() as address:
            closed, share, words = _desk(address, profile, folder)
    print(f"desk, 8 channels at 2000 SPS, recording, {SECONDS:g} s, a page open")
    print(f"  the page at the end: {words}")
    name, goal = "streaming alone, to volts", GOAL_BARE_PERCENT
    figure(f"{name}: share of a core", 100 * bare, "%", at_most=goal)
    pace = f"every {1e3 * GATHER_S:g} ms"
    figure(f"{name}, {pace}: share of a core", 100 * gathered, "%", at_most=goal)
    figure("desk, nobody looking: share of a core", 100 * closed, "%")
    figure("desk, a page open, recording: share of a core", 100 * share, "%", at_most=GOAL_PERCENT)
    figure("desk / streaming alone", share / bare)


@contextmanager
def _simulator() -> Iterator[str]:
    """Serve a board in real time; gives its address."""
    process = _start("simulate", "--tcp", "127.0.0.1:0")
    try:
        yield _first_line(process)
    finally:
        process.terminate()
        process.communicate()


def _start(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "emgrig", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _bare(address: str, profile: Path, pace_s: float) -> float:
    """Return the share of a core that streaming alone takes, start and end not included."""
    seconds = min(SECONDS, 30.0)
    before = os.times()
    command = [sys.executable, "-c", BARE, address, str(profile), str(seconds), str(pace_s)]
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    # Importing numpy and connecting is not streaming: measured by a run of a tenth of a second.
    start = _children_s(after) - _children_s(before)
    subprocess.run([*command[:-2], "0.1", str(pace_s)], check=True, capture_output=True)
    idle = _children_s(os.times()) - _children_s(after)
    return (start - idle) / seconds


def _children_s(times: os.times_result) -> float:
    return times.children_user + times.children_system


def _desk(address: str, profile: Path, folder: str) -> tuple[float, float, str]:
    """Return the shares of a core without a page and with one, and what that says at the end."""
    from playwright.sync_api import sync_playwright

    desk = _start("desk", address, "--profile", str(profile), "--port", "0", "-o", folder)
    url = _first_line(desk)
    try:
        time.sleep(WARM_UP_S)
        closed = _share(desk.pid, lambda: time.sleep(SECONDS))
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            page = browser.new_page(viewport={"width": 1440, "height": 860})
            page.goto(url)
            page.get_by_test_id("record").click()
            page.wait_for_timeout(1000 * WARM_UP_S)
            share = _share(desk.pid, lambda: page.wait_for_timeout(1000 * SECONDS))
            words = page.get_by_test_id("rate").inner_text()
            recording = page.get_by_test_id("recording").inner_text()
            browser.close()
    finally:
        desk.terminate()
        desk.wait()
    if not re.search(r" 0 lost", words):
        raise AssertionError(f"the desk fell behind: {words}")
    return closed, share, f"{words}; {recording}"


def _share(pid: int, wait: Callable[[], None]) -> float:
    began_s, before_s = time.monotonic(), _processor_s(pid)
    wait()
    return (_processor_s(pid) - before_s) / (time.monotonic() - began_s)


def _processor_s(pid: int) -> float:
    """Return user and system time of a process, all its threads, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
