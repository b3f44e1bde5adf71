"""A face with its electrodes, drawn as SVG."""

from collections.abc import Callable
from html import escape

from emgrig.calibration.contact.lights import Light
from emgrig.recording.face_positions import EYES_MM, NASION_TO_CHIN_MM, SITES, Point

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
_VIEW = "-8 -20 166 196"
_BIAS = (8.0, 104.0)
_LINE = 'fill="none" stroke="#868e96" stroke-width="1.1" stroke-linecap="round"'


def face_svg(light_of: Callable[[int, str], Light], bias: Light, channels: set[int]) -> str:
    """Draw the face as it looks at us; the participant's left is on the right.

    Parameters
    ----------
    light_of : callable
        Light of an electrode: channel, and "p" or "n".
    bias : Light
        Of the bias electrode, drawn on the other side: the picture does not know where it is.
    channels : set of int
        Those that are on; the others are left out.
    """
    parts = [_outline()]
    for site in SITES:
        if site.channel in channels:
            ends = [("p", site.positive), ("n", site.negative)]
            (x1, y1), (x2, y2) = (_place(point) for _, point in ends)
            parts.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#495057"/>'
            )
            parts += [
                _dot(*_place(point), f"c{site.channel}{side}", light_of(site.channel, side))
                for side, point in ends
            ]
            parts.append(
                f'<text x="{max(x1, x2) + 6:.1f}" y="{(y1 + y2) / 2 + 2:.1f}" font-size="6.5" '
                f'fill="#364152"><title>{escape(site.muscle)}</title>c{site.channel}</text>'
            )
    parts.append(_dot(*_BIAS, "bias", bias))
    parts.append(f'<text x="{_BIAS[0] - 6}" y="{_BIAS[1] + 12}" font-size="6.5">bias</text>')
    return (
        f'<svg viewBox="{_VIEW}" role="img" aria-label="electrodes" '
        f'xmlns="http://www.w3.org/2000/svg" style="width:100%;max-height:46vh">{"".join(parts)}'
        "</svg>"
    )


def _place(point: Point) -> tuple[float, float]:
    x = _LEFT_MM + point.x_percent / 100 * EYES_MM
    return x, _CHIN_MM - point.y_percent / 100 * NASION_TO_CHIN_MM


def _dot(x: float, y: float, name: str, light: Light) -> str:
    return (
        f'<g data-electrode="{name}" data-light="{light}"><title>{name}: {light}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{FILL[light]}" stroke="#fff"/>'
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
