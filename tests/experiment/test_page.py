"""A session in a real browser: movement, films, key, rating, a link that drops in the middle."""

import base64
import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import edfio
import pytest
from playwright.sync_api import Browser, expect

from browser_desk import chromium, need_chromium, open_page, screenshot, serving
from emgrig.simulator.faults import actions as do
from lsl_here import keep_lsl_here

expect.set_options(timeout=20_000)

CLIPS = ("joy", "grief", "fright")
PLAN = """
[participant]
code = "T01"
[part_a]
repetitions = 1
contract_s = 3.0
rest_s = 2.0
[part_a.limits]
attempts = 1
[[part_a.movements]]
channel = 5
name = "zygomaticus major"
instruction = "Smile"
[part_b]
baseline_s = 0.5
gap_s = 0.5
""" + "".join(
    f'[[part_b.clips]]\nid = "{name}"\nfile = "{name}.webm"\nemotion = "{name}"\n' for name in CLIPS
)
#: A film of three seconds, made by the browser that will show it.
MAKE_FILM = """async () => {
  const canvas = document.createElement("canvas");
  canvas.width = 160; canvas.height = 120;
  const pen = canvas.getContext("2d");
  const maker = new MediaRecorder(canvas.captureStream(25), {mimeType: "video/webm;codecs=vp8"});
  const parts = [];
  maker.ondataavailable = (event) => parts.push(event.data);
  const done = new Promise((resolve) => { maker.onstop = resolve; });
  maker.start();
  const begin = performance.now();
  await new Promise((resolve) => {
    const draw = () => {
      pen.fillStyle = `hsl(${(performance.now() / 10) % 360}, 80%, 50%)`;
      pen.fillRect(0, 0, 160, 120);
      if (performance.now() - begin < 3000) setTimeout(draw, 40); else resolve();
    };
    draw();
  });
  maker.stop();
  await done;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def plan(browser: Browser, tmp_path: Path) -> Path:
    page = browser.new_page()
    film = base64.b64decode(page.evaluate(MAKE_FILM))
    page.close()
    for name in CLIPS:
        (tmp_path / f"{name}.webm").write_bytes(film)
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path / "plan.toml"


def test_a_session_from_the_first_movement_to_the_last_rating(
    browser: Browser, plan: Path, tmp_path: Path
) -> None:
    """The link is cut for 5 s while a film plays: said, marked in BDF+, BIDS and LSL, survived."""
    keep_lsl_here()
    import pylsl

    command = ["session", str(plan), "ADDRESS", "--lsl", "--calibration", "none",
               "--export-bids", str(tmp_path / "study")]  # fmt: skip
    with serving(tmp_path, command=command, seed=4) as desk:
        screen = open_page(browser, desk.url)
        operator = open_page(browser, f"{desk.url}operator")
        figures = open_page(browser, f"{desk.url}desk")
        expect(figures.get_by_test_id("recording")).to_contain_text("recording T01.bdf")
        expect(figures.get_by_test_id("record")).to_have_count(0)  # it is the session's
        figures.close()
        found = pylsl.resolve_byprop("type", "Markers", timeout=10.0)
        assert found, "no marker stream"
        inlet = pylsl.StreamInlet(found[0])
        inlet.open_stream(timeout=10.0)

        screen.get_by_test_id("continue").click()
        expect(screen.get_by_test_id("title")).to_have_text("Now! As strong as you can")
        # Nobody smiles at the simulated board: the operator is asked.
        expect(operator.get_by_test_id("skip")).to_be_enabled()
        operator.get_by_test_id("skip").click()
        screen.get_by_test_id("continue").click()
        for number in (1, 2, 3):
            expect(screen.get_by_test_id("film")).to_be_visible()
            screen.keyboard.press("l")
            if number == 2:
                with desk.server.lock:
                    do.cut_link(desk.board, 5.0)
                expect(operator.get_by_test_id("alert")).to_contain_text("the gap will be marked")
                expect(screen.get_by_test_id("warning")).to_have_text("no link to the board")
            expect(screen.get_by_test_id("rating-6")).to_be_visible()
            if number == 1:
                screenshot(screen, "session", tmp_path)
                screenshot(operator, "operator", tmp_path)
            if number == 3:  # the link is back before the session ends
                expect(operator.get_by_test_id("alert")).to_be_hidden()
            screen.get_by_test_id("rating-6").click()
        expect(screen.get_by_test_id("title")).to_have_text("Thank you")
        heard = [text for (text,) in inlet.pull_chunk(timeout=2.0, max_samples=1000)[0]]
        inlet.close_stream()
        screen.close()
        operator.close()
        said, errors = desk.process.communicate(timeout=60)
    assert desk.process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "SIMULATED" in said

    path = tmp_path / "recordings" / "T01" / "T01.bdf"
    notes = [(a.onset, a.duration or 0.0, a.text) for a in edfio.read_bdf(path).annotations]
    texts = [text for _, _, text in notes]
    for wanted in ("session begin", "mvc begin channel=5", "mvc skip channel=5", "key L trial=2",
                   "clip shown trial=3", "rating trial=2 value=6", "session end"):  # fmt: skip
        assert any(text.startswith(wanted) for text in texts), wanted
    gap_s = sum(length for _, length, text in notes if text.startswith("BAD_gap"))
    assert gap_s == pytest.approx(5.5, abs=2.0)
    account = json.loads(path.with_suffix(".json").read_text())["capture"]
    assert account["produced"] == account["received"] + account["lost"]

    assert any(text.startswith("BAD_gap") for text in heard)
    assert "session end" in heard

    (events,) = (tmp_path / "study").rglob("*_events.tsv")
    rows = list(csv.DictReader(events.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    kinds = [row["trial_type"] for row in rows]
    assert "BAD_gap" in kinds
    assert kinds.count("rating") == 3
    assert {row["clip"] for row in rows if row["trial_type"] == "clip begin"} == set(CLIPS)


def test_what_is_missing_is_said_before_anything_begins(tmp_path: Path) -> None:
    need_chromium()
    (tmp_path / "plan.toml").write_text(PLAN)
    done = subprocess.run(
        [sys.executable, "-m", "emgrig", "session", str(tmp_path / "plan.toml"), "sim:"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 5
    assert all(f"{name}.webm" in done.stderr for name in CLIPS)
    assert not (tmp_path / "recordings").exists()
