"""Many pages are refreshed together: each sees all there is, and nothing is made for each anew."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import AT_FULL_RATE, WORDS_EVERY, Beat, Now, _Page
from emgrig.desk.stream.contact import Contact
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.status import LinkState
from emgrig.driver.board import Board
from emgrig.electrodes import Limits
from emgrig.simulator.transport import SimTransport

pytestmark = pytest.mark.slow  # to import the pages takes longer than all tests here


class Scope:
    """What a browser would draw."""

    def __init__(self) -> None:
        self.said: list[dict[str, list]] = []

    def push(self, said: str) -> None:
        self.said.append(json.loads(said))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    board = Board(SimTransport("seed=3"))
    board.apply("facial-emg")
    hub = Hub(board)
    hub.start()
    with hub:
        yield Desk(hub, Contact(hub, Limits()), tmp_path)


def pages_of(beat: Beat, n_pages: int) -> list[tuple[Scope, list[Now]]]:
    """Open pages; return what each drew, and was told."""
    opened = []
    for number in range(n_pages):
        page = _Page(SimpleNamespace(has_socket_connection=True))  # type: ignore[arg-type]
        scope, told = Scope(), []
        page.scope = scope  # type: ignore[assignment]
        page.words.append(told.append)
        beat._pages[str(number)] = page
        opened.append((scope, told))
    return opened


@pytest.mark.long
@pytest.mark.parametrize("n_pages", [1, AT_FULL_RATE, AT_FULL_RATE + 1, 51])
def test_every_page_draws_every_column_once_and_in_order(desk: Desk, n_pages: int) -> None:
    beat = Beat(desk)
    opened = pages_of(beat, n_pages)
    n_beats = 56  # the scope holds 30 s, and a block here is half a second
    for _ in range(n_beats):
        desk.hub.run_until(desk.hub.unix_s() + 0.1)
        beat._tick()
    every = -(-n_pages // AT_FULL_RATE)
    _, columns = desk.hub.views.look().since(0)
    made = np.rint(columns.reshape(-1) * 10)
    for scope, told in opened:
        cells = np.array([cell for said in scope.said for cell in said["cells"]], float)
        assert len(made) - len(cells) <= made.size * every / n_beats + columns[0].size
        assert np.array_equal(cells, made[: len(cells)], equal_nan=True)
        assert scope.said[-1]["end"] == len(cells) // columns[0].size
        assert abs(len(scope.said) - n_beats / every) <= 1
        assert abs(len(told) - n_beats / every / WORDS_EVERY) <= 1
    # What is told at one beat is one object, whoever is told.
    assert len({id(now) for _, told in opened for now in told}) <= n_beats


def test_a_page_whose_browser_is_not_there_yet_waits(desk: Desk) -> None:
    beat = Beat(desk)
    ((scope, told),) = pages_of(beat, 1)
    beat._pages["0"].client.has_socket_connection = False  # type: ignore[misc]
    desk.hub.run_until(desk.hub.unix_s() + 0.5)
    beat._tick()
    assert scope.said == told == []
    beat._pages["0"].client.has_socket_connection = True  # type: ignore[misc]
    beat._tick()
    assert scope.said[0]["end"] == desk.hub.views.look().n_columns


def test_a_link_that_is_gone_empties_the_meters_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = Beat(desk)
    ((scope, _),) = pages_of(beat, 1)
    desk.hub.run_until(desk.hub.unix_s() + 0.5)
    beat._tick()
    assert scope.said[-1]["levels"][0][0] is not None
    lost = replace(desk.hub.status(), link=LinkState.LOST)
    monkeypatch.setattr(desk.hub, "status", lambda: lost)
    for _ in range(9):
        beat._tick()
    assert len(scope.said) == 2
    assert scope.said[-1]["levels"] == [[None, None]] * len(desk.hub.channels)
    assert scope.said[-1]["cells"] == []


def test_one_says_why_nothing_comes(desk: Desk) -> None:
    """The alert, with its time, of a link; the traces, of a pause that the desk makes."""
    now = desk.hub.status()
    assert replace(now, link=LinkState.STREAMING).quiet_words is None
    for link in (LinkState.LOST, LinkState.SILENT):
        assert replace(now, link=link, problem="no link").quiet_words == ""
    pause = replace(now, link=LinkState.CHECKING, problem="checking the electrodes")
    assert pause.quiet_words == "paused: checking the electrodes"


def test_markers_go_once_to_every_page_whenever_it_was_opened(desk: Desk) -> None:
    beat = Beat(desk)
    ((scope, _),) = pages_of(beat, 1)
    desk.hub.run_until(desk.hub.unix_s() + 1.0)
    desk.hub.mark("smile")
    for _ in range(5):
        desk.hub.run_until(desk.hub.unix_s() + 0.5)
        beat._tick()
    late = _Page(SimpleNamespace(has_socket_connection=True))  # type: ignore[arg-type]
    late.scope = later = Scope()  # type: ignore[assignment]
    beat._pages["late"] = late
    desk.hub.mark("frown")
    for _ in range(5):
        desk.hub.run_until(desk.hub.unix_s() + 0.5)
        beat._tick()
    for seen in (scope, later):
        marks = [mark for said in seen.said for mark in said["marks"]]
        assert [text for _, text in marks] == ["smile", "frown"]
        # 100 columns a second: the first lies a second behind the beginning of the stream.
        assert marks[1][0] - marks[0][0] == pytest.approx(250, abs=60)


def test_a_page_that_is_opened_later_knows_of_a_pause(desk: Desk) -> None:
    """It is the hole, and no other: a link that is cut is a loss whoever looks."""
    beat, hub = Beat(desk), desk.hub
    hub.run_until(hub.unix_s() + 1.0)
    hub.run_exclusive(lambda board: board.clock.sleep(2.0)).result()
    hub.run_until(hub.unix_s() + 2.0)
    ((scope, _),) = pages_of(beat, 1)
    beat._tick()
    (said,) = scope.said
    cells = np.array(said["cells"], float).reshape(said["end"], -1)
    ((first, behind),) = said["pauses"]
    assert np.flatnonzero(np.isnan(cells[:, 0])).tolist() == list(range(first, behind))
    assert behind - first == pytest.approx(200, abs=60)  # it stops and starts, too
