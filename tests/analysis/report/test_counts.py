"""How what was found is said: which blinks could be told apart."""

from dataclasses import replace

import numpy as np
import pytest

from emgrig.analysis.report.candidates import Analysis, Candidate, analyse
from emgrig.analysis.report.counts import blinks_said, bursts_said, tells_blinks


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


def test_bursts_are_counted_on_their_channels_with_those_that_are_doubted() -> None:
    bare = analysed("EMG 1", "EMG 2", "EMG 3")
    one = Candidate(0, 1.0, 1.3, 9.0, 5.0, float("nan"), ())
    raw = [
        one, replace(one, start_s=2.0, end_s=2.9), replace(one, channel_index=2, crosstalk=True),
        replace(one, channel_index=1, is_blink=True),
    ]  # fmt: skip
    for n, said in (
        (1, "burst on 1 channel"), (2, "bursts on 1 channel"),
        (3, "bursts on 2 channels, 1 of them probably crosstalk"),
        (4, "bursts on 2 channels, 1 of them probably crosstalk"),
    ):  # fmt: skip
        assert bursts_said(replace(bare, candidates=raw[:n])) == said
