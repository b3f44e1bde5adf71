"""The desk's page: face and lights, traces and meters, recording, markers, what is wrong."""

from nicegui import app, ui

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Beat, Now, Refresh
from emgrig.desk.pages.elements import ScopeView
from emgrig.desk.pages.panels import (
    alert_panel,
    contact_panel,
    header,
    marker_panel,
    numbers_panel,
    record_panel,
)
from emgrig.desk.pages.tube_page import build_tube

LIGHTS_EVERY_S = 1.0
SECONDS = {5: "5 s", 10: "10 s", 20: "20 s"}
SCALES = {0: "auto", 20: "±20 µV", 50: "±50 µV", 100: "±100 µV", 200: "±200 µV", 500: "±500 µV",
          1000: "±1 mV"}  # fmt: skip


def build(desk: Desk, path: str = "/") -> Beat:
    """Register the pages of a desk with NiceGUI; return what refreshes them."""
    beat = Beat(desk)
    app.timer(LIGHTS_EVERY_S, desk.contact.follow)

    @ui.page(path, title=f"emgrig desk · {desk.hub.board.identity.serial_number}")
    def page() -> None:
        build_page(desk, beat)

    build_tube(desk)
    return beat


#: Three columns that fill the window; one, with the traces first, where there is no room for them.
_LAYOUT = """
body { background: #f1f3f5 }
.nicegui-content { height: 100vh }
.desk { display: grid; gap: 8px; width: 100%; flex: 1; min-height: 0;
  grid-template-columns: minmax(230px, 290px) minmax(0, 1fr) minmax(220px, 270px) }
.desk-column { display: flex; flex-direction: column; gap: 8px; min-height: 0; overflow-y: auto }
.desk-traces { min-height: 0; height: 100% }
@media (max-width: 800px) {
  .nicegui-content { height: auto }
  .desk { grid-template-columns: minmax(0, 1fr) }
  .desk-traces { order: -1; height: 80vh }
}
"""


def build_page(desk: Desk, beat: Beat) -> None:
    """Lay out the page for one browser."""
    ui.add_css(_LAYOUT)
    ui.query(".nicegui-content").classes("p-2 gap-2 w-full no-wrap")
    refreshed = [header(desk), alert_panel()]
    with ui.element("div").classes("desk"):
        with ui.element("div").classes("desk-column"):
            refreshed.append(_face())
            refreshed.append(contact_panel(desk))
        with ui.card().tight().classes("desk-traces w-full p-2"):
            traces(desk, beat)
        with ui.element("div").classes("desk-column"):
            refreshed.append(record_panel(desk))
            marker_panel(desk)
            refreshed.append(numbers_panel(desk))

    for refresh in refreshed:
        beat.add_words(refresh)


def _face() -> Refresh:
    with ui.card().tight().classes("w-full p-2"):
        # Our own drawing, with nothing in it that came from outside.
        picture = ui.html("", sanitize=False).classes("w-full").props('data-testid="face"')

    def refresh(now: Now) -> None:
        picture.set_content(now.face)

    return refresh


def traces(desk: Desk, beat: Beat) -> None:
    """Lay out the traces and meters; they fill what they are put in."""
    hub = desk.hub
    with ui.row().classes("items-center w-full gap-4 no-wrap"):
        column = f"{hub.views.scope.column_s * 1e3:g} ms"
        words = f"Above 1 Hz, lowest and highest sample of each {column}; orange: envelope"
        ui.label(words).classes("text-xs text-grey-8 grow ellipsis").tooltip(words)
        seconds = ui.select(SECONDS, value=10, label="time").props("dense options-dense")
        scale = ui.select(SCALES, value=0, label="scale").props("dense options-dense")
    view = (
        ScopeView(hub.channels, hub.views.scope.column_s)
        .classes("w-full")
        .style("flex:1;min-height:0")
    )
    seconds.on_value_change(lambda event: view.set_view(seconds=event.value))
    scale.on_value_change(lambda event: view.set_view(scale_uv=event.value))
    beat.add_scope(view)
