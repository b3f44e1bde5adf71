"""What `emgrig sync` found, as one self-contained HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emgrig.analysis.clocks.tube import Kind
from emgrig.tools.calibrate.page import svg
from emgrig.tools.sync.words import jump_rows, verdict, wrong_rows

if TYPE_CHECKING:
    from emgrig.analysis.clocks.tube import TubeSync

_GOOD, _WRONG = "#1f4e79", "#b3261e"
#: The picture goes this many bounds to either side; what lies beyond is drawn at its edge.
_SHOWN = 2.5


def write(path: Path, name: str, found: "TubeSync", facts: list[tuple[str, str]]) -> None:
    """Write the page; RecordingError if it cannot be written."""
    from emgrig.recording.export.staging import whole_file

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emgrig.tools"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("sync.html").render(
        name=name,
        verdict=verdict(found),
        remarks=found.remarks,
        facts=facts,
        jumps=jump_rows(found),
        wrong=wrong_rows(found),
        picture=svg(picture(found)),
    )
    with whole_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def picture(found: "TubeSync") -> Figure:
    """Draw the residual of each reading, wrong ones crossed; below, where the film jumps."""
    figure = Figure(figsize=(10, 6.2 if found.jumps else 4.2), layout="constrained")
    ratios = [2, 1] if found.jumps else [1]
    panels = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    _draw_residuals(panels[0], found)
    if found.jumps:
        _draw_film(panels[1], found)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        for one in found.jumps:
            axes.axvline((one.after_s + one.before_s) / 2, color="#b26a00", linewidth=0.8)
    panels[-1].set_xlabel("video, s")
    return figure


def _draw_residuals(axes: Axes, found: "TubeSync") -> None:
    bound_ms, edge_ms = found.bound_s * 1e3, found.bound_s * 1e3 * _SHOWN
    residual_ms = np.nan_to_num(found.residuals_s * 1e3, nan=edge_ms).clip(-edge_ms, edge_ms)
    is_good, is_wrong = found.kinds == Kind.GOOD, found.kinds == Kind.WRONG
    axes.axhspan(-bound_ms, bound_ms, color="#1f4e79", alpha=0.08, label="bound of one reading")
    axes.plot(
        found.video_s[is_good], residual_ms[is_good], ".", color=_GOOD, markersize=4, label="good"
    )
    axes.plot(
        found.video_s[is_wrong], residual_ms[is_wrong], "x", color=_WRONG, markersize=6,
        label="wrong; at the edge: further off",
    )  # fmt: skip
    for one in found.jumps:
        where = ((one.after_s + one.before_s) / 2, edge_ms)
        axes.annotate(f"{one.n_frames:+d}", where, (2, 4), textcoords="offset points", fontsize=8)
    axes.set_ylim(-1.15 * edge_ms, 1.25 * edge_ms)
    axes.set_ylabel("map less reading, ms")
    axes.set_title(
        "residual of each reading; a line where frames were lost", loc="left", fontsize=9
    )
    axes.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)


def _draw_film(axes: Axes, found: "TubeSync") -> None:
    """Draw by how much the film is ahead of a film without jumps, in frames."""
    base = found.video_s * found.samples_per_s + found.offsets[0]
    ahead = (found.sample(found.video_s) - base) / found.samples_per_s / found.frame_s
    axes.step(found.video_s, ahead, where="mid", color=_GOOD, linewidth=1.2)
    axes.set_ylabel("frames lost")
