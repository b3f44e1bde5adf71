"""The commands of the analysis: reproduce, analyse, clock-report, grid, indicators and synthetic.

`app` is a typer application; the command line adds its commands to its own. What they do is
imported when it is done: help and a wrong name must not wait for numpy and what it brings.
"""

import typer

from emgrig.extras import require
from emgrig.files import check_there
from emgrig.tools.analyse.options import (
    AnalyseOptions,
    GridOptions,
    IndicatorsOptions,
    OfCasmemg,
    ReproduceOptions,
    SyntheticOptions,
)
from emgrig.tools.common.options import takes

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="From volts to the numbers of the paper."
)


@app.command("reproduce")
@takes
def reproduce_command(given: ReproduceOptions) -> None:
    """Set every number the paper prints beside ours, with a computed verdict."""
    for path in (given.annotations, *(given.results or ())):
        if path is not None:
            check_there(path, "table")
    from emgrig.tools.analyse.reproducing import set_beside

    set_beside(given)


@app.command("clock-report")
@takes
def clock_report_command(given: OfCasmemg) -> None:
    """Report offset, drift, residual and jumps between video and EMG time, per recording."""
    check_there(given.annotations, "table")
    from emgrig.tools.analyse.clocks import report_clocks

    report_clocks(given)


@app.command("analyse")
@takes
def analyse_command(given: AnalyseOptions) -> None:
    """Find candidate expressions: an HTML page, a BIDS events.tsv and an ELAN file.

    What an earlier run or a person made is kept: the results are then called NAME_run2 and so on.
    """
    if given.video is not None:
        require("pympi.Elan", "elan", "--video")
    check_there(given.recording, "recording")
    from emgrig.tools.analyse.finding import find_candidates

    find_candidates(given)


@app.command("grid")
@takes
def grid_command(given: GridOptions) -> None:
    """Search the published 4500 parameter sets on every annotated clip."""
    check_there(given.annotations, "table")
    from emgrig.tools.analyse.casmemg import search_grid

    search_grid(given)


@app.command("indicators")
@takes
def indicators_command(given: IndicatorsOptions) -> None:
    """Take MVC% and iEMG as the authors' code does and as we do, and say what that changes.

    Their code drops the first 199 rows of a table, deletes rows that were lost, and reads the
    annotated times 200 ms late; ours leaves every sample at its time. MVC% differs as the peak
    does, whatever the MVC is.

    Example: emgrig indicators casmemg/ --annotations 380_sort.xlsx
    """
    check_there(given.annotations, "table")
    from emgrig.tools.analyse.indicators import compare_indicators

    compare_indicators(given)


@app.command("synthetic")
@takes
def synthetic_command(given: SyntheticOptions) -> None:
    """Write a synthetic CASMEMG, or with --bids a whole synthetic study; truth lies beside it.

    Of CASMEMG: the annotated expressions on drawn faces, in its layout. Of a study: an EMG-BIDS
    data set of 35 participants as emgrig session and export make it, with maximum contractions, 24
    clips, keys, ratings, losses, the tube and two coders; sourcedata/truth has what was made.

    Example: emgrig synthetic mystudy --bids --jobs -1
    """
    if given.bids:
        from emgrig.tools.analyse.synthetic_study import write_bids

        write_bids(given)
        return
    if given.annotations is None:
        raise ValueError("--annotations 380_sort.xlsx is needed, or --bids for a whole study")
    check_there(given.annotations, "table")
    from emgrig.tools.analyse.casmemg import write_synthetic

    write_synthetic(given, given.annotations)
