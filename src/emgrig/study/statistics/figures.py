"""Figures 8 to 14 of a study, as SVG."""

import numpy as np

from emgrig.analysis.report import plots
from emgrig.analysis.signal.statistics import interval_of_mean, summarise
from emgrig.study.settings import Statistics
from emgrig.study.statistics.emotions import NOT_SAID, emotion_names
from emgrig.study.statistics.external import clusters_of, regression_of
from emgrig.study.statistics.findings import KINDS, Sample
from emgrig.study.statistics.internal import control_counts


def figures(sample: Sample, settings: Statistics) -> dict[str, tuple[str, str]]:
    """Draw what can be drawn: {number: (caption, svg)}."""
    drawn: dict[str, tuple[str, str]] = {}
    for number, draw in (
        ("8", _indicators),
        ("9", _intensity),
        ("10", _residuals),
        ("11", _duration),
        ("12", _clusters),
        ("13", _control),
        ("14", _emotions),
    ):
        try:
            drawn[number] = draw(sample, settings)
        except ValueError:  # the table beside it says why
            continue
    return drawn


def _indicators(sample: Sample, _: Statistics) -> tuple[str, str]:
    found = {}
    for name, values in (("MVC%", sample.mvc_percent), ("iEMG, ms", sample.iemg_ms)):
        macro, micro = (
            summarise(values[sample.of_kind(kind) & np.isfinite(values)]) for kind in KINDS
        )
        found[name] = (macro, micro)
    caption = "Figure 8: means of MVC% and iEMG, with the 95 % interval of the mean"
    return caption, plots.indicators_svg(found)


def _intensity(sample: Sample, settings: Statistics) -> tuple[str, str]:
    values = sample.mvc_percent[sample.is_micro & np.isfinite(sample.mvc_percent)]
    interval = interval_of_mean(summarise(values), level=settings.level)
    caption = "Figure 9: intensity of micro-expressions"
    return caption, plots.histogram_svg(values, "MVC%", interval=interval)


def _residuals(sample: Sample, _: Statistics) -> tuple[str, str]:
    caption = "Figure 10: P-P plot of the standardised residuals of the regression"
    return caption, plots.pp_svg(regression_of(sample)[1])


def _duration(sample: Sample, settings: Statistics) -> tuple[str, str]:
    values = sample.duration_s[sample.is_micro]
    interval = interval_of_mean(summarise(values), level=settings.level)
    caption = "Figure 11: duration of micro-expressions by EMG"
    return caption, plots.histogram_svg(values, "duration, s", interval=interval)


def _clusters(sample: Sample, settings: Statistics) -> tuple[str, str]:
    x, y, found, _ = clusters_of(sample, settings.seed)
    caption = "Figure 12: clusters of duration and intensity; crosses are the centroids"
    return caption, plots.clusters_svg(x, y, found)


def _control(sample: Sample, _: Statistics) -> tuple[str, str]:
    ratings, table = control_counts(sample)
    if not ratings:
        raise ValueError("no event has a rating")
    micro, macro = table[:, 0].tolist(), table[:, 1].tolist()
    names = [str(r) for r in ratings]
    caption = "Figure 13: expressions by rating of self-control"
    return caption, plots.frequencies_svg(names, micro, macro, "self-control")


def _emotions(sample: Sample, _: Statistics) -> tuple[str, str]:
    names = emotion_names(sample)
    counts = [sample.count(lambda row, e=e: (row.emotion or NOT_SAID) == e) for e in names]  # type: ignore[misc]
    micro, macro = zip(*counts, strict=True)
    caption = "Figure 14: expressions by emotion"
    return caption, plots.frequencies_svg(names, micro, macro, "emotion")
