"""What the commands of the analysis take."""

from dataclasses import dataclass
from pathlib import Path

from emgrig.tools.common.options import Overwrite, Printed, argument, flag, option


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions(Printed):
    """What `emgrig reproduce` takes."""

    annotations: Path | None = option("380_sort.xlsx; without it its rows have no material.")
    results: list[Path] | None = option("results_*.xlsx of the published search; repeat.")
    figures: Path | None = option("Folder for the figures that can be drawn, as SVG.")
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class OfCasmemg(Printed):
    """What `emgrig clock-report` takes, and others that read the published annotations."""

    annotations: Path = option("380_sort.xlsx of CASMEMG.", ..., "--annotations")


@dataclass(frozen=True, kw_only=True)
class AnalyseOptions(Printed):
    """What `emgrig analyse` takes."""

    recording: Path = argument("EDF, BDF, .mat, .vhdr, .xdf, .parquet, .csv, .txt; also .gz")
    output: Path = option("Folder for the results.", Path(), "--output", "-o")
    overwrite: Overwrite = False
    rate: float | None = option("Hz, if the file does not name it.")
    unit: str | None = option("V, mV, uV or nV of channels that the file gives none for.")
    channels: str = option("Only these, by name or number: 1,3,Zyg.", "")
    face: bool = option("Channels 1 to 7 lie as on the paper's face.", False)
    mvc: list[str] | None = option(
        "MVC of a muscle: CHANNEL=µV, CHANNEL=START:END (s) or CHANNEL=MARK of this recording; or "
        "a recording of contractions, or a session's .json; repeat."
    )
    rest: str = option("START:END of declared rest, s.", "")
    part: list[str] | None = option(
        "How strong each channel is there, in µV and % MVC: START:END, s, or the words of a mark; "
        "repeat."
    )
    video: Path | None = option("Write an ELAN file over this video.")
    video_offset: float = option("Video minus EMG time, s.", 0.0)
    clock: Path | None = option("CSV of emg_s,video_s pairs: fit a clock map instead.")
    undo_droop: bool = flag("Undo the sinc³ droop of an ADS1299, to 0.4 of the rate.", "--equalise")
    mat: Path | None = option("Write the samples as a table in CASMEMG's layout too.")
    elan: Path | None = option("Corrected ELAN file to score the candidates against.")


@dataclass(frozen=True, kw_only=True)
class GridOptions(OfCasmemg):
    """What `emgrig grid` takes."""

    folder: Path = argument("Folder of SUBJECT_VIDEO.mat files.")
    jobs: int = option("Local processes; -1 is one a core.", 1)
    scheduler: str | None = option("tcp://HOST:PORT of a dask cluster.")
    as_published: bool = option("Cut clips with the scripts' slips.", False)
    best: int = option("How many sets to show.", 10, min=1)


@dataclass(frozen=True, kw_only=True)
class IndicatorsOptions(OfCasmemg):
    """What `emgrig indicators` takes."""

    folder: Path = argument("Folder of SUBJECT_VIDEO.mat files; those that are missing are said.")


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions(Printed):
    """What `emgrig synthetic` takes."""

    folder: Path = argument("Folder for SUBJECT_VIDEO.mat and truth.xlsx, or for the data set.")
    annotations: Path | None = option("380_sort.xlsx of CASMEMG; not with --bids.")
    bids: bool = flag("A whole study instead: a BIDS data set with truth.")
    participants: int = option("Of the study.", 35, min=1, max=999)
    clip_s: float = option("Length of its clips, s; 0: as table 2.", 30.0, min=0, max=600)
    jobs: int = option("Local processes of the study; -1 is one a core.", 1)
    seed: int = option("Another seed: other faces and noise.", 0, min=0)
    subject: list[int] | None = option("These subjects only; repeat. All take about 1 GB.")
    lost: float | None = option(
        "Percent of samples that are lost (11 columns); else none, of a study 0.5.", min=0, max=50
    )
    overwrite: Overwrite = False
