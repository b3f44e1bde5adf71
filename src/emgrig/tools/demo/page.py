"""The demo's page: one self-contained HTML file."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emgrig.files import write_file
from emgrig.pages.page import render
from emgrig.pages.plots import BAD, COLOURS, figure, png, styled, svg
from emgrig.tools.demo.run import DemoResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Points a trace is drawn with; more cannot be seen.
N_COLUMNS = 1500


def write(path: Path, result: DemoResult) -> Path:
    """Write the page, and the signals as ``signals.png`` beside it; return the page's path."""
    drawn = _signals(result)
    write_file(path.with_name("signals.png"), png(drawn))
    account = result.account
    page = render(
        "emgrig.tools.demo/page.html",
        title=f"emgrig demo: {'PASS' if result.is_good else 'FAIL'}",
        simulated=bool(result.identity["is_simulated"]),
        outcome="pass" if result.is_good else "fail",
        result=result,
        signals=svg(drawn),
        account=[
            ("produced by the chip, as the board counted", result.conversions),
            ("received", account["received"]),
            ("lost while the link was cut", account["lost_in_outages"]),
            ("lost on the link otherwise", account["lost_on_link"] + account["lost_at_end"]),
            ("lost on the board", account["lost_on_board"]),
            ("received + lost", account["received"] + result.lost),
            ("not made, while the board stopped to compare registers", account["paused"]),
        ],
        clock=[
            ("data rate by the registers, Hz", f"{result.rate_hz:.1f}"),
            *((name, f"{value:.4g}") for name, value in result.clock.items()),
        ],
    )
    write_file(path, page)
    return path


@styled
def _signals(result: DemoResult) -> "Figure":
    """Draw every channel that is on, least and greatest of each column, gaps shaded."""
    shown = [i for i in range(result.volts.shape[1]) if np.ptp(result.volts[:, i]) > 0]
    drawn = figure(0.4 + 0.85 * len(shown))
    panels = drawn.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    for axes, index in zip(panels, shown, strict=True):
        microvolts = 1e6 * (result.volts[:, index] - np.median(result.volts[:, index]))
        t_s, low, high = _envelope(result.t_s, microvolts)
        axes.fill_between(t_s, low, high, color=COLOURS[0], linewidth=0.4)
        for begin, end, _ in result.gaps:
            axes.axvspan(begin, end, color=BAD, alpha=0.25)
        axes.set_title(f"{index + 1}  {result.names[index]}, µV", pad=2)
        axes.margins(x=0)
    panels[-1].set_xlabel("time, s")
    return drawn


def _envelope(
    t_s: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return time, least and greatest value of each drawn column; gaps stay apart (NaN)."""
    begin, end = t_s[0], t_s[-1]
    column = np.minimum(((t_s - begin) / (end - begin) * N_COLUMNS).astype(int), N_COLUMNS - 1)
    low = np.full(N_COLUMNS, np.nan)
    high = np.full(N_COLUMNS, np.nan)
    edges = np.flatnonzero(np.diff(column, prepend=-1))
    low[column[edges]] = np.minimum.reduceat(values, edges)
    high[column[edges]] = np.maximum.reduceat(values, edges)
    centres = begin + (np.arange(N_COLUMNS) + 0.5) * (end - begin) / N_COLUMNS
    return centres, low, high
