"""The page that `emgrig analyse` writes: one self-contained HTML file."""

from collections.abc import Sequence

import numpy as np

from emgrig.analysis.report.candidates import Analysis, muscle_name
from emgrig.analysis.report.plots import signals_svg
from emgrig.pages.page import render


def page(
    analysis: Analysis, *, title: str, remarks: Sequence[str] = (), simulated: bool = False
) -> str:
    """Make the page of an analysed recording.

    Parameters
    ----------
    analysis : Analysis
        What `emgrig.analysis.report.candidates.analyse` returned.
    title : str
        Name of the recording.
    remarks : sequence of str
        What the reader of the file had to say.
    simulated : bool
        Whether it was recorded from a simulated board.

    Returns
    -------
    str
        HTML, with the picture inside.
    """
    good = [q for q in analysis.quality if not q.reject]
    return render(
        "emgrig.analysis.report/page.html",
        title=f"Candidates in {title}",
        simulated=simulated,
        name=title,
        analysis=analysis,
        remarks=[*remarks, *analysis.remarks],
        length_s=analysis.n_samples / analysis.rate_hz,
        good=[(q, muscle_name(analysis, q.channel_index)) for q in good],
        rejected=[q for q in analysis.quality if q.reject],
        picture=signals_svg(analysis) if good else "",
        n_micro=sum(c.is_micro for c in analysis.candidates),
        number=lambda x, places: f"{x:.{places}f}" if np.isfinite(x) else "-",
    )
