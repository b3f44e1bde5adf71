"""The viewer on a recording of 8 hours, 8 channels at 2000 SPS, in a real Chromium.

How long each step takes, from the key to the picture, what it takes of a processor in the viewer
(other work on the machine does not count there), and how much memory the viewer has. `VIEW_HOURS`
makes the recording shorter; it is made in a temporary folder, and takes 1.4 GB there. The goal of
0.3 s is held against the median of each kind of step; the longest is printed.
`EMGRIG_SCREENSHOTS=docs` makes the picture of the documents.
"""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks._figures import figure
from benchmarks._long_bdf import write_long_bdf

HOURS = float(os.environ.get("VIEW_HOURS", "8"))
#: Windows, s, and steps in each.
WINDOWS_S = (0.5, 5.0, 30.0, 120.0, 600.0, 3600.0)
N_STEPS = 20
_IS_WHOLE = "!document.querySelector('[data-testid=state]').innerText.includes('%')"
_TRACES = "document.querySelector('[data-testid=traces]')"


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "long.bdf"
        write_long_bdf(path, HOURS)
        print(f"view, {HOURS:g} h, 8 channels at 2000 SPS: {path.stat().st_size / 1e6:.0f} MB")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for what in ("no cache yet", "cache there"):
            print(what)
            _measure(browser, path, Path(folder), is_first="no" in what)
        browser.close()


def _measure(browser: Any, path: Path, folder: Path, *, is_first: bool) -> None:
    began_s = time.monotonic()
    viewer = subprocess.Popen(
        [sys.executable, "-m", "emgrig", "view", str(path), "--port", "0", "-o", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
    )
    assert viewer.stdout is not None
    try:
        url = viewer.stdout.readline().strip()
        print(f"  address printed after {time.monotonic() - began_s:.1f} s")
        page = browser.new_page(viewport={"width": 1120, "height": 640})
        page.set_default_timeout(600_000)
        page.goto(url)
        page.wait_for_function(f"Number({_TRACES}?.dataset.steps) > 0")
        print(f"  first picture after {time.monotonic() - began_s:.1f} s; {_memory(viewer.pid)}")
        seen = Steps(page, viewer.pid, "" if is_first else "again: ")
        seen.unfiltered(began_s, is_first=is_first)
        print(f"  {_memory(viewer.pid)}")
        if is_first:
            seen.filtered()
            print(f"  {_memory(viewer.pid)}")
        page.close()
    finally:
        viewer.send_signal(signal.SIGINT)
        viewer.communicate()


class Steps:
    """Steps of a page, and what they cost the viewer."""

    def __init__(self, page: Any, pid: int, before: str) -> None:
        self._page, self._pid, self._before = page, pid, before

    def unfiltered(self, began_s: float, *, is_first: bool) -> None:
        """Step through all windows; first while the recording is read, if it is for once."""
        if is_first:
            _press(self._page, "span-10 s")
            self._measure("while it is read, 10 s", ["ArrowRight"] * N_STEPS)
        _press(self._page, "span-all")
        self._page.wait_for_function(_IS_WHOLE)
        print(f"  whole recording seen after {time.monotonic() - began_s:.1f} s")
        self._all_windows("unfiltered", WINDOWS_S)

    def filtered(self) -> None:
        """Step through windows that are filtered, and through those that were once."""
        page = self._page
        page.get_by_test_id("emg-band").click()
        page.get_by_test_id("envelope").click()
        _go(page, 100.0, 130.0)
        page.wait_for_function(
            "document.querySelector('[data-testid=state]').innerText.includes('envelope')"
        )
        self._all_windows("20-450 Hz and envelope", (0.5, 5.0, 30.0))
        began_s = time.monotonic()
        _press(page, "span-all")
        page.wait_for_function(_IS_WHOLE)
        print(f"  whole recording filtered after {time.monotonic() - began_s:.1f} s")
        self._all_windows("20-450 Hz and envelope, kept", WINDOWS_S[3:])
        if "EMGRIG_SCREENSHOTS" in os.environ:
            page.wait_for_timeout(1000)
            page.screenshot(path=Path(os.environ["EMGRIG_SCREENSHOTS"]) / "view-hours.png")

    def _all_windows(self, what: str, windows_s: Sequence[float]) -> None:
        for seconds in windows_s:
            if seconds < HOURS * 3600:
                _go(self._page, HOURS * 1800, HOURS * 1800 + seconds)
                keys = ["ArrowRight"] * (N_STEPS // 2) + ["PageUp"] * (N_STEPS // 2)
                self._measure(f"{what}, {seconds:g} s", keys)
        _press(self._page, "span-all")
        keys = ["ArrowUp", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowDown"]
        self._measure(f"{what}, zoom from all", keys)

    def _measure(self, what: str, keys: Sequence[str]) -> None:
        before_s = _processor_s(self._pid)
        times_ms = [_after(self._page, partial(self._page.keyboard.press, key)) for key in keys]
        spent_ms = 1e3 * (_processor_s(self._pid) - before_s) / len(keys)
        median_ms = statistics.median(times_ms)
        what = f"{self._before}{what}"
        print(f"  {what}: longest {max(times_ms):.0f} ms of {len(keys)}")
        figure(f"{what}: a step, median", median_ms, "ms", at_most=300)
        figure(f"{what}: a step, processor of the viewer", spent_ms, "ms")


def _steps(page: Any) -> int:
    return int(page.evaluate(f"Number({_TRACES}.dataset.steps)"))


def _after(page: Any, act: Callable[[], object]) -> float:
    before = _steps(page)
    act()
    page.wait_for_function(f"Number({_TRACES}.dataset.steps) > {before}")
    return float(page.evaluate(f"Number({_TRACES}.dataset.ms)"))


def _press(page: Any, name: str) -> None:
    _after(page, lambda: page.get_by_test_id(name).click())


def _go(page: Any, begin_s: float, end_s: float) -> None:
    script = f"{_TRACES}.dispatchEvent(new CustomEvent('go', {{detail: [{begin_s}, {end_s}]}}))"
    _after(page, lambda: page.evaluate(script))


def _processor_s(pid: int) -> float:
    """Return user and system time of a process, all its threads, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> str:
    """Return what the viewer holds (Linux): its own, and pages of files that can be let go."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = {key: int(kb) / 1024 for key, kb in re.findall(r"(\w+):\s+(\d+) kB", status)}
    return (
        f"memory {found['RssAnon']:.0f} MB, and {found['RssFile']:.0f} MB of files mapped; "
        f"most at a time {found['VmHWM']:.0f} MB"
    )


if __name__ == "__main__":
    main()
