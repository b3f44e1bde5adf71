"""Words of others, in all places where they could be taken for something else."""

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig import files, names
from emgrig.analysis.report.candidates import Candidate
from emgrig.analysis.report.events import events_tsv
from emgrig.analysis.report.trials import Joined, Phase, Trial
from emgrig.errors import RecordingError
from emgrig.experiment.files.plan import Participant
from emgrig.experiment.folder import SessionFolder
from emgrig.pages.page import render
from emgrig.pages.plots import one_panel, styled, svg
from emgrig.recording.export.bids_table import cell
from emgrig.tools.common import logs, output
from fake_board import FakeTransport
from shell import Run

HOSTILE = [
    "\x1b]0;owned\x07SN\x1b[31m",
    "\x9b31mred",
    "SN-1\ndemo: PASS",
    "SN\r\x00\x08\x7f",
    "\u202eSSAP",
    "<script>alert(1)</script>",
    '" onerror="x',
    "$\\frac{1$",
    "[bold]red[/bold]",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "日本語",
]
COMMANDS = {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E)} - {"\n"}


@pytest.fixture
def hostile_board(monkeypatch: pytest.MonkeyPatch) -> FakeTransport:
    transport = FakeTransport()
    transport.board.serial_number = HOSTILE[0] + HOSTILE[1] + HOSTILE[2] + HOSTILE[4]
    module = sys.modules["emgrig.connect"]
    monkeypatch.setattr(module, "open_transport", lambda *_, **__: transport)
    return transport


@pytest.mark.slow
@pytest.mark.parametrize("line", ["info fake:", "info fake: --json", "registers dump fake:"])
def test_no_word_of_a_board_commands_the_terminal(
    shell: Run, hostile_board: FakeTransport, line: str
) -> None:
    said = shell(line)
    assert said.code == 0, said.err
    assert not COMMANDS & set(said.out + said.err)
    assert "\ndemo: PASS" not in said.out
    if "--json" in line:
        assert json.loads(said.out)["serial_number"] == hostile_board.board.serial_number


@pytest.mark.parametrize("word", HOSTILE)
def test_no_word_commands_the_terminal_in_any_way_of_printing(
    word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    output.say(word)
    output.note(word)
    output.print_table(["a", word], [[word, "b"]], title=word)
    output.print_facts([("a", word)])
    output.print_json({"a": word})
    handler = logging.StreamHandler()
    handler.setFormatter(logs.LineFormatter("%(message)s"))
    handler.emit(logging.LogRecord("a", logging.WARNING, "", 0, word, None, None))
    said = capfd.readouterr()
    assert not COMMANDS & set(said.out + said.err)
    assert "\ndemo: PASS" not in said.err


@pytest.mark.slow
@given(st.text())
def test_whatever_is_said_can_be_said_and_commands_nothing(text: str) -> None:
    shown = names.one_line(text)
    assert not COMMANDS & set(shown)
    assert "\n" not in shown
    assert names.one_line(shown) == shown
    shown.encode()


@pytest.mark.slow
@pytest.mark.parametrize("word", HOSTILE)
def test_no_name_is_markup_of_a_page_or_a_formula_of_a_picture(word: str) -> None:
    @styled
    def draw() -> str:
        drawn, axes = one_panel(1.0)
        axes.plot([0, 1], label=word)
        axes.set_title(word)
        axes.set_xlabel(word)
        drawn.legend()
        return svg(drawn)

    picture = draw()
    assert "<script" not in picture
    assert not COMMANDS & set(picture)
    page = render(
        "emgrig.tools.compare/page.html",
        title=word, simulated=False, pairs=[], warnings=[word],
    )  # fmt: skip
    assert "<script" not in page


@pytest.mark.slow
@pytest.mark.parametrize("word", HOSTILE)
def test_no_name_is_markup_on_the_desk(word: str) -> None:
    from emgrig.desk.pages.face import face_svg
    from emgrig.desk.pages.panels import _impedance_table
    from emgrig.electrodes.lights import Light

    conditions = SimpleNamespace(frequency_hz=31.25)
    contact = SimpleNamespace(check=SimpleNamespace(electrodes=(), conditions=conditions))
    desk = SimpleNamespace(contact=contact, hub=SimpleNamespace(channels=((1, word),)))
    for html in (
        _impedance_table(desk),  # type: ignore[arg-type]
        face_svg(lambda *_: Light.GREY, Light.GREY, [(1, word)]),
    ):
        assert "<script" not in html
        assert '" onerror' not in html


@pytest.mark.parametrize("word", [*HOSTILE, "+1+2", "@SUM(A1)", "\t=1", " -x"])
def test_no_cell_is_a_formula(word: str) -> None:
    trial = Trial(1, word, word, 0.0, 9.0)
    one = Candidate(0, 1.0, 2.0, 1.0, 2.0, 1.0, (), joined=Joined(Phase.CLIP, trial))
    analysis = SimpleNamespace(labels=[word], candidates=[one], muscles={})
    table = events_tsv(analysis)  # type: ignore[arg-type]
    rows = [row.split("\t") for row in table.splitlines()]
    assert [len(row) for row in rows] == [16, 16]
    for text in (*rows[1], cell(word)):
        assert not text.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.slow
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_numbers(value: float) -> None:
    assert names.table_cell(str(value)) == str(value)


CODES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=16)


@pytest.mark.slow
@given(CODES, CODES)
def test_two_codes_never_share_a_label(one: str, other: str) -> None:
    labels = names.file_label(one), names.file_label(other)
    assert (one == other) == (labels[0].casefold() == labels[1].casefold())
    assert all(label.isascii() and label.isalnum() for label in labels)


def test_codes_that_differ_by_a_sign_or_capitals_have_labels_of_their_own() -> None:
    codes = ["P01", "P-01", "P.01", "p01", "P 01", "P_01", "Pü01", "P01x6bd012390a", "COM1"]
    labels = {names.file_label(code).casefold() for code in codes}
    assert len(labels) == len(codes)
    assert not {"com1", "con", "nul"} & labels


def test_a_session_never_shares_a_folder(tmp_path: Path) -> None:
    (tmp_path / "P01").mkdir()
    assert SessionFolder(tmp_path, "P01").path.name == "P01"
    with pytest.raises(ValueError, match=r"there is a participant P01 .* capitals"):
        SessionFolder(tmp_path, "p01")
    for code in ("P01_before-1", "P01_run-2", "P01_session", "COM1", "P 01", "P.01", "Pü01"):
        with pytest.raises(ValueError, match="code is"):
            Participant(code)


@pytest.mark.parametrize("name", ["a.json", ".a.json.unfinished"])
def test_no_link_is_followed(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    for text in ("", "what somebody wrote"):
        if text:
            elsewhere.write_text(text)
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(elsewhere)
        files.write_file(tmp_path / "a.json", "ours")
        assert (tmp_path / "a.json").read_text() == "ours"
        assert not (tmp_path / "a.json").is_symlink()
        assert elsewhere.read_text() == text if text else not elsewhere.exists()
    (tmp_path / "b.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RecordingError, match="exists"):
        files.refuse_existing(tmp_path / "b.json", overwrite=False)
