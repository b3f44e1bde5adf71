"""Section 5.1: intensity, duration, their intervals, regression and clusters."""

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.statistics import (
    Clusters,
    Regression,
    cluster,
    compare,
    interval_of_mean,
    percentile_interval,
    regress,
    summarise,
)
from emgrig.study.settings import Statistics
from emgrig.study.statistics.effects import bootstrap_by_participant, effect
from emgrig.study.statistics.findings import (
    KINDS,
    SHORT,
    Finding,
    Sample,
    Table,
    said,
    said_interval,
    said_p,
)

MEASURES = (("MVC%", "mvc_percent", 2), ("iEMG", "iemg_ms", 1), ("duration, s", "duration_s", 3))
_IEMG_NOTE = (
    "iEMG: integral of the envelope, normalised to its range, in ms; at 1000 samples a second it "
    "is the sum over samples that the paper prints."
)
_TEST_NOTE = (
    "Student's test supposes equal variances and, as Welch's does, independent expressions; those "
    "of one participant are not. See the mixed model (report --mixed)."
)
_TABLE_4_NOTE = (
    "The paper's table 4 is the first: it says where the mean lies, not where expressions do."
)
_KEYS = {"mvc_percent": "mvc", "iemg_ms": "iemg", "duration_s": "duration"}


def _known(sample: Sample, name: str, kind: str) -> tuple[Floats, NDArray[np.bool_]]:
    values: Floats = getattr(sample, name)
    mask = sample.of_kind(kind) & np.isfinite(values)
    return values[mask], mask


def indicators(sample: Sample) -> Finding:
    """Make table 3: MVC% and iEMG of both kinds, tests and effect sizes; duration too."""
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    notes = [_IEMG_NOTE, _TEST_NOTE]
    for label, name, places in MEASURES:
        try:
            more, found = _indicator(sample, label, name, places)
        except ValueError as error:
            notes.append(f"{label}: not possible with these events: {error}.")
            continue
        rows += more
        numbers |= found
    if not rows:
        raise ValueError("each kind needs at least two that differ")
    head = (
        *("indicator", "type", "N", "mean", "SD", "Student", "Welch"),
        *("Cohen's d", "Hedges' g", "P(MaE > ME)", "p, ranks"),
    )
    title = "Table 3: indicators of both kinds"
    return Finding(Table("t3", title, head, tuple(rows), tuple(notes)), numbers)


def _indicator(
    sample: Sample, label: str, name: str, places: int
) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    """Compare both kinds in one measure."""
    macro, micro = (_known(sample, name, kind)[0] for kind in KINDS)
    two = summarise(macro), summarise(micro)
    student, welch = compare(*two)
    size = effect(macro, micro, student.cohen_d)
    key = f"t3.{_KEYS[name]}"
    numbers: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    tests = (
        f"t({student.df:.0f}) = {student.t:.2f}, p = {said_p(student.p)}",
        f"t({welch.df:.1f}) = {welch.t:.2f}, p = {said_p(welch.p)}",
        *(said(student.cohen_d), said(size.hedges_g), said(size.superiority)),
        said_p(size.p_rank),
    )
    for kind, one in zip(KINDS, two, strict=True):
        numbers |= {f"{key}.{kind}.n": one.n, f"{key}.{kind}.mean": one.mean}
        numbers[f"{key}.{kind}.sd"] = one.sd
        row = (label, SHORT[kind], str(one.n), said(one.mean, places), said(one.sd, places))
        rows.append((*row, *(tests if kind == "macro" else ("",) * len(tests))))
    numbers |= {f"{key}.t": student.t, f"{key}.welch_t": welch.t, f"{key}.d": student.cohen_d}
    return rows, numbers


def intervals(sample: Sample, settings: Statistics) -> Finding:
    """Make table 4: where the mean lies, and where the values do."""
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    notes = [_TABLE_4_NOTE]
    for label, name, places in (MEASURES[0], MEASURES[2]):
        for kind in KINDS:
            try:
                row, found = _interval(sample, name, kind, settings)
            except ValueError as error:
                notes.append(f"{label}, {SHORT[kind]}: not possible with these events: {error}.")
                continue
            numbers |= found
            texts = (said_interval(pair, places) for pair in row[1:])
            rows.append((label, SHORT[kind], str(row[0]), *texts))
    if not rows:
        raise ValueError("a kind needs at least two")
    share = f"{100 * settings.level:g} %"
    head = (
        *("characteristic", "type", "N", f"{share} interval of the mean, Student"),
        *("of the mean, participants drawn anew", f"central {share} of the values"),
    )
    title = "Table 4: intervals of intensity and duration"
    return Finding(Table("t4", title, head, tuple(rows), tuple(notes)), numbers)


Pair = tuple[float, float]


def _interval(
    sample: Sample, name: str, kind: str, how: Statistics
) -> tuple[tuple[int, Pair, Pair, Pair], dict[str, float]]:
    """Return N, the two intervals of the mean and that of the values; and the numbers."""
    values, mask = _known(sample, name, kind)
    mean = interval_of_mean(summarise(values), level=how.level)
    spread = percentile_interval(values, level=how.level)
    of = [row.participant for row, is_in in zip(sample.rows, mask, strict=True) if is_in]
    drawn = bootstrap_by_participant(
        values, of, level=how.level, resamples=how.resamples, seed=how.seed
    )
    key = f"t4.{_KEYS[name]}.{kind}"
    numbers = {f"{key}.low": mean[0], f"{key}.high": mean[1]}
    numbers |= {f"{key}.value_low": spread[0], f"{key}.value_high": spread[1]}
    return (values.size, mean, drawn, spread), numbers


def regression_of(sample: Sample) -> tuple[Regression, Floats]:
    """Regress intensity on duration; returns the residuals too."""
    is_known = np.isfinite(sample.mvc_percent)
    x, y = sample.duration_s[is_known], sample.mvc_percent[is_known]
    found = regress(x, y)
    return found, y - found.intercept - found.slope * x


def regression(sample: Sample) -> Finding:
    """Make the regression of section 5.1.2."""
    found, residuals = regression_of(sample)
    row = (
        said(found.beta, 3),
        f"t({found.df}) = {found.t:.2f}",
        said_p(found.p),
        said(found.r_squared, 3),
        said(found.slope, 2),
        said(found.intercept, 2),
        str(residuals.size),
    )
    head = ("beta", "test", "p", "R²", "slope, MVC% a second", "intercept, MVC%", "N")
    numbers = {"reg.beta": found.beta, "reg.t": found.t, "reg.slope": found.slope}
    title = "Section 5.1.2: intensity by duration, linear regression"
    return Finding(Table("reg", title, head, (row,)), numbers)


def clusters_of(sample: Sample, seed: int) -> tuple[Floats, Floats, Clusters, NDArray[np.bool_]]:
    """Cluster by duration and intensity; returns duration, intensity, clusters, micro or not."""
    is_known = np.isfinite(sample.mvc_percent)
    x, y = sample.duration_s[is_known], sample.mvc_percent[is_known]
    return x, y, cluster(x, y, seed=seed), sample.is_micro[is_known]


def clustering(sample: Sample, settings: Statistics) -> Finding:
    """Make the clusters of figure 12, held against the limit of duration."""
    x, y, found, is_micro = clusters_of(sample, settings.seed)
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for label, (duration, intensity) in enumerate(found.centroids.tolist()):
        mine = found.labels == label
        numbers |= {f"clusters.{label}.duration": duration, f"clusters.{label}.mvc": intensity}
        numbers[f"clusters.{label}.n"] = int(mine.sum())
        n_micro = int(is_micro[mine].sum())
        rows.append(
            (
                str(label + 1),
                str(int(mine.sum())),
                said(duration, 3),
                said(intensity, 2),
                f"{n_micro} ({100 * n_micro / mine.sum():.0f} %)",
                said_interval((float(x[mine].min()), float(x[mine].max())), 3),
                said_interval((float(y[mine].min()), float(y[mine].max())), 1),
            )
        )
    agree = float(np.mean((found.labels == 0) == is_micro))
    numbers["clusters.agree"] = agree
    head = ("cluster", "N", "centroid, s", "centroid, MVC%", "of these ME", "duration, s", "MVC%")
    note = (
        f"k-means with two clusters, both axes standardised; {100 * agree:.0f} % of the events are "
        "on the side that the limit of duration gives them."
    )
    title = "Figure 12: clusters of duration and intensity"
    return Finding(Table("clusters", title, head, tuple(rows), (note,)), numbers)
