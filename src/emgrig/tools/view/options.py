"""What `emgrig view` and `emgrig plot` take."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from emgrig.tools.common.options import Overwrite, Served, argument, flag, option


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


@dataclass(frozen=True, kw_only=True)
class PlotOptions(Read):
    """What `emgrig plot` takes."""

    recording: Path = argument("EDF, BDF, .mat, .vhdr, .xdf, .parquet, .csv, .txt; also .gz")
    output: Path = option("The picture: NAME.png, NAME.svg or NAME.pdf.", ..., "-o", "--output")
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
