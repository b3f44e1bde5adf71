"""The desk's page: face and lights, traces and meters, recording, markers, what is wrong."""

from nicegui import ui

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Beat, Now, Refresh
from emgrig.desk.pages.markers import marker_panel
from emgrig.desk.pages.panels import (
    alert_panel,
    contact_panel,
    header,
    numbers_panel,
    record_panel,
)
from emgrig.desk.pages.settings_panel import settings_panel
from emgrig.desk.pages.traces import traces
from emgrig.desk.pages.tube_page import build_tube


def build(desk: Desk, path: str = "/") -> Beat:
    """Register the pages of a desk with NiceGUI; return what refreshes them."""
    beat = Beat(desk)

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
  .desk-traces { order: -1; height: auto }
  .desk-scope { height: 66vh !important; flex: none !important }
}
"""


def build_page(desk: Desk, beat: Beat) -> None:
    """Lay out the page for one browser."""
    ui.add_css(_LAYOUT)
    ui.colors(primary="#1c5d99")  # white on it can be read
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
            refreshed.append(marker_panel(desk))
            refreshed.append(settings_panel(desk))
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
