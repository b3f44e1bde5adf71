"""Progress: never on the standard output, late on a terminal, a line now and then elsewhere."""

import io
import re

import pytest
from rich.console import Console

from emgrig.tools.common import output, progress
from emgrig.tools.common.progress import Bar, Lines, Making, shortened


class Clock:
    """Seconds that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def screen(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> io.StringIO:
    """Put the standard error of the commands where a test can read it."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=100, soft_wrap=True)
    for module in (progress, output):
        monkeypatch.setattr(module, "err", console)
    return file


def test_what_is_short_shows_no_bar(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    file = screen(monkeypatch, is_terminal=True)
    with Bar("reading", clock) as bar:
        clock.now_s += 1.9
        bar.follow("reading more", 0.5)
    assert "reading" not in file.getvalue()
    assert capsys.readouterr().out == ""


def test_a_bar_says_share_and_what_is_going_on(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    file = screen(monkeypatch, is_terminal=True)
    with Bar("reading", clock) as bar:
        bar.follow("[noise] of a.bdf", 0.25)
        clock.now_s += 65
        bar.advance(0.5)
    drawn = file.getvalue()
    for words in ("50%", "0:01:05", "[noise] of a.bdf"):
        assert words in drawn
    assert capsys.readouterr().out == ""


def test_a_question_has_the_terminal_for_itself(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    file = screen(monkeypatch, is_terminal=True)
    with Bar("measuring", clock) as bar:
        clock.now_s += 5

        def ask(question: str) -> str:
            before = file.getvalue()
            clock.now_s += 5
            bar.follow("measuring on", 0.5)
            assert file.getvalue() == before, "the bar drew over the question"
            return question + " yes"

        assert bar.aside(ask)("connected?") == "connected? yes"
    assert "measuring on" in file.getvalue()


def test_in_a_pipe_a_line_is_said_each_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    file = screen(monkeypatch, is_terminal=False)
    with Bar("grid", clock) as bar:
        for second in range(100):
            clock.now_s = 100.0 + second
            bar.advance(second / 100)
    assert file.getvalue() == "".join(f" {share}%  grid\n" for share in range(10, 100, 10))
    assert capsys.readouterr().out == ""


def test_what_has_no_shares_says_in_a_pipe_what_it_does(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    file = screen(monkeypatch, is_terminal=False)
    with Bar("analysing a.bdf", clock) as bar:
        bar.tell()
        assert file.getvalue() == "analysing a.bdf\n"
    with Bar("short", clock):
        pass
    assert file.getvalue() == "analysing a.bdf\n"
    assert capsys.readouterr().out == ""


def test_lines_are_for_pipes_only(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    file = screen(monkeypatch, is_terminal=True)
    lines = Lines(clock)
    clock.now_s += 1000
    lines.say("60 s recorded")
    assert file.getvalue() == ""


def test_a_bar_of_an_end_begins_when_it_is_told(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    file = screen(monkeypatch, is_terminal=True)
    with Making("making a.bdf", clock) as making:
        clock.now_s += 1000  # what is before it is no part of it
        assert file.getvalue() == ""
        making(0.0)
        clock.now_s += 5
        making(0.5)
    for words in ("50%", "0:00:05", "making a.bdf"):
        assert words in file.getvalue()


def test_an_end_without_a_terminal_says_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    file = screen(monkeypatch, is_terminal=False)
    with Making("making a.bdf", clock) as making:
        for percent in range(0, 101, 10):
            making(percent / 100)
            clock.now_s += 4
    assert [line.split() for line in file.getvalue().splitlines()] == [
        [f"{percent}%", "making", "a.bdf"] for percent in (30, 60, 90)
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize(
    "text",
    [
        "reading sub-01_ses-02_task-faces_run-03_recording-left_emg.capture",
        "3600.0 s, 1532 lost before, 2 links away, loss counted when back, 3 of 3 boards record",
        "x",
    ],
)
def test_share_and_time_stay_where_it_is_narrow(
    width: int, text: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, soft_wrap=True, no_color=True)
    for module in (progress, output):
        monkeypatch.setattr(module, "err", console)
    with Bar(text, clock) as bar:
        bar.advance(0.25)
        clock.now_s += 65
        bar.advance(0.5)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    line = [one for one in re.split(r"[\r\n]+", plain) if "50%" in one][-1]
    assert "0:01:05" in line
    assert "━" in line
    assert len(line) <= width
    assert line.rstrip().split("0:01:05 ")[1][:1] == text[:1]
    words = line.rstrip().split("0:01:05 ")[1]
    begin, _, end = words.partition("…")
    assert text.startswith(begin), "whole parts, from the beginning"
    assert text.endswith(end), "or the middle is left out"


@pytest.mark.parametrize("width", range(1, 60))
def test_a_shortened_line_fits(width: int) -> None:
    for text in ("4.0 of 60 s, 0 lost, 1000.0 Hz", "abc", "", "µ" * 80):
        short = shortened(text, width)
        assert len(short) <= width
        assert short == text or len(text) > width
