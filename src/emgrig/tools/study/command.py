"""The command `emgrig study`: the paper's study on a data set of one's own."""

import typer

from emgrig.extras import require
from emgrig.study.dataset import check_data_set
from emgrig.study.places import check_begun
from emgrig.tools.common.options import takes
from emgrig.tools.study.options import InitOptions, ReportOptions, RunOptions

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The paper's study on your own BIDS data set: init, run, report.",
)


@app.command("init")
@takes
def init_command(given: InitOptions) -> None:
    """Look at a data set, and write the settings of its study.

    They are written to derivatives/emgrig-study/study.toml, with every choice explained.

    Example: emgrig study init mystudy --coder coder-A --coder coder-B
    """
    check_data_set(given.root)
    from emgrig.tools.study.running import begin

    begin(given)


@app.command("run")
@takes
def run_command(given: RunOptions) -> None:
    """Analyse every recording that is not done yet; write a row an event and a recording.

    A result is kept under the content of its files, the settings and the version: a run that was
    stopped goes on, and only what changed is done again. A recording that fails stops no other.
    With --only the results are kept and no table is written: that is for a workflow manager that
    does recordings one by one. Exit code 1 if a recording failed.
    """
    check_begun(given.root)
    from emgrig.tools.study.running import run

    run(given)


@app.command("report")
@takes
def report_command(given: ReportOptions) -> None:
    """Make the page, the paragraph of methods and the numbers of what was run.

    Written to derivatives/emgrig-study: report.html, methods.txt, numbers.json.
    """
    if given.mixed:
        require("statsmodels.api", "mixed", "--mixed")
    check_begun(given.root)
    from emgrig.tools.study.running import report

    report(given)
