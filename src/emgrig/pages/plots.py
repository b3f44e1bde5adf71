"""Pictures in one style, as SVG: the same drawing gives the same bytes.

matplotlib is imported here alone, when a picture is drawn.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from emgrig.names import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

WIDTH_IN = 8.0
#: On a page these two and the white paper follow the page, light or dark (`emgrig.pages.page`).
INK, LINE, PAPER = "#1f2328", "#d1d9e0", "#ffffff"
GOOD, DOUBTFUL, BAD, QUIET = "#3d8f57", "#b3730a", "#cf3b31", "#87909a"
#: One a channel; all can be told apart on white and on black.
COLOURS = (
    "#3f7fc1", "#cf7b26", "#4f9a5f", "#c0507f", "#8a6fc4", "#a17c3c", "#2a9d9d", "#7d8790",
)  # fmt: skip


def colour(channel: int) -> str:
    """Return the colour of a channel, 1 or more."""
    return COLOURS[(channel - 1) % len(COLOURS)]


def _style() -> dict[Any, Any]:
    from cycler import cycler

    return {
        "text.color": INK, "axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
        "axes.edgecolor": QUIET, "xtick.color": QUIET, "ytick.color": QUIET,
        "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "axes.facecolor": "none",
        "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.5,
        "axes.titlesize": 9, "axes.titleweight": "bold", "axes.titlelocation": "left",
        "axes.spines.right": False, "axes.spines.top": False, "axes.linewidth": 0.8,
        "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True,
        "grid.color": LINE, "grid.linewidth": 0.6,
        "legend.fontsize": 8, "legend.title_fontsize": 8, "legend.frameon": False,
        "lines.linewidth": 0.9, "lines.markersize": 4, "patch.linewidth": 0,
        "axes.prop_cycle": cycler(color=COLOURS),
        "text.parse_math": False,  # a name with $ is a name, no formula
        "axes.formatter.min_exponent": 3,  # 20, not 2 × 10¹
        "svg.fonttype": "none",  # text stays text: it can be searched, and is small
        "svg.hashsalt": "emgrig",
        "pdf.fonttype": 42,  # TrueType, which journals ask for
    }  # fmt: skip


_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Let a function draw in the one style."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        from matplotlib import rc_context

        with rc_context(_style()):
            return draw(*args, **kwargs)

    return drawn


def figure(height_in: float, width_in: float = WIDTH_IN) -> "Figure":
    """Return a figure of this size, inches; text on it has 8.5 points."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def one_panel(height_in: float, width_in: float = WIDTH_IN) -> "tuple[Figure, Axes]":
    """Return a figure and its only axes."""
    drawn = figure(height_in, width_in)
    return drawn, drawn.subplots()


@styled
def svg(drawn: "Figure") -> str:
    """Return a figure as an ``<svg>`` element, without a date."""
    out = io.StringIO()
    _plain_decades(drawn)
    with _any_letter():
        drawn.savefig(
            out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = out.getvalue()
    return shown(text[text.index("<svg") :])


def _plain_decades(drawn: "Figure") -> None:
    """Write numbers at logarithmic axes: matplotlib writes formulas there, and none are read.

    One that spans less than a decade has its numbers at even steps: it may hold no 1, 2 or 5.
    """
    from matplotlib.ticker import MaxNLocator, NullLocator

    for axes in drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() != "log":
                continue
            axis.set_major_formatter(lambda value, _: plain_number(value))
            low, high = sorted(axis.get_view_interval())
            if high < 10 * low:
                axis.set_major_locator(MaxNLocator(5))
                axis.set_minor_locator(NullLocator())
                continue
            axis.set_minor_formatter(
                lambda value, _: plain_number(value) if f"{value:e}"[0] in "25" else ""
            )


def plain_number(value: float) -> str:
    """Return a number of an axis; what would have an exponent of Python has a power of ten.

    >>> plain_number(0.5), plain_number(1e-6), plain_number(-5e-7), plain_number(2e10)
    ('0.5', '10⁻⁶', '−5×10⁻⁷', '2×10¹⁰')
    """
    mantissa, _, exponent = f"{value:g}".replace("-", "−", 1 if value < 0 else 0).partition("e")
    if not exponent:
        return mantissa
    power = str(int(exponent)).translate(_RAISED)
    digits = mantissa.removesuffix("1") if mantissa in ("1", "−1") else f"{mantissa}×"
    return f"{digits}10{power}"


@contextmanager
def _any_letter() -> Iterator[None]:
    """Draw names in any writing: what the font lacks is a box, and no warning to the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@styled
def pdf(drawn: "Figure") -> bytes:
    """Return a figure as a PDF file of one page, drawn in lines, without a date."""
    out = io.BytesIO()
    _plain_decades(drawn)
    nothing = dict.fromkeys(("CreationDate", "Creator", "Producer"))
    with _any_letter():
        drawn.savefig(out, format="pdf", metadata=nothing)
    return out.getvalue()


def png(drawn: "Figure", *, dpi: float = 110) -> bytes:
    """Return a figure as a PNG file of so many dots an inch."""
    out = io.BytesIO()
    _plain_decades(drawn)
    with _any_letter():
        drawn.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()
