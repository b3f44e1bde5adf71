"""The pages of the documentation, where this installation has them."""

from functools import cache
from pathlib import Path

_FIRST = "index.md"
_INSTALLED = f"share/doc/emgrig/{_FIRST}"


@cache
def folder() -> Path | None:
    """Return where the pages lie: in a checkout, or where pip has put them; None if nowhere."""
    checkout = Path(__file__).parents[4] / "docs"
    if (checkout / _FIRST).is_file():
        return checkout
    from importlib import metadata

    try:
        files = metadata.files("emgrig") or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(one.locate())) for one in files if str(one).endswith(_INSTALLED))
    return next((one.resolve().parent for one in found if one.is_file()), None)


def pages() -> dict[str, Path]:
    """Return the pages by name, as "bringup.md"."""
    where = folder()
    found = sorted(where.glob("*.md")) if where else []
    return {one.name: one for one in found if one.name != _FIRST}


def find_page(word: str) -> Path | None:
    """Return the page that goes by "docs/bringup.md", "bringup.md" or "bringup"."""
    name = word.casefold().removeprefix("docs/").removesuffix(".md")
    return pages().get(f"{name}.md")


def title_of(page: Path) -> str:
    """Return the heading of a page."""
    text = page.read_text("utf-8")
    heading = (line for line in text.splitlines() if line.startswith("# "))
    return next(heading, page.name).removeprefix("# ")
