"""The strips of a page: what is drawn, read back from the SVG."""

import re
from xml.etree import ElementTree as ET

import numpy as np

from emgrig.pages.page import _picture
from emgrig.pages.strips import Span, Strip, strips_svg

SVG = "{http://www.w3.org/2000/svg}"


def strip(title: str = "Zyg, uV", n: int = 100, limit: float = 10.0, **more: object) -> Strip:
    time_s = np.arange(n) / 10
    level = 5 * np.sin(time_s)
    return Strip(title, time_s, level - 1, level + 1, level, limit, **more)  # type: ignore[arg-type]


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter(f"{SVG}text")]


def paths(svg: str, style: str) -> list[str]:
    return [
        p.get("d", "") for p in ET.fromstring(svg).iter(f"{SVG}path") if style in p.get("style", "")
    ]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def test_ticks_and_titles_are_said_in_round_numbers() -> None:
    svg = strips_svg([strip(), strip("Corr, uV", limit=0.013)], 1800.0)
    said = texts(svg)
    assert said.count("\N{MINUS SIGN}10") == said.count("0.010") == 1
    for word in ("Zyg, uV", "Corr, uV", "200", "1800", "time, s"):
        assert word in said


def test_the_line_lies_where_time_and_value_say() -> None:
    svg = strips_svg([strip()], 9.9)
    (line,) = paths(svg, "stroke-width:0.9")
    (zero, _), *_, (end, _) = drawn = points(line)
    assert len(drawn) == 100
    up = {t.text: float(t.get("y", "")) for t in ET.fromstring(svg).iter(f"{SVG}text")}
    per_unit = (up["\N{MINUS SIGN}10"] - up["10"]) / 20
    middle = (up["\N{MINUS SIGN}10"] + up["10"]) / 2 - 3.1  # words stand below their ticks
    expected = [middle - per_unit * 5 * np.sin(k / 10) for k in range(100)]
    np.testing.assert_allclose([y for _, y in drawn], expected, atol=0.02)
    np.testing.assert_allclose(np.diff([x for x, _ in drawn]), (end - zero) / 99, atol=0.02)


def test_a_gap_is_not_drawn_over() -> None:
    gappy = strip()
    for values in (gappy.low, gappy.high, gappy.line):
        values[40:50] = np.nan
    svg = strips_svg([gappy], 10.0)
    (line,) = paths(svg, "stroke-width:0.9")
    assert line.count("M") == 2
    assert len(points(line)) == 90
    assert "nan" not in svg


def test_spans_have_their_colour_and_doubtful_ones_a_hatch() -> None:
    spans = (Span(1.0, 2.0, "#1d9a88"), Span(3.0, 4.0, "#c8642f", is_hatched=True))
    svg = strips_svg([strip(spans=spans)], 10.0)
    assert len(paths(svg, "fill:#1d9a88")) == len(paths(svg, "fill:#c8642f")) == 1
    (hatched,) = paths(svg, "fill:url(#")
    assert hatched == paths(svg, "fill:#c8642f")[0]
    assert [p.get("id") for p in ET.fromstring(svg).iter(f"{SVG}pattern")] == ["hc8642f"]


def test_names_of_others_are_letters_and_ids_are_the_pictures_own() -> None:
    svg = strips_svg([strip("<script>alert(1)</script>\x1b[31m")], 10.0)
    assert "<script>alert(1)</script>\\x1b[31m" in texts(svg)
    on_page = str(_picture(svg))
    ids = re.findall(r' id="([^"]+)"', on_page)
    assert ids
    assert all(one.startswith("p") for one in ids)
    assert set(re.findall(r"url\(#([^)]+)\)", on_page)) <= set(ids)
    assert "var(--line)" in on_page
    assert "currentColor" in on_page


def test_the_same_strips_give_the_same_bytes_and_odd_limits_do_not_stop_it() -> None:
    odd = [strip(limit=limit) for limit in (0.0, float("nan"), 1e-9, 3e7)]
    assert strips_svg(odd, 0.0) == strips_svg(odd, 0.0)
    ET.fromstring(strips_svg(odd, 1e6))


def test_every_trace_has_a_number_beside_zero() -> None:
    for limit in np.geomspace(1e-3, 1e4, 60):
        assert any(
            word[:1] == "\N{MINUS SIGN}" for word in texts(strips_svg([strip(limit=limit)], 9.0))
        )
