"""The desk in a real browser: lights, recording, tube, a link that drops, a page that closes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import edfio
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser_desk import (
    SIZE,
    WAIT_MS,
    Desk,
    chromium,
    link_cut,
    need_chromium,
    open_page,
    recorded_s,
    screenshot,
    serving,
    wait_greeted,
    wait_recorded,
)
from emgrig.analysis.film.reader import FilmReader
from emgrig.recording.sync.tube import tube_path
from emgrig.simulator.analog.world import Electrode
from emgrig.simulator.faults import actions as do
from shell import Run
from tube_film import need_opencv

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    need_chromium()
    # A real check, but not of half a minute.
    with serving(tmp_path_factory.mktemp("desk"), "--check-seconds", "0.6") as made:
        yield made


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    made = browser.new_page(viewport=SIZE)
    made.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    foreign: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on(
        "request",
        lambda request: None if request.url.startswith(desk.url) else foreign.append(request.url),
    )
    made.goto(desk.url)
    wait_greeted(made)
    yield made
    made.close()
    assert errors == []
    # It works without a network: everything comes from this computer.
    assert [url for url in foreign if not url.startswith(("data:", "blob:"))] == []


def record(page: Page, name: str) -> None:
    page.get_by_test_id("file").fill(name)
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("recording")).to_contain_text(f"recording {name}")


def stop(page: Page, name: str) -> None:
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("recording")).to_contain_text(
        re.compile(rf"done: {re.escape(name)}: \d+:\d\d, \d+ lost; .*emgrig view")
    )


def annotations(path: Path) -> list[tuple[float, float, str]]:
    return [
        (note.onset, note.duration or 0.0, note.text) for note in edfio.read_bdf(path).annotations
    ]


def written(desk: Desk) -> bytes:
    """Return the registers that a program can write: ID and status are left out."""
    with desk.server.lock:
        return desk.board.bank.buses[0].chip.registers[1:0x12]


@pytest.mark.long
def test_the_page_says_who_streams_and_how(page: Page) -> None:
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    expect(page.get_by_test_id("simulated")).to_have_text("SIMULATED")
    expect(page.get_by_test_id("rate")).to_contain_text("1000 samples/s")
    expect(page.get_by_test_id("rate")).to_contain_text(" 0 lost")
    expect(page.get_by_test_id("alert")).to_be_hidden()
    expect(page.get_by_test_id("level-5")).to_contain_text("µV")
    expect(page.get_by_test_id("level-5")).to_have_attribute(
        "aria-valuetext", re.compile("of 1 mV$")
    )
    expect(page.get_by_test_id("meter-scale")).to_have_text(
        re.compile(r"^\s*1 µV\s*10\s*100\s*1 mV\s*$")
    )
    expect(page.get_by_test_id("level-5").get_by_test_id("tick")).to_have_count(2)
    expect(page.locator("[data-electrode]")).to_have_count(15)  # seven pairs and the bias electrode


@pytest.mark.long
def test_on_a_phone_all_is_under_each_other_the_traces_first(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    places = [page.get_by_test_id(name).bounding_box() for name in ("level-5", "face", "record")]
    assert all(place and place["x"] >= 0 and place["x"] + place["width"] <= 390 for place in places)
    tops = [place["y"] for place in places if place]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.get_by_role("button").all():  # for fingers
        box = button.bounding_box()
        assert box is None or (box["height"] >= 36 and box["x"] + box["width"] <= 390), box


@pytest.mark.long
def test_lights_follow_the_electrodes(page: Page, desk: Desk, browser: Browser) -> None:
    """A check measures each and names a poor one; one that falls off turns red by itself."""
    light, poor = (page.locator(f'[data-electrode="{name}"]') for name in ("c2n", "c5p"))
    expect(light).to_have_attribute("data-light", "grey")
    world = desk.board.front_ends[0].world
    with desk.server.lock:
        do.change_world(
            desk.board, 0, lambda now: now.with_electrode("IN5P", Electrode(r_ohm=80e3))
        )
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("stale")).to_have_text("paused: checking the electrodes")
    expect(page.get_by_test_id("check-state")).to_contain_text(re.compile(r"checked \d+ min ago"))
    expect(page.get_by_test_id("scope")).to_have_attribute("data-pauses", "1")  # and no loss
    later = browser.new_page(viewport=SIZE)
    later.goto(page.url)
    expect(later.get_by_test_id("scope")).to_have_attribute("data-pauses", "1")
    later.close()
    expect(page.get_by_test_id("stale")).to_have_count(0)
    expect(page.locator('[data-electrode="bias"]')).to_have_attribute("data-light", "green")
    assert light.get_attribute("data-light") in ("green", "yellow")
    expect(page.get_by_test_id("todo")).to_contain_text("clean skin, new gel at c5 positive")
    expect(poor).to_have_attribute("data-light", "red")
    measured = page.get_by_test_id("impedances").inner_text()
    assert "c2 corrugator supercilii" in measured

    with desk.server.lock:
        do.take_off(desk.board, 2, "n")
    expect(light).to_have_attribute("data-light", "red")
    expect(page.get_by_test_id("todo")).to_contain_text("c2")
    with desk.server.lock:
        do.change_world(desk.board, 0, lambda now: now.with_electrode("IN2N", world.n[1]))
    expect(light).not_to_have_attribute("data-light", "red")
    expect(page.get_by_test_id("todo")).not_to_contain_text("c2")
    expect(poor).to_have_attribute("data-light", "red")  # only another check can say otherwise
    with desk.server.lock:
        do.change_world(desk.board, 0, lambda _: world)
    record(page, "checked1.bdf")
    wait_recorded(page, 1)
    stop(page, "checked1.bdf")
    contact = json.loads((desk.folder / "checked1.json").read_text())["contact"]
    assert any(
        text.startswith("clean skin, new gel at c5 positive") for text in contact["findings"]
    )


@pytest.mark.long
def test_a_recording_is_started_marked_and_stopped(page: Page, desk: Desk, tmp_path: Path) -> None:
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    record(page, "first1.bdf")
    page.get_by_test_id("marker").fill("smile now")
    page.get_by_test_id("mark").click()
    expect(page.get_by_test_id("recording")).to_contain_text("1 marker")
    wait_recorded(page, 3)
    screenshot(page, "desk", tmp_path)
    stop(page, "first1.bdf")
    bdf = edfio.read_bdf(desk.folder / "first1.bdf")
    assert bdf.labels[4] == "EMG zygom. major"
    assert bdf.signals[0].sampling_frequency == 1000
    assert any(text == "smile now" for _, _, text in annotations(desk.folder / "first1.bdf"))
    said = json.loads((desk.folder / "first1.json").read_text())
    assert said["is_simulated"] is True
    assert said["samples"]["received"] > 3000
    assert said["samples"]["filled"] == 0


def choose(page: Page, test_id: str, name: str) -> None:
    page.get_by_test_id(test_id).click()
    page.get_by_role("option", name=name, exact=True).click()


@pytest.mark.long
def test_words_and_keys_of_ones_own_are_kept_and_seen(page: Page, desk: Desk) -> None:
    """And while it records, what cannot work is off and says why."""
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    page.get_by_text("Words and keys").click()
    page.get_by_test_id("word-lines").fill("x=look left\nsneeze")
    page.get_by_test_id("use-words").click()
    expect(page.get_by_test_id("words")).to_contain_text("look left [x]")
    record(page, "keys1.bdf")
    page.keyboard.press("x")
    page.get_by_role("button", name="sneeze").click()
    expect(page.get_by_test_id("recording")).to_contain_text("2 markers")
    shown = page.get_by_test_id("scope")
    expect(shown).to_have_attribute("data-marks", re.compile(r"look left\|sneeze|sneeze"))
    page.get_by_test_id("marker").fill("x")  # a letter in a word is no key
    page.get_by_test_id("marker").fill("")
    why = "a recording is on: stop it first"
    for name in ("check", "follow"):
        expect(page.get_by_test_id(name)).to_be_disabled()
        expect(page.get_by_test_id(name)).to_have_attribute("title", why)
    expect(page.get_by_test_id("why").filter(has_text=why).first).to_be_visible()
    page.get_by_text("Change settings").click()
    expect(page.get_by_test_id("set")).to_be_disabled()
    stop(page, "keys1.bdf")
    expect(page.get_by_test_id("check")).to_be_enabled()
    texts = [text for _, _, text in annotations(desk.folder / "keys1.bdf")]
    assert [text for text in texts if text in ("look left", "sneeze")] == ["look left", "sneeze"]


@pytest.mark.long
def test_the_eye_filters_and_sees_a_spectrum(page: Page, desk: Desk) -> None:
    world = desk.board.front_ends[0].world
    with desk.server.lock:
        do.take_off(desk.board, 2, "n")  # it picks up the mains
    choose(page, "band", "20–450 Hz")
    choose(page, "notch", "50 Hz")
    expect(page.get_by_test_id("seen")).to_contain_text("20-450 Hz, notches at 50 Hz")
    expect(page.get_by_test_id("seen")).to_contain_text("the recording is unfiltered")
    page.get_by_test_id("open-spectrum").click()
    choose(page, "spectrum-of", "c2 corrugator supercilii")
    expect(page.get_by_test_id("spectrum")).to_have_attribute(
        "data-peak-hz", re.compile("^(49|50)")
    )
    with desk.server.lock:
        do.change_world(desk.board, 0, lambda _: world)
    choose(page, "band", "above 1 Hz")
    choose(page, "notch", "off")


@pytest.mark.long
def test_settings_are_changed_and_one_electrode_is_watched(page: Page, desk: Desk) -> None:
    """Through the driver: the simulated chip's own registers hold it."""
    expect(page.get_by_test_id("settings")).to_contain_text("1000 samples/s · gain 12")
    page.get_by_text("Change settings").click()
    choose(page, "set-rate", "500 samples/s")
    choose(page, "set-gain", "24")
    page.get_by_test_id("set").click()
    expect(page.get_by_test_id("settings")).to_contain_text("500 samples/s · gain 24")
    expect(page.get_by_test_id("rate")).to_contain_text("500 samples/s")
    expect(page.get_by_test_id("set-state")).to_contain_text("set, and read back")
    assert written(desk)[0] & 0b111 == 0b101  # CONFIG1: DR of 500
    assert written(desk)[4] >> 4 == 0b110  # CH1SET: gain 24
    held = written(desk)
    expect(page.get_by_test_id("level-5")).to_contain_text("µV")  # the page was laid out anew
    choose(page, "which", "c3n")
    page.get_by_test_id("follow").click()
    expect(page.get_by_test_id("followed")).to_have_text(re.compile(r"c3n \d+\.\d kΩ"))
    expect(page.get_by_test_id("record")).to_be_disabled()
    page.get_by_test_id("follow").click()
    expect(page.get_by_test_id("follow")).to_have_text("Watch")
    expect(page.get_by_test_id("record")).to_be_enabled()
    assert written(desk) == held
    choose_settings_of_before(page)


def choose_settings_of_before(page: Page) -> None:
    page.get_by_text("Change settings").click()
    choose(page, "set-profile", "facial-emg")
    page.get_by_test_id("set").click()
    expect(page.get_by_test_id("settings")).to_contain_text("1000 samples/s · gain 12")


@pytest.mark.long
def test_what_cannot_be_recorded_is_said(page: Page, desk: Desk) -> None:
    (desk.folder / "taken1.bdf").write_bytes(b"something of value")
    page.get_by_test_id("file").fill("taken1.bdf")
    page.get_by_test_id("record").click()
    expect(page.get_by_role("alert").filter(has_text="exists; choose another name")).to_be_visible()
    page.get_by_test_id("file").fill("../outside.bdf")
    page.get_by_test_id("record").click()
    expect(page.get_by_role("alert").filter(has_text="no plain file name")).to_be_visible()
    page.get_by_test_id("file").fill("Anna Smith")
    page.get_by_test_id("record").click()
    expect(page.get_by_role("alert").filter(has_text="codes only, no names")).to_be_visible()
    assert (desk.folder / "taken1.bdf").read_bytes() == b"something of value"


def assert_read_by_sync(screen: Page) -> None:
    """The page, as a camera would see it, is found and read; it counts on while it is taken."""
    cv2 = need_opencv()
    before = int(screen.get_by_test_id("tube").inner_text())
    taken = np.frombuffer(screen.screenshot(), np.uint8)
    after = int(screen.get_by_test_id("tube").inner_text())
    picture = cv2.resize(cv2.imdecode(taken, cv2.IMREAD_GRAYSCALE), None, fx=0.3, fy=0.3)
    reading = FilmReader().feed(
        cv2.copyMakeBorder(picture, 90, 60, 120, 200, cv2.BORDER_CONSTANT, value=130)
    )
    assert reading.count is not None
    assert before <= reading.count <= after


@pytest.mark.long
def test_the_tube_counts_conversions(browser: Browser, page: Page, desk: Desk) -> None:
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    record(page, "tube1.bdf")
    screen = open_page(browser, f"{desk.url}tube")
    tube = screen.get_by_test_id("tube")
    expect(tube).to_have_text(re.compile(r"^\d{5}$"))
    first = int(tube.inner_text())
    screen.wait_for_function(
        """least => Number(document.querySelector('[data-testid="tube"]').innerText) >= least""",
        arg=first + 100,
    )
    assert_read_by_sync(screen)
    screen.close()
    stop(page, "tube1.bdf")
    table = np.genfromtxt(tube_path(desk.folder / "tube1.bdf"), names=True, missing_values="n/a")
    assert (np.diff(table["count"]) == 1).all()
    assert (np.diff(table["sample"]) == 32).all()  # two packets of sixteen
    shown = np.isfinite(table["shown"])
    assert shown.sum() > 30
    # The page is behind the conversion: by a frame or two, or by more on a busy computer.
    assert np.median((table["shown"] - table["onset"])[shown]) > -0.05
    assert (np.diff(table["shown"][shown]) >= 0).all()


@pytest.mark.long
def test_a_link_that_drops_is_said_and_its_gap_marked(page: Page, desk: Desk) -> None:
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    record(page, "dropped1.bdf")
    wait_recorded(page, 1)
    alert = page.get_by_test_id("alert")
    with link_cut(desk):
        expect(alert).to_contain_text("trying to connect again")
        expect(alert).to_contain_text("the recording goes on, and the gap will be marked")
        unknown = re.compile(r"link away \d+ s, loss counted when it is back")
        for place in ("rate", "recording"):
            expect(page.get_by_test_id(place)).to_contain_text(unknown)
        expect(page.get_by_test_id("level-5")).to_contain_text("–")  # no level of before
        expect(page.get_by_test_id("stale")).to_have_count(0)  # one says it, with one time
    expect(alert).to_be_hidden()
    expect(page.get_by_test_id("stale")).to_have_count(0)
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    for place in ("rate", "recording"):
        expect(page.get_by_test_id(place)).to_contain_text(re.compile(r" [1-9]\d* lost"))
    wait_recorded(page, recorded_s(page) + 1)
    stop(page, "dropped1.bdf")
    gaps = [
        (duration_s, text)
        for _, duration_s, text in annotations(desk.folder / "dropped1.bdf")
        if text.startswith("BAD_gap")
    ]
    said = json.loads((desk.folder / "dropped1.json").read_text())
    assert said["samples"]["filled"] > 100
    gap_s = sum(duration_s for duration_s, _ in gaps)
    assert gap_s == pytest.approx(said["samples"]["filled"] / 1000, abs=0.01)
    assert said["capture"]["produced"] == said["capture"]["received"] + said["capture"]["lost"]
    assert said["samples"]["received"] > 1000


@pytest.mark.long
def test_the_last_check_is_broken_off_by_ctrl_c(browser: Browser, tmp_path: Path) -> None:
    """And the registers are put back: nothing is injected into anybody afterwards."""
    with serving(tmp_path, seed=6) as desk:
        page = open_page(browser, desk.url)
        expect(page.get_by_test_id("link")).to_have_text("streaming")
        before = written(desk)
        page.get_by_test_id("check").click()
        expect(page.get_by_test_id("check-state")).to_contain_text(re.compile(r"c\d[pn], "))
        assert written(desk) != before
        code, said = desk.end()
        page.close()
        assert code == 0, said
        assert "the check was broken off" in said
        assert "Traceback" not in said
        assert written(desk) == before


def test_two_desks_on_one_board_and_a_port_in_use(desk: Desk, tmp_path: Path, shell: Run) -> None:
    said = shell(f"desk {desk.server.address} --port 0 --output {tmp_path}")
    assert said.code == 3
    assert "another program holds it" in said.err
    port = desk.url.rstrip("/").rpartition(":")[2]
    said = shell(f"desk sim: --port {port} --output {tmp_path}")
    assert said.code == 3
    assert f"cannot serve the page on 127.0.0.1:{port}" in said.err
    assert "--port 0" in said.err


@pytest.mark.long
def test_a_closed_page_and_ctrl_c_leave_a_whole_file(page: Page, desk: Desk) -> None:
    """The last one here: it ends the desk of the others."""
    expect(page.get_by_test_id("link")).to_have_text("streaming")
    record(page, "left1.bdf")
    wait_recorded(page, 1)
    page.goto("about:blank")
    page.goto(desk.url)
    expect(page.get_by_test_id("recording")).to_contain_text("recording left1.bdf")
    wait_recorded(page, 2)
    page.goto(f"{desk.url}tube")  # a tube that counts when it ends
    expect(page.get_by_test_id("tube")).to_have_text(re.compile(r"^\d{5}$"))
    code, said = desk.end()
    assert code == 0, said
    assert "left1.bdf" in said
    assert "Traceback" not in said
    assert len(edfio.read_bdf(desk.folder / "left1.bdf").signals[0].digital) >= 2000
