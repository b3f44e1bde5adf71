"""What `emgrig indicators` does."""

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from emgrig.analysis.paper.annotations import read_annotations, recordings
from emgrig.analysis.paper.authors_indicators import Both, both_ways
from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from emgrig.sentences import counted
from emgrig.tools.analyse.options import IndicatorsOptions
from emgrig.tools.common.output import print_json, print_table, say
from emgrig.tools.common.progress import Bar


def compare_indicators(given: IndicatorsOptions) -> None:
    """Take the indicators of every annotated expression both ways, and say what differs."""
    found: list[Both] = []
    missing, n_lost, n_rows, n_outside = [], 0, 0, 0
    groups = recordings(read_annotations(given.annotations))
    with Bar("recordings") as bar:
        for done, ((subject, video), group) in enumerate(groups.items()):
            path = given.folder / f"{subject:02d}_{video}.mat"
            bar.follow(path.name, done / len(groups))
            if not path.is_file():
                missing.append(path.name)
                continue
            samples_uv = open_recording(path).matrix()
            both = both_ways(samples_uv, group)
            found += both
            n_outside += len(group) - len(both)
            n_lost += int(np.isnan(samples_uv).all(axis=1).sum())
            n_rows += len(samples_uv)
    if not found:
        raise RecordingError(
            f"{given.folder} has no recording of the annotated expressions; "
            f"files such as {missing[0] if missing else 'SUBJECT_VIDEO.mat'} were expected"
        )
    said = [f"lost: {n_lost} of {counted(n_rows, 'sample')}"]
    said += [f"not there: {len(missing)} of {counted(len(groups), 'recording')}"] if missing else []
    said += [f"outside of their recording: {counted(n_outside, 'expression')}"] if n_outside else []
    if given.as_json:
        print_json(
            {
                "n_rows": n_rows,
                "n_lost": n_lost,
                "missing": missing,
                "n_outside": n_outside,
                "expressions": [_entry(both) for both in found],
            }
        )
        return
    print_table(("the authors' way against ours", "n", "5 %", "median", "95 %"), _rows(found))
    for line in said:
        say(line)
    say("if the annotated times count from the first row of the table, which is not said anywhere")


def _rows(found: list[Both]) -> Iterable[tuple[str, ...]]:
    yield "window later, ms", *_spread([both.late_ms for both in found])
    yield "window longer, ms", *_spread([both.longer_ms for both in found])
    yield "peak and MVC%, percent more", *_spread([both.peak_percent for both in found])
    yield "iEMG, percent more", *_spread([both.iemg_percent for both in found])


def _spread(values: Iterable[float | None]) -> tuple[str, ...]:
    known = [value for value in values if value is not None]
    if not known:
        return "0", "-", "-", "-"
    return str(len(known)), *(f"{value:.1f}" for value in np.percentile(known, (5, 50, 95)))


def _entry(both: Both) -> dict[str, object]:
    one = both.expression
    return {
        "row": one.row,
        "recording": f"{one.subject:02d}_{one.video}",
        "channel": one.channel,
        "authors": asdict(both.authors),
        "ours": asdict(both.ours),
        "late_ms": both.late_ms,
        "longer_ms": both.longer_ms,
        "peak_percent": both.peak_percent,
        "iemg_percent": both.iemg_percent,
    }
