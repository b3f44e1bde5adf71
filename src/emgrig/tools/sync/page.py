"""What `emgrig sync` found, as one self-contained HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emgrig.analysis.clocks.tube import Kind
from emgrig.files import write_file
from emgrig.pages.page import render
from emgrig.pages.plots import BAD, COLOURS, DOUBTFUL, LINE, figure, styled, svg
from emgrig.tools.sync.words import jump_rows, verdict, wrong_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emgrig.analysis.clocks.tube import TubeSync
    from emgrig.analysis.film.reader import Sample
    from emgrig.tools.sync.film import Seen

#: The picture goes this many bounds to either side; what lies beyond is drawn at its edge.
_SHOWN = 2.5


def write(
    path: Path,
    name: str,
    found: "TubeSync",
    facts: list[tuple[str, str]],
    *,
    simulated: bool,
    seen: "Seen | None" = None,
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
        film=film_svg(seen) if seen is not None else "",
        sure=samples_svg(seen.read.least_sure) if seen is not None else "",
        doubtful=samples_svg(seen.read.doubtful) if seen is not None else "",
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


#: Width to which a frame is made smaller for the page, pixels.
_WIDE = 640
#: Samples in a row; room above each and beside it, pixels.
_COLUMNS, _TITLE, _BESIDE = 4, 10, 8


@styled
def film_svg(seen: "Seen") -> str:
    """Draw where the display was found in the film, and nothing else of it: a face may be there."""
    read = seen.read
    assert read.picture is not None
    assert read.place is not None
    height, width = read.picture.shape
    corners = read.place.corners
    beside = read.place.digit_height
    low = np.maximum(corners.min(axis=0) - beside, 0).astype(int)
    high = np.ceil(corners.max(axis=0) + beside).astype(int)
    box = slice(low[1], high[1]), slice(low[0], high[0])
    shown = np.full(read.picture.shape, np.nan)
    shown[box] = read.picture[box]
    step = max(width // _WIDE, 1)
    drawn = figure(9.0 * height / width)
    axes = drawn.subplots()
    extent = (0, width, height, 0)
    axes.imshow(shown[::step, ::step], cmap="gray", vmin=0, vmax=255, extent=extent)
    outline = np.vstack([corners, corners[:1]])
    axes.plot(outline[:, 0], outline[:, 1], color=BAD, linewidth=1.5)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], facecolor=LINE)
    axes.spines[:].set_visible(True)  # the edge of the film's picture
    return svg(drawn)


@styled
def samples_svg(samples: "tuple[Sample, ...]") -> str:
    """Draw displays as they were read, with what was read and how sure; empty without any."""
    if not samples:
        return ""
    high, wide = samples[0].face[::2, ::2].shape
    cell_high, cell_wide = high + _TITLE, wide + _BESIDE
    rows = -(-len(samples) // _COLUMNS)
    together = np.full((rows * cell_high, _COLUMNS * cell_wide), np.nan)
    drawn = figure(9.0 * together.shape[0] / together.shape[1])
    axes = drawn.subplots()
    for number, one in enumerate(samples):
        top, left = number // _COLUMNS * cell_high, number % _COLUMNS * cell_wide
        face = one.face[::2, ::2]
        together[top + _TITLE : top + cell_high, left : left + wide] = face[:high, :wide]
        text = "doubtful" if one.count is None else f"{one.count}"
        words = f"frame {one.frame}: {text} ({one.confidence:.2f})"
        axes.text(left, top + _TITLE - 2, words, fontsize=8, va="bottom")
    axes.imshow(together, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
    axes.set_axis_off()
    return svg(drawn)
