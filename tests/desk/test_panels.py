"""The words of the desk's panels."""

from dataclasses import replace
from pathlib import Path

import pytest

from emgrig.desk.pages.panels import _rate_words, recording_words
from emgrig.desk.stream.status import LinkState, RecordingState, Status

_GOING = RecordingState(Path("P01.bdf"), is_on=True, elapsed_s=61.0, n_lost=32)
_STATUS = Status(LinkState.STREAMING, 3.2, "", 1000.0, 0.0, 61000, 40, 0, None, None)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (LinkState.STREAMING, "{n} lost"),
        (LinkState.CHECKING, "{n} lost"),
        (LinkState.LOST, "{n} lost before, link away 3 s, loss counted when it is back"),
        (LinkState.SILENT, "{n} lost before, no samples for 3 s, loss counted when they come"),
    ],
)
def test_a_loss_that_nobody_knows_yet_is_no_number(link: LinkState, said: str) -> None:
    status = replace(_STATUS, link=link, recording=_GOING)
    assert _rate_words(status) == "1000 samples/s · 61000 came · " + said.format(n=40)
    assert recording_words(status).endswith(f", 0.0 MB, {said.format(n=32)}, 0 markers")
