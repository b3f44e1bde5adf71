"""`emgrig view`: recordings in the browser."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.files import check_folder, check_there
from emgrig.tools.common.options import Served, argument, flag, option, takes
from emgrig.tools.common.output import note, say

if TYPE_CHECKING:
    from emgrig.desk.server import Server


@dataclass(frozen=True, kw_only=True)
class Read:
    """How recordings are read."""

    rate: float | None = option("Hz, if a file does not name it.")
    unit: str | None = option("V, mV, uV or nV of channels that a file gives none for.")
    channels: str = option("Only these, by name or number: 1,3,Zyg.", "")

    @property
    def names(self) -> list[str]:
        """Return the channels that are wanted."""
        return [word.strip() for word in self.channels.split(",") if word.strip()]


@dataclass(frozen=True, kw_only=True)
class ViewOptions(Read, Served):
    """What `emgrig view` takes."""

    recordings: list[Path] = argument(
        "EDF, BDF, .mat, .vhdr, .xdf, .parquet, .csv, .txt; also .gz", metavar="FILE..."
    )
    output: Path = option("Folder that corrected events are saved in.", Path(), "-o", "--output")
    events: list[Path] | None = option(
        "events.tsv or .eaf to correct; repeat, in the order of the recordings."
    )
    find: bool = flag("Find candidates first, as `emgrig analyse` does; long recordings take long.")
    by_clock: bool = flag("Place recordings by their date and time, not by their first samples.")
    video: Path | None = option("Film that the saved ELAN files are over.")
    video_offset: float = option("Video minus EMG time, s.", 0.0)
    no_cache: bool = flag("Keep nothing in the cache folder: long recordings are read again.")
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8499
    open_page: bool = flag("Open the page in this computer's browser.", "--open")


@takes
def view(given: ViewOptions) -> None:
    """Look at recordings in the browser: zoom and scroll over hours, correct events.

    Reads what `emgrig analyse` reads; several recordings lie under each other. Filters are for the
    eye: nothing is written but events, into new files (NAME_corrected_events.tsv and .eaf). The
    first line printed is the address to open; Ctrl-C ends it.

    Needs pip install 'emgrig[desk]'.

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
    check_folder(given.output)
    from emgrig.tools.desk_command import page_server

    with page_server(given, "emgrig view") as server, ExitStack() as files:
        _serve(given, server, files)


def _serve(given: ViewOptions, server: "Server", files: ExitStack) -> None:
    from emgrig.tools.view.page import build
    from emgrig.tools.view.starting import made_viewer

    viewer = made_viewer(given, files)
    build(viewer)
    say(server.url)
    if not server.is_local:
        note("everybody in the network who has this address can look at the recordings")
    note("Ctrl-C ends it")
    if given.open_page:
        typer.launch(server.page_for_once(""))
    server.run()
    if not viewer.events.is_saved:
        note("changes of the events were not saved")
