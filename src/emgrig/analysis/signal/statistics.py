"""The statistics of sections 5.1, 5.2 and 6.1, under their right names."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats


@dataclass(frozen=True)
class Summary:
    """Size, mean and standard deviation (n - 1) of a sample."""

    n: int
    mean: float
    sd: float


@dataclass(frozen=True)
class Comparison:
    """A two-sample t test; `cohen_d` uses the pooled SD in either case."""

    name: str
    t: float
    df: float
    p: float
    cohen_d: float


@dataclass(frozen=True)
class Regression:
    """Simple linear regression; `beta` is the standardised slope, which equals r."""

    slope: float
    intercept: float
    beta: float
    t: float
    df: int
    p: float
    r_squared: float


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's test of a table, with and without Yates' correction, and Cramér's V.

    `yates` and `p_yates` are NaN unless the table is 2 x 2; `v` is of the uncorrected chi2.
    `least_expected` below 5 means that the test is not to be trusted.
    """

    chi2: float
    df: int
    p: float
    v: float
    yates: float
    p_yates: float
    least_expected: float


def _sample(values: Floats, least: int = 2) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size < least or not np.isfinite(x).all():
        raise ValueError(f"a vector of at least {least} finite values was expected")
    return x


def summarise(values: Floats) -> Summary:
    """Describe a sample of at least two finite values."""
    x = _sample(values)
    return Summary(x.size, float(x.mean()), float(x.std(ddof=1)))


def compare(a: Summary, b: Summary) -> tuple[Comparison, Comparison]:
    """Test whether two means differ: Student's pooled test and Welch's, a minus b.

    The pooled test supposes equal variances. In the paper they differ up to 69-fold (iEMG), so
    Welch's is the one to report.

    Raises
    ------
    ValueError
        If a sample has fewer than two values or neither varies.
    """
    if min(a.n, b.n) < 2 or not a.sd**2 + b.sd**2 > 0:
        raise ValueError("each sample needs at least two values, and one of them must vary")
    pooled = np.sqrt(((a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2) / (a.n + b.n - 2))
    d = float((a.mean - b.mean) / pooled)
    student = scipy.stats.ttest_ind_from_stats(a.mean, a.sd, a.n, b.mean, b.sd, b.n)
    welch = scipy.stats.ttest_ind_from_stats(a.mean, a.sd, a.n, b.mean, b.sd, b.n, equal_var=False)
    va, vb = a.sd**2 / a.n, b.sd**2 / b.n
    df = (va + vb) ** 2 / (va**2 / (a.n - 1) + vb**2 / (b.n - 1))
    return (
        Comparison("Student", float(student[0]), a.n + b.n - 2, float(student[1]), d),
        Comparison("Welch", float(welch[0]), float(df), float(welch[1]), d),
    )


def interval_of_mean(summary: Summary, *, level: float = 0.95) -> tuple[float, float]:
    """Compute the confidence interval of the **mean** (Student's t): where the mean lies.

    It narrows with n and says nothing about where single values lie; that is
    `percentile_interval`.
    """
    half = (
        scipy.stats.t.ppf((1 + _level(level)) / 2, summary.n - 1) * summary.sd / np.sqrt(summary.n)
    )
    return summary.mean - float(half), summary.mean + float(half)


def percentile_interval(values: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Compute the central interval that holds `level` of the **values**."""
    tail = 50 * (1 - _level(level))
    low, high = np.percentile(_sample(values), [tail, 100 - tail])
    return float(low), float(high)


def bootstrap_interval(
    values: Floats,
    statistic: Callable[[Floats], float],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the percentile bootstrap interval of any statistic of a sample."""
    x = _sample(values)
    draws = np.random.default_rng(seed).integers(0, x.size, size=(resamples, x.size))
    return percentile_interval(np.array([statistic(x[draw]) for draw in draws]), level=level)


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; a share between 0 and 1 was expected")
    return level


def regress(x: Floats, y: Floats) -> Regression:
    """Regress y on x; ValueError if there are fewer than three pairs or either does not vary."""
    x, y = _sample(x, 3), _sample(y, 3)
    if x.size != y.size or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("x and y must be of one length and vary")
    fit = scipy.stats.linregress(x, y)
    r = float(fit.rvalue)
    t = t_of_correlation(r, x.size)
    return Regression(
        float(fit.slope), float(fit.intercept), r, t, x.size - 2, float(fit.pvalue), r * r
    )


def t_of_correlation(r: float, n: int) -> float:
    """Compute t of a correlation of n pairs, df = n - 2; infinite for r = +-1."""
    if not -1 <= r <= 1 or n < 3:
        raise ValueError(f"r = {r}, n = {n}: r from -1 to 1 and n of at least 3 were expected")
    with np.errstate(divide="ignore"):
        return float(np.float64(r) * np.sqrt((n - 2) / np.float64(1 - r * r)))


def chi_square(table: NDArray[np.int64]) -> ChiSquare:
    """Test a table of counts for independence.

    Raises
    ------
    ValueError
        If it has fewer than two rows or columns, a negative count, or an empty row or column.
    """
    counts = np.asarray(table)
    if counts.ndim != 2 or min(counts.shape) < 2 or (counts < 0).any():
        raise ValueError("a table of counts with at least two rows and two columns was expected")
    if (counts.sum(axis=0) == 0).any() or (counts.sum(axis=1) == 0).any():
        raise ValueError("the table has an empty row or column; leave it out")
    chi2, p, df, expected = scipy.stats.chi2_contingency(counts, correction=False)
    yates, p_yates = float("nan"), float("nan")
    if counts.shape == (2, 2):
        yates, p_yates = scipy.stats.chi2_contingency(counts, correction=True)[:2]
    v = cramers_v(float(chi2), int(counts.sum()), min(counts.shape))
    return ChiSquare(
        float(chi2),
        int(df),
        float(p),
        v,
        float(yates),
        float(p_yates),
        float(np.asarray(expected).min()),
    )


def cramers_v(chi2: float, n: int, least_side: int) -> float:
    """Compute Cramér's V from chi2, the number of cases and the shorter side of the table."""
    if chi2 < 0 or n < 1 or least_side < 2:
        raise ValueError("chi2 from 0, n from 1 and least_side from 2 were expected")
    return float(np.sqrt(chi2 / (n * (least_side - 1))))


@dataclass(frozen=True)
class Clusters:
    """Result of k-means: `labels` (n,), `centroids` (k, 2) in the units given, in order of size."""

    labels: NDArray[np.int64]
    centroids: Floats


def cluster(
    duration_s: Floats, intensity_percent: Floats, *, k: int = 2, seed: int = 0
) -> Clusters:
    """Cluster expressions by duration and intensity with k-means, as for figure 12.

    The paper does not say how the two axes were scaled; here each is standardised, else the larger
    unit decides alone. Cluster 0 has the shortest mean duration.

    Raises
    ------
    ValueError
        If the vectors differ in length, do not vary, or hold fewer than `k` points.
    """
    x, y = _sample(duration_s, k), _sample(intensity_percent, k)
    points = np.stack([x, y], axis=1) if x.size == y.size else np.empty((0, 2))
    if points.size == 0 or k < 2 or (np.ptp(points, axis=0) == 0).any():
        raise ValueError("two vectors of one length that vary and k from 2 were expected")
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    clustered = scipy.cluster.vq.kmeans2
    tries = [
        clustered(scaled, k, minit="++", rng=np.random.default_rng(seed + i)) for i in range(10)
    ]
    labels = min(tries, key=lambda t: ((scaled - t[0][t[1]]) ** 2).sum())[1]
    present = [points[labels == i].mean(axis=0) for i in np.unique(labels)]
    order = np.argsort([centroid[0] for centroid in present])
    rank = {int(np.unique(labels)[old]): new for new, old in enumerate(order)}
    return Clusters(
        np.array([rank[int(label)] for label in labels], dtype=np.int64),
        np.array([present[i] for i in order]),
    )


def agreement(a: Collection[object], b: Collection[object]) -> float:
    """Compute coder agreement as CAS(ME)^2 defines it: 2 x agreed / (codes of A + codes of B).

    Raises
    ------
    ValueError
        If neither coder coded anything.
    """
    first, second = set(a), set(b)
    if not first and not second:
        raise ValueError("neither coder coded anything; agreement is not defined")
    return 2 * len(first & second) / (len(first) + len(second))


def agreement_as_printed(a: Collection[object], b: Collection[object]) -> float:
    """Compute equation 8 as it is printed: 2 x intersection / union, which reaches 2, not 1."""
    first, second = set(a), set(b)
    if not first | second:
        raise ValueError("neither coder coded anything; agreement is not defined")
    return 2 * len(first & second) / len(first | second)
