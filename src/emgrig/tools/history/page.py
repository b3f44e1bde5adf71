"""A history as one self-contained page."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from emgrig.files import make_folder, write_file
from emgrig.hil_tests.history import GOOD, Run
from emgrig.hil_tests.judging.measurement import title_of
from emgrig.hil_tests.trends import Trend, boards, line
from emgrig.names import unit_shown
from emgrig.pages.page import render
from emgrig.pages.plots import BAD, DOUBTFUL, QUIET, colour, one_panel, styled, svg

MOST_PICTURES = 12
_COLOURS = {"pass": colour(3), "marginal": DOUBTFUL, "fail": BAD}


def write(folder: Path, file: Path, runs: Sequence[Run], drift: Sequence[Trend]) -> Path:
    """Write ``index.html`` of the history `file` into `folder`; return it.

    Raises RecordingError if it cannot be written.
    """
    found = boards(runs)
    quantities = dict.fromkeys((one.check, one.quantity) for one in drift if one.share)
    page = render(
        "emgrig.tools.history/page.html",
        title="History of the bench",
        simulated=any(run.simulated for run in runs),
        outcome="",
        headline=line(runs),
        file=file.name,
        n_runs=len(runs),
        timeline=timeline(runs) if any(run.board for run in runs) else "",
        boards=[
            (
                one.name,
                f"{one.n_good} of {one.n_runs}",
                one.first.began[:10],
                one.last.began[:10],
                one.last.outcome,
                one.last.firmware,
                one.last.operator,
                one.last.cause,
            )
            for one in found
        ],
        pictures=[
            (f"{check} {title_of(quantity)}", trend(own, runs))
            for check, quantity in list(quantities)[:MOST_PICTURES]
            if (own := [one for one in drift if (one.check, one.quantity) == (check, quantity)])
        ],
        n_more=max(0, len(quantities) - MOST_PICTURES),
    )
    path = make_folder(folder) / "index.html"
    write_file(path, page)
    return path


@styled
def timeline(runs: Sequence[Run]) -> str:
    """Draw a row a board, a point a run, in the colour of its outcome."""
    names = list(dict.fromkeys(run.board for run in runs if run.board))
    drawn, axes = one_panel(0.9 + 0.22 * len(names))
    for outcome in dict.fromkeys(run.outcome for run in runs):
        here = [run for run in runs if run.board and run.outcome == outcome]
        axes.plot(
            [_when(run) for run in here],
            [names.index(run.board) for run in here],
            "o" if outcome in GOOD else "X",
            color=_COLOURS.get(outcome, QUIET),
            label=outcome,
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=True, axis="y")
    drawn.legend(loc="outside right upper")
    return svg(drawn)


@styled
def trend(own: Sequence[Trend], runs: Sequence[Run]) -> str:
    """Draw a quantity over time, of each board the channel that moved farthest, and its limits."""
    when = {run.run: _when(run) for run in runs}
    drawn, axes = one_panel(2.2)
    worst = {one.board: one for one in reversed(own)}  # `own` has the farthest first
    for number, (board, one) in enumerate(sorted(worst.items()), 1):
        where = "" if one.channel is None else f", channel {one.channel}"
        times = [when[run] for run in one.runs]
        axes.plot(times, one.values, "o-", color=colour(number), label=f"{board}{where}")
    for limit in {own[0].low, own[0].high} - {None}:
        axes.axhline(float(limit or 0.0), color=BAD, linewidth=0.8, linestyle="--")
    axes.set(ylabel=unit_shown(own[0].unit).removeprefix("1"))
    drawn.legend(loc="outside right upper")
    return svg(drawn)


def _when(run: Run) -> Any:
    return datetime.fromisoformat(run.began)
