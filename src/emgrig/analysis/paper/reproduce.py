"""Every number the paper prints, beside what its tables and public material give.

No verdict is written here: `emgrig.analysis.paper.verdicts` computes each from the two numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple

import numpy as np
import scipy

from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS, Expression
from emgrig.analysis.paper.reproduce_search import result_rows
from emgrig.analysis.paper.verdicts import Row, Value, from_data, from_rounded, value
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.statistics import (
    Summary,
    agreement_as_printed,
    chi_square,
    compare,
    cramers_v,
    interval_of_mean,
    percentile_interval,
    summarise,
    t_of_correlation,
)
from emgrig.analysis.spotting.grid import Grid
from emgrig.analysis.spotting.scoring import (
    SCORE_WORDS,
    score_as_paper,
    score_clips,
    trivial_answer,
)
from emgrig.sentences import counted

_MICRO, _MACRO = "micro-expressions", "macro-expressions"
_ROUNDED_3 = 0.0005  #: Half a unit of the third place.


def reproduce(
    expressions: Sequence[Expression] | None = None,
    results: Sequence[tuple[float, ...]] | None = None,
) -> list[Row]:
    """Make a row for every number the paper prints.

    Parameters
    ----------
    expressions : sequence of Expression, optional
        The 380 annotated expressions. Rows that need them are "no material" without.
    results : sequence of 15-tuples, optional
        The published search results (`annotations.read_results`), all files in one.

    Returns
    -------
    list of Row
        In the order of the paper.
    """
    return [
        *_counts(expressions),
        *_intensity(),
        *_correlation(),
        *_durations(expressions),
        *_self_reports(),
        *_emotions(),
        *_search(expressions),
        *result_rows(results),
        *_coding_times(),
    ]


def _of(expressions: Sequence[Expression] | None, number: float) -> Value | None:
    return None if expressions is None else from_data(number)


def _counts(expressions: Sequence[Expression] | None) -> list[Row]:
    some = expressions or ()
    n_micro = sum(e.is_micro for e in some)
    n_strict = sum(e.duration_ms < MICRO_LIMIT_MS for e in some)
    n_video = sum(e.video_duration_s <= MICRO_LIMIT_MS / 1000 for e in some)
    rule = f"EMG duration <= {MICRO_LIMIT_MS} ms in whole ms"
    note = f"{rule}; `<` gives {n_strict}; by video {n_video}" if some else rule
    clips_s = paper.TABLE_2_DURATIONS_S
    return [
        Row("4.1", "participants", "35", _of(expressions, len({e.subject for e in some})),
            "subjects with a row in the annotations"),
        Row("3.1.2", "channels", "7", _of(expressions, len({e.channel for e in some}))),
        Row("4.3", "stimuli", "24", _of(expressions, len({e.video for e in some}))),
        Row("4.4", "shortest stimulus, s", "30", value(min(clips_s)), "table 2"),
        Row("4.4", "longest stimulus, s", "120", value(max(clips_s)), "table 2"),
        Row("5", "expressions kept of 406", "380", value(406 - 21 - 5)),
        Row("5", "expressions annotated", "380", _of(expressions, len(some))),
        Row("5", "micro-expressions", "233", _of(expressions, n_micro), note),
        Row("5", "macro-expressions", "147", _of(expressions, len(some) - n_micro),
            f"EMG duration > {MICRO_LIMIT_MS} ms in whole ms"),
    ]  # fmt: skip


def _intensity() -> list[Row]:
    rows: list[Row] = []
    of = {"MVC%": "MVC, %", "iEMG": "iEMG, sum over samples"}
    printed = {"MVC%": ("9.6", "1.01"), "iEMG": ("11.89", "1.25")}
    for name, (macro, micro) in paper.TABLE_3.items():
        for kind, summary in ((_MACRO, macro), (_MICRO, micro)):
            note = "the EMG of the expressions is not public"
            rows.append(
                Row("table 3", f"{of[name]}, mean of {kind}", f"{summary.mean:g}", None, note)
            )
            rows.append(Row("table 3", f"{of[name]}, SD of {kind}", f"{summary.sd:g}", None, note))
        t, d = printed[name]
        student, welch = compare(macro, micro)
        halves = [h for pair in paper.TABLE_3_ROUNDING[name] for h in pair]
        inputs = [macro.mean, macro.sd, micro.mean, micro.sd]
        note = (
            f"Student, pooled variance, from table 3's means and SDs; "
            f"SDs differ {macro.sd / micro.sd:.1f}:1, Welch t({welch.df:.1f}) = {welch.t:.3f}, "
            f"p = {welch.p:.0e}"
        )
        rows += [
            Row(
                "table 3",
                f"{name}, macro against micro: degrees of freedom",
                "378",
                value(student.df),
            ),
            Row(
                "table 3",
                f"{name}, macro against micro: Student's t",
                t,
                from_rounded(_student_t(macro.n, micro.n), inputs, halves),
                note,
            ),
            Row("table 3", f"{name}, macro against micro: p of it", "0.00", value(student.p)),
            Row(
                "table 3",
                f"{name}, macro against micro: Cohen's d",
                d,
                from_rounded(_cohen_d(macro.n, micro.n), inputs, halves),
            ),
        ]
    for kind, index, limits in ((_MACRO, 0, ("19.63", "26.56")), (_MICRO, 1, ("7.01", "9.21"))):
        summary = paper.TABLE_3["MVC%"][index]
        halves = list(paper.TABLE_3_ROUNDING["MVC%"][index])
        for end, limit in enumerate(limits):
            ours = from_rounded(_mean_limit(summary.n, end), [summary.mean, summary.sd], halves)
            what = f"MVC, %, mean of {kind}: {('lower', 'upper')[end]} limit"
            note = "Student's t interval of the mean from table 3; not a range of values"
            rows.append(Row("table 4", what, limit, ours, note))
    return rows


def _student_t(n_a: int, n_b: int) -> Callable[..., float]:
    return lambda ma, sa, mb, sb: compare(Summary(n_a, ma, sa), Summary(n_b, mb, sb))[0].t


def _cohen_d(n_a: int, n_b: int) -> Callable[..., float]:
    return lambda ma, sa, mb, sb: compare(Summary(n_a, ma, sa), Summary(n_b, mb, sb))[0].cohen_d


def _mean_limit(n: int, end: int) -> Callable[..., float]:
    return lambda mean, sd: interval_of_mean(Summary(n, mean, sd))[end]


def _correlation() -> list[Row]:
    n = 380

    def beta(t: float) -> float:
        return float(t / np.sqrt(t * t + n - 2))

    return [
        Row("5.1.2", "regression: t, from beta 0.492", "10.98",
            from_rounded(lambda r: t_of_correlation(r, n), [0.492], [_ROUNDED_3]),
            "simple regression: beta is r"),
        Row("5.1.2", "regression: beta, from t 10.98", "0.492",
            from_rounded(beta, [10.98], [0.005]), f"R² = {0.492**2:.3f}"),
        Row("5.1.2", "regression: degrees of freedom", "378", value(n - 2)),
    ]  # fmt: skip


def _durations(expressions: Sequence[Expression] | None) -> list[Row]:
    printed = {_MICRO: ("0.307", "0.327"), _MACRO: ("1.027", "1.295")}
    claim = Row("5.1.3", "micro-expressions within 307-327 ms, %", "95", None,
                "an interval of the mean is read as a range of durations")  # fmt: skip
    if not expressions:
        return [
            *(
                Row("table 4", f"duration, s, mean of {kind}: {end} limit", limit, None)
                for kind, limits in printed.items()
                for end, limit in zip(("lower", "upper"), limits, strict=True)
            ),
            claim,
        ]
    rows = []
    for kind, limits in printed.items():
        seconds = _seconds(expressions, micro=kind == _MICRO)
        summary = summarise(seconds)
        ours = interval_of_mean(summary)
        half = scipy.stats.norm.ppf(0.975) * summary.sd / np.sqrt(summary.n)
        low, high = percentile_interval(seconds)
        note = (
            f"Student's t interval of the mean; normal quantile {summary.mean - half:.3f}-"
            f"{summary.mean + half:.3f}; central 95 % of values {low:.3f}-{high:.3f}"
        )
        rows += [
            Row(
                "table 4",
                f"duration, s, mean of {kind}: {end} limit",
                limits[i],
                from_data(ours[i]),
                note,
            )
            for i, end in enumerate(("lower", "upper"))
        ]
    micro = _seconds(expressions, micro=True)
    share = 100 * float(((micro >= 0.307) & (micro <= 0.327)).mean())
    spread = f"{micro.min():.3f} to {micro.max():.3f} s, median {np.median(micro):.3f} s"
    rows.append(Row(claim.section, claim.what, claim.printed, from_data(share),
                    f"{claim.note}; micro-expressions run from {spread}"))  # fmt: skip
    return rows


def _seconds(expressions: Sequence[Expression], *, micro: bool) -> Floats:
    return np.array([e.duration_ms / 1000 for e in expressions if e.is_micro == micro])


def _self_reports() -> list[Row]:
    table = np.array(paper.TABLE_5)
    test = chi_square(table)
    percent = 100 * table / table.sum(axis=0)
    keys = ((f"{_MICRO} that were noticed", "7", (0, 0)),
            (f"{_MICRO} that were not", "93", (1, 0)),
            (f"{_MACRO} that were noticed", "27", (0, 1)),
            (f"{_MACRO} that were not", "73", (1, 1)))  # fmt: skip
    p_control = float(scipy.stats.chi2.sf(30.06, 8))
    return [
        Row("table 5", f"{_MICRO} in all", "233", value(int(table[:, 0].sum()))),
        Row("table 5", f"{_MACRO} in all", "147", value(int(table[:, 1].sum()))),
        *(Row("table 5", f"{what}, %", text, value(float(percent[cell])))
          for what, text, cell in keys),
        Row("5.2.1", "noticed or not, micro or macro: chi-squared", "26.54", value(test.chi2),
            f"Pearson, no Yates; with Yates {test.yates:.2f}; p = {test.p:.1e}"),
        Row("5.2.1", "noticed or not, micro or macro: p", "< 0.05", value(test.p)),
        Row("5.2.1", "noticed or not, micro or macro: Cramér's V", "0.26", value(test.v)),
        Row("5.2.1", "macro-expressions among the noticed, %", "70",
            value(100 * float(table[0, 1] / table[0].sum()))),
        Row("5.2.2", "self-control, micro or macro: chi-squared", "30.06", None,
            "the 9 x 2 table is only in a figure"),
        Row("5.2.2", "self-control, micro or macro: p", "< 0.05", value(p_control)),
        Row("5.2.2", "self-control, micro or macro: Cramér's V", "0.28",
            from_rounded(lambda c: cramers_v(c, 380, 2), [30.06], [0.005])),
    ]  # fmt: skip


def _emotions() -> list[Row]:
    rows = [
        Row("table 6", f"{name}, micro and macro", str(row.total), value(row.micro + row.macro))
        for name, row in paper.EMOTIONS.items()
    ]
    every = list(paper.EMOTIONS.values())
    coders = frozenset(range(380))
    return [
        *rows,
        Row("table 6", f"sum of the column {_MICRO}", "233",
            value(sum(r.micro for r in every)), "against table 5"),
        Row("table 6", f"sum of the column {_MACRO}", "147",
            value(sum(r.macro for r in every)), "against table 5"),
        Row("table 6", "expressions in all", "380", value(sum(r.total for r in every))),
        Row("6.1", "highest possible agreement, equation 8", "1",
            value(agreement_as_printed(coders, coders)),
            "two equal codings; CAS(ME)2 has 2 agreed / (codes of A + codes of B)"),
        Row("6.1", "agreement on action units, %", "83", None, "the two codings are not public"),
        Row("6.1", "agreement if one side of 380 is coded otherwise, %", "99.7",
            value(100 * 379 / 380)),
        Row("6.1", "agreement on emotions, %", "99", None, "the two codings are not public"),
        Row("app. A", "slips in tables 8 and 9", "0", value(len(paper.slips())),
            "; ".join(paper.slips())),
    ]  # fmt: skip


def _search(expressions: Sequence[Expression] | None) -> list[Row]:
    n_found = 380 - 8
    note = f"sqrt((rms² - mean²) / (n - 1)), n = {n_found}"

    def se(mean: float, rmse: float) -> float:
        return float(np.sqrt((rmse**2 - mean**2) / (n_found - 1)))

    halves = [_ROUNDED_3, _ROUNDED_3]
    onset_se = from_rounded(se, [0.206, 0.230], halves)
    offset_se = from_rounded(se, [0.203, 0.309], halves)
    return [
        Row("6.3", "parameter sets searched", "900", from_data(Grid().size),
            " x ".join(map(str, Grid().shape)) + " in the published scripts"),
        Row("6.3", "expressions tested", "380", _of(expressions, len(expressions or ()))),
        Row("table 7", "share with an overlap above 0.5, as a count of clips", "0.953",
            value(round(0.953 * 380) / 380),
            f"{round(0.953 * 380)} of 380; of the {n_found} detected "
            f"{round(0.953 * 380) / n_found:.4f}"),
        Row("table 7", "error of the onset, standard error, from its mean and rms, s",
            "0.005", onset_se, note),
        Row("table 7", "error of the offset, standard error, from its mean and rms, s",
            "0.012", offset_se, note),
    ]  # fmt: skip


def _coding_times() -> list[Row]:
    durations = [task.duration_s for task in paper.TABLE_10]
    printed = (("novice", 1, "63.35"), ("expert", 1, "65.86"),
               ("novice", 4, "40.15"), ("expert", 4, "66.89"))  # fmt: skip
    rows = [Row("app. B", "mean length of a video, s", "124", value(float(np.mean(durations))))]
    for coder, n, text in printed:
        used = [t.novice_s if coder == "novice" else t.expert_s
                for t in paper.TABLE_10 if t.n_expressions == n and t.with_emg]  # fmt: skip
        alone = [t.novice_s if coder == "novice" else t.expert_s
                 for t in paper.TABLE_10 if t.n_expressions == n and not t.with_emg]  # fmt: skip

        def gain(*times: float, n_used: int = len(used)) -> float:
            return float(100 * (1 - np.mean(times[:n_used]) / np.mean(times[n_used:])))

        ours = from_rounded(gain, [*used, *alone], [_ROUNDED_3] * (len(used) + len(alone)))
        what = f"time saved, {coder}, {counted(n, 'expression')} a video, %"
        rows.append(Row("app. B", what, text, ours, "1 - mean with / mean without, table 10"))
    return rows


def trivial_rows(expressions: Sequence[Expression]) -> list[tuple[str, str, str]]:
    """Set table 7 beside the answer that never looks at the signal.

    Returns
    -------
    list of (figure in words, table 7, 0.3 s from each end of the clip)
        The clips are the annotated expressions widened by 0.5 s, as in section 6.3; the last row
        is the true IoU, which the paper does not give.
    """
    lengths = np.array([e.duration_ms + 1000 for e in expressions])
    truth = np.stack([np.full(lengths.size, 500), lengths - 500], axis=1)
    answer = trivial_answer(lengths)
    ours = astuple(score_as_paper(answer, truth))
    rows = [
        (words, printed, str(number) if isinstance(number, int) else f"{number:.3f}")
        for words, printed, number in zip(SCORE_WORDS.values(), paper.TABLE_7, ours, strict=True)
    ]
    return [
        *rows,
        ("intersection over union, mean", "-", f"{score_clips(answer, truth).mean_iou:.3f}"),
    ]
