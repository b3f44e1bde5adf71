"""Effect sizes, and intervals that know that a participant's expressions belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import Floats


@dataclass(frozen=True)
class Effect:
    """How much two samples differ, a minus b."""

    hedges_g: float  #: Cohen's d, freed of its bias in small samples.
    superiority: float  #: Probability that one of a is larger than one of b; 0.5 is no difference.
    p_rank: float  #: Mann-Whitney, two-sided.


def effect(a: Floats, b: Floats, cohen_d: float) -> Effect:
    """Take the effect sizes of two samples; NaN where one has fewer than two values.

    Hedges' correction is the exact one, by gamma functions.
    """
    df = a.size + b.size - 2
    if min(a.size, b.size) < 2:
        return Effect(float("nan"), float("nan"), float("nan"))
    log_j = scipy.special.gammaln(df / 2) - scipy.special.gammaln((df - 1) / 2)
    j = float(np.exp(log_j) / np.sqrt(df / 2)) if df > 1 else float("nan")
    test = scipy.stats.mannwhitneyu(a, b)
    return Effect(cohen_d * j, float(test.statistic) / (a.size * b.size), float(test.pvalue))


def odds_ratio(table: NDArray[np.int64], level: float) -> tuple[float, float, float]:
    """Return the odds of the first row, second column over first, with their interval (Woolf).

    `table` is 2 x 2; NaN with an empty cell.
    """
    if table.shape != (2, 2) or (table <= 0).any():
        return float("nan"), float("nan"), float("nan")
    (a, b), (c, d) = table.tolist()
    middle = float(np.log(b * c) - np.log(a * d))
    half = float(scipy.stats.norm.ppf((1 + level) / 2) * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
    low, ratio, high = np.exp([middle - half, middle, middle + half])
    return float(ratio), float(low), float(high)


def bootstrap_by_participant(
    values: Floats,
    participants: Sequence[str],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    """Return the percentile interval of a mean, whole participants drawn anew.

    Expressions of one participant are no independent values: Student's interval, which takes them
    for that, is too narrow. NaN with fewer than three participants.
    """
    _, group = np.unique(np.asarray(participants), return_inverse=True)
    n = int(group.max(initial=-1)) + 1
    if n < 3:
        return float("nan"), float("nan")
    sums, counts = np.bincount(group, values), np.bincount(group)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    means = (drawn @ sums) / (drawn @ counts)
    tail = 50 * (1 - level)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
