"""The tables of a study, held against the paper's print and against other people's programs."""

from collections.abc import Sequence

import numpy as np
import pytest

from emgrig.study.recording import Result
from emgrig.study.report.methods import methods
from emgrig.study.rows import EventRow, RecordingRow
from emgrig.study.settings import Statistics, StudySettings
from emgrig.study.statistics.effects import (
    bootstrap_by_participant,
    effect,
    odds_ratio,
)
from emgrig.study.statistics.emotions import channels, coders, emotion_channels, emotions
from emgrig.study.statistics.external import clustering, indicators, intervals, regression
from emgrig.study.statistics.figures import figures
from emgrig.study.statistics.findings import Sample
from emgrig.study.statistics.internal import awareness, self_control
from emgrig.study.statistics.mixed import mixed_models
from emgrig.study.statistics.study import findings

HOW = Statistics(resamples=500)


def row(kind: str = "micro", **more: object) -> EventRow:
    given: dict[str, object] = {
        "participant": "sub-01", "recording": "sub-01_task-x", "source": "coding", "onset_s": 1.0,
        "offset_s": 1.3, "duration_ms": 300 if kind == "micro" else 1200, "kind": kind,
    }  # fmt: skip
    return EventRow(**(given | more))  # type: ignore[arg-type]


def drawn(n_participants: int = 12, n: int = 20, seed: int = 0) -> list[EventRow]:
    """Draw a study: intensities of both kinds, and of participants, differ."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(n_participants):
        own = rng.normal(scale=0.4)
        for i in range(n):
            kind = "macro" if rng.random() < 0.4 else "micro"
            shift = 1.0 if kind == "macro" else 0.0
            duration = rng.uniform(200, 500) if kind == "micro" else rng.uniform(501, 2500)
            percent = float(np.exp(rng.normal(2 + shift + own, 0.5)))
            rows.append(
                row(kind, participant=f"sub-{p:02d}", duration_ms=round(duration),
                    mvc_percent=percent, iemg_ms=percent * duration / 100, muscle=i % 7 + 1,
                    emotion=("anger", "fear")[i % 2], emotion_from="clip",
                    rating=int(rng.integers(0, 9)), is_aware=bool(rng.random() < 0.2))
            )  # fmt: skip
    return rows


def test_the_paper_s_keystrokes_give_the_paper_s_test() -> None:
    counts = {
        ("micro", True): 17,
        ("macro", True): 39,
        ("micro", False): 216,
        ("macro", False): 108,
    }
    rows = [row(kind, is_aware=aware) for (kind, aware), n in counts.items() for _ in range(n)]
    found = awareness(Sample.of(rows), HOW)
    assert found.numbers["t5.chi2"] == pytest.approx(26.54, abs=0.005)
    assert found.numbers["t5.v"] == pytest.approx(0.26, abs=0.005)
    assert found.table.rows[0] == ("Aware (yes)", "17 (7 %)", "39 (27 %)")
    assert found.table.rows[1] == ("Unaware (no)", "216 (93 %)", "108 (73 %)")


def test_the_odds_ratio_and_its_interval_are_those_of_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import Table2x2

    table = np.array([[17, 39], [216, 108]])
    theirs = Table2x2(table[:, ::-1])
    assert odds_ratio(table, 0.95) == pytest.approx(
        (theirs.oddsratio, *theirs.oddsratio_confint(0.05))
    )
    assert np.isnan(odds_ratio(np.array([[0, 3], [4, 5]]), 0.95)).all()


@pytest.mark.slow
def test_hedges_g_and_the_probability_of_superiority_are_those_of_pingouin() -> None:
    pingouin = pytest.importorskip("pingouin")
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 9), rng.normal(0, 2, 14)
    found = effect(a, b, pingouin.compute_effsize(a, b, eftype="cohen"))
    # pingouin takes Hedges' approximation, 1 - 3 / (4 n - 9); ours is the exact factor.
    assert found.hedges_g == pytest.approx(
        pingouin.compute_effsize(a, b, eftype="hedges"), rel=1e-3
    )
    ranks = pingouin.mwu(a, b)
    assert found.superiority == pytest.approx(float(ranks["CLES"].iloc[0]))


def test_table_3_and_4_are_the_summaries_tests_and_intervals_of_scipy() -> None:
    import scipy

    rows = drawn()
    sample = Sample.of(rows)
    numbers = indicators(sample).numbers
    values = {k: [r.mvc_percent for r in rows if r.kind == k] for k in ("micro", "macro")}
    theirs = scipy.stats.ttest_ind(values["macro"], values["micro"])
    assert numbers["t3.mvc.t"] == pytest.approx(theirs.statistic)
    welch = scipy.stats.ttest_ind(values["macro"], values["micro"], equal_var=False)
    assert numbers["t3.mvc.welch_t"] == pytest.approx(welch.statistic)
    assert numbers["t3.mvc.micro.mean"] == pytest.approx(np.mean(values["micro"]))
    assert numbers["t3.mvc.micro.n"] + numbers["t3.mvc.macro.n"] == len(rows)
    ends = intervals(sample, HOW).numbers
    micro = np.array(values["micro"])
    low, high = scipy.stats.t.interval(
        0.95, micro.size - 1, micro.mean(), micro.std(ddof=1) / np.sqrt(micro.size)
    )
    assert (ends["t4.mvc.micro.low"], ends["t4.mvc.micro.high"]) == pytest.approx((low, high))


def test_a_bootstrap_of_whole_participants_is_wider_where_their_expressions_are_alike() -> None:
    rng = np.random.default_rng(0)
    of = [f"sub-{i:02d}" for i in range(20) for _ in range(10)]
    alike = np.repeat(rng.normal(size=20), 10)
    apart = rng.permutation(alike)
    wide, narrow = (
        np.ptp(bootstrap_by_participant(x, of, level=0.95, resamples=1000, seed=0))
        for x in (alike, apart)
    )
    # 20 independent values in place of 200: the interval is about sqrt(10) times as wide.
    assert wide / narrow == pytest.approx(np.sqrt(10), rel=0.4)
    assert np.isnan(
        bootstrap_by_participant(alike, ["a"] * 200, level=0.95, resamples=100, seed=0)
    ).all()


@pytest.mark.slow
def test_the_mixed_model_is_that_of_statsmodels_own_formula() -> None:
    pd = pytest.importorskip("pandas")
    import statsmodels.formula.api as smf

    rows = drawn()
    found = mixed_models(Sample.of(rows), HOW)
    frame = pd.DataFrame(
        {
            "y": [np.log(r.mvc_percent) for r in rows],
            "macro": [float(r.kind == "macro") for r in rows],
            "who": [r.participant for r in rows],
        }
    )
    theirs = smf.mixedlm("y ~ macro", frame, groups="who").fit(reml=True)
    ratio = found.numbers["mixed.mvc_percent.ratio"]
    assert ratio == pytest.approx(np.exp(theirs.params["macro"]), rel=1e-4)
    assert np.log(ratio) == pytest.approx(1.0, abs=0.2)  # as it was drawn
    assert found.table.rows[0][-1] == "12"


def test_regression_and_clusters_tell_what_lies_on_a_line_and_in_two_heaps() -> None:
    rows = [row(duration_ms=d, mvc_percent=2 + 10 * d / 1000) for d in (200, 300, 400)]
    rows += [row("macro", duration_ms=d, mvc_percent=2 + 10 * d / 1000) for d in (1900, 2000, 2100)]
    numbers = regression(Sample.of(rows)).numbers
    assert (numbers["reg.beta"], numbers["reg.slope"]) == pytest.approx((1.0, 10.0))
    found = clustering(Sample.of(rows), HOW)
    assert found.numbers["clusters.agree"] == 1.0
    assert found.numbers["clusters.0.duration"] == pytest.approx(0.3)
    assert found.numbers["clusters.1.mvc"] == pytest.approx(22.0)


def test_self_control_counts_by_rating_and_leaves_empty_ones_out_of_the_test() -> None:
    import scipy

    table = [(0, 10, 20), (4, 15, 15), (8, 30, 5)]
    rows = [
        row(kind, rating=rating)
        for rating, micro, macro in table
        for kind, n in (("micro", micro), ("macro", macro))
        for _ in range(n)
    ]
    found = self_control(Sample.of([*rows, row()]))  # one without a rating
    theirs = scipy.stats.chi2_contingency([one[1:] for one in table], correction=False)
    assert found.numbers["control.chi2"] == pytest.approx(theirs.statistic)
    assert "1, 2, 3, 5, 6, 7" in found.table.notes[-1]


def test_emotions_and_channels_count_what_is_in_and_name_what_is_dominant() -> None:
    rows = [
        row(emotion="anger", emotion_from="coding", units="AU4+AU7", units_from="coding", muscle=2),
        row("macro", emotion="anger", emotion_from="coding", units="AU4", units_from="coding",
            muscle=2),
        row(emotion="happiness", emotion_from="coding", units="AU12", units_from="coding",
            muscle=5),
        row(emotion="awe", emotion_from="coding", muscle=0),
        row(emotion="anger", left_out="blink", muscle=3),
    ]  # fmt: skip
    sample = Sample.of(rows)
    table = emotions(sample).table.rows
    assert [one[:4] for one in table] == [
        ("Anger", "1", "1", "2"), ("Happiness", "1", "0", "1"), ("Awe", "1", "0", "1"),
        ("All", "3", "1", "4")]  # fmt: skip
    assert table[0][4:6] == ("AU4 (2), AU7 (1)", "c2 (2)")
    by_channel = channels(sample)
    assert by_channel.table.rows[1][2:] == ("1", "1", "AU4 (2), AU7 (1)", "AU4", "2 of 2")
    assert "1 event is on a channel whose muscle is not known." in by_channel.table.notes
    assert emotion_channels(sample).numbers["t9.anger.c2"] == 2


def test_agreement_of_coders_is_that_of_casme_2_and_not_what_equation_8_prints() -> None:
    counts = {"n_first": 10, "n_second": 8, "n_both": 8, "units_both": 9, "units_coded": 24,
              "units_union": 15, "emotion_both": 6, "emotion": 8, "side_both": 8,
              "side": 8}  # fmt: skip
    found = coders([counts, counts], ["anna", "bob"])
    assert found.numbers["agree.units"] == pytest.approx(2 * 18 / 48)
    assert found.numbers["agree.expressions"] == pytest.approx(2 * 16 / 36)
    assert found.numbers["agree.emotion"] == 0.75
    assert "gives 1.20" in found.table.notes[1]


def recorded(rows: Sequence[EventRow]) -> list[RecordingRow]:
    return [RecordingRow(name, name, "done") for name in {r.participant for r in rows}]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_events_make_tables_that_say_so_and_no_error(n: int) -> None:
    rows = [row(mvc_percent=5.0, iemg_ms=9.0) for _ in range(n)]
    found = findings(rows, recorded(rows), StudySettings())
    assert len(found) == 10
    said = {one.table.key: one.table.notes for one in found if not one.table.rows}
    assert {"t3", "reg", "clusters", "control", "agree"} <= set(said)
    assert ("t4" in said) == (n < 2)
    assert all(notes[0].startswith("Not possible with these events: ") for notes in said.values())
    assert figures(Sample.of(rows), HOW).keys() <= {"9", "11", "14"}


@pytest.mark.slow
def test_every_figure_from_8_to_14_can_be_drawn_of_a_whole_study() -> None:
    drawings = figures(Sample.of(drawn()), HOW)
    assert list(drawings) == ["8", "9", "10", "11", "12", "13", "14"]
    assert all(svg.startswith("<svg") for _, svg in drawings.values())


def test_the_paragraph_of_methods_says_who_took_part_as_far_as_that_is_known() -> None:
    rows = [row(participant=f"sub-{i}") for i in range(3)]
    results = [
        Result(RecordingRow(r.participant, r.participant, "done", rate_hz=1000.0, n_samples=60_000,
                            duration_s=60.0, n_lost=600), (r,))
        for r in rows
    ]  # fmt: skip
    people = [
        {"participant_id": "sub-0", "sex": "F", "age": "24"},
        {"participant_id": "sub-1", "sex": "m", "age": "26.5"},
        {"participant_id": "sub-2"},
        {"participant_id": "sub-9", "sex": "F", "age": "99"},
    ]
    said = methods(results, StudySettings(), people)
    assert "3 recordings of facial EMG (3 min) of 3 participants, sampled at 1000 Hz" in said
    assert "1 of 2 were female; mean age 25.2 years (SD 1.8, N = 2)." in said
    assert "Lost samples (1.00 %)" in said
    assert "mean age" not in methods(results, StudySettings())
