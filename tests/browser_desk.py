"""A real Chromium for the pages, a simulated board, and a desk in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.options import SimOptions
from emgrig.simulator.serve import BoardServer, serve_tcp
from lsl_here import lsl_configuration

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
SIZE = {"width": 1440, "height": 860}
WAIT_MS = 300_000
"""When a test gives up. Nothing is judged by how long it took: the machine may be busy."""
expect.set_options(timeout=WAIT_MS)


def need_chromium() -> None:
    """Skip without Chromium, unless the environment says that it must be there."""
    if CHROMIUM:
        return
    words = "no Chromium: on Debian and Ubuntu, apt install chromium"
    if os.environ.get("EMGRIG_NEED_BROWSER"):
        pytest.fail(words)
    pytest.skip(words)


@contextmanager
def chromium() -> Iterator[Browser]:
    need_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Desk:
    """A desk that serves.

    Attributes
    ----------
    process : Popen
    url : str
    folder : Path
        Where recordings go.
    board, server
        The simulated board behind it; hold `server.lock` to change the board.
    """

    process: subprocess.Popen[str]
    url: str
    folder: Path
    board: SimulatedBoard
    server: BoardServer

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit code and what it said on the standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=WAIT_MS / 1000)
        return self.process.returncode, said


def environment(folder: Path) -> dict[str, str]:
    """Keep checks, calibrations and caches of who runs the tests out of it, and LSL inside."""
    configuration = folder / "lsl_api.cfg"
    configuration.write_text(lsl_configuration(), encoding="utf-8")
    ours = {
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "LSLAPICFG": str(configuration),
    }
    return {**os.environ, **ours}


@contextmanager
def serving(
    folder: Path, *more: str, command: list[str] | None = None, seed: int = 1
) -> Iterator[Desk]:
    """Serve a simulated board in real time, and a page in front of it.

    `more` are options of the desk. `command` is what else stands between ``emgrig`` and the
    port; "ADDRESS" in it is replaced.
    """
    board = build_board(SimOptions(seed=seed))
    with serve_tcp(board) as server:
        words = command or [
            "desk", "ADDRESS", "--output", str(folder), "--calibration", "none", *more
        ]  # fmt: skip
        words = [server.address if word == "ADDRESS" else word for word in words]
        process = subprocess.Popen(
            [sys.executable, "-m", "emgrig", *words, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(folder),
        )
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        desk = Desk(process, url, folder, board, server)
        try:
            assert url.startswith("http://"), process.communicate(timeout=WAIT_MS / 1000)
            yield desk
        finally:
            desk.end()


@contextmanager
def link_cut(desk: Desk) -> Iterator[None]:
    """Cut the link, for as long as it takes to see what the pages say of it."""
    with desk.server.lock:
        desk.board.cut_link()
    yield
    with desk.server.lock:
        desk.board.restore_link()


def open_page(browser: Browser, url: str, script: str = "") -> Page:
    """Open a page; `script` runs in it before its own."""
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(script)
    page.goto(url)
    wait_greeted(page)
    return page


def wait_greeted(page: Page) -> None:
    """Wait until page and server have shaken hands.

    NiceGUI 3.18 holds back what is typed and clicked before, each with a timer of its own, and the
    click may go first.
    """
    page.wait_for_function("window.did_handshake")


RECORDED_S = """() => {
  const words = document.querySelector('[data-testid="recording"]').innerText;
  const found = /: (\\d+):(\\d\\d), /.exec(words);
  return found ? 60 * found[1] + Number(found[2]) : -1;
}"""


def recorded_s(page: Page) -> int:
    """Return how long the recording is by now, as the page says."""
    return int(page.evaluate(RECORDED_S))


def wait_recorded(page: Page, seconds: int) -> None:
    """Wait until a recording is so long, or longer: a busy page leaves seconds out."""
    page.wait_for_function(f"least => ({RECORDED_S})() >= least", arg=seconds)


def screenshot(page: Page, name: str, folder: Path) -> None:
    """Make a picture; with EMGRIG_SCREENSHOTS=docs it becomes the one of the documents."""
    where = Path(os.environ.get("EMGRIG_SCREENSHOTS", folder))
    page.screenshot(path=where / f"{name}.png")
    assert (where / f"{name}.png").stat().st_size > 10_000
