"""Where things are: this checkout, its recordings, and more real data that may lie beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Comes with the tests: tests/data/README.md.
DATA = ROOT / "tests" / "data"
RECORDINGS = DATA / "recordings"
#: What has no licence to come along.
SHARED = ROOT.parent / "shared" / "data"
