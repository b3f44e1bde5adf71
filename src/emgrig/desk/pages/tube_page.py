"""The digital tube as a page: a count large enough to be filmed, one for each two packets."""

import asyncio

from nicegui import app, ui

from emgrig.desk.desk import Desk
from emgrig.desk.pages.elements import TubeView


def build_tube(desk: Desk) -> None:
    """Register the page, and hand every new count to every screen that shows it."""
    screens: set[TubeView] = set()
    loops: list[asyncio.AbstractEventLoop] = []

    def show(number: int) -> None:
        for screen in tuple(screens):
            screen.show(number)

    def turn(number: int) -> None:  # in the thread of the stream
        if screens and loops:
            loops[0].call_soon_threadsafe(show, number)

    def listen() -> None:
        loops.append(asyncio.get_running_loop())
        desk.hub.on_tube(turn, lambda: bool(screens))

    app.on_startup(listen)
    app.on_shutdown(loops.clear)  # the stream goes on a little longer than the pages

    @ui.page("/tube", title="emgrig digital tube")
    def page() -> None:
        ui.query("body").style("background:#000;overflow:hidden")
        screen = TubeView(desk.hub.status().tube, desk.digits, desk.hub.note_tube_shown)
        screens.add(screen)
        ui.context.client.on_delete(lambda: screens.discard(screen))
