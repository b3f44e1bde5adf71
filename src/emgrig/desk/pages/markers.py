"""Markers by text, by button and by key."""

from nicegui import ui
from nicegui.events import KeyEventArguments

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Now, Refresh
from emgrig.desk.words import MarkerWord, read_words


def marker_panel(desk: Desk) -> Refresh:
    """Take markers by text, by button and by key; words and keys can be changed."""
    with ui.card().tight().classes("w-full p-2 gap-1"):
        with ui.row().classes("w-full items-center gap-2 no-wrap"):
            text = ui.input("marker", placeholder="what happens").classes("grow")
            text.props('dense data-testid="marker" maxlength=1000')
            ui.button("Mark", on_click=lambda: take()).props('no-caps data-testid="mark"')
        buttons = ui.row().classes("gap-1 w-full").props('data-testid="words"')
        with ui.expansion("Words and keys").props("dense dense-toggle").classes("w-full text-sm"):
            lines = ui.textarea("one a line: KEY=WORDS, or WORDS").classes("w-full")
            lines.props('dense rows=5 data-testid="word-lines"')
            ui.button("Use these", on_click=lambda: use()).props(
                'no-caps outline data-testid="use-words"'
            )
            ui.label(
                "for all pages, until the desk ends; for good: markers in emgrig.toml"
            ).classes("text-xs text-grey-8")

    def mark(said: str) -> None:
        if not said.strip():
            ui.notify("a marker needs a text", type="warning")
            return
        try:
            desk.hub.mark(said.strip())
        except ValueError as error:
            ui.notify(str(error), type="negative")
            return
        is_kept = (going := desk.hub.status().recording) is not None and going.is_on
        ui.notify(f"marked: {said}" if is_kept else f"{said}: no recording is on, not kept")

    def take() -> None:
        mark(text.value or "")
        text.set_value("")

    def use() -> None:
        try:
            desk.words = read_words(
                line for line in (lines.value or "").splitlines() if line.strip()
            )
        except ValueError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        refresh(None)

    def press(event: KeyEventArguments) -> None:
        held = event.modifiers
        if not event.action.keydown or event.action.repeat or held.ctrl or held.alt or held.meta:
            return
        key = str(event.key.name).lower()
        for word in desk.words:
            if word.key and word.key == key:
                mark(word.text)

    text.on("keydown.enter", take)
    # Not where somebody writes; a button that was clicked keeps the focus, and keys go on.
    ui.keyboard(on_key=press, repeating=False, ignore=["input", "textarea", "select"])
    shown: list[tuple[MarkerWord, ...]] = []

    def refresh(_: Now | None) -> None:
        if shown == [desk.words]:
            return
        shown[:] = [desk.words]
        lines.set_value("\n".join(map(str, desk.words)))
        buttons.clear()
        with buttons:
            for word in desk.words:
                label = f"{word.text}  [{word.key}]" if word.key else word.text
                button = ui.button(label, on_click=lambda word=word: mark(word.text))
                button.props("outline no-caps").classes("px-2").style("min-height:36px")
                if word.key:
                    button.tooltip(f"key {word.key}")

    return refresh
