"""How what was found is said: which blinks could be told apart."""

import numpy as np
import pytest

from emgrig.analysis.report.candidates import Analysis, analyse
from emgrig.analysis.report.counts import blinks_said, tells_blinks


def analysed(*names: str, dead: int | None = None) -> Analysis:
    x = np.random.default_rng(0).normal(scale=2, size=(5000, len(names)))
    if dead is not None:
        x[:, dead] = 0.0
    return analyse(x, 1000.0, labels=names, units=["uV"] * len(names))


@pytest.mark.parametrize(
    ("names", "dead", "said"),
    [
        (("EMG 1", "EMG 2"), None, "blinks are not told apart: no channel is known as a muscle"),
        (("EMG 1", "orbicularis oculi"), 1, "blinks are not told apart: no channel is known"),
        (("EMG 1", "zygomaticus major"), None,
         "blinks, counted apart: 0 (no channel is known as orbicularis oculi"),
        (("EMG 1", "orbicularis oculi"), None, "blinks, counted apart: 0"),
    ],
)  # fmt: skip
def test_why_no_blinks_are_told_apart_is_said(
    names: tuple[str, ...], dead: int | None, said: str
) -> None:
    found = analysed(*names, dead=dead)
    assert blinks_said(found).startswith(said)
    assert tells_blinks(found) is ("not told" not in said)
    if said.endswith("0"):  # and not a word more
        assert blinks_said(found) == said
