"""The pages of a session: the participant's screen, and the operator's."""

import logging
from collections.abc import Callable, Mapping

from nicegui import app, ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Beat
from emgrig.desk.pages.panels import alert_panel, header
from emgrig.desk.pages.traces import traces
from emgrig.errors import EmgrigError
from emgrig.experiment.course.steps import (
    Ask,
    Choice,
    Choose,
    ClipEnded,
    ClipFailed,
    ClipShown,
    Continue,
    Event,
    Key,
    Pause,
    Rate,
    Resume,
    Stop,
)
from emgrig.experiment.course.view import where_words
from emgrig.experiment.driver import SessionDriver
from emgrig.experiment.files.plan import Plan

log = logging.getLogger(__name__)

TICK_S = 0.05
SHOW_S = 0.1
GOODBYE_S = 4.0
"""How long the last words stay before the page goes away."""

Json = dict[str, object]

_CHOICES = {
    Ask.CONTRACTION: (Choice.ACCEPT, Choice.AGAIN, Choice.SKIP),
    Ask.DOUBT: (Choice.ACCEPT_ANYWAY, Choice.AGAIN, Choice.SKIP),
    Ask.CLIP: (Choice.AGAIN, Choice.SKIP),
}


class SessionView(Element, component="session_view.js"):
    """The participant's screen; `on_did` hears what was done, as `session_view.js` says it."""

    def __init__(self, first: Json, on_did: Callable[[Mapping[str, object]], None]) -> None:
        super().__init__()
        self._props["first"] = first
        self.on("did", lambda event: on_did(_said(event)))

    def show(self, view: Json) -> None:
        """Show something else."""
        self.run_method("show", view)


def _said(event: GenericEventArguments) -> Mapping[str, object]:
    return event.args if isinstance(event.args, Mapping) else {}


class SessionPages:
    """A session in browsers: ticks its driver, shows its view, hands on what people do.

    The driver is used by the server's thread alone from now on. `on_over` is called once, when the
    session is over and its last words were shown.
    """

    def __init__(
        self,
        desk: Desk,
        beat: Beat,
        plan: Plan,
        driver: SessionDriver,
        on_over: Callable[[], None],
    ) -> None:
        self._desk, self._beat, self._plan, self._driver = desk, beat, plan, driver
        self._on_over = on_over
        self._urls = {plan.clip_path(clip): f"/clip/{clip.id}" for clip in plan.part_b.clips}
        self._unplayable: dict[str, str] = {}  # why, by clip
        self._over_s: float | None = None
        self._problem = ""

    def build(self) -> None:
        """Register the pages with NiceGUI."""
        for clip in self._plan.part_b.clips:
            place = self._plan.shown_path(clip)
            if place is not None:
                url = self._urls[self._plan.clip_path(clip)]
                app.add_media_file(local_file=place, url_path=url)
        app.timer(TICK_S, self._tick)

        @ui.page("/", title="session")
        def participant() -> None:
            self._participant()

        @ui.page("/operator", title="emgrig session")
        def operator() -> None:
            self._operator()

    # What happens.

    def _tick(self) -> None:
        self._let(self._driver.tick)
        self._desk.hub.mvc_uv.update({mvc.channel: mvc.uv for mvc in self._driver.record.mvc})
        if not self._driver.is_over:
            return
        now_s = self._desk.hub.unix_s()
        if self._over_s is None:
            self._over_s = now_s
        elif now_s - self._over_s > GOODBYE_S:
            self._on_over()

    def _do(self, event: Event) -> None:
        self._let(lambda: self._driver.handle(event))

    def _let(self, do: Callable[[], None]) -> None:
        """Go on when a record cannot be written: the recording is worth more; the page says so."""
        try:
            do()
            self._problem = ""
        except (EmgrigError, OSError) as error:
            if str(error) != self._problem:
                log.warning("%s", error)
            self._problem = str(error)

    def _did(self, said: Mapping[str, object]) -> None:
        what, value, trial = said.get("what"), said.get("value"), said.get("trial")
        if what == "unplayable" and isinstance(value, list):
            self._cannot_play(value)
            return
        event = _event(what, value, trial if isinstance(trial, int) else 0)
        if event is not None:
            self._do(event)

    def _cannot_play(self, said: list[object]) -> None:
        url, why = [*said, "", ""][:2]
        for clip in self._plan.part_b.clips:
            if self._urls[self._plan.clip_path(clip)] == url:
                self._unplayable[clip.id] = str(why)

    # What is shown.

    def _for_participant(self) -> Json:
        """Return what the participant's screen needs; nothing of the operator's goes there."""
        view = self._driver.view
        return {
            "phase": str(view.phase),
            "title": view.title,
            "text": view.text,
            "note": view.note,
            "countdown_s": None if view.countdown_s is None else round(view.countdown_s, 1),
            "clip": None if view.clip is None else self._urls[view.clip],
            "clip_trial": view.clip_trial,
            "clip_attempt": view.clip_attempt,
            "asks_rating": view.ask is Ask.RATING,
            "asks_to_go_on": view.ask is Ask.CONTINUE,
            "go_on": self._plan.texts.go_on,
            "paused": self._plan.texts.paused if view.is_paused else "",
        }

    def _participant(self) -> None:
        ui.query("body").style("background:#111;overflow:hidden")
        # The page goes away when all is done; before that, a lost server must be seen.
        ui.add_css(
            ".is-over #popup { display: none !important } #popup > * { display: none }"
            f"#popup::after {{ content: {_css_text(self._plan.texts.lost)} }}"
        )
        last = self._for_participant()
        films = [
            self._urls[self._plan.clip_path(clip)]
            for clip in self._plan.part_b.clips
            if self._plan.shown_path(clip) is not None
        ]
        screen = SessionView({**last, "films": films}, self._did)

        def refresh() -> None:
            nonlocal last
            now = self._for_participant()
            if now != last:
                last = now
                screen.show(now)

        ui.timer(SHOW_S, refresh)

    def _operator(self) -> None:
        refreshed = [header(self._desk), alert_panel()]
        with ui.card().classes("w-full"):
            where = ui.label("").classes("text-lg").props('data-testid="where"')
            bar = ui.linear_progress(0, show_value=False)
            words = ui.label("").props('data-testid="words"')
            problem = ui.label("").classes("text-negative").props('data-testid="problem"')
            with ui.row():
                choices = {choice: self._choice_button(choice) for choice in Choice}
                pause = ui.button("Pause", on_click=self._toggle_pause)
                pause.props('outline data-testid="pause"')
                stop = ui.button("Stop", on_click=lambda: self._do(Stop()))
                stop.props('outline color=negative data-testid="stop"')
        with ui.card().tight().classes("w-full p-2").style("height:55vh"):
            traces(self._desk, self._beat)
        with ui.row():
            ui.link("desk: electrodes and figures", "/desk", new_tab=True)
            ui.link("participant's screen", "/", new_tab=True)

        def refresh() -> None:
            view = self._driver.view
            where.set_text(where_words(view))
            bar.set_value(view.done / max(view.total, 1))
            words.set_text(view.operator)
            problem.set_text(self._problem or _unplayable(self._unplayable))
            for button in (pause, stop):
                button.set_enabled(not self._driver.is_over)
            pause.set_text("Resume" if view.is_paused else "Pause")
            for choice, button in choices.items():
                button.set_enabled(choice in _CHOICES.get(view.ask, ()))
            choices[Choice.ACCEPT_ANYWAY].set_visibility(view.ask is Ask.DOUBT)

        for one in refreshed:
            self._beat.add_words(one)
        ui.timer(0.25, refresh)

    def _choice_button(self, choice: Choice) -> ui.button:
        button = ui.button(str(choice), on_click=lambda: self._do(Choose(choice)))
        return button.props(f'data-testid="{choice}"')

    def _toggle_pause(self) -> None:
        self._do(Resume() if self._driver.view.is_paused else Pause())


def _unplayable(why: Mapping[str, str]) -> str:
    """Return what to do about films that the participant's browser cannot play; "" if all can."""
    if not why:
        return ""
    return (
        f"the participant's browser cannot play {', '.join(why)} ({next(iter(why.values()))}): "
        "convert to H.264 (.mp4) or VP9 (.webm), and start anew"
    )


def _css_text(text: str) -> str:
    """Return a text as a string of CSS: every sign by its number, so that none can end it."""
    return '"' + "".join(f"\\{ord(sign):06x}" for sign in text) + '"'


def _event(what: object, value: object, trial: int) -> Event | None:
    """Turn what a browser says into an event; None for what makes no sense."""
    if what == "key" and isinstance(value, str):
        return Key(value)
    if what == "continue":
        return Continue()
    if what == "rating" and isinstance(value, int):
        return Rate(value)
    if what == "playing":
        return ClipShown(trial)
    if what == "ended":
        return ClipEnded(trial)
    if what == "failed":
        return ClipFailed(trial, str(value) or "the browser cannot play it")
    return None
