"""Pictures: what is written on them."""

import re

from emgrig.pages import plots


@plots.styled
def logarithmic(x: tuple[float, float] = (0.5, 300), y: tuple[float, float] = (2, 25)) -> list[str]:
    drawn, axes = plots.one_panel(2.0)
    axes.loglog(x, y)
    return re.findall(r"<text[^>]*>([^<]*)</text>", plots.svg(drawn))


def test_numbers_at_logarithmic_axes_are_numbers() -> None:
    said = logarithmic()
    assert {"1", "10", "100", "2", "5", "20", "200"} <= set(said)
    assert not [word for word in said if "$" in word or word in {"3", "40"}]


def test_a_logarithmic_axis_of_less_than_a_decade_has_numbers_too() -> None:
    """From 0.6 to 0.9 there is no 1, 2 or 5: none would be written."""
    said = [float(word) for word in logarithmic((0.62, 0.94), (1, 100))]
    assert len([value for value in said if 0.6 < value < 0.95]) >= 2


def test_small_numbers_have_powers_of_ten() -> None:
    assert {"10⁻⁶", "2×10⁻⁷"} <= set(logarithmic((1, 100), (1e-7, 2e-6)))
