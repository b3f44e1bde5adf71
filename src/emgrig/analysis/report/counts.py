"""How what was found is counted, in words: for the terminal and the page alike."""

from emgrig.analysis.report.candidates import Analysis
from emgrig.sentences import counted

#: Of the paper's face: where a blink shows most.
_ORBICULARIS_OCULI = 3


def tells_blinks(analysis: Analysis) -> bool:
    """Whether blinks are looked for: on channels that are known to be muscles of a face."""
    return bool(_muscles(analysis))


def blinks_said(analysis: Analysis) -> str:
    """Say how many blinks were told from expressions, and why none could be."""
    muscles = _muscles(analysis)
    if not muscles:
        return (
            "blinks are not told apart: no channel is known as a muscle of the face "
            "(by its name, or --face)"
        )
    said = f"blinks, counted apart: {len(analysis.blinks)}"
    if _ORBICULARIS_OCULI not in muscles:
        said += " (no channel is known as orbicularis oculi, where they show most)"
    return said


def _muscles(analysis: Analysis) -> set[int]:
    used = {q.channel_index for q in analysis.quality if not q.reject}
    return {muscle for index, muscle in analysis.muscles.items() if index in used}


def bursts_said(analysis: Analysis) -> str:
    """Say on how many channels candidates are, each a burst of one, and how many are doubted."""
    found = analysis.expressions
    bursts = "burst" if len(found) == 1 else "bursts"
    n_channels = len({one.channel_index for one in found})
    n_crosstalk = sum(one.crosstalk for one in found)
    crosstalk = f", {n_crosstalk} of them probably crosstalk" if n_crosstalk else ""
    return f"{bursts} on {counted(n_channels, 'channel')}{crosstalk}"
