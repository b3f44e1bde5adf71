from hypothesis import settings

from places import ROOT
from properties import examples


def test_ci_takes_the_same_examples_each_time_and_nightly_others_and_more() -> None:
    ci, nightly = settings.get_profile("ci"), settings.get_profile("nightly")
    assert ci.derandomize
    assert not nightly.derandomize
    assert nightly.max_examples == 20 * ci.max_examples
    assert ci.deadline is nightly.deadline is None


def test_examples_grow_with_the_profile() -> None:
    """Of whichever profile this run has: a hundred are what it takes by itself."""
    assert examples(100).max_examples == settings().max_examples
    assert examples(7).max_examples == 7 * examples(1).max_examples
    assert examples(100).derandomize is settings().derandomize


def test_no_test_counts_its_examples_itself() -> None:
    tests = (ROOT / "tests").rglob("test_*.py")
    own = [path.name for path in tests if "\n@settings" in path.read_text(encoding="utf-8")]
    assert own == []
