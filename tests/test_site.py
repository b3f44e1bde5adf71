"""The documentation site on a phone: a wide table scrolls in its own box, and can be read there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from browser_desk import chromium
from places import ROOT

pytestmark = [pytest.mark.long, pytest.mark.slow]
PAGES = ("bringup", "analysis", "performance", "settings")
#: Of each table: width of its box, of what is in it, and of its narrowest column with many words.
MEASURED = """() => [...document.querySelectorAll('.table-wrapper')].map(box => [
    box.clientWidth, box.scrollWidth, box.getBoundingClientRect().right,
    Math.min(...[...box.querySelectorAll('td')].filter(cell => cell.textContent.length > 40)
        .map(cell => cell.getBoundingClientRect().width)),
])"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build some pages as `make docs` builds all; links to the others lead nowhere."""
    folder = tmp_path_factory.mktemp("site")
    docs = folder / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    shutil.copytree(ROOT / "docs" / "_static", docs / "_static")
    for name in PAGES:
        shutil.copy(ROOT / "docs" / f"{name}.md", docs)
    entries = "\n".join(PAGES)
    (docs / "index.md").write_text(f"# Pages\n\n```{{toctree}}\n{entries}\n```\n", "utf-8")
    command = [sys.executable, "-m", "sphinx", "-Q", "-b", "html", str(docs), str(folder / "out")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    return folder / "out"


def test_wide_tables_scroll_in_their_own_box_on_a_phone(site: Path) -> None:
    n_wide = 0
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 900})
        for name in PAGES:
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == 390, name
            for box, content, right, narrowest in page.evaluate(MEASURED):
                n_wide += content > box
                assert right <= 390, name
                assert narrowest >= 125, f"{name}: {narrowest} px for a sentence"
        assert n_wide >= 4
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto((site / "bringup.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
