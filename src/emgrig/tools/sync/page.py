"""What `emgrig sync` found, as one self-contained HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emgrig.analysis.clocks.tube import Kind
from emgrig.files import write_file
from emgrig.pages.page import render
from emgrig.pages.plots import BAD, COLOURS, DOUBTFUL, figure, styled, svg
from emgrig.tools.sync.words import jump_rows, verdict, wrong_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emgrig.analysis.clocks.tube import TubeSync

#: The picture goes this many bounds to either side; what lies beyond is drawn at its edge.
_SHOWN = 2.5


def write(
    path: Path, name: str, found: "TubeSync", facts: list[tuple[str, str]], *, simulated: bool
) -> None:
    """Write the page; RecordingError if it cannot be written."""
    page = render(
        "emgrig.tools.sync/page.html",
        title=f"Video and samples of {name}",
        simulated=simulated,
        outcome="pass" if found.is_within_bound else "fail",
        name=name,
        verdict=verdict(found),
        remarks=found.remarks,
        facts=facts,
        jumps=jump_rows(found),
        wrong=wrong_rows(found),
        picture=picture(found),
    )
    write_file(path, page)


@styled
def picture(found: "TubeSync") -> str:
    """Draw the residual of each reading, wrong ones crossed; below, where the film jumps."""
    drawn = figure(5.0 if found.jumps else 3.4)
    ratios = [2, 1] if found.jumps else [1]
    panels = drawn.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    _draw_residuals(panels[0], found)
    if found.jumps:
        _draw_film(panels[1], found)
    for axes in panels:
        for one in found.jumps:
            axes.axvline((one.after_s + one.before_s) / 2, color=DOUBTFUL)
    panels[-1].set_xlabel("video, s")
    return svg(drawn)


def _draw_residuals(axes: "Axes", found: "TubeSync") -> None:
    bound_ms, edge_ms = found.bound_s * 1e3, found.bound_s * 1e3 * _SHOWN
    residual_ms = np.nan_to_num(found.residuals_s * 1e3, nan=edge_ms).clip(-edge_ms, edge_ms)
    is_good, is_wrong = found.kinds == Kind.GOOD, found.kinds == Kind.WRONG
    axes.axhspan(-bound_ms, bound_ms, color=COLOURS[0], alpha=0.15, label="bound of one reading")
    axes.plot(found.video_s[is_good], residual_ms[is_good], ".", color=COLOURS[0], label="good")
    axes.plot(
        found.video_s[is_wrong], residual_ms[is_wrong], "x", color=BAD, markersize=6,
        label="wrong; at the edge: further off",
    )  # fmt: skip
    for one in found.jumps:
        where = ((one.after_s + one.before_s) / 2, edge_ms)
        axes.annotate(f"{one.n_frames:+d}", where, (2, 4), textcoords="offset points", fontsize=8)
    axes.set(ylim=(-1.15 * edge_ms, 1.25 * edge_ms), ylabel="map less reading, ms")
    axes.set_title("residual of each reading; a line where frames were lost", pad=20)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def _draw_film(axes: "Axes", found: "TubeSync") -> None:
    """Draw by how much the film is ahead of a film without jumps, in frames."""
    base = found.video_s * found.samples_per_s + found.offsets[0]
    ahead = (found.sample(found.video_s) - base) / found.samples_per_s / found.frame_s
    axes.step(found.video_s, ahead, where="mid", color=COLOURS[0], linewidth=1.2)
    axes.set_ylabel("frames lost")
