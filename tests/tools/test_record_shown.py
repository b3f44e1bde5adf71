"""What `emgrig record` shows while it runs."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from emgrig.recording.levels import Progress
from emgrig.tools import record_commands
from emgrig.tools.record_many import BoardEntry, Lane, _going_on, _lost, _row


def progress(n_lost: int = 0) -> Progress:
    level = np.array([10.0])
    return Progress(4.0, 4000, n_lost, 0, 0, 1000.0, level, level, np.zeros(1), 1)


def test_while_the_link_is_away_the_loss_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody calls meanwhile: the picture itself looks, and the seconds go on."""
    now, is_linked, console = [100.0], [True], Console(file=io.StringIO(), width=120)
    monkeypatch.setattr(record_commands, "err", console)
    shown = record_commands._Shown(60.0, ["c1"], [True], lambda: is_linked[0], now=lambda: now[0])

    def picture() -> str:
        with console.capture() as said:
            console.print(shown._picture())
        return said.get()

    assert picture().strip() == ""
    shown(progress())
    assert "4.0 of 60 s, 0 lost, 1000.0 Hz, 4000 samples" in picture()
    now[0], is_linked[0] = 112.0, False
    assert "s, link away 12 s, loss counted when it is back, 1000.0 Hz" in picture()
    is_linked[0] = True
    assert "s, no samples for 12 s, loss counted when they come, 1000.0 Hz" in picture()
    assert "0.1 µV    10┘   100┘  1 mV┘   10┘   100┘" in picture()
    shown(progress(12000))
    assert "4.0 of 60 s, 12000 lost, " in picture()


def test_while_the_files_are_made_no_sample_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, console = [100.0], Console(file=io.StringIO(), width=120)
    monkeypatch.setattr(record_commands, "err", console)
    shown = record_commands._Shown(60.0, ["c1"], [True], lambda: True, now=lambda: now[0])
    shown(progress())
    for share, words in ((0.0, "0%"), (0.42, "42%"), (1.0, "100%")):
        now[0] += 20.0
        shown.making(share)
        with console.capture() as said:
            console.print(shown._picture())
        assert f"4.0 of 60 s recorded; the BDF+ file is made: {words}\n" in said.get()
        assert "no samples" not in said.get()


def test_of_many_boards_the_files_are_a_share_when_none_records() -> None:
    lanes = [Lane(BoardEntry(name)) for name in "abc"]
    for lane in lanes:
        lane.state, lane.progress = "recording", progress()
    assert _going_on(lanes, 8.0) == ("4.0 s, 0 lost, 3 of 3 boards record", 0.5)
    lanes[0].state = "converting"
    lanes[0].follow_making(0.5)
    words = "4.0 s, 0 lost, 2 of 3 boards record, 1 become files"
    assert _going_on(lanes, 8.0) == (words, 0.5)
    lanes[1].state, lanes[2].state = "converting", "failed"
    lanes[2].error = ValueError("gone")
    assert _going_on(lanes, 8.0) == ("4.0 s, 0 lost, 0 of 3 boards record, 2 become files", 0.25)


def test_of_many_boards_the_links_that_are_away_are_said() -> None:
    lanes = [Lane(BoardEntry("a")), Lane(BoardEntry("b"))]
    lanes[0].progress = progress(3)
    assert _lost(lanes, 0) == "3 lost"
    assert _lost(lanes, 2) == "3 lost before, 2 links away, loss counted when back"


def test_the_table_of_many_boards_counts_what_is_in_the_files() -> None:
    """A board has sent more when the time is over: that is not in the file, and not lost."""
    totals = SimpleNamespace(received=3255, unused=255, lost=0, words="nothing lost")
    lane = Lane(BoardEntry("a"), made=SimpleNamespace(totals=totals, bdf_paths=[]))  # type: ignore[arg-type]
    assert _row(lane)[2:4] == ("3000", "0")


NAMES = ["frontalis", "levator labii superioris alaeque nasi", "zygomaticus major"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("is_linked", [True, False])
def test_nothing_is_cut_off_or_folded_where_it_is_narrow(
    width: int, is_linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Length and loss stay; samples, rate and the ends of names go, and bars are shorter."""
    now, console = [100.0], Console(file=io.StringIO(), width=width, soft_wrap=True)
    monkeypatch.setattr(record_commands, "err", console)
    shown = record_commands._Shown(7200.0, NAMES, [True] * 3, lambda: is_linked, now=lambda: now[0])
    level = np.array([1.5, 26.1, 12000.0])
    shown(Progress(3600.0, 3_600_000, 12, 0, 1, 1000.0, level, level, np.zeros(3), 1))
    now[0] += 1.0 if is_linked else 12.0
    with console.capture() as said:
        console.print(shown._picture(), soft_wrap=False)
    lines = said.get().splitlines()
    assert max(map(len, map(str.rstrip, lines))) <= width
    assert len(lines) == 1 + len(NAMES) + 1, "a row a channel, and the scale"
    assert lines[0].startswith("3600.0 of 7200 s, 12 lost")
    if width >= 60:
        assert ("link away 12 s" in lines[0]) is not is_linked
    for line, name, words in zip(
        lines[1:4], NAMES, ("1.5 µV rms", "26.1 µV rms", "12000.0 µV rms"), strict=True
    ):
        assert line[:4] == name[:4]
        assert words in line
    bars = [line.count("█") for line in lines[1:4]]
    assert bars == sorted(bars)
    if width >= 60:
        assert bars[0] < bars[1] < bars[2]
        assert lines[-1].strip().startswith("0.1 µV")
