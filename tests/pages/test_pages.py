"""The pages of all commands, from made-up findings: what they share, and how they look."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import product
from pathlib import Path

import jinja2
import matplotlib as mpl
import numpy as np
import pytest
from playwright.sync_api import Page

import emgrig
from browser_desk import chromium
from emgrig.analysis.clocks.tube import align
from emgrig.analysis.clocks.tube_table import TubeTable
from emgrig.analysis.report.candidates import analyse
from emgrig.analysis.report.page import page as analysis_page
from emgrig.attach.bench import Bench, BenchOptions
from emgrig.attach.report.make import make_report
from emgrig.attach.report.page import page as attach_page
from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
from emgrig.comparison import Track, compare
from emgrig.comparison.amplifiers import compare_noise, load_amplifiers
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.history import Run, Value
from emgrig.hil_tests.trends import trends
from emgrig.pages import plots
from emgrig.pages.page import render
from emgrig.study.recording import Result
from emgrig.study.report.page import make_report as study_report
from emgrig.study.report.page import page as study_page
from emgrig.study.rows import EventRow, RecordingRow
from emgrig.study.settings import StudySettings
from emgrig.tools.calibrate import page as calibration_page
from emgrig.tools.compare import page as comparison_page
from emgrig.tools.compare.found import Compared
from emgrig.tools.demo import page as demo_page
from emgrig.tools.demo.check import ChannelMatch
from emgrig.tools.demo.run import DemoResult
from emgrig.tools.history import page as history_page
from emgrig.tools.sync import page as sync_page
from page_check import check_page
from places import ROOT

SOURCE = ROOT / "src" / "emgrig"
RNG = np.random.default_rng(1)


def bringup(folder: Path, *, simulated: bool = True) -> str:
    run_bringup("sim:fault=miso-high" if simulated else "tcp://127.0.0.1:9", report=folder)
    return (folder / "index.html").read_text("utf-8")


def calibrate(folder: Path, *, simulated: bool = True) -> str:
    settings = NoiseSettings(gains=(24,), rates_hz=(1000,), channels=(1, 2, 3, 4), duration_s=10.0)
    with emgrig.connect("sim:bench&fault=channel-noisy") as board:
        report = measure_noise(board, settings)
        identity = board.identity
    if not simulated:
        identity = replace(
            identity, serial_number="EMG-0001", capabilities=type(identity.capabilities)(0)
        )
    assert identity.is_simulated == simulated
    beside = compare_noise(report.readings[0].result, load_amplifiers())
    outcome = calibration_page.Outcome(
        identity,
        "sim:",
        (report,),
        tuple(beside),
        "ours",
        "emgrig",
        "2026-01-02 03:04 UTC",
        ("none",),
    )
    return calibration_page.write(folder, outcome).read_text("utf-8")


def compare_two(folder: Path, *, simulated: bool = True) -> str:
    signal = 50e-6 * RNG.standard_normal(12_000) * (1 + np.sin(np.arange(12_000) / 300))
    pairs = []
    for _ in range(2 if simulated else 1):
        noisy = signal + 1e-6 * RNG.standard_normal(signal.size)
        ours = Track("ours.bdf, <Zyg>", signal, 1000.0, "V")
        pairs.append((ours, Track("b.csv, 1", noisy, 1000.0, "V")))
    found = [Compared(one.name, other.name, compare(one, other)) for one, other in pairs]
    page = comparison_page.write(folder, found, pairs, ["a & b"], simulated=simulated)
    return page.read_text("utf-8")


def sync(folder: Path, *, simulated: bool = True) -> str:
    counts = np.arange(1, 2000)
    table = TubeTable(counts, counts * 32, np.full(counts.size, np.nan), 1000.0)
    video_s = np.arange(0.0, 60.0, 0.5)
    read = ((video_s + 1.0 + 0.4 * (video_s > 30)) * 1000 / 32).astype(np.int64)
    read[5::3] += 40 * (RNG.random(read[5::3].size) < 0.3)
    found = align(video_s, read, table, frame_s=1 / 30)
    folder.mkdir()
    facts = [("readings", "120")]
    sync_page.write(folder / "sync.html", "a.bdf", found, facts, simulated=simulated)
    return (folder / "sync.html").read_text("utf-8")


def analysis(_: Path, *, simulated: bool = True) -> str:
    samples = RNG.normal(scale=2, size=(20_000, 3))
    for start in range(1000, 19_000, 500):
        samples[start : start + 150, start // 500 % 2] *= 20
    samples[:, 2] = 0.0
    found = analyse(samples, 1000.0, labels=["EMG zygomaticus", "b<c>", "flat"], units=["uV"] * 3)
    assert len(found.candidates) > 30
    return analysis_page(found, title="a & b", remarks=["read as CSV"], simulated=simulated)


def demo(folder: Path) -> str:
    result = DemoResult("face", 1, address="tcp://127.0.0.1:4299", conversions=3000, rate_hz=1000.0)
    result.identity = {"serial_number": "SIM-0001", "firmware": "1.0.0", "is_simulated": True}
    lost = ("in_outages", "on_link", "at_end", "on_board")
    result.account = {"received": 3000, "paused": 0} | {f"lost_{name}": 0 for name in lost}
    result.t_s, result.volts = np.arange(3000) / 1000, 1e-5 * RNG.standard_normal((3000, 3))
    result.names, result.gaps = ["a", "b", "c"], [(1.0, 1.5, "outage")]
    result.registers = [("00h", "ID", "3E", "00111110", "…")] * 24
    result.matches = [ChannelMatch(1, "a", 1.0, 0.001, 5.0, 0.1, 0.3, 9.0, 0.32, 3000)]
    result.clock, result.files = {"drift, ppm": 1.5}, ["demo.bdf"]
    folder.mkdir()
    return demo_page.write(folder / "index.html", result).read_text("utf-8")


def history(folder: Path, *, simulated: bool = True) -> str:
    runs = [
        Run(n, f"2026-11-{n:02d}T10:00:00+00:00", "B <1>", simulated, "sim:", "1 & 2", "quick",
            "Eva", "pass" if n < 3 else "fail", "" if n < 3 else "Channel <1> is noisy")
        for n in range(1, 5)
    ]  # fmt: skip
    values = [Value(n, "B9", "noise", "uV", 1, 0.2 + n / 20, "pass", 0.1, 0.5) for n in range(1, 5)]
    place = history_page.write(folder / "history", Path("a & b.sqlite"), runs, trends(runs, values))
    return place.read_text("utf-8")


def study(_: Path, *, simulated: bool = True) -> str:
    results = []
    for number in range(14):
        who = f"sub-{number:02d}"
        rows = [
            EventRow(
                who, f"{who}_task-x", "coding", 1.0, 1.3, 300 if i % 3 else 900 + 40 * i,
                "micro" if i % 3 else "macro", "EMG <Zyg>", i % 8, 9.0, 1.0, 9.0, 90.0,
                5.0 + i + number, 12.0 + i, "AU12", "coding", ("anger", "b<c>")[i % 2], "coding",
                rating=i % 9, is_aware=i % 4 == 0, left_out="blink" if i == 7 else "",
            )
            for i in range(9)
        ]  # fmt: skip
        agree = dict.fromkeys(("n_first", "n_second", "n_both", "units_both"), 8)
        agree |= {"units_coded": 18, "units_union": 10, "emotion_both": 7, "emotion": 8}
        done = RecordingRow(
            who, f"{who}_task-x", "done", is_simulated=simulated, n_coded=9, n_matched=8,
            rate_hz=1000.0, n_samples=60_000, duration_s=60.0,
            agree=agree | {"side_both": 8, "side": 8}, mvc_missing="b<c>: none", rejected="a & b",
        )  # fmt: skip
        results.append(Result(done, tuple(rows)))
    results.append(Result(RecordingRow("sub-99", "sub-99_task-x", "failed", "a <b> is cut short")))
    settings = StudySettings(title="a & b")
    return study_page(study_report(Path("nowhere"), results, settings))


def attach(_: Path) -> str:
    """A firmware that never left RDATAC; everything that is attached is simulated."""
    bench = Bench(BenchOptions(source="silence"))
    bench.advance(0.2)
    for mosi in (b"\x43\x00\xe0", b"\x45\x07" + b"\x60" * 8, b"\x08"):
        bench.transfer(mosi)
    for _ in range(20):
        bench.wait_drdy()
        bench.transfer(bytes(27))
    return attach_page(make_report(bench.facts()))


PAGES: dict[str, Callable[..., str]] = {
    "attach/report/page.html": attach,
    "hil_tests/page.html": bringup,
    "tools/calibrate/page.html": calibrate,
    "tools/compare/page.html": compare_two,
    "tools/sync/page.html": sync,
    "analysis/report/page.html": analysis,
    "tools/demo/page.html": demo,
    "study/report/page.html": study,
    "tools/history/page.html": history,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write each page once, of a simulated board."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {}
    for number, (template, make) in enumerate(PAGES.items()):
        paths[template] = folder / f"{number}.html"
        paths[template].write_text(make(folder / str(number)), "utf-8")
    return paths


def test_every_template_is_a_page_that_is_tested_here() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.html")}
    assert found == {*PAGES, "pages/base.html", "pages/parts.html"}
    for name in PAGES:
        text = (SOURCE / name).read_text("utf-8")
        assert text.startswith('{% extends "base.html" %}')
        assert "<style" not in text
        assert " style=" not in text
        assert "| safe" not in text


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("template", PAGES)
def test_a_page_of_simulated_data_is_one_file_with_the_badge(
    made: dict[str, Path], template: str
) -> None:
    check_page(made[template].read_text("utf-8"), simulated=True)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("make", [bringup, calibrate, compare_two, sync, analysis, study])
def test_a_page_of_a_real_board_has_no_badge(tmp_path: Path, make: Callable[..., str]) -> None:
    text = make(tmp_path / "page", simulated=False)
    check_page(text, simulated=False)
    assert "SIMULATED" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("hil_tests/page.html", "MISO"),
        ("tools/calibrate/page.html", "Something is outside its limits"),
        ("tools/compare/page.html", "of the difference as recorded is"),
        ("tools/sync/page.html", "readings agree within"),
        ("analysis/report/page.html", "candidates"),
        ("tools/demo/page.html", "PASS"),
        ("study/report/page.html", "1 recording failed"),
        ("tools/history/page.html", "good at the last"),
    ],
)
def test_the_verdict_comes_first(made: dict[str, Path], template: str, words: str) -> None:
    head = re.search(r"<header.*?</header>", made[template].read_text("utf-8"), flags=re.DOTALL)
    assert head is not None
    assert words in head[0]


@pytest.mark.slow
def test_long_tables_are_folded_and_what_failed_is_open(made: dict[str, Path]) -> None:
    text = made["tools/calibrate/page.html"].read_text("utf-8")
    assert re.search(
        r'<details open><summary><span class="tag fail">fail</span> noise, whole', text
    )
    assert re.search(r"<details><summary>1/f corner", text)
    assert "<details><summary>24 registers" in made["tools/demo/page.html"].read_text("utf-8")
    analysed = made["analysis/report/page.html"].read_text("utf-8")
    assert re.search(r"<details><summary>\d+ candidates", analysed)


@pytest.mark.slow
def test_what_others_wrote_is_shown_and_not_obeyed(made: dict[str, Path]) -> None:
    analysed = made["analysis/report/page.html"].read_text("utf-8")
    assert "b&lt;c&gt;" in analysed
    assert "a &amp; b" in analysed
    assert "<c>" not in analysed
    studied = made["study/report/page.html"].read_text("utf-8")
    assert "a &lt;b&gt; is cut short" in studied
    assert "<b> is" not in studied
    assert "ours.bdf, &lt;Zyg&gt; against" in made["tools/compare/page.html"].read_text("utf-8")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """One page of one browser: to start them is what takes long."""
    with chromium() as browser:
        yield browser.new_page()


@pytest.mark.long
@pytest.mark.slow
def test_no_page_is_wider_than_the_screen_or_asks_a_host(made: dict[str, Path], page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for (template, path), width in product(made.items(), (390, 1200)):
        page.set_viewport_size({"width": width, "height": 900})
        asked.clear()
        page.goto(path.as_uri())
        assert asked == [path.as_uri()], template
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(too_wide) == 0, template


@pytest.mark.slow
def test_what_is_folded_is_printed(made: dict[str, Path], page: Page) -> None:
    page.goto(made["tools/demo/page.html"].as_uri())
    row = page.get_by_text("00111110").first
    assert not row.is_visible()
    page.emulate_media(media="print")
    assert row.is_visible()


# The style.


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of a colour as ``#rrggbb``."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=[0, 1], ids=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> dict[str, str]:
    text = (files("emgrig.pages") / "style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    assert len(blocks) == 2
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[request.param]))


def test_text_can_be_read_in_light_and_in_dark(scheme: dict[str, str]) -> None:
    for ink in ("ink", "dim", "pass", "marginal", "fail", "sim", "micro", "macro"):
        assert contrast(scheme[ink], scheme["paper"]) >= 4.5, ink
    for paper in ("pass", "marginal", "fail"):
        assert contrast(scheme["on"], scheme[paper]) >= 4.5, paper
    for ink in ("ink", "dim"):
        assert contrast(scheme[ink], scheme["soft"]) >= 4.5, ink


def test_lines_of_plots_can_be_seen_in_light_and_in_dark(scheme: dict[str, str]) -> None:
    for colour in (*plots.COLOURS, plots.GOOD, plots.DOUBTFUL, plots.BAD, plots.QUIET):
        assert contrast(colour, scheme["paper"]) >= 3, colour


# Templates and pictures.


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="name"):
        render("emgrig.tools.sync/page.html", title="a", simulated=False)


@plots.styled
def drawn() -> str:
    picture, axes = plots.one_panel(2.0)
    axes.plot([1, 2], [3, 5], label="a line")
    axes.set_xlabel("time, s")
    return plots.svg(picture)


@pytest.mark.slow
def test_the_same_drawing_gives_the_same_bytes_and_text_stays_text() -> None:
    before = dict(mpl.rcParams)
    one = drawn()
    assert one == drawn()
    assert ">time, s</text>" in one
    assert "metadata" not in one
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_pictures_are_drawn_and_pages_made_in_one_package() -> None:
    """No other module imports matplotlib or jinja2, but for the names of types."""
    for path in SOURCE.rglob("*.py"):
        if path.parent == SOURCE / "pages":
            continue
        text = path.read_text("utf-8")
        if not re.search("import.*(matplotlib|jinja2)|(matplotlib|jinja2).*import", text):
            continue
        tree = ast.parse(text)
        types = [
            node
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
            for node in ast.walk(block)
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and node not in types:
                words = ast.unparse(node)
                assert "matplotlib" not in words, path
                assert "jinja2" not in words, path
