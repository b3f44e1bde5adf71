"""Names of marks above the uppermost channel of a picture: none lies over another or sticks out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING

from emgrig.names import shown
from emgrig.reading import Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR = "#2b8a3e"
#: Rows of names; their size, how high a row is, room beside a line, and between names, points.
_ROWS, _SIZE_PT, _ROW_PT, _ROOM_PT, _BETWEEN_PT = 4, 6.0, 8.0, 2.0, 4.0
#: Letters are set on whole dots, so that a name is longer at some dots an inch than at others.
_LONGER = 1.06
_LONGEST, _LONGEST_SHARE = 24, 0.4  #: Letters, and of the width.
_TITLES_PT = (9.0, 8.0, 7.0)
#: Of so many lines a mm and more, lines are faint: they would cover what they mark.
_DENSE_PER_MM = 0.5


@dataclass(frozen=True)
class Placed:
    """Where a name lies: in a row, from the lowest, beside the line at `x`; points from the left.

    The line of its mark goes up to it.
    """

    row: int
    x: float
    begin: float
    end: float

    @property
    def is_left(self) -> bool:
        """Whether it stands left of its line."""
        return self.end <= self.x


def place(wanted: Sequence[tuple[float, float]], width: float) -> list[Placed | None]:
    """Find room for names, in as few rows as hold as many as any number of rows does.

    Parameters
    ----------
    wanted : sequence of (x, length)
        The line of each mark, from the left to the right, and how long its name is, points.
    width : float
        Points that there are.
    """
    tried = [_in_rows(wanted, width, n_rows) for n_rows in range(1, _ROWS + 1)]
    return max(tried, key=lambda found: sum(one is not None for one in found))


def _in_rows(
    wanted: Sequence[tuple[float, float]], width: float, n_rows: int
) -> list[Placed | None]:
    """Go down as stairs do: so the lines of later marks pass under the names of earlier ones."""
    placed: list[Placed] = []
    out: list[Placed | None] = []
    for x, length in wanted:
        found = next(
            (one for one in _places(x, length, width, n_rows) if _is_free(one, placed)), None
        )
        out.append(found)
        if found is not None:
            placed.append(found)
    return out


def _places(x: float, length: float, width: float, n_rows: int) -> Iterator[Placed]:
    for begin in (x + _ROOM_PT, x - _ROOM_PT - length):
        if begin >= 0 and begin + length <= width:
            for row in reversed(range(n_rows)):
                yield Placed(row, x, begin, begin + length)


def _is_free(one: Placed, placed: Sequence[Placed]) -> bool:
    for other in placed:
        low, high = sorted((one, other), key=lambda two: two.row)
        if one.row == other.row:
            ends = sorted((min(two.begin, two.x), max(two.end, two.x)) for two in (one, other))
            if ends[1][0] < ends[0][1] + _BETWEEN_PT:
                return False
        elif low.begin - _ROOM_PT < high.x < low.end + _ROOM_PT:  # its line would cross the name
            return False
    return True


def draw_marks(
    rows: "Sequence[Axes]", marks: Sequence[Mark], width_mm: float, title_pt: float
) -> str:
    """Draw a line for each mark in all rows, and names above the first, whose title is put higher.

    What is bad, gaps among it, has no name: it is shaded. Return what a caption should say of names
    that found no room.
    """
    alpha = 0.7 if len(marks) < _DENSE_PER_MM * width_mm else 0.25
    for mark in marks:
        for axes in rows:
            axes.axvline(mark.onset_s, color=COLOUR, lw=0.6, alpha=alpha)
    named = [one for one in marks if not one.is_bad and not one.text.lower().startswith("bad_")]
    if not named:
        return ""
    named.sort(key=lambda one: one.onset_s)  # some files have them as they came to be known
    n_placed = _name(rows[0], named, title_pt)
    return f"{n_placed} of {len(named)} marks named" if n_placed < len(named) else ""


def _name(axes: "Axes", marks: Sequence[Mark], title_pt: float) -> int:
    """Put names above the axes, and say how many found room."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # now it is known how wide the axes are
    to_pt = 72 / figure.dpi
    begin_s, end_s = axes.get_xlim()
    width = axes.get_window_extent().width * to_pt
    words = _Words(axes, to_pt, _LONGEST_SHARE * width)
    named = [words.cut(mark.text) for mark in marks]
    wanted = [
        ((mark.onset_s - begin_s) / (end_s - begin_s) * width, length)
        for mark, (_, length) in zip(marks, named, strict=True)
    ]
    found = place(wanted, width)
    for mark, (text, _), at in zip(marks, named, found, strict=True):
        if at is not None:
            _write(axes, mark.onset_s, text, at)
    rows = [at.row for at in found if at is not None]
    if rows:
        room_pt = _ROW_PT * (1 + max(rows))
        axes.set_title(axes.get_title(loc="left"), pad=6 + room_pt, fontsize=title_pt)
        _higher(figure, room_pt)
    return len(rows)


def _higher(figure: "Figure", by_pt: float) -> None:
    """Give words room of their own: they take none of the traces'."""
    width_in, height_in = figure.get_size_inches()
    figure.set_size_inches(width_in, height_in + by_pt / 72)


def _write(axes: "Axes", onset_s: float, text: str, at: Placed) -> None:
    up = _ROOM_PT + at.row * _ROW_PT
    top = ("data", "axes fraction")
    axes.annotate(
        text, (onset_s, 1.0), xycoords=top, xytext=((-1 if at.is_left else 1) * _ROOM_PT, up),
        textcoords="offset points", fontsize=_SIZE_PT, color=COLOUR, va="bottom",
        ha="right" if at.is_left else "left",
    )  # fmt: skip
    axes.annotate(
        "", (onset_s, 1.0), xycoords=top, xytext=(0, up + _SIZE_PT), textcoords="offset points",
        arrowprops={"arrowstyle": "-", "lw": 0.6, "color": COLOUR, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


@dataclass(frozen=True)
class _Words:
    """Names as they are drawn, and how long they are; points."""

    axes: "Axes"
    to_pt: float
    most: float
    known: dict[str, tuple[str, float]] = field(default_factory=dict)

    def cut(self, text: str) -> tuple[str, float]:
        """Shorten a name until it is no longer than it may be."""
        if text not in self.known:
            for n in range(min(len(text), _LONGEST), 0, -1):
                said = shown(shortened(text, n))
                tried = self.axes.text(0, 0, said, fontsize=_SIZE_PT)
                length = tried.get_window_extent().width * self.to_pt * _LONGER
                tried.remove()
                if length <= self.most:
                    break
            else:
                said, length = "", 0.0
            self.known[text] = said, length
        return self.known[text]


def shortened(text: str, n: int) -> str:
    """Return a text of at most `n` letters; a sign says that it was cut."""
    return text if len(text) <= n else f"{text[: n - 1].rstrip(' .,')}…"


def fit_titles(rows: "Sequence[Axes]", names: Sequence[tuple[str, str]]) -> float:
    """Title axes, laid out before, with name and unit: smaller, then cut, until all lie on it.

    Return their size, points.
    """
    figure = rows[0].get_figure(root=True)
    assert figure is not None
    for size in _TITLES_PT:
        is_in = True
        for axes, (name, unit) in zip(rows, names, strict=True):
            most = figure.bbox.width - axes.get_window_extent().x0
            for n in range(len(name), 0, -1):
                title = axes.set_title(shown(f"{shortened(name, n)}, {unit}"), fontsize=size)
                if title.get_window_extent().width * _LONGER <= most:
                    break
                is_in = False
        if is_in:
            break
    return size


def caption(axes: "Axes", words: Sequence[str]) -> None:
    """Write the time below, and words below that in as many lines as lie on the picture."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    label = axes.set_xlabel("time, s")
    text = " · ".join(words)
    place_px = axes.get_window_extent()
    middle = (place_px.x0 + place_px.x1) / 2
    most = 2 * min(middle, figure.bbox.width - middle)
    for n in range(len(text), 0, -1):
        lines = wrap(text, n)
        label.set_text("\n".join(["time, s", *lines]))
        if label.get_window_extent().width * _LONGER <= most:
            _higher(figure, 1.2 * float(label.get_fontsize()) * (len(lines) - 1))
            return
