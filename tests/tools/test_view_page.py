"""The viewer in a real browser: zoom, scroll, filter, correct events, save them."""

import csv
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser_desk import WAIT_MS, chromium, environment, need_chromium, screenshot
from emgrig.view.events import read_events
from reading import made

pytestmark = pytest.mark.slow

RATE_HZ, SECONDS = 500, 60
SIZE = {"width": 1120, "height": 640}
STEPS = "Number(document.querySelector('[data-testid=traces]')?.dataset.steps ?? 0)"
EVENTS = """onset\tduration\ttrial_type\tchannel\ttimes_rest
10\t2\tmacro\tEMG Zyg\t8.5
20\t0.4\tmicro\tEMG Cor\t4.0
"""


def recorded(path: Path, seed: int, labels: list[str]) -> Path:
    """Write a BDF+D file from a simulated board: noise, bursts at the events, a pause."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(0, 300, (len(labels), SECONDS * RATE_HZ))
    for channel, begin, end in ((0, 10, 12), (1, 20, 20.4))[: len(labels)]:
        part = slice(round(begin * RATE_HZ), round(end * RATE_HZ))
        n = part.stop - part.start
        codes[channel, part] += np.hanning(n) * rng.normal(0, 5000, n)
    onsets = np.arange(SECONDS) + 5.0 * (np.arange(SECONDS) >= 30)
    note = ("+5.5", "", b"clip 1 begins")
    tals = [made.tal(at, [note] if at == 5 else []) for at in onsets]
    return made.edf(
        path, [one.round().astype(int) for one in codes], RATE_HZ, tals=[tals], reserved="BDF+D",
        labels=labels, physical=(-187_500, 187_499),
        recording="Startdate 02-JAN-2024 X X emgrig_simulated_board",
    )  # fmt: skip


@contextmanager
def viewing(folder: Path, *words: str) -> Iterator[str]:
    """Serve the viewer in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emgrig", "view", *words, "--port", "0"],
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
        _, said = process.communicate(timeout=WAIT_MS / 1000)
    assert process.returncode == 0, said
    assert "Traceback" not in said


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """Open the page and wait for its first picture; nothing may go wrong in it, or go out."""
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    page.wait_for_function(f"{STEPS} > 0")
    yield page
    page.close()
    assert errors == []
    assert [one for one in asked if not one.startswith((url, "data:", "blob:"))] == []


def shown(page: Page) -> tuple[float, float]:
    """Return the stretch that is drawn, s."""
    found = page.evaluate(
        "(({begin, end}) => [Number(begin), Number(end)])"
        "(document.querySelector('[data-testid=traces]').dataset)"
    )
    return found[0], found[1]


def wait_shown(page: Page, condition: str) -> None:
    """Wait until what is drawn, `begin` to `end`, is so."""
    page.wait_for_function(
        "({begin, end}) => { const {dataset} = document.querySelector('[data-testid=traces]');"
        f" begin = Number(dataset.begin); end = Number(dataset.end); return {condition}; }}",
        arg={},
    )


def place(page: Page, at_s: float, row: int, n_rows: int) -> tuple[float, float]:
    """Return where a time of a row is on the page: below a head, above the axis of time."""
    box = page.get_by_test_id("traces").bounding_box()
    assert box is not None
    begin, end = shown(page)
    x = box["x"] + (at_s - begin) / (end - begin) * box["width"]
    return x, box["y"] + 18 + (row + 0.5) * (box["height"] - 36) / n_rows


def dragged(page: Page, start: tuple[float, float], to: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + to[0]) / 2, to[1])
    page.mouse.move(*to)
    page.mouse.up()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made_one:
        yield made_one


@pytest.mark.long
def test_events_are_looked_at_corrected_and_saved(browser: Browser, tmp_path: Path) -> None:
    need_chromium()
    pytest.importorskip("pympi")
    bdf = recorded(tmp_path / "P01.bdf", 1, ["EMG Zyg", "EMG Cor"])
    (tmp_path / "events.tsv").write_text(EVENTS)
    words = [str(bdf), "--events", str(tmp_path / "events.tsv"), "-o", str(tmp_path)]
    with viewing(tmp_path, *words) as url, opened(browser, url) as page:
        expect(page.get_by_test_id("simulated")).to_have_text("SIMULATED")
        expect(page.get_by_test_id("remarks")).to_contain_text("2500 samples are missing")
        assert shown(page) == (0, 30)
        page.keyboard.press("ArrowUp")  # zoom in about the middle
        wait_shown(page, "begin === 7.5 && end === 22.5")
        page.get_by_test_id("emg-band").click()
        expect(page.get_by_test_id("state")).to_have_text("20-225 Hz")
        page.get_by_test_id("envelope").click()
        expect(page.get_by_test_id("state")).to_have_text("20-225 Hz, envelope 6 Hz")

        page.mouse.click(*place(page, 11, 0, 2))  # the event on the first channel
        event = page.get_by_test_id("event")
        expect(event).to_have_text("EMG Zyg: 2.0000 s")
        dragged(page, place(page, 11, 0, 2), place(page, 12.5, 0, 2))
        expect(event).to_have_text(re.compile("moved"))
        expect(page.get_by_test_id("event-begin")).to_have_value(re.compile(r"^11\.[45]"))
        dragged(page, place(page, 13.5, 0, 2), place(page, 12.0, 0, 2))  # its end alone
        expect(page.get_by_test_id("event-end")).to_have_value(re.compile(r"^1[12]\.[09]"))
        page.get_by_test_id("event-label").fill("smile")
        page.keyboard.press("Enter")
        page.mouse.dblclick(*place(page, 15, 1, 2))
        expect(event).to_have_text(re.compile("EMG Cor: .*added"))
        screenshot(page, "view", tmp_path)
        page.mouse.click(*place(page, 20.2, 1, 2))
        expect(event).to_have_text("EMG Cor: 0.4000 s")
        page.get_by_test_id("delete").click()
        expect(event).to_have_text(re.compile("no event chosen"))
        page.get_by_test_id("undo").click()  # it was the right one, after all
        page.get_by_test_id("save").click()
        expect(page.get_by_test_id("saved")).to_contain_text("P01_corrected_events.tsv")
        expect(page.get_by_test_id("save")).to_be_disabled()
    _hold_saved(tmp_path)


def _hold_saved(folder: Path) -> None:
    with (folder / "P01_corrected_events.tsv").open(encoding="utf-8") as file:
        moved, added, kept = csv.DictReader(file, delimiter="\t")
    assert (moved["trial_type"], moved["channel"], moved["edited"], moved["times_rest"]) == (
        "smile", "EMG Zyg", "moved", "n/a",
    )  # fmt: skip
    assert float(moved["onset"]) == pytest.approx(11.5, abs=0.05)
    assert float(moved["onset"]) + float(moved["duration"]) == pytest.approx(12, abs=0.05)
    assert (added["channel"], added["edited"]) == ("EMG Cor", "added")
    assert (kept["onset"], kept["edited"], kept["times_rest"]) == ("20.000000", "n/a", "4.0")
    assert len(read_events(folder / "P01_corrected_events.tsv")) == 3
    import pympi

    tiers = pympi.Elan.Eaf(str(folder / "P01_corrected.eaf"))
    (found,) = tiers.get_annotation_data_for_tier("EMG Zyg")
    assert found[2] == "smile"
    assert len(tiers.get_annotation_data_for_tier("EMG Cor")) == 2
    assert (folder / "events.tsv").read_text() == EVENTS


@pytest.mark.long
def test_recordings_lie_under_each_other_and_a_stretch_has_a_spectrum(
    browser: Browser, tmp_path: Path
) -> None:
    need_chromium()
    first = recorded(tmp_path / "left.bdf", 1, ["EMG Zyg", "EMG Cor"])
    second = recorded(tmp_path / "right.bdf", 2, ["EMG Zyg right"])
    with viewing(tmp_path, str(first), str(second)) as url, opened(browser, url) as page:
        page.get_by_test_id("span-all").click()
        wait_shown(page, f"begin === 0 && end === {SECONDS + 5}")
        box = page.get_by_test_id("traces").bounding_box()
        assert box is not None
        page.keyboard.down("Shift")
        y = box["y"] + box["height"] - 60  # in the last row, which is the second recording's
        begin, end = (place(page, at, 0, 3)[0] for at in (10, 14))
        dragged(page, (begin, y), (end, y))
        page.keyboard.up("Shift")
        expect(page.get_by_test_id("stretch")).to_contain_text("EMG Zyg right: 10.")
        expect(page.get_by_test_id("spectrum-words")).to_contain_text("pieces averaged")
        screenshot(page, "view-two", tmp_path)
        page.mouse.move((begin + end) / 2, y)
        expect(page.get_by_test_id("readout")).to_contain_text("in right.bdf")
        expect(page.get_by_test_id("readout")).to_contain_text("µV")
        page.mouse.wheel(0, -400)
        wait_shown(page, f"end - begin < {0.7 * (SECONDS + 5)} && end < {SECONDS + 5}")
        page.keyboard.press("End")
        wait_shown(page, f"end === {SECONDS + 5}")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        _hold_refusals(url)


def _hold_refusals(url: str) -> None:
    """What no page of ours asks for is refused, and ends nothing."""
    whole = "file=0&begin=0&end=5&n=100&channels=0"
    assert _code(url, whole) == 200
    for query in (
        whole.replace("file=0", "file=7"),
        whole.replace("file=0", "file=-1"),
        whole.replace("channels=0", "channels=9"),
        whole.replace("channels=0", "channels=zyg"),
        whole.replace("end=5", "end=nan"),
        whole + "&low=-3",
        whole + "&low=400",
    ):
        assert _code(url, query) == 400
    assert _code(url, "file=0") == 422
    assert _code(url, whole, origin="http://elsewhere.example") == 403
    assert _code(url, whole, host="elsewhere.example") == 403


def _code(url: str, query: str, **headers: str) -> int:
    request = urllib.request.Request(f"{url}view/columns?{query}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_MS / 1000) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
