"""Table 7 against the published results of the parameter search."""

from collections.abc import Sequence

import numpy as np

from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper.verdicts import Row, Verdict, from_data, judge
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.spotting.casmemg import set_words
from emgrig.analysis.spotting.scoring import SCORE_WORDS

_OPTIMUM = (60.0, 30.0, 1.0, 5.0, 2.0, 6.0)
_NAMES = tuple(SCORE_WORDS.values())


def result_rows(results: Sequence[tuple[float, ...]] | None) -> list[Row]:
    """Make the rows of table 7, and of the claim that its parameters are the optimum.

    Parameters
    ----------
    results : sequence of 15-tuples, optional
        W_L, S_L, k, S_n, W_f, W_b and the nine figures, of every set searched.

    Raises
    ------
    ValueError
        If the paper's parameter set is not among them.
    """
    if not results:
        note = "needs results_*.xlsx of the public repository (--results)"
        figures = [
            Row("table 7", name, printed, None, note)
            for name, printed in zip(_NAMES, paper.TABLE_7, strict=True)
        ]
        return [*figures, *(Row("6.3", f"{_RANK} {title}", "1", None, note) for title in _SCORES)]
    table = np.array(results, dtype=np.float64)
    chosen = np.flatnonzero((table[:, :6] == _OPTIMUM).all(axis=1))
    if chosen.size != 1:
        raise ValueError(
            f"the results hold the paper's parameters ({set_words(_OPTIMUM)}) {chosen.size} times, "
            "not once"
        )
    best = int(chosen[0])
    equal = sum(_equals_table_7(row[6:]) for row in table)
    verb = "equals" if equal == 1 else "equal"
    note = f"of {len(table)} sets, {equal} {verb} table 7 in all nine figures"
    figures = [
        Row("table 7", name, printed, from_data(float(number)), note)
        for name, printed, number in zip(_NAMES, paper.TABLE_7, table[best, 6:], strict=True)
    ]
    return [*figures, *_ranks(table, best)]


def _equals_table_7(figures: Floats) -> bool:
    pairs = zip(paper.TABLE_7, figures, strict=True)
    return all(judge(text, from_data(float(x))) is Verdict.EXACT for text, x in pairs)


_RANK = "rank of the paper's parameters by"
_SCORES = (
    "mean overlap",
    "share with an overlap above 0.5",
    "rms error of the onset",
    "rms error of the offset",
    "mean error of the offset",
    "sum of the mean errors",
    "sum of the mean errors, among windows of 60 samples",
)


def _ranks(table: Floats, best: int) -> list[Row]:
    """Rank the chosen set by each score; 1 means no set is strictly better."""
    n = len(table)
    badness = {
        _SCORES[0]: -table[:, 7],
        _SCORES[1]: -table[:, 8],
        _SCORES[2]: table[:, 11],
        _SCORES[3]: table[:, 14],
        _SCORES[4]: table[:, 12],
        _SCORES[5]: table[:, 9] + table[:, 12],
    }
    rows = []
    for name, bad in badness.items():
        rank = 1 + int((bad < bad[best]).sum())
        first = set_words(table[int(np.argmin(bad)), :6].tolist())
        rows.append(
            Row("6.3", f"{_RANK} {name}", "1", from_data(rank), f"of {n} sets; first is {first}")
        )
    same = table[:, 0] == table[best, 0]
    total = badness[_SCORES[5]]
    rank = 1 + int((total[same] < total[best]).sum())
    rows.append(
        Row("6.3", f"{_RANK} {_SCORES[6]}", "1", from_data(rank), f"of {int(same.sum())} sets")
    )
    return rows
