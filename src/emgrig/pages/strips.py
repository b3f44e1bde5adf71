"""Strips of signals over one time, as SVG in the style of `emgrig.pages.plots`.

Our own few lines: a page of eight strips takes matplotlib 2.5 s, half of them to be imported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from emgrig.names import shown
from emgrig.pages.plots import INK, LINE, PAPER, QUIET, WIDTH_IN

Floats = NDArray[np.float64]

#: Points, as all lengths here: the picture, a strip and what lies above each, and the margins.
_WIDTH, _STRIP, _TITLE, _RIGHT, _FOOT = 72 * WIDTH_IN, 55.0, 20.0, 14.0, 32.0
_TICK, _LETTER, _MARK = 3.5, 5.4, 5.0
_OVER = 14.0  #: For words above bands.
#: Ticks at most.
_MOST_ACROSS, _MOST_UP = 10, 5
#: So many times beyond its edge a signal is drawn; the strip's edge cuts it off.
_BEYOND = 4.0
_STYLE = "font:8.5px 'DejaVu Sans',sans-serif;stroke-linejoin:round"
_BOLD = "font-weight:bold;font-size:9px"


@dataclass(frozen=True)
class Span:
    """A stretch of time that is coloured over the whole height; hatched if it is doubtful."""

    begin_s: float
    end_s: float
    colour: str  #: ``#rrggbb``
    is_hatched: bool = False


@dataclass(frozen=True)
class Band:
    """A stretch of time behind all strips, with a word above the first."""

    begin_s: float
    end_s: float
    colour: str
    word: str = ""
    opacity: float = 0.13


@dataclass(frozen=True)
class Strip:
    """One signal: arrays of one shape, NaN where there is a gap."""

    title: str
    time_s: Floats
    low: Floats  #: What is filled in grey lies between these.
    high: Floats
    line: Floats
    limit: float  #: The strip shows values up to this, up and down.
    spans: Sequence[Span] = ()
    ticks_s: Sequence[float] = ()  #: Moments that are marked at the strip's lower edge.


def strips_svg(
    strips: Sequence[Strip],
    end_s: float,
    *,
    begin_s: float = 0.0,
    bands: Sequence[Band] = (),
    strip_height: float = _STRIP,
) -> str:
    """Draw strips below each other, from `begin_s` to `end_s`; returns an ``<svg>`` element.

    The same strips give the same bytes.
    """
    length_s = end_s - begin_s
    limits = [one.limit if np.isfinite(one.limit) and one.limit > 0 else 1.0 for one in strips]
    each = _TITLE + strip_height
    over = _OVER if any(one.word for one in bands) else 0.0
    height = over + len(strips) * each + _FOOT
    most_up = _MOST_UP if strip_height >= _STRIP else _MOST_UP - 2
    heads = [_ticks(-limit, limit, most_up) for limit in limits]
    left = 12 + _LETTER * max(len(text) for ticks in heads for _, text in ticks)
    wide = _WIDTH - left - _RIGHT
    length_s = length_s if length_s > 0 else 1.0
    across = [
        (left + wide * (t - begin_s) / length_s, text)
        for t, text in _ticks(begin_s, begin_s + length_s, _MOST_ACROSS)
    ]
    size = f'width="{_WIDTH:g}pt" height="{height:g}pt" viewBox="0 0 {_WIDTH:g} {height:g}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{_STYLE}">',
        f'<path d="M0,0H{_WIDTH:g}V{height:g}H0z" style="fill:{PAPER}"/>',
        *_hatches(strips),
        *_bands(bands, begin_s, left, wide / length_s, height - _FOOT),
    ]
    for nth, (strip, limit, ticks) in enumerate(zip(strips, limits, heads, strict=True)):
        top = over + nth * each + _TITLE
        half = strip_height / 2
        place = _Place(left, top, wide / length_s, half / limit, top + half, begin_s, strip_height)
        out += _strip(strip, ticks, place, f"c{nth}", wide)
        out += _axes(place, wide, ticks, [x for x, _ in across])
    base = over + len(strips) * each
    out += [_text(x, base + 14, text, "middle") for x, text in across]
    out += [_text(left + wide / 2, base + 27, "time, s", "middle"), "</svg>\n"]
    return "\n".join(out)


@dataclass(frozen=True)
class _Place:
    """Where a strip lies, and how time and value become points."""

    left: float
    top: float
    per_s: float
    per_unit: float
    middle: float
    begin_s: float
    height: float

    def x(self, time_s: Floats | float) -> Floats:
        return np.asarray(self.left + self.per_s * (np.asarray(time_s) - self.begin_s))

    def y(self, value: Floats | float) -> Floats:
        return np.asarray(self.middle - self.per_unit * np.asarray(value))


def _strip(
    strip: Strip, ticks: Sequence[tuple[float, str]], place: _Place, name: str, wide: float
) -> Iterator[str]:
    yield f'<clipPath id="{name}"><path d="{_box(place, wide)}"/></clipPath>'
    for value, _ in ticks:
        y = place.y(value)
        yield _line(f"M{place.left:.2f},{y:.2f}h{wide:.2f}", LINE, 0.6)
    most = _BEYOND * place.height / 2 / place.per_unit
    x = place.x(strip.time_s)
    low, high, line = (
        place.y(np.clip(values, -most, most)) for values in (strip.low, strip.high, strip.line)
    )
    filled = "".join(
        f"M{_points(x[part], low[part])} {_points(x[part][::-1], high[part][::-1])}z"
        for part in _whole(low + high)
    )
    yield f'<g clip-path="url(#{name})">'
    yield f'<path d="{filled}" style="fill:{QUIET};stroke:{QUIET};stroke-width:0.3"/>'
    kinds: dict[tuple[str, bool], str] = {}
    for one in strip.spans:
        begin, end = place.x(one.begin_s), place.x(one.end_s)
        box = f"M{begin:.2f},{place.top:.2f}h{end - begin:.2f}v{place.height:g}h{begin - end:.2f}z"
        kind = one.colour, one.is_hatched
        kinds[kind] = kinds.get(kind, "") + box
    for (colour, is_hatched), boxes in kinds.items():
        paint = f"fill:{colour};stroke:{colour};stroke-width:0.8"
        yield f'<path d="{boxes}" style="{paint};fill-opacity:0.3;stroke-opacity:0.3"/>'
        if is_hatched:
            yield f'<path d="{boxes}" style="fill:url(#{_hatch(colour)})"/>'
    drawn = "".join(f"M{_points(x[part], line[part])}" for part in _whole(line))
    yield _line(drawn, INK, 0.9)
    base = place.top + place.height
    if len(strip.ticks_s):
        marks = "".join(f"M{place.x(at_s):.1f},{base:.2f}v{-_MARK:g}" for at_s in strip.ticks_s)
        yield _line(marks, QUIET, 0.8)
    yield "</g>"
    yield _text(place.left, place.top - 5, shown(strip.title), "start", _BOLD)


def _bands(
    bands: Sequence[Band], begin_s: float, left: float, per_s: float, height: float
) -> Iterator[str]:
    for one in bands:
        x, width = left + per_s * (one.begin_s - begin_s), per_s * (one.end_s - one.begin_s)
        box = f"M{x:.1f},{_OVER:g}h{width:.1f}V{height:g}h{-width:.1f}z"
        yield f'<path d="{box}" style="fill:{one.colour};fill-opacity:{one.opacity:g}"/>'
        if one.word:
            yield _text(x + width / 2, _OVER - 4, shown(one.word), "middle")


def _axes(
    place: _Place, wide: float, ticks: Sequence[tuple[float, str]], across: Sequence[float]
) -> Iterator[str]:
    base = place.top + place.height
    yield _line(f"M{place.left:.2f},{place.top:.2f}v{place.height:g}h{wide:.2f}", QUIET, 0.8)
    marks = "".join(f"M{x:.2f},{base:.2f}v{_TICK:g}" for x in across)
    for value, text in ticks:
        y = place.y(value)
        marks += f"M{place.left:.2f},{y:.2f}h{-_TICK:g}"
        yield _text(place.left - 7, float(y) + 3.1, text, "end")
    yield _line(marks, QUIET, 0.8)


def _box(place: _Place, wide: float) -> str:
    return f"M{place.left:.2f},{place.top:.2f}h{wide:.2f}v{place.height:g}h{-wide:.2f}z"


def _line(path: str, colour: str, width: float) -> str:
    return f'<path d="{path}" style="fill:none;stroke:{colour};stroke-width:{width:g}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    style = f"fill:{INK};text-anchor:{anchor};{more}".rstrip(";")
    return f'<text x="{x:.2f}" y="{y:.2f}" style="{style}">{escape(text, quote=False)}</text>'


def _hatch(colour: str) -> str:
    return f"h{colour[1:]}"


def _hatches(strips: Sequence[Strip]) -> Iterator[str]:
    """Give a pattern for each colour that is hatched somewhere."""
    for colour in sorted({s.colour for one in strips for s in one.spans if s.is_hatched}):
        yield (
            f'<pattern id="{_hatch(colour)}" width="5" height="5" patternUnits="userSpaceOnUse">'
            f'<path d="M-1,6L6,-1M-1,1L1,-1M4,6L6,4" style="stroke:{colour};stroke-width:0.8"/>'
            "</pattern>"
        )


def _whole(values: Floats) -> list[slice]:
    """Return the stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(values), [False]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _points(x: Floats, y: Floats) -> str:
    pairs = np.column_stack([x, y]).ravel().tolist()
    return " ".join(["%.2f,%.2f"] * len(x)) % tuple(pairs)


def _ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Return at most `most` round numbers from `low` to `high`, with their words."""
    step = 10.0 ** np.floor(np.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20):
        first, last = np.ceil(low / step / factor), np.floor(high / step / factor)
        if last - first < most:
            break
    step *= factor
    n_places = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    is_plain = max(abs(low), abs(high)) < 1e6 and n_places <= 4
    values = [step * k for k in range(int(first), int(last) + 1)]
    words = [f"{v:.{n_places}f}" if is_plain else f"{v:.3g}" for v in values]
    return [(v, word.replace("-", "\N{MINUS SIGN}")) for v, word in zip(values, words, strict=True)]
