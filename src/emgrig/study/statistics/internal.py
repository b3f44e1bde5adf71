"""Section 5.2: what participants notice (the key), and how well they say they keep control."""

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.signal.statistics import ChiSquare, chi_square
from emgrig.experiment.files.plan import RATING_MAX
from emgrig.study.settings import Statistics
from emgrig.study.statistics.effects import odds_ratio
from emgrig.study.statistics.findings import Finding, Sample, Table, said, said_interval, said_p

Ints = NDArray[np.int64]


def awareness(sample: Sample, settings: Statistics) -> Finding:
    """Make table 5: key or no key, by kind."""
    table = np.array([sample.count(lambda r: r.is_aware), sample.count(lambda r: not r.is_aware)])
    totals = table.sum(axis=0)
    rows = [
        (
            name,
            *(f"{n} ({100 * n / max(of, 1):.0f} %)" for n, of in zip(counts, totals, strict=True)),
        )
        for name, counts in zip(("Aware (yes)", "Unaware (no)"), table.tolist(), strict=True)
    ]
    rows.append(("Total", *(f"{n} (100 %)" for n in totals.tolist())))
    numbers = {
        f"t5.{name}.{kind}": float(n)
        for name, counts in zip(("yes", "no"), table.tolist(), strict=True)
        for kind, n in zip(("micro", "macro"), counts, strict=True)
    }
    test = _test(table)
    notes = [_said_test(test, int(table.sum()))] if test else ["No test: a row or column is empty."]
    if test:
        numbers |= {"t5.chi2": test.chi2, "t5.v": test.v}
        ratio, *interval = odds_ratio(table, settings.level)
        if np.isfinite(ratio):
            notes.append(
                f"Odds of being noticed, MaE over ME: {ratio:.2f} "
                f"({100 * settings.level:g} % {said_interval(interval)})."
            )
            numbers["t5.odds"] = ratio
    head = ("Keystroke response", "ME", "MaE")
    title = "Table 5: self-awareness"
    return Finding(Table("t5", title, head, tuple(rows), tuple(notes)), numbers)


def self_control(sample: Sample) -> Finding:
    """Make the test of section 5.2.2, and the counts of figure 13."""
    ratings, table = control_counts(sample)
    if not ratings:
        raise ValueError("no event has a rating")
    rows = tuple(
        (str(r), *map(str, counts)) for r, counts in zip(ratings, table.tolist(), strict=True)
    )
    is_there = table.sum(axis=1) > 0
    test = _test(table[is_there])
    numbers = {
        f"control.{r}.{kind}": float(n)
        for r, counts in zip(ratings, table.tolist(), strict=True)
        for kind, n in zip(("micro", "macro"), counts, strict=True)
    }
    notes = []
    if test:
        notes.append(_said_test(test, int(table.sum())))
        numbers |= {"control.chi2": test.chi2, "control.v": test.v}
    else:
        notes.append("No test: events of two ratings and of both kinds are needed.")
    if not is_there.all():
        empty = ", ".join(str(r) for r, there in zip(ratings, is_there, strict=True) if not there)
        notes.append(f"Ratings without any event are left out of the test: {empty}.")
    head = ("self-control rating", "ME", "MaE")
    title = "Figure 13 and section 5.2.2: self-control"
    return Finding(Table("control", title, head, rows, tuple(notes)), numbers)


def control_counts(sample: Sample) -> tuple[list[int], Ints]:
    """Count events by rating, those of the scale and others there are; (n_ratings, 2): ME, MaE."""
    known = {row.rating for row in sample.rows if row.rating is not None}
    if not known:
        return [], np.empty((0, 2), dtype=np.int64)
    ratings = sorted({*range(RATING_MAX + 1), *known})
    return ratings, np.array([sample.count(lambda row, r=r: row.rating == r) for r in ratings])  # type: ignore[misc]


def _test(table: Ints) -> ChiSquare | None:
    try:
        return chi_square(table)
    except ValueError:
        return None


def _said_test(test: ChiSquare, n: int) -> str:
    yates = f"; with Yates {test.yates:.2f}, p = {said_p(test.p_yates)}" if test.df == 1 else ""
    few = (
        f"; the least expected count is {test.least_expected:.1f}: below 5 the test is not to be "
        "trusted"
        if test.least_expected < 5
        else ""
    )
    return (
        f"χ²({test.df}, N = {n}) = {test.chi2:.2f}, p = {said_p(test.p)}, "
        f"Cramér's V = {said(test.v)}{yates}{few}."
    )
