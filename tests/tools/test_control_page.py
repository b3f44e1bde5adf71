"""The page of a control port, in a real browser."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser_desk import WAIT_MS, chromium, environment, need_chromium, open_page, screenshot
from emgrig.simulator.assembly import build_board
from emgrig.simulator.control.board import BoardControl
from emgrig.simulator.control.port import ControlPort
from emgrig.simulator.options import SimOptions
from emgrig.simulator.serve import serve_tcp

pytestmark = pytest.mark.slow


@contextmanager
def paged(address: str, folder: Path) -> Iterator[str]:
    """Serve the page in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emgrig", "control", address, "--page", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder),
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate(timeout=WAIT_MS / 1000)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_MS / 1000)
    assert process.returncode == 0


def test_electrodes_faults_source_and_time_are_changed_from_the_page(tmp_path: Path) -> None:
    need_chromium()
    board = build_board(SimOptions(source="silence"))
    with serve_tcp(board) as server:
        control = BoardControl(board, server, source="silence")
        port = ControlPort(control)
        with port, paged(port.address, tmp_path) as url, chromium() as browser:
            page = open_page(browser, url)
            state = page.get_by_test_id("state")
            electrode = page.get_by_test_id("electrode-3P")
            electrode.click()
            expect(electrode).to_have_attribute("aria-pressed", "true")
            assert control.status()["lifted"] == ["3P"]
            assert not board.front_ends[0].world.electrodes[2].is_connected  # type: ignore[attr-defined]
            electrode.click()
            expect(electrode).to_have_attribute("aria-pressed", "false")
            assert control.status()["contacts_kohm"] == {"3P": 10.0}
            page.get_by_test_id("source").fill("sine:1mV,80Hz")
            page.get_by_test_id("change").click()
            expect(state).to_contain_text("source sine:1mV,80Hz")
            page.get_by_test_id("source").fill("no such")
            page.get_by_test_id("change").click()
            expect(page.get_by_text(re.compile("no source"))).to_be_visible()
            page.get_by_test_id("fault").fill("drdy-dead")
            page.get_by_role("option").filter(has_text="drdy-dead").click()
            page.get_by_test_id("put").click()
            expect(state).to_contain_text("faults: drdy-dead")
            page.get_by_test_id("pause").click()
            expect(state).to_contain_text("paused")
            page.get_by_test_id("speed-10").click()
            expect(state).to_contain_text("speed 10")
            screenshot(page, "control", tmp_path)
            port.close()
            expect(page.get_by_test_id("alert")).to_contain_text("no control port")
