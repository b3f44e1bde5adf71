"""Pictures: what is written on them."""

import re

from emgrig.pages import plots


@plots.styled
def logarithmic() -> str:
    drawn, axes = plots.one_panel(2.0)
    axes.loglog([0.5, 300], [2, 25])
    return plots.svg(drawn)


def test_numbers_at_logarithmic_axes_are_numbers() -> None:
    said = re.findall(r"<text[^>]*>([^<]*)</text>", logarithmic())
    assert {"1", "10", "100", "2", "5", "20", "200"} <= set(said)
    assert not [word for word in said if "$" in word or word in {"3", "40"}]
