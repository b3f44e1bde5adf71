"""`emgrig plot`: a stretch of a recording as a picture."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emgrig.files import check_output, check_there, write_file
from emgrig.tools.common.options import Overwrite, argument, flag, option, takes
from emgrig.tools.common.output import note, say
from emgrig.tools.common.progress import Bar
from emgrig.tools.view.command import Read

if TYPE_CHECKING:
    from emgrig.view.events import Event

_MM_PER_IN = 25.4
#: Columns of a picture that is made of lines, a mm; finer than a printer's eye.
_PER_MM = 12


@dataclass(frozen=True, kw_only=True)
class PlotOptions(Read):
    """What `emgrig plot` takes."""

    recording: Path = argument("EDF, BDF, .mat, .vhdr, .xdf, .parquet, .csv, .txt; also .gz")
    output: Path = option("The picture: NAME.png or NAME.svg.", ..., "-o", "--output")
    begin: float = option("Where it begins, s from the first sample.", 0.0, "--from")
    end: float | None = option(
        "Where it ends, s; the end of the recording if left out.", None, "--to"
    )
    low: float | None = option("Lower edge of the filter, Hz.")
    high: float | None = option("Upper edge of the filter, Hz.")
    notch: float | None = option("Mains that is taken out, with its multiples, Hz: 50 or 60.")
    envelope: bool = flag("Draw the envelope too (6 Hz; of 20-450 Hz unless a band is given).")
    events: Path | None = option("events.tsv or .eaf whose intervals are shaded.")
    scale: float | None = option("Half height of each row, in the unit of the channel.", min=1e-9)
    marks: bool = option("Whether the marks of the file are drawn.", default=True)
    width: float = option("Width of the picture, mm.", 180.0, min=30, max=1000)
    row: float = option("Height of each channel, mm.", 18.0, min=8, max=300)
    dpi: float = option("Dots an inch of a PNG.", 300.0, min=30, max=1200)
    overwrite: Overwrite = False


@takes
def plot(given: PlotOptions) -> None:
    """Draw a stretch of a recording, for a paper.

    Every point of the picture holds the lowest and the highest sample of its time; gaps are left
    open and shaded; filters run both ways, with what lies around the stretch, so that its edges are
    as true as its middle.

    Examples:

      emgrig plot P01.bdf -o fig2.svg --from 12 --to 18 --channels 3,5 --low 20 --high 450

      emgrig plot P01.bdf -o whole.png --events P01_events.tsv --width 88 --dpi 600
    """
    check_there(given.recording, "recording")
    if given.output.suffix.lower() not in (".png", ".svg"):
        raise typer.BadParameter(
            f"-o {given.output}: a name that ends with .png or .svg was expected"
        )
    if given.events is not None:
        check_there(given.events, "table")
    check_output(given.output, overwrite=given.overwrite)
    with ExitStack() as files:
        write_file(given.output, _drawn(given, files))
    say(f"written: {given.output}")


def _drawn(given: PlotOptions, files: ExitStack) -> bytes | str:
    from emgrig.pages import plots
    from emgrig.view.events import read_events
    from emgrig.view.eye import Eye
    from emgrig.view.opening import open_screen
    from emgrig.view.picture import Layout, picture, whole_view

    with Bar(f"reading {given.recording.name}"):
        screen = open_screen(
            given.recording, files, rate_hz=given.rate, unit=given.unit, channels=given.names
        )
        for remark in screen.recording.remarks:
            note(remark)
        end_s = screen.length_s if given.end is None else given.end
        channels = range(len(screen.recording.signals))
        layout = Layout(
            given.begin, end_s, channels, given.width, given.row, given.scale, given.marks
        )
        events: list[Event] = [] if given.events is None else read_events(given.events)
        eye = Eye(given.low, given.high, given.notch, given.envelope)
        is_png = given.output.suffix.lower() == ".png"
        n_columns = given.width / _MM_PER_IN * given.dpi if is_png else given.width * _PER_MM
        seen = whole_view(screen, layout, round(n_columns), eye)
        drawn = picture(screen, layout, seen, events)
        return plots.png(drawn, dpi=given.dpi) if is_png else plots.svg(drawn)
