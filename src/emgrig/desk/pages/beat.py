"""One beat for all open pages: what they show is made once, however many there are.

A timer of its own for each page, and its own copy of every text, made 51 pages cost half a core.
With many pages each is drawn less often: what is drawn in a second is limited, not who may look.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache

import numpy as np
from nicegui import Client, app, background_tasks, ui
from numpy.typing import NDArray

from emgrig.desk.desk import Desk
from emgrig.desk.pages.elements import ScopeView, SpectrumView
from emgrig.desk.pages.face import face_svg
from emgrig.desk.stream.marks import Mark
from emgrig.desk.stream.scope import Scope
from emgrig.desk.stream.spectra import LENGTH_S, spectrum_of
from emgrig.desk.stream.status import LinkState, Status
from emgrig.desk.stream.views import SCOPE_S
from emgrig.electrodes.lights import Light

TRACES_EVERY_S = 0.1  #: With what the hub takes in, which is as often.
LATEST_S = 0.15  #: So long without samples, and it beats all the same: they may be missing.
WORDS_EVERY = 5  #: Beats.
LIGHTS_EVERY = 10  #: Beats; also of spectra.
AT_FULL_RATE = 8  #: So many pages are drawn with every beat; with more, each with every second, …
BEHIND_S = 20.0  #: What a page is shown of the past when it is opened, s.


class Now:
    """What every page shows at one moment; each part is made when it is first asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @cached_property
    def status(self) -> Status:
        """How things are."""
        return self._desk.hub.status()

    @cached_property
    def face(self) -> str:
        """The face with its lights, SVG."""
        contact, channels = self._desk.contact, self._desk.hub.channels
        bias = contact.check.bias.light if contact.check is not None else Light.GREY
        lights = tuple(contact.light_of(number, side) for number, _ in channels for side in "pn")
        return _face_of(lights, bias, channels)

    @cached_property
    def todo(self) -> tuple[str, ...]:
        """What to do about the electrodes."""
        return tuple(self._desk.contact.words())


@lru_cache(maxsize=1)  # lights change seldom
def _face_of(lights: tuple[Light, ...], bias: Light, channels: tuple[tuple[int, str], ...]) -> str:
    electrodes = [(number, side) for number, _ in channels for side in "pn"]
    light_of = dict(zip(electrodes, lights, strict=True))
    return face_svg(lambda number, side: light_of[number, side], bias, channels)


Refresh = Callable[[Now], None]
_Levels = list[tuple[float | None, float | None]]


class _Page:
    """What one browser shows, and how far its traces are."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.words: list[Refresh] = []
        self.scope: ScopeView | None = None
        self.spectrum: SpectrumView | None = None
        self.layout = 0
        self.seen = 0
        self.seen_marks = 0
        self.is_cut = False


class Beat:
    """Refreshes the pages that are open; while none is, it costs nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pages: dict[str, _Page] = {}
        self._n = 0
        self._scope: Scope | None = None
        self._task: asyncio.Task[None] | None = None
        self._wait: asyncio.Future[None] | None = None
        self._beaten_s = 0.0  # when it beat last with something new
        desk.hub.on_taken(self._hear)

    def add_words(self, refresh: Refresh) -> None:
        """Refresh something of the page that is being laid out, twice a second."""
        self._page().words.append(refresh)
        refresh(Now(self._desk))

    def add_scope(self, view: ScopeView, n_layouts: int) -> None:
        """Draw the traces of the page that is being laid out, ten times a second."""
        page = self._page()
        page.scope, page.layout = view, n_layouts
        page.seen = _first_shown(self._desk.hub.views.scope)

    def add_spectrum(self, view: SpectrumView) -> None:
        """Refresh the spectrum of the page that is being laid out, each second while it is open."""
        self._page().spectrum = view

    def _page(self) -> _Page:
        client = ui.context.client
        if client.id not in self._pages:
            self._pages[client.id] = _Page(client)
            client.on_delete(lambda: self._pages.pop(client.id, None))
            if self._task is None or self._task.done():
                self._task = background_tasks.create(self._run(), name="the beat of the pages")
        return self._pages[client.id]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pages and not app.is_stopping:
            try:
                self._tick()
            except Exception as error:  # one beat is lost, not all that follow
                app.handle_exception(error)
            self._wait = wait = loop.create_future()
            latest = loop.call_later(LATEST_S, _end, wait)
            await wait
            latest.cancel()

    def _hear(self) -> None:
        """Beat, since something has come; in the thread of the stream."""
        wait, now_s = self._wait, time.monotonic()
        if wait is None or now_s < self._beaten_s + 0.9 * TRACES_EVERY_S:
            return
        self._wait, self._beaten_s = None, now_s
        with suppress(RuntimeError):  # the stream goes on a little longer than the pages
            wait.get_loop().call_soon_threadsafe(_end, wait)

    def _tick(self) -> None:
        pages = [one for one in self._pages.values() if one.client.has_socket_connection]
        if not pages:
            return
        if (self._n % LIGHTS_EVERY) == 0:
            self._desk.contact.follow()
        self._n += 1
        every = math.ceil(len(pages) / AT_FULL_RATE)
        # Each in its turn, so that no beat has all of them.
        drawn = [page for i, page in enumerate(pages) if (self._n + i) % every == 0]
        told = [page for i, page in enumerate(pages) if (self._n + i) % (WORDS_EVERY * every) == 0]
        self._draw([page for page in self._that_fit(drawn) if page.scope is not None])
        if self._n % (LIGHTS_EVERY * every) == 1 % every:
            self._draw_spectra(pages)
        now = Now(self._desk)
        for page in told:
            for refresh in page.words:
                refresh(now)

    def _that_fit(self, pages: list[_Page]) -> list[_Page]:
        """Load pages anew that were laid out for other channels or another rate; return the others.

        Where the traces are filtered in another way, all that is shown of them is drawn again.
        """
        hub = self._desk.hub
        if hub.views.scope is not self._scope:
            self._scope = hub.views.scope
            for page in self._pages.values():
                page.seen = min(page.seen, _first_shown(self._scope))
        fit = [page for page in pages if page.layout == hub.n_layouts]
        for page in pages:
            if page.layout != hub.n_layouts and page.scope is not None:
                page.scope.reload()
                page.layout = hub.n_layouts
                page.scope = page.spectrum = None  # what comes belongs to the page that is to come
        return fit

    def _draw(self, pages: list[_Page]) -> None:
        hub = self._desk.hub
        with hub.lock:
            scope = hub.views.look()
            end = scope.n_columns
            columns = {page.seen: scope.since(page.seen)[1] for page in pages}
            marks = {page.seen_marks: hub.marks.since(page.seen_marks) for page in pages}
            n_marks = hub.marks.n
            kept = end - round(SCOPE_S / scope.column_s)
            pauses = [pause for pause in hub.views.pauses if pause[1] > kept]
            peaks_uv = scope.peaks_uv()
        if not any(map(len, columns.values())):
            if pages and hub.status().is_cut:  # the last level is none of now
                _push([page for page in pages if not page.is_cut], end, None, self._levels(None))
                for page in pages:
                    page.is_cut = True
            return
        levels = self._levels(peaks_uv)
        for seen, seen_marks in {(page.seen, page.seen_marks) for page in pages}:
            if len(columns[seen]):
                alike = [
                    page for page in pages if (page.seen, page.seen_marks) == (seen, seen_marks)
                ]
                _push(alike, end, columns[seen], levels, marks[seen_marks], pauses)
                for page in alike:
                    page.seen_marks = n_marks

    def _draw_spectra(self, pages: list[_Page]) -> None:
        """Draw the spectra that are open; each channel's is made once."""
        hub = self._desk.hub
        numbers = [number for number, _ in hub.channels]
        is_live = hub.status().link is LinkState.STREAMING
        made: dict[tuple[int, float | None], str] = {}
        for page in pages:
            view = page.spectrum
            if view is None or not view.is_open or view.channel not in numbers:
                continue
            asked = view.channel, view.most_hz
            if asked not in made:
                made[asked] = "null"  # an old one beside what stands still would be taken for now
                if is_live:
                    uv = hub.last_uv(LENGTH_S)[:, numbers.index(view.channel)]
                    made[asked] = _spectrum_json(uv, hub.rate_hz, view.most_hz)
            view.push(made[asked])

    def _levels(self, peaks_uv: NDArray[np.float64] | None) -> _Levels:
        """Return what each meter shows: µV, and per cent of MVC where that is known."""
        hub = self._desk.hub
        if peaks_uv is None:
            return [(None, None)] * len(hub.channels)
        levels: _Levels = []
        for (number, _), peak in zip(hub.channels, peaks_uv.tolist(), strict=True):
            mvc = hub.mvc_uv.get(number)
            is_known = not math.isnan(peak)  # else there is a hole
            levels.append((
                round(peak, 2) if is_known else None,
                round(100 * peak / mvc, 1) if mvc and is_known else None,
            ))  # fmt: skip
        return levels


def _end(wait: "asyncio.Future[None]") -> None:
    if not wait.done():
        wait.set_result(None)


def _first_shown(scope: Scope) -> int:
    return max(scope.n_columns - round(BEHIND_S / scope.column_s), 0)


def _spectrum_json(uv: NDArray[np.float64], rate_hz: float, most_hz: float | None) -> str:
    found = spectrum_of(uv, rate_hz, most_hz)
    if found is None:
        return "null"
    density = [float(f"{value:.4g}") for value in found.density.tolist()]
    said = {"step": found.step_hz, "density": density, "seconds": round(found.length_s, 1)}
    return json.dumps(said, separators=(",", ":"))


def _push(
    pages: list[_Page],
    end: int,
    columns: NDArray[np.float64] | None,
    levels: _Levels,
    marks: Sequence[Mark] = (),
    pauses: Sequence[tuple[int, int]] = (),
) -> None:
    """Add columns (see `Scope.since`) to the traces, and set the meters; JSON is made once."""
    if not pages:
        return
    cells: list[int | None] = []
    if columns is not None:
        tenths = np.rint(columns.reshape(-1) * 10)
        cells = [None if value != value else int(value) for value in tenths.tolist()]
    lines = [[round(mark.column, 1), mark.text] for mark in marks]
    told = {"end": end, "cells": cells, "levels": levels, "marks": lines, "pauses": pauses}
    said = json.dumps(told, separators=(",", ":"))
    for page in pages:
        if page.scope is not None:
            page.scope.push(said)
        page.seen, page.is_cut = end, False
