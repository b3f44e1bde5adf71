"""`emgrig view`: recordings in the browser."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from emgrig.files import check_there, make_folder
from emgrig.tools.common.options import takes
from emgrig.tools.common.output import note, say
from emgrig.tools.view.options import ViewOptions

if TYPE_CHECKING:
    from emgrig.desk.server import Server


@takes
def view(given: ViewOptions) -> None:
    """Look at recordings in the browser: zoom and scroll over hours, correct events.

    Reads what `emgrig analyse` reads; several recordings lie under each other. Filters are for the
    eye: nothing is written but events, into new files (NAME_corrected_events.tsv and .eaf). The
    first line printed is the address to open; Ctrl-C ends it.

    Needs the extra desk; emgrig doctor has the line that installs it.

    Examples:

      emgrig view P01.bdf --open

      emgrig view P01.bdf --events P01_events.tsv -o corrected

      emgrig view ours.bdf theirs.vhdr --by-clock
    """
    for path in given.recordings:
        check_there(path, "recording")
    for path in given.events or ():
        check_there(path, "table")
    if len(given.events or ()) > len(given.recordings):
        raise typer.BadParameter("--events: at most one for each recording, in their order")
    make_folder(given.output)
    from emgrig.tools.desk_command import page_server

    with page_server(given, "emgrig view") as server, ExitStack() as files:
        _serve(given, server, files)


def _serve(given: ViewOptions, server: "Server", files: ExitStack) -> None:
    from emgrig.tools.view.starting import made_viewer, warm_up

    viewer = made_viewer(given, files)
    from emgrig.tools.view.page import build  # it brings what makes pages, a second of it

    build(viewer)
    say(server.url)
    if not server.is_local:
        note("everybody in the network who has this address can look at the recordings")
    note("Ctrl-C ends it")
    if given.open_page:
        typer.launch(server.page_for_once(""))
    warm_up()
    server.run()
    if not viewer.events.is_saved:
        note("changes of the events were not saved")
