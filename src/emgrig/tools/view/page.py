"""The viewer's page: traces, filters, scale, events that can be corrected, a spectrum."""

import os
from threading import Semaphore

import numpy as np
from fastapi import Response
from nicegui import app, run, ui

from emgrig.errors import EmgrigError
from emgrig.names import one_line
from emgrig.tools.view.answers import Asked, columns_body
from emgrig.tools.view.elements import SpectrumView, TraceView
from emgrig.tools.view.viewer import Json, Stretch, Viewer, stretch_of
from emgrig.view.events import Event
from emgrig.view.eye import EMG_BAND_HZ, LOWEST_HZ, Eye
from emgrig.view.screen import Screen
from emgrig.view.spectrum import MOST_PIECES, spectrum

SCALES = {0: "auto", 20: "±20", 50: "±50", 100: "±100", 200: "±200", 500: "±500", 1000: "±1000",
          10000: "±10000"}  # fmt: skip
SPANS = {0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s", 60.0: "1 min", 600.0: "10 min", 3600.0: "1 h",
         0.0: "all"}  # fmt: skip
NOTCHES = {0: "no notch", 50: "50 Hz", 60: "60 Hz"}
#: Remarks on a recording that are listed.
_MOST_REMARKS = 12
_LAYOUT = """
body { background: #f1f3f5 }
.nicegui-content { height: 100vh }
.view { display: grid; gap: 8px; width: 100%; flex: 1; min-height: 0;
  grid-template-columns: minmax(0, 1fr) 270px }
.view-side { display: flex; flex-direction: column; gap: 8px; min-height: 0; overflow-y: auto }
@media (max-width: 800px) {
  .nicegui-content { height: auto }
  .view { grid-template-columns: minmax(0, 1fr) }
  .view-traces { height: 80vh }
}
"""


def described(viewer: Viewer) -> list[Json]:
    """Describe the recordings for the page's script."""
    return [
        {
            "name": one_line(screen.recording.path.name),
            "rate": screen.recording.rate_hz,
            "seconds": screen.n_samples / screen.recording.rate_hz,
            "shift": shift,
            "isSimulated": screen.recording.is_simulated,
            "channels": [
                {"number": i, "name": one_line(one.name), "unit": one_line(one.unit)}
                for i, one in enumerate(screen.recording.signals, 1)
            ],
        }
        for screen, shift in zip(viewer.screens, viewer.shifts_s, strict=True)
    ]


def build(viewer: Viewer) -> None:
    """Register page and answers with NiceGUI."""
    turns = Semaphore(max(os.cpu_count() or 1, 2))  # what is in the memory at a time is bounded

    @app.get("/view/columns")
    def columns(
        file: int,
        begin: float,
        end: float,
        n: int,
        channels: str,
        low: float | None = None,
        high: float | None = None,
        mains: float | None = None,
        envelope: bool = False,
    ) -> Response:
        try:
            asked = Asked(begin, end, n, _numbers(channels), Eye(low, high, mains, envelope))
            with turns:
                body = columns_body(_one(viewer, file), asked)
        except ValueError as error:
            return Response(f"{error}\n", 400, media_type="text/plain")
        except EmgrigError as error:
            return Response(f"{error}\n", 500, media_type="text/plain")
        return Response(body, media_type="application/octet-stream")

    @ui.page("/", title="emgrig view")
    def page() -> None:
        Page(viewer).build()


def _one(viewer: Viewer, file: int) -> Screen:
    if not 0 <= file < len(viewer.screens):
        raise ValueError(f"recording {file}; there are {len(viewer.screens)}")
    return viewer.screens[file]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


class Page:
    """What one browser shows."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._chosen = 0
        self._stretch: Stretch | None = None
        self._buttons: dict[str, ui.button] = {}
        self._shown = [list(range(len(one.recording.signals))) for one in viewer.screens]

    def build(self) -> None:
        """Lay out the page."""
        ui.add_css(_LAYOUT)
        ui.query(".nicegui-content").classes("p-2 gap-2 w-full no-wrap")
        self._head()
        with ui.element("div").classes("view"):
            with ui.card().tight().classes("view-traces w-full p-1").style("min-height:0"):
                acts = {
                    "told": self._show_state,
                    "edit": self._edit,
                    "stretch": self._choose_stretch,
                }
                self._view = TraceView(described(self._viewer), acts)
                self._view.classes("w-full h-full")
            with ui.element("div").classes("view-side"):
                self._event_card()
                self._stretch_card()
                self._remarks_card()
        self._viewer.told.append(self._refresh)
        ui.context.client.on_delete(lambda: self._viewer.told.remove(self._refresh))
        self._refresh()

    # The line at the top.

    def _head(self) -> None:
        with ui.row().classes("items-center w-full gap-x-3 gap-y-1"):
            ui.label("emgrig view").classes("text-lg text-weight-bold")
            if any(one.recording.is_simulated for one in self._viewer.screens):
                ui.badge("SIMULATED", color="deep-purple").props('data-testid="simulated"')
            self._filter_controls()
            scale = ui.select(SCALES, value=0, label="scale").props("dense options-dense")
            scale.classes("w-24")
            scale.props('data-testid="scale"').on_value_change(
                lambda event: self._view.set_scale(event.value)
            )
            with ui.button_group().props("flat dense"):
                for span, words in SPANS.items():
                    ui.button(words, on_click=lambda _, span=span: self._view.span(span)).props(
                        f'dense flat no-caps data-testid="span-{words}"'
                    )
            self._channel_menu()
            self._state = ui.label("").classes("text-sm").props('data-testid="state" role="status"')

    def _filter_controls(self) -> None:
        def number(label: str, name: str) -> ui.number:
            made = ui.number(label, min=LOWEST_HZ, on_change=lambda _: self._set_eye())
            return made.props(f'dense clearable debounce=500 data-testid="{name}"').classes("w-20")

        self._low, self._high = number("from, Hz", "low"), number("to, Hz", "high")
        self._mains = ui.select(NOTCHES, value=0, on_change=lambda _: self._set_eye())
        self._mains.props('dense options-dense data-testid="notch"')
        self._envelope = ui.checkbox("envelope", on_change=lambda _: self._set_eye())
        self._envelope.props('dense data-testid="envelope"')

        def emg() -> None:
            self._low.value, self._high.value = EMG_BAND_HZ

        band = f"{EMG_BAND_HZ[0]:g}-{EMG_BAND_HZ[1]:g} Hz"
        ui.button(band, on_click=emg).props('dense flat no-caps data-testid="emg-band"')

    def _set_eye(self) -> None:
        eye = Eye(
            self._low.value or None,
            self._high.value or None,
            self._mains.value or None,
            bool(self._envelope.value),
        )
        try:
            for screen in self._viewer.screens:
                eye.fitted(screen.recording.rate_hz)
        except ValueError as error:
            ui.notify(str(error), type="negative")
            return
        self._view.set_eye(eye)

    def _channel_menu(self) -> None:
        with ui.button("channels").props("dense flat no-caps"), ui.menu():
            for file, screen in enumerate(self._viewer.screens):
                ui.label(one_line(screen.recording.path.name)).classes("px-3 pt-2 text-caption")
                for i, one in enumerate(screen.recording.signals):
                    box = ui.checkbox(f"{i + 1} {one_line(one.name)}", value=True)
                    box.classes("px-2").props("dense").on_value_change(
                        lambda event, file=file, i=i: self._toggle(file, i, event.value)
                    )

    def _toggle(self, file: int, channel: int, is_shown: bool) -> None:
        shown = {*self._shown[file], channel} if is_shown else {*self._shown[file]} - {channel}
        self._shown[file] = sorted(shown)
        self._view.set_shown(self._shown)

    # What is chosen.

    def _event_card(self) -> None:
        with ui.card().tight().classes("w-full p-2 gap-1"):
            self._of = ui.label("").classes("text-sm").props('data-testid="event" role="status"')
            with ui.row().classes("no-wrap w-full gap-2"):
                self._begin = ui.number("begins, s", format="%.4f").props("dense").classes("w-28")
                self._end = ui.number("ends, s", format="%.4f").props("dense").classes("w-28")
            self._label = ui.input("label").props("dense").classes("w-full")
            for made, name in ((self._begin, "begin"), (self._end, "end"), (self._label, "label")):
                made.props(f'data-testid="event-{name}"')
                made.on("keydown.enter", lambda _: self._apply()).on(
                    "blur", lambda _: self._apply()
                )
            with ui.row().classes("gap-1"):
                for words, what in (("Delete", "delete"), ("Undo", "undo")):
                    button = ui.button(words, on_click=lambda _, what=what: self._act(what))
                    button.props(f'dense flat no-caps data-testid="{what}"')
                    self._buttons[what] = button
            self._save = ui.button("Save events", icon="save", on_click=self._save_events)
            self._save.props('dense no-caps data-testid="save"').classes("w-full")
            self._saved = ui.label("").classes("text-xs break-all").props('data-testid="saved"')

    def _act(self, what: str) -> None:
        self._edit({"what": what, "id": self._chosen})

    def _apply(self) -> None:
        """Do what stands in the fields."""
        one = self._viewer.events.find(self._chosen)
        if one is None:
            return
        begin, end, label = self._begin.value, self._end.value, self._label.value
        if begin is not None and end is not None and _differ(one, begin, end):
            self._edit({"what": "move", "id": one.id, "begin": begin, "end": end})
        if label and label != one.label:
            self._edit({"what": "label", "id": one.id, "label": label})

    async def _save_events(self) -> None:
        try:
            written = await run.io_bound(self._viewer.save)
        except (EmgrigError, ValueError) as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        if written is None:  # the page is being closed
            return
        names = ", ".join(path.name for one in written for path in one.paths)
        said = f"saved in {self._viewer.folder}: {names}" if names else "no events"
        if n_before := sum(one.n_before for one in written):
            said += f"; {n_before} begin before the film and are not in the ELAN file"
        self._saved.set_text(one_line(said))
        self._viewer.tell()

    def _stretch_card(self) -> None:
        with ui.card().tight().classes("w-full p-2 gap-1"):
            words = "Shift and drag chooses a stretch of a channel"
            self._of_stretch = ui.label(words).classes("text-sm").props('data-testid="stretch"')
            self._add = ui.button("Add an event here", on_click=self._add_event)
            self._add.props('dense flat no-caps data-testid="add"').set_enabled(False)
            self._spectrum = SpectrumView()
            self._of_spectrum = ui.label("").classes("text-xs text-grey-8")
            self._of_spectrum.props('data-testid="spectrum-words"')

    def _add_event(self) -> None:
        one = self._stretch
        if one is not None:
            ends = {"begin": one.begin_s, "end": one.end_s}
            self._edit({"what": "add", "file": one.file, "channel": one.channel, **ends})

    def _remarks_card(self) -> None:
        with ui.card().tight().classes("w-full p-2 gap-1 text-xs").props('data-testid="remarks"'):
            for screen in self._viewer.screens:
                found = screen.recording
                said = f"{found.path.name}: {found.source}, {found.rate_hz:g} Hz, {_long(screen)}"
                ui.label(one_line(said)).classes("text-weight-medium")
                remarks = (*found.remarks, *found.left_out)
                n_more = len(remarks) - _MOST_REMARKS
                more = [f"and {n_more} more: see where emgrig view was started"]
                for remark in (*remarks[:_MOST_REMARKS], *(more if n_more > 0 else ())):
                    ui.label(one_line(remark)).classes("text-grey-8")
            ui.label(KEYS).classes("text-grey-8")

    # What the script says.

    def _edit(self, said: object) -> None:
        try:
            chosen = self._viewer.edit(said)
        except ValueError as error:
            ui.notify(str(error), type="negative")
            chosen = None
        if chosen is not None:
            self._chosen = chosen
        self._refresh()

    def _show_state(self, said: object) -> None:
        if not isinstance(said, dict):
            return
        share, problem = said.get("share"), said.get("problem")
        eyes = [str(one) for one in said.get("eyes") or [] if one]
        words = ", ".join(dict.fromkeys(eyes))
        if isinstance(share, int | float) and share < 1:
            words += f" · being computed: {share:.0%}"
        self._state.set_text(one_line(f"{problem} {words}" if problem else words))
        self._state.classes(add="text-negative" if problem else "", remove="text-negative")

    async def _choose_stretch(self, said: object) -> None:
        try:
            stretch = stretch_of(self._viewer, said)
        except ValueError as error:
            ui.notify(str(error), type="negative")
            return
        self._stretch = stretch
        found, one = stretch.recording, stretch.recording.signals[stretch.channel]
        lasts_s = stretch.end_s - stretch.begin_s
        words = f"{one.name}: {stretch.begin_s:.4f} to {stretch.end_s:.4f} s, {lasts_s:.4f} s"
        self._add.set_enabled(True)
        self._of_stretch.set_text(one_line(words))
        ends = (round(at * found.rate_hz) for at in (stretch.begin_s, stretch.end_s))
        try:
            made = await run.io_bound(spectrum, found, stretch.channel, *ends)
        except (ValueError, EmgrigError) as error:
            self._spectrum.clear_curve()
            self._of_spectrum.set_text(one_line(f"no spectrum: {error}"))
            return
        if made is None or self._stretch is not stretch:  # the page is closed, or it is late
            return
        unit = one.unit.replace("uV", "µV") or "unit"
        self._spectrum.set_curve(made.frequency_hz.tolist(), np.sqrt(made.density).tolist(), unit)
        part = f", {MOST_PIECES} of more" if made.is_part else ""
        self._of_spectrum.set_text(f"unfiltered; {made.n_pieces} pieces averaged{part}")

    def _refresh(self) -> None:
        """Show events and what is chosen as they are."""
        viewer = self._viewer
        one = viewer.events.find(self._chosen)
        self._chosen = 0 if one is None else self._chosen
        self._view.set_events(viewer.shown_events(), self._chosen)
        words = "no event chosen: click one; double click adds one"
        if one is not None:
            edited = f", {one.edited}" if one.edited else ""
            words = f"{one.channel or 'no channel'}: {one.end_s - one.begin_s:.4f} s{edited}"
        self._of.set_text(one_line(words))
        for made in (self._begin, self._end, self._label):
            made.set_enabled(one is not None)
        self._begin.value = None if one is None else one.begin_s
        self._end.value = None if one is None else one.end_s
        self._label.value = "" if one is None else one.label
        self._save.set_enabled(not viewer.events.is_saved)
        self._buttons["delete"].set_enabled(one is not None)
        self._buttons["undo"].set_enabled(viewer.events.can_undo)


KEYS = (
    "Arrows scroll and zoom, PgUp PgDn a window, Home End; wheel zooms, Shift and wheel scrolls; "
    "n and p: next and previous event, Delete, a: add in the stretch, Ctrl-Z: undo, Esc"
)


def _differ(one: Event, begin_s: float, end_s: float) -> bool:
    return abs(one.begin_s - begin_s) > 5e-5 or abs(one.end_s - end_s) > 5e-5


def _long(screen: Screen) -> str:
    seconds = screen.n_samples / screen.recording.rate_hz
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d} h"
        if seconds >= 60
        else f"{seconds:g} s"
    )
