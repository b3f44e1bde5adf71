"""What `emgrig study` takes."""

from dataclasses import dataclass
from pathlib import Path

from emgrig.tools.common.options import Overwrite, Printed, argument, flag, option


@dataclass(frozen=True, kw_only=True)
class OfDataSet(Printed):
    """What all three take."""

    root: Path = argument("The BIDS data set: the folder with dataset_description.json.")


@dataclass(frozen=True, kw_only=True)
class InitOptions(OfDataSet):
    """What `emgrig study init` takes."""

    title: str = option("Title of the study.", "Facial EMG study")
    coder: list[str] | None = option(
        "Folder below derivatives/ with codings; repeat. The first counts."
    )
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class RunOptions(OfDataSet):
    """What `emgrig study run` takes."""

    only: list[str] | None = option("These recordings or participants only (sub-01); repeat.")
    jobs: int = option("Local processes; -1 is one a core.", 1)
    scheduler: str | None = option("tcp://HOST:PORT of a dask cluster that sees the data set.")


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OfDataSet):
    """What `emgrig study report` takes."""

    mixed: bool = flag("Also fit mixed models (needs statsmodels).")
