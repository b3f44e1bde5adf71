"""The demo's page: one self-contained HTML file."""

import io
from pathlib import Path

import jinja2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emgrig.tools.demo.run import DemoResult

#: Points a trace is drawn with; more cannot be seen.
N_COLUMNS = 1500
INK, GAP_INK = "#1f4e79", "#f4c7c3"


def write(path: Path, result: DemoResult) -> Path:
    """Write the page and return its path."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emgrig.tools"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    figure = _signals(result)
    figure.savefig(path.with_name("signals.png"), dpi=90)
    page = environment.get_template("demo.html").render(
        result=result,
        lost=result.lost,
        signals=_svg(figure),
    )
    path.write_text(page, encoding="utf-8", newline="\n")
    return path


def _signals(result: DemoResult) -> Figure:
    """Draw every channel that is on, least and greatest of each column, gaps shaded."""
    shown = [i for i in range(result.volts.shape[1]) if np.ptp(result.volts[:, i]) > 0]
    figure = Figure(figsize=(10, 0.5 + 1.05 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    for axis, index in zip(axes, shown, strict=True):
        microvolts = 1e6 * (result.volts[:, index] - np.median(result.volts[:, index]))
        t_s, low, high = _envelope(result.t_s, microvolts)
        axis.fill_between(t_s, low, high, color=INK, linewidth=0.4)
        for begin, end, _ in result.gaps:
            axis.axvspan(begin, end, color=GAP_INK)
        axis.set_ylabel("µV", fontsize=8)
        axis.set_title(f"{index + 1}  {result.names[index]}", loc="left", fontsize=8, pad=2)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0)
    axes[-1].set_xlabel("s", fontsize=8)
    return figure


def _svg(figure: Figure) -> str:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "emgrig"}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


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
