"""A session in a real browser: movement, films, key, rating, a link that drops in the middle."""

import base64
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import edfio
import pytest
from playwright.sync_api import Browser, Page, expect

from browser_desk import WAIT_MS, chromium, link_cut, open_page, screenshot, serving
from lsl_here import keep_lsl_here

pytestmark = pytest.mark.slow

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
#: A film of a second and a half, made by the browser that will show it.
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
      if (performance.now() - begin < 1500) setTimeout(draw, 40); else resolve();
    };
    draw();
  });
  maker.stop();
  await done;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""

#: Films run a sixteenth as fast, until the test has done what it does while one is shown.
SLOWLY = """
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    this.playbackRate = 0.0625;
    return play.call(this);
  };
"""


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


def check_rating(screen: Page) -> None:
    """Nothing is lit before the pointer moves; on a phone the whole scale is seen."""
    view = screen.get_by_test_id("session")
    expect(view).to_have_class(re.compile("still"))
    screen.mouse.move(5, 5)
    screen.mouse.move(9, 9)
    expect(view).not_to_have_class(re.compile("still"))
    usual = screen.viewport_size
    assert usual is not None
    screen.set_viewport_size({"width": 390, "height": 844})
    boxes = [screen.get_by_test_id(f"rating-{value}").bounding_box() for value in range(9)]
    seen = [box for box in boxes if box is not None]
    assert len(seen) == 9
    assert min(box["x"] for box in seen) >= 0
    assert max(box["x"] + box["width"] for box in seen) <= 390
    assert len({box["y"] for box in seen}) == 1, "one scale, one row"
    screen.set_viewport_size(usual)


@pytest.mark.long
def test_a_film_that_the_browser_cannot_play_is_told_before_the_first_one(
    browser: Browser, plan: Path, tmp_path: Path
) -> None:
    (tmp_path / "grief.webm").write_bytes(b"no film at all")
    command = ["session", str(plan), "ADDRESS", "--calibration", "none", "--rehearse"]
    with serving(tmp_path, command=command, seed=4) as desk:
        screen = open_page(browser, desk.url)
        operator = open_page(browser, f"{desk.url}operator")
        problem = operator.get_by_test_id("problem")
        expect(problem).to_contain_text("the participant's browser cannot play grief (")
        expect(problem).to_contain_text("convert to H.264 (.mp4) or VP9 (.webm)")
        expect(problem).not_to_contain_text("joy")
        expect(screen.get_by_test_id("continue")).to_be_visible()  # nothing else has begun
        screen.close()
        operator.close()


@pytest.mark.long
def test_a_session_from_the_first_movement_to_the_last_rating(
    browser: Browser, plan: Path, tmp_path: Path
) -> None:
    """The link is cut while a film plays: said, marked in BDF+, BIDS and LSL, survived."""
    keep_lsl_here()
    import pylsl

    command = ["session", str(plan), "ADDRESS", "--lsl", "--calibration", "none",
               "--rehearse", "--export-bids", str(tmp_path / "rehearsal")]  # fmt: skip
    with serving(tmp_path, command=command, seed=4) as desk:
        screen = open_page(browser, desk.url, SLOWLY)
        operator = open_page(browser, f"{desk.url}operator")
        figures = open_page(browser, f"{desk.url}desk")
        expect(figures.get_by_test_id("recording")).to_contain_text("recording T01.bdf")
        expect(figures.get_by_test_id("record")).to_have_count(0)  # it is the session's
        figures.close()
        found = pylsl.resolve_byprop("type", "Markers", timeout=WAIT_MS / 1000)
        assert found, "no marker stream"
        inlet = pylsl.StreamInlet(found[0])
        inlet.open_stream(timeout=WAIT_MS / 1000)

        screen.get_by_test_id("continue").click()
        screen.wait_for_function(
            """() => document.querySelector('[data-testid="title"]').innerText
                === "Now! As strong as you can" """
        )
        # Nobody smiles at the simulated board: the operator is asked.
        expect(operator.get_by_test_id("skip")).to_be_enabled()
        operator.get_by_test_id("skip").click()
        screen.get_by_test_id("continue").click()
        for number in (1, 2, 3):
            film = screen.get_by_test_id("film")
            expect(film).to_be_visible()
            screen.keyboard.press("l")
            expect(operator.get_by_test_id("where")).to_contain_text(
                re.compile(rf"trial {number} of 3: film (\w+) \(\w+\) · clip$")
            )
            if number == 2:
                with link_cut(desk):
                    alert = operator.get_by_test_id("alert")
                    expect(alert).to_contain_text("the gap will be marked")
                    expect(screen.get_by_text("link", exact=False)).to_have_count(0)
            film.evaluate("film => { film.playbackRate = 16; }")
            expect(screen.get_by_test_id("rating-6")).to_be_visible()
            if number == 1:
                check_rating(screen)
                screenshot(screen, "session", tmp_path)
                screenshot(operator, "operator", tmp_path)
            if number == 3:  # the link is back before the session ends
                expect(operator.get_by_test_id("alert")).to_be_hidden()
            if number == 3:
                screen.keyboard.press("6")
            else:
                screen.get_by_test_id("rating-6").click()
        expect(screen.get_by_test_id("title")).to_have_text("Thank you")
        heard: list[str] = []
        while "session end" not in heard:
            ((text,), at_s) = inlet.pull_sample(WAIT_MS / 1000)
            assert at_s is not None, heard
            heard.append(text)
        inlet.close_stream()
        screen.close()
        operator.close()
        said, errors = desk.process.communicate(timeout=WAIT_MS / 1000)
    assert desk.process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "SIMULATED" in said

    path = tmp_path / "recordings/rehearsal/T01/T01.bdf"
    notes = [(a.onset, a.duration or 0.0, a.text) for a in edfio.read_bdf(path).annotations]
    texts = [text for _, _, text in notes]
    for wanted in ("session begin", "mvc begin channel=5", "mvc skip channel=5", "key L trial=2",
                   "clip shown trial=3", "rating trial=2 value=6", "session end"):  # fmt: skip
        assert any(text.startswith(wanted) for text in texts), wanted
    gap_s = sum(length for _, length, text in notes if text.startswith("BAD_gap"))
    said = json.loads(path.with_suffix(".json").read_text())
    assert said["samples"]["filled"] > 100
    assert gap_s == pytest.approx(said["samples"]["filled"] / 1000, abs=0.01)
    account = said["capture"]
    assert account["produced"] == account["received"] + account["lost"]

    assert any(text.startswith("BAD_gap") for text in heard)

    (events,) = (tmp_path / "rehearsal").rglob("*_events.tsv")
    rows = list(csv.DictReader(events.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    kinds = [row["trial_type"] for row in rows]
    assert "BAD_gap" in kinds
    assert kinds.count("rating") == 3
    assert {row["clip"] for row in rows if row["trial_type"] == "clip begin"} == set(CLIPS)
