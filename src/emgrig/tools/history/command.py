"""`emgrig history`: boards, yields and trends, from a file of runs."""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emgrig.errors import RecordingError
from emgrig.files import check_output, check_report, write_file
from emgrig.hil_tests.history_file import check_there
from emgrig.names import table_cell, unit_shown
from emgrig.tools.common.options import Overwrite, Printed, argument, option, takes
from emgrig.tools.common.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from emgrig.hil_tests.history import Run, Value
    from emgrig.hil_tests.trends import Trend

MOST_TRENDS = 12
PAGE = "index.html"


@dataclass(frozen=True, kw_only=True)
class HistoryOptions(Printed):
    """What `emgrig history` takes."""

    file: Path = argument("What `emgrig bringup --history FILE` wrote.")
    board: str | None = option("Serial number of one board; else all.")
    csv: Path | None = option("A CSV file with all values, a row a value.")
    report: Path | None = option("Folder for index.html: boards, yields, trends.")
    overwrite: Overwrite = False


@takes
def history(given: HistoryOptions) -> None:
    """Say which boards are good, how many were at their first run, and what drifts.

    Runs get into the file by `emgrig bringup ADDRESS --history FILE --operator NAME`; several
    benches may write into one. It is SQLite: any program can read it.

    Example: emgrig history bench.sqlite --report history/
    """
    if given.csv is not None:
        check_output(given.csv, overwrite=given.overwrite)
    if given.report is not None:
        check_report(given.report, [PAGE], overwrite=given.overwrite)
    check_there(given.file)
    from emgrig.hil_tests.history import read_runs, read_values

    runs, values = read_runs(given.file, given.board), read_values(given.file, given.board)
    if given.board is not None and not runs:
        raise RecordingError(f"{given.file} has no run of {given.board}")
    from emgrig.hil_tests.trends import line, trends

    drift = trends(runs, values)
    if given.csv is not None:
        write_file(given.csv, _table(runs, values))
        note(f"written: {given.csv}")
    if given.report is not None:
        from emgrig.tools.history.page import write

        note(f"report: {write(given.report, given.file, runs, drift)}")
    if given.as_json:
        print_json(
            {
                "line": line(runs),
                "runs": [asdict(run) for run in runs],
                "trends": [{**asdict(one), "share": one.share} for one in drift],
            }
        )
        return
    _tell(runs, drift)


def _tell(runs: "list[Run]", drift: "list[Trend]") -> None:
    from emgrig.hil_tests.judging.measurement import title_of
    from emgrig.hil_tests.trends import boards, line

    say(line(runs))
    print_table(
        ("board", "runs", "good", "first", "last", "outcome", "by"),
        [
            (
                one.name,
                str(one.n_runs),
                str(one.n_good),
                one.first.began[:10],
                one.last.began[:10],
                one.last.outcome,
                one.last.operator,
            )
            for one in boards(runs)
        ],
        whole=("board", "first", "last", "outcome"),
    )
    for one in boards(runs):
        if one.last.cause:
            say(f"{one.board}: {one.last.cause}")
    if not drift:
        say("no board has two runs of one level: nothing to say about trends")
        return
    say("what went farthest towards a limit, from the first run to the last:")
    print_table(
        ("board", "check", "quantity", "channel", "first", "last", "unit", "runs", "of the way"),
        [
            (
                one.board,
                one.check,
                title_of(one.quantity),
                "" if one.channel is None else str(one.channel),
                f"{one.values[0]:.4g}",
                f"{one.values[-1]:.4g}",
                unit_shown(one.unit),
                str(len(one.runs)),
                f"{one.share:.0%}",
            )
            for one in drift[:MOST_TRENDS]
            if one.share
        ],
    )


_OF_RUN = ("run", "began", "board", "simulated", "level", "operator", "outcome")
_OF_VALUE = ("check", "quantity", "unit", "channel", "value", "outcome", "low", "high")


def _table(runs: "list[Run]", values: "list[Value]") -> str:
    by_number = {run.run: run for run in runs}
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([name if name != "outcome" else "run_outcome" for name in _OF_RUN] + [*_OF_VALUE])
    for one in values:
        run = by_number[one.run]
        cells = [getattr(run, name) for name in _OF_RUN]
        cells += [getattr(one, name) for name in _OF_VALUE]
        rows.writerow([table_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()
