import re
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from emgrig.analysis.paper.annotations import Expression, read_results
from emgrig.analysis.paper.reproduce import reproduce, trivial_rows
from emgrig.analysis.paper.verdicts import Row, Verdict, from_data, from_rounded, judge, value
from emgrig.analysis.spotting.grid import Grid
from emgrig.analysis.spotting.scoring import EVENT_WORDS, SCORE_WORDS, EventScores, PaperScores

TABLE_7_ROW = (60, 30, 1, 5, 2, 6, 8, 0.84728, 0.95263, 0.20580, 0.00533, 0.22994, 0.20299,
               0.01211, 0.30927)  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "ours", "verdict"),
    [
        ("26.54", 26.5390, Verdict.EXACT),
        ("26.54", 26.5349, Verdict.DOES_NOT_COME_OUT),
        ("0.27", 0.275, Verdict.EXACT),
        ("233", 233, Verdict.EXACT),
        ("233", 228, Verdict.DOES_NOT_COME_OUT),
        ("< 0.05", 0.04, Verdict.EXACT),
        ("< 0.05", 0.06, Verdict.DOES_NOT_COME_OUT),
    ],
)
def test_a_verdict_follows_from_the_two_numbers(
    printed: str, ours: float, verdict: Verdict
) -> None:
    assert judge(printed, from_data(ours)) is verdict
    recomputed = Verdict.RECOMPUTED if verdict is Verdict.EXACT else verdict
    assert judge(printed, value(ours)) is recomputed


def test_rounded_inputs_widen_what_can_come_out() -> None:
    ours = from_rounded(lambda a, b: a + b, [1.0, 2.0], [0.05, 0.05])
    assert judge("3.1", ours) is Verdict.WITHIN_ROUNDING
    assert judge("3.0", ours) is Verdict.RECOMPUTED
    assert judge("3.3", ours) is Verdict.DOES_NOT_COME_OUT


def test_what_has_no_material_gets_no_number() -> None:
    row = Row("1", "x", "8.11", None)
    assert (row.verdict, row.ours_text) == (Verdict.NO_MATERIAL, "-")
    with pytest.raises(ValueError, match="no number"):
        judge("about", value(1.0))


def by_name(rows: list[Row]) -> dict[tuple[str, str], Row]:
    return {(row.section, row.what): row for row in rows}


@pytest.mark.slow
def test_the_verdicts_are_those_of_the_review(expressions: list[Expression]) -> None:
    """Expected: emg.md 1.2 (comes out) and 1.3 (does not), which were computed elsewhere."""
    rows = reproduce(expressions)
    none = Verdict.DOES_NOT_COME_OUT
    assert {r.what for r in rows if r.verdict is none} == {
        "participants",
        "shortest stimulus, s",
        "longest stimulus, s",
        "micro-expressions within 307-327 ms, %",
        "sum of the column micro-expressions",
        "sum of the column macro-expressions",
        "highest possible agreement, equation 8",
        "slips in tables 8 and 9",
        "parameter sets searched",
        "time saved, expert, 1 expression a video, %",
    }
    assert {r.what for r in rows if r.verdict is Verdict.EXACT} == {
        "channels",
        "stimuli",
        "expressions annotated",
        "expressions tested",
        "micro-expressions",
        "macro-expressions",
        *(
            f"duration, s, mean of {kind}-expressions: {end} limit"
            for kind in ("micro", "macro")
            for end in ("lower", "upper")
        ),
    }
    assert {r.what for r in rows if r.verdict is Verdict.WITHIN_ROUNDING} == {
        "MVC, %, mean of macro-expressions: lower limit",
        "regression: t, from beta 0.492",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "what", "nominal"),
    [
        ("table 3", "MVC%, macro against micro: Student's t", 9.599),
        ("table 3", "iEMG, macro against micro: Student's t", 11.888),
        ("table 3", "MVC%, macro against micro: Cohen's d", 1.0111),
        ("table 4", "MVC, %, mean of macro-expressions: lower limit", 19.623),
        ("table 4", "duration, s, mean of micro-expressions: lower limit", 0.30678),
        ("table 4", "duration, s, mean of macro-expressions: upper limit", 1.29503),
        ("5.2.1", "noticed or not, micro or macro: chi-squared", 26.5390),
        ("5.1.3", "micro-expressions within 307-327 ms, %", 100 * 16 / 233),
        ("6.3", "parameter sets searched", 4500),
        ("table 6", "sum of the column micro-expressions", 230),
        ("app. B", "time saved, expert, 1 expression a video, %", 65.41),
    ],
)
def test_our_numbers_are_those_of_the_review(
    expressions: list[Expression], section: str, what: str, nominal: float
) -> None:
    ours = by_name(reproduce(expressions))[section, what].ours
    assert ours is not None
    assert ours.nominal == pytest.approx(nominal, rel=1e-4)


def test_without_annotations_nothing_is_made_up() -> None:
    rows = by_name(reproduce())
    assert rows["5", "micro-expressions"].verdict is Verdict.NO_MATERIAL
    assert (
        rows["table 4", "duration, s, mean of micro-expressions: lower limit"].verdict
        is Verdict.NO_MATERIAL
    )
    assert rows["table 5", "micro-expressions in all"].verdict is Verdict.RECOMPUTED
    assert not [row for row in rows.values() if row.verdict is Verdict.EXACT]


@pytest.mark.slow
def test_other_annotations_change_the_verdicts(expressions: list[Expression]) -> None:
    rows = by_name(reproduce(expressions[:300]))
    assert rows["5", "micro-expressions"].verdict is Verdict.DOES_NOT_COME_OUT
    assert (
        rows["table 4", "duration, s, mean of micro-expressions: lower limit"].verdict
        is Verdict.DOES_NOT_COME_OUT
    )


def search_results() -> list[tuple[float, ...]]:
    """The published row, and 4499 sets that lie around it at random."""
    rng = np.random.default_rng(0)
    table = []
    for p in Grid().parameters():
        chosen = (p.window, p.step, p.scale, p.run, p.back, p.ahead)
        if chosen == TABLE_7_ROW[:6]:
            table.append(tuple(float(x) for x in TABLE_7_ROW))
        else:
            table.append((*chosen, *(np.array(TABLE_7_ROW[6:]) * rng.uniform(0.5, 1.5, 9))))
    return table


@pytest.mark.long
@pytest.mark.slow
def test_table_7_comes_out_of_the_published_results_and_its_rank_does_not(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["window_len"] * 15)
    for row in search_results():
        sheet.append([float(x) for x in row])
    book.save(tmp_path / "results.xlsx")
    table = read_results(tmp_path / "results.xlsx")
    rows = [r for r in reproduce(None, table) if r.section == "table 7" and "count" not in r.what]
    # Both standard errors follow from other printed numbers, too.
    assert [r.verdict for r in rows] == [Verdict.RECOMPUTED] * 2 + [Verdict.EXACT] * 9
    ranks = [r for r in reproduce(None, table) if r.what.startswith("rank")]
    overlap = sorted((row[7] for row in table), reverse=True).index(0.84728) + 1
    assert ranks[0].ours == from_data(overlap)
    assert all(r.verdict is Verdict.DOES_NOT_COME_OUT for r in ranks)


@pytest.mark.slow
def test_results_without_the_papers_parameters_are_refused() -> None:
    table = [row for row in search_results() if row[:6] != TABLE_7_ROW[:6]]
    with pytest.raises(ValueError, match="0 times"):
        reproduce(None, table)


def test_the_trivial_answer_stands_beside_table_7(expressions: list[Expression]) -> None:
    rows = trivial_rows(expressions)
    assert rows[0] == ("expressions missed", "8", "0")
    assert rows[1] == ("overlap, mean", "0.847", "1.000")
    assert rows[-1] == ("intersection over union, mean", "-", "0.538")


def test_no_name_of_the_program_stands_in_a_row(expressions: list[Expression]) -> None:
    """Rows are read by people: words with units, and nothing that only the code calls so."""
    fields = {*SCORE_WORDS, *EVENT_WORDS} - {"recall", "precision"}
    for rows in (reproduce(expressions, search_results()), reproduce()):
        for row in rows:
            for text in (row.section, row.what, row.note):
                words = set(re.findall(r"[A-Za-z_]+", text.replace("CAS(ME)2", "")))
                assert not words & fields, text
                assert not words & {"ME", "MEs", "MaE", "df", "RMSE", "W_L"}, text
                assert "_" not in re.sub(r"results_\*\.xlsx", "", text), text


def test_every_score_has_words() -> None:
    assert tuple(SCORE_WORDS) == tuple(PaperScores.__dataclass_fields__)
    assert tuple(EVENT_WORDS) == tuple(EventScores.__dataclass_fields__)
