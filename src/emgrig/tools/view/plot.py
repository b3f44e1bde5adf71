"""`emgrig plot`: a stretch of a recording as a picture."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from emgrig.files import check_output, check_there, write_file
from emgrig.tools.common.options import takes
from emgrig.tools.common.output import note, say
from emgrig.tools.common.progress import Bar
from emgrig.tools.view.options import PlotOptions

if TYPE_CHECKING:
    from emgrig.view.events import Event

_MM_PER_IN = 25.4
_KINDS = (".png", ".svg", ".pdf")
#: Columns of a picture that is made of lines, a mm; finer than a printer's eye.
_PER_MM = 12


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
    if given.output.suffix.lower() not in _KINDS:
        raise typer.BadParameter(
            f"-o {given.output}: a name that ends with {', '.join(_KINDS[:-1])} or {_KINDS[-1]} "
            "was expected"
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
        kind = given.output.suffix.lower()
        is_png = kind == ".png"
        n_columns = given.width / _MM_PER_IN * given.dpi if is_png else given.width * _PER_MM
        seen = whole_view(screen, layout, round(n_columns), eye)
        drawn = picture(screen, layout, seen, events)
        if is_png:
            return plots.png(drawn, dpi=given.dpi)
        return plots.pdf(drawn) if kind == ".pdf" else plots.svg(drawn)
