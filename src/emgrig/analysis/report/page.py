"""The page that `emgrig analyse` writes: one self-contained HTML file.

jinja2 is imported here alone, when a page is made.
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from emgrig.analysis.report.candidates import Analysis, muscle_name
from emgrig.analysis.report.plots import signals_svg


def page(analysis: Analysis, *, title: str, remarks: Sequence[str] = ()) -> str:
    """Make the page of an analysed recording.

    Parameters
    ----------
    analysis : Analysis
        What `emgrig.analysis.report.candidates.analyse` returned.
    title : str
        Name of the recording.
    remarks : sequence of str
        What the reader of the file had to say.

    Returns
    -------
    str
        HTML, with the picture inside.
    """
    import jinja2

    text = (files("emgrig.analysis.report") / "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    rejected = [q for q in analysis.quality if q.reject]
    good = [q for q in analysis.quality if not q.reject]
    return environment.from_string(text).render(
        title=title,
        analysis=analysis,
        remarks=[*remarks, *analysis.remarks],
        length_s=analysis.banded.shape[0] / analysis.rate_hz,
        good=[(q, muscle_name(analysis, q.channel_index)) for q in good],
        rejected=rejected,
        picture=signals_svg(analysis) if good else "",
        n_micro=sum(c.is_micro for c in analysis.candidates),
        number=lambda x, places: f"{x:.{places}f}" if np.isfinite(x) else "-",
    )
