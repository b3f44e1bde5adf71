"""The command `emgrig study`: the paper's study on a data set of one's own."""

from dataclasses import dataclass
from pathlib import Path

import typer

from emgrig.tools.common.options import Overwrite, Printed, argument, option, takes

app = typer.Typer(
    no_args_is_help=True,
    help="The paper's study on your own BIDS data set: init, run, report.",
)


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

    mixed: bool = option("Also fit mixed models (needs statsmodels).", False)


@app.command("init")
@takes
def init_command(given: InitOptions) -> None:
    """Look at a data set, and write the settings of its study.

    They are written to derivatives/emgrig-study/study.toml, with every choice explained.

    Example: emgrig study init mystudy --coder coder-A --coder coder-B
    """
    from emgrig.tools.study.running import begin

    begin(given)


@app.command("run")
@takes
def run_command(given: RunOptions) -> None:
    """Analyse every recording that is not done yet; write a row an event and a recording.

    A result is kept under the content of its files, the settings and the version: a run that was
    stopped goes on, and only what changed is done again. A recording that fails stops no other.
    Exit code 1 if one failed.
    """
    from emgrig.tools.study.running import run

    run(given)


@app.command("report")
@takes
def report_command(given: ReportOptions) -> None:
    """Make the page, the paragraph of methods and the numbers of what was run.

    Written to derivatives/emgrig-study: report.html, methods.txt, numbers.json.
    """
    from emgrig.tools.study.running import report

    report(given)
