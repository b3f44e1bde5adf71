"""`emgrig view`: recordings in the browser."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.files import check_there
from emgrig.tools.common.options import Served, argument, flag, option, takes
from emgrig.tools.common.output import note, say

if TYPE_CHECKING:
    from emgrig.desk.server import Server


@dataclass(frozen=True, kw_only=True)
class ViewOptions(Served):
    """What `emgrig view` takes."""

    recordings: list[Path] = argument("All that `emgrig analyse` reads.", metavar="FILE...")
    output: Path = option("Folder that corrected events are saved in.", Path(), "-o", "--output")
    rate: float | None = option("Hz, if a file does not name it.")
    unit: str | None = option("V, mV, uV or nV of channels that a file gives none for.")
    channels: str = option("Only these, by name or number: 1,3,Zyg.", "")
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8499
    open_page: bool = flag("Open the page in this computer's browser.", "--open")


@takes
def view(given: ViewOptions) -> None:
    """Look at recordings in the browser: zoom and scroll over hours."""
    for path in given.recordings:
        check_there(path, "recording")
    from emgrig.tools.desk_command import page_server

    with page_server(given, "emgrig view") as server:
        _serve(given, server)


def _serve(given: ViewOptions, server: "Server") -> None:
    from emgrig.reading import open_recording
    from emgrig.tools.view.page import Viewer, build
    from emgrig.view.screen import Screen

    names = [word.strip() for word in given.channels.split(",") if word.strip()]
    screens = []
    for path in given.recordings:
        found = open_recording(path, rate_hz=given.rate, unit=given.unit, channels=names)
        screens.append(Screen(found))
    build(Viewer(screens, [0.0] * len(screens), given.output.resolve()))
    say(server.url)
    note("Ctrl-C ends it")
    if given.open_page:
        typer.launch(server.page_for_once(""))
    try:
        server.run()
    finally:
        for screen in screens:
            screen.close()
