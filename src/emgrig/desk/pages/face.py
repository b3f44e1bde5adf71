"""A face with its electrodes, drawn as SVG."""

from collections import Counter
from collections.abc import Callable, Sequence

from emgrig.electrodes.face_positions import BIAS, EYES_MM, NASION_TO_CHIN_MM, SITES, Point, Site
from emgrig.electrodes.lights import Light
from emgrig.names import markup

FILL = {
    Light.GREEN: "#2b8a3e",
    Light.YELLOW: "#f2b705",
    Light.RED: "#c92a2a",
    Light.GREY: "#adb5bd",
}
SIGN = {Light.GREEN: "✓", Light.YELLOW: "!", Light.RED: "✗", Light.GREY: "?"}
"""Colours alone do not reach everybody."""

# In the picture, in mm, the frame's 0, 0 lies here.
_LEFT_MM, _CHIN_MM = 25.5, 170.0
_TOP_MM, _BOTTOM_MM = -20.0, 176.0
_ROW_MM, _PER_ROW = 13.0, 4
_LINE = 'fill="none" stroke="#868e96" stroke-width="1.1" stroke-linecap="round"'


def face_svg(
    light_of: Callable[[int, str], Light], bias: Light, channels: Sequence[tuple[int, str]]
) -> str:
    """Draw the face as it looks at us; the participant's left is on the right.

    `light_of` takes a channel, and "p" or "n". `channels` are number and name of those that are on;
    one that is on no muscle of the face is drawn below.
    """
    sites = sites_of(channels)
    others = [number for number, _ in channels if number not in sites]
    parts = [_outline(), _dot(*_place(BIAS), "bias", bias)]
    parts.append(_text(_place(BIAS)[0] + 7, _place(BIAS)[1] + 2, "bias"))
    for number, site in sites.items():
        parts += _pair(number, _place(site.positive), _place(site.negative), light_of)
        parts.append(_label(number, site))
    for index, number in enumerate(others):
        x, y = (index % _PER_ROW) * 38.0, _BOTTOM_MM + 5 + index // _PER_ROW * _ROW_MM
        parts += _pair(number, (x + 15, y), (x + 25, y), light_of)
        parts.append(_text(x - 3, y + 2, f"c{number}"))
    lights = {"bias": bias} | {
        f"c{number}{side}": light_of(number, side) for number, _ in channels for side in "pn"
    }
    height = _BOTTOM_MM - _TOP_MM + -(-len(others) // _PER_ROW) * _ROW_MM
    return (
        f'<svg viewBox="-8 {_TOP_MM:g} 166 {height:g}" role="img" '
        f'aria-label="{_words(lights)}" xmlns="http://www.w3.org/2000/svg" '
        f'style="width:100%;max-height:46vh">{"".join(parts)}</svg>'
    )


def sites_of(channels: Sequence[tuple[int, str]]) -> dict[int, Site]:
    """Return where channels are on the face: by the muscle's name, or by number without a name."""
    muscles = {site.muscle: site for site in SITES}
    numbered = {(site.channel, f"channel {site.channel}"): site for site in SITES}
    found = {
        number: muscles.get(name.strip().lower()) or numbered.get((number, name))
        for number, name in channels
    }
    return {number: site for number, site in found.items() if site is not None}


def _words(lights: dict[str, Light]) -> str:
    """Say in words what the picture shows, for those who hear it."""
    bad = [f"{name} {light}" for name, light in lights.items() if light is not Light.GREEN]
    n_green = Counter(lights.values())[Light.GREEN]
    return f"electrodes: {', '.join([*bad, f'{n_green} green'])}"


def _pair(
    number: int,
    positive: tuple[float, float],
    negative: tuple[float, float],
    light_of: Callable[[int, str], Light],
) -> list[str]:
    (x1, y1), (x2, y2) = positive, negative
    return [
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#495057"/>',
        _dot(x1, y1, f"c{number}p", light_of(number, "p")),
        _dot(x2, y2, f"c{number}n", light_of(number, "n")),
    ]


def _label(number: int, site: Site) -> str:
    """Write a channel's number beside its pair, where no other pair lies."""
    (x1, y1), (x2, y2) = _place(site.positive), _place(site.negative)
    y, title = (y1 + y2) / 2 + 2, markup(site.muscle)
    is_free = not any(
        abs(_place(point)[1] - y) < 8 and 0 < _place(point)[0] - max(x1, x2) < 20
        for other in SITES
        if other is not site
        for point in (other.positive, other.negative)
    )
    if is_free:
        return _text(max(x1, x2) + 7, y, f"c{number}", title=title)
    return _text(min(x1, x2) - 7, y, f"c{number}", title=title, anchor="end")


def _text(x: float, y: float, words: str, *, title: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="6.5" text-anchor="{anchor}" fill="#364152">'
        f"<title>{title}</title>{words}</text>"
    )


def _place(point: Point) -> tuple[float, float]:
    x = _LEFT_MM + point.x_percent / 100 * EYES_MM
    return x, _CHIN_MM - point.y_percent / 100 * NASION_TO_CHIN_MM


def _dot(x: float, y: float, name: str, light: Light) -> str:
    return (
        f'<g data-electrode="{name}" data-light="{light}"><title>{name}: {light}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.6" fill="{FILL[light]}" stroke="#fff"/>'
        f'<text x="{x:.1f}" y="{y + 2:.1f}" font-size="5.5" text-anchor="middle" '
        f'fill="{"#212529" if light is Light.YELLOW else "#fff"}">{SIGN[light]}</text></g>'
    )


def _outline() -> str:
    """Draw head, ears, eyes, brows, nose and mouth, in the frame of `face_positions`."""
    eye, mouth = 62.0, 126.0
    return (
        f'<path stroke="#868e96" stroke-width="1.1" fill="#f8f4ef" d="M4 70 C2 10 28 -16 70 -16 '
        'C112 -16 138 10 136 70 C136 118 112 170 70 170 C28 170 4 118 4 70Z"/>'
        f'<path {_LINE} d="M4 62 C-6 60 -4 98 8 96 M136 62 C146 60 144 98 132 96"/>'
        + "".join(
            f'<path {_LINE} d="M{70 + side * 16} {eye} C{70 + side * 24} {eye - 7} '
            f"{70 + side * 36} {eye - 7} {70 + side * 44.5} {eye} C{70 + side * 36} {eye + 6} "
            f'{70 + side * 24} {eye + 6} {70 + side * 16} {eye}"/>'
            f'<circle cx="{70 + side * 30.5}" cy="{eye}" r="3.4" {_LINE}/>'
            f'<path {_LINE} d="M{70 + side * 14} 47 C{70 + side * 24} 42 {70 + side * 36} 41 '
            f'{70 + side * 48} 48"/>'
            for side in (-1, 1)
        )
        + f'<path {_LINE} d="M66 58 C64 80 58 92 56 101 C58 110 82 110 84 101 C82 92 76 80 74 58"/>'
        f'<path {_LINE} d="M45 {mouth} C54 {mouth - 6} 63 {mouth - 6} 70 {mouth - 3} '
        f"C77 {mouth - 6} 86 {mouth - 6} 95 {mouth} C86 {mouth + 9} 54 {mouth + 9} "
        f'45 {mouth} Z M45 {mouth} L95 {mouth}"/>'
    )
