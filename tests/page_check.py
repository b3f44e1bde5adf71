"""What every page that a command writes must be."""

import re
from html.parser import HTMLParser

_VOID = {"meta", "br"}
_BLOCKS = {"div", "p", "ul", "table", "details", "h1", "h2", "h3", "figure", "nav", "header"}
#: A picture that the page brings along.
_INSIDE = "data:image/png;base64,"
_ADDRESSES = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}
#: Names of vocabularies, which nobody fetches.
_NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.generator = ""
        self.badges = 0
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert not (tag in _BLOCKS and "p" in self.open), f"<{tag}> in a <p>"
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "meta" and given.get("name") == "generator":
            self.generator = given["content"]
        self.ids += [given["id"]] if "id" in given else []
        self.links += [value for name, value in given.items() if name in _ADDRESSES]
        self.badges += tag == "strong" and given.get("class") == "sim"
        for name, value in given.items():
            assert value.startswith(_INSIDE) or "http" not in value or value in _NAMESPACES, (
                f"{tag} {name}={value}"
            )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def check_page(text: str, *, simulated: bool) -> None:
    """Hold a page against what all have in common: one file, well formed, with the badge or not."""
    page = _Page(text)
    assert page.generator == "emgrig", "it does not extend the base page"
    outside = {"script", "link", "iframe", "img", "object", "embed", "base", "form"}
    assert not outside & set(page.tags)
    assert page.tags.count("h1") == 1
    assert page.tags.index("header") < page.tags.index("h1") < page.tags.index("main")
    style = re.findall(r"<style.*?</style>", text, flags=re.DOTALL)
    assert "http" not in style[0]
    assert "@import" not in text
    assert "mathdefault" not in text, "a formula that nobody reads"
    assert all(link.startswith(("#", _INSIDE)) for link in page.links), "a link that leads outside"
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids), (
        "a link that leads nowhere"
    )
    assert len(page.ids) == len(set(page.ids)), "an id twice"
    headings = page.tags.count("h2")
    assert (page.tags.count("nav") == 1) == (headings > 3), "contents of a long page only"
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert page.badges == simulated
    assert text.count("<title>SIMULATED: ") == simulated
