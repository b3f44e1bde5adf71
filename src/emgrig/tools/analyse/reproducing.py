"""What `emgrig reproduce` says: every number that the paper prints, beside ours."""

from pathlib import Path

import numpy as np
from rich.text import Text

from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper.annotations import Expression, read_annotations, read_results
from emgrig.analysis.paper.reproduce import reproduce
from emgrig.analysis.paper.verdicts import Verdict
from emgrig.analysis.report import plots
from emgrig.analysis.signal.statistics import interval_of_mean, summarise
from emgrig.files import make_folder, refuse_existing, write_file
from emgrig.tools.analyse.options import ReproduceOptions
from emgrig.tools.analyse.table_7 import print_trivial
from emgrig.tools.common.output import print_json, print_table, say, say_folded

_COLOURS = {
    Verdict.EXACT: "green",
    Verdict.RECOMPUTED: "green",
    Verdict.WITHIN_ROUNDING: "cyan",
    Verdict.DOES_NOT_COME_OUT: "red",
    Verdict.NO_MATERIAL: "dim",
}
_MEANINGS = {
    Verdict.EXACT: ", from data",
    Verdict.RECOMPUTED: " from numbers that the paper prints",
}


def set_beside(given: ReproduceOptions) -> None:
    """Set every number the paper prints beside ours, with a computed verdict."""
    expressions = None if given.annotations is None else read_annotations(given.annotations)
    found = [row for path in given.results or () for row in read_results(path)]
    rows = reproduce(expressions, found or None)
    if given.figures is not None:
        _write_figures(given.figures, expressions, overwrite=given.overwrite)
    if given.as_json:
        keys = ("section", "what", "printed", "ours_text", "verdict", "note")
        print_json([{key: str(getattr(row, key)) for key in keys} for row in rows])
        return
    print_table(
        ("where", "what", "printed", "ours", "verdict"),
        [
            (row.section, row.what, row.printed, row.ours_text, _coloured(row.verdict))
            for row in rows
        ],
        title="The paper: by section, table and appendix",
        whole=("verdict",),
    )
    for verdict in Verdict:
        of_it = [row for row in rows if row.verdict is verdict]
        say(f"{verdict}{_MEANINGS.get(verdict, '')}: {len(of_it)}")
        if verdict is Verdict.DOES_NOT_COME_OUT:
            for row in of_it:
                why = row.note and f" ({row.note})"
                what = f"{row.section} {row.what}"
                say_folded(f"{what}: printed {row.printed}, ours {row.ours_text}{why}", indent=2)
        if verdict is Verdict.NO_MATERIAL:
            for why in dict.fromkeys(row.note for row in of_it if row.note):
                say_folded(why, indent=2)
    if expressions is not None:
        print_trivial(expressions)
    say_folded(paper.PAPER)
    if expressions is None or not found:
        say_folded(f"material: {paper.MATERIAL}")


def _coloured(verdict: Verdict) -> Text:
    return Text(str(verdict), style=_COLOURS[verdict])


def _write_figures(folder: Path, expressions: list[Expression] | None, *, overwrite: bool) -> None:
    emotions = paper.EMOTIONS
    drawn = {
        "figure-08.svg": plots.indicators_svg(paper.TABLE_3),
        "figure-14.svg": plots.frequencies_svg(
            list(emotions),
            [row.micro for row in emotions.values()],
            [row.macro for row in emotions.values()],
            "emotion",
        ),
    }
    if expressions is not None:
        seconds = np.array([e.duration_ms / 1000 for e in expressions if e.is_micro])
        interval = interval_of_mean(summarise(seconds))
        label = "duration of micro-expressions by EMG, s"
        drawn["figure-11.svg"] = plots.histogram_svg(seconds, label, interval=interval)
    for name in drawn:
        refuse_existing(folder / name, overwrite=overwrite, instead="folder")
    for name, svg in drawn.items():
        write_file(make_folder(folder) / name, svg)
