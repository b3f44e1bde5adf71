"""Pages from templates: each extends ``base.html`` and is one file without a script or a host."""

import re
import zlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from emgrig.sentences import counted

#: So many headings make a table of contents.
_MANY = 4
#: Colours of a plot that the page gives instead.
_FOLLOW = {"#1f2328": "currentColor", "#d1d9e0": "var(--line)", "#ffffff": "var(--paper)"}


def render(template: str, *, title: str, simulated: bool, outcome: str = "", **values: Any) -> str:
    """Make a page.

    `template` is package and file, as in "emgrig.hil_tests/page.html"; it extends "base.html" and
    can take from "parts.html". `title` is the window's; the page has a badge if what is shown came
    from a `simulated` board; `outcome`, the colour of the head, is "", "pass", "marginal", "fail"
    or "error". `values` are what the template needs; all of it, or `jinja2.UndefinedError` is
    raised.
    """
    given = {"title": title, "simulated": simulated, "outcome": outcome, **values}
    return _ENVIRONMENT.get_template(template).render(given)


def _source(name: str) -> str:
    package, _, file = name.rpartition("/")
    return files(package or __package__).joinpath(file).read_text(encoding="utf-8")


def _picture(svg: str) -> Markup:
    """Put a picture into the page: its colours follow the page's, and its ids are its own."""
    for colour, variable in _FOLLOW.items():
        svg = svg.replace(colour, variable)
    mark = f"p{zlib.crc32(svg.encode()):08x}-"
    for reference in (' id="', 'href="#', "url(#"):
        svg = svg.replace(reference, reference + mark)
    return Markup(svg.replace("<svg ", '<svg role="img" ', 1))  # noqa: S704 - ours


def _contents(body: Markup) -> Markup:
    """Give each <h2> an id; a page with four or more gets a table of contents."""
    found: list[Markup] = []

    def named(heading: re.Match[str]) -> str:
        words = re.sub(r"<[^>]*>", " ", heading[1]).strip()
        found.append(Markup(f'<li><a href="#s{len(found) + 1}">{words}</a></li>\n'))  # noqa: S704
        return f'<h2 id="s{len(found)}">{heading[1]}</h2>'

    # What is put together here was escaped by the template.
    named_body = Markup(re.sub(r"<h2>(.*?)</h2>", named, body, flags=re.DOTALL))  # noqa: S704
    if len(found) < _MANY:
        return named_body
    return Markup('<nav><ul class="contents">\n{}</ul></nav>\n{}').format(
        Markup("").join(found), named_body
    )


_ENVIRONMENT = Environment(
    loader=FunctionLoader(_source),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"picture": _picture, "contents": _contents}
_ENVIRONMENT.globals["counted"] = counted
