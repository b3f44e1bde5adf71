"""Two coders of one recording: which expressions they share, and what they agree in."""

from collections.abc import Sequence

import numpy as np
import scipy

from emgrig.analysis.spotting.scoring import intersection_over_union
from emgrig.study.coding import Coded

LEAST_IOU = 0.5
_BOTH = ("both", "bilateral")


def coder_agreement(first: Sequence[Coded], second: Sequence[Coded]) -> dict[str, int]:
    """Count what two coders agree in.

    Expressions are matched one to one by the largest total IoU, 0.5 at least. What one coder alone
    has counts among his codes, so that it lowers the agreement; emotion and side are compared
    where both have said one.

    Returns
    -------
    dict of str to int
        n_first, n_second, n_both; units_both, units_coded (codes of A + codes of B),
        units_union; emotion_both, emotion; side_both, side.
    """
    pairs = _pairs(first, second)
    shared = sum(len(set(a.units) & set(b.units)) for a, b in pairs)
    coded = sum(len(set(c.units)) for c in (*first, *second))
    with_emotion = [(a, b) for a, b in pairs if a.emotion and b.emotion]
    with_side = [(a, b) for a, b in pairs if a.side and b.side]
    return {
        "n_first": len(first),
        "n_second": len(second),
        "n_both": len(pairs),
        "units_both": shared,
        "units_coded": coded,
        "units_union": coded - shared,
        "emotion_both": sum(a.emotion == b.emotion for a, b in with_emotion),
        "emotion": len(with_emotion),
        "side_both": sum((a.side in _BOTH) == (b.side in _BOTH) for a, b in with_side),
        "side": len(with_side),
    }


def _pairs(first: Sequence[Coded], second: Sequence[Coded]) -> list[tuple[Coded, Coded]]:
    a, b = (
        np.array([(c.onset_s, c.offset_s) for c in coder if c.onset_s < c.offset_s]).reshape(-1, 2)
        for coder in (first, second)
    )
    known = [[c for c in coder if c.onset_s < c.offset_s] for coder in (first, second)]
    if not len(a) or not len(b):
        return []
    iou = intersection_over_union(a, b)
    rows, columns = scipy.optimize.linear_sum_assignment(iou, maximize=True)
    return [
        (known[0][i], known[1][j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if iou[i, j] >= LEAST_IOU
    ]
