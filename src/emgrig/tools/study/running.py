"""What `emgrig study` does."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import typer

from emgrig.errors import ExitCode, RecordingError
from emgrig.files import json_text, make_folder, refuse_existing, write_file
from emgrig.sentences import counted
from emgrig.study.dataset import coders_of, find_units
from emgrig.study.places import FOLDER, settings_path
from emgrig.study.rows import LEFT_OUT
from emgrig.study.settings import load_settings
from emgrig.study.statistics.findings import KINDS
from emgrig.study.template import description, template
from emgrig.tools.common.interrupted import leaves
from emgrig.tools.common.output import print_json, print_table, say
from emgrig.tools.common.progress import Bar
from emgrig.tools.study.options import InitOptions, ReportOptions, RunOptions

if TYPE_CHECKING:
    from emgrig.study.report.page import Report


def begin(given: InitOptions) -> None:
    """Write the settings of a study."""
    units = find_units(given.root)
    there = coders_of(given.root)
    for coder in given.coder or ():
        if coder not in there:
            known = ", ".join(there) or "none"
            raise ValueError(
                f"--coder {coder}: derivatives/ has no codings of that name; there are: {known}"
            )
    coders = tuple(given.coder) if given.coder else tuple(there)
    path = settings_path(given.root)
    refuse_existing(path, overwrite=given.overwrite)
    make_folder(path.parent)
    write_file(path.parent / "dataset_description.json", json_text(description(given.title)))
    write_file(path, template(given.title, coders))
    people = len({unit.participant for unit in units})
    if given.as_json:
        print_json(
            {
                "settings": str(path),
                "recordings": [unit.stem for unit in units],
                "n_participants": people,
                "coders": list(coders),
            }
        )
        return
    say(f"{counted(len(units), 'recording')} of {counted(people, 'participant')}")
    if coders:
        say(f"codings: {', '.join(coders)}; {coders[0]} counts")
    else:
        say("no codings in derivatives/: events will be the detector's candidates")
    say(f"written: {path}")
    say(f"next: emgrig study run {given.root} --jobs -1")


def run(given: RunOptions) -> None:
    """Run a study."""
    settings = load_settings(given.root)
    from emgrig.study.running import run_study
    from emgrig.study.tables import check_parquet, write_tables

    check_parquet()
    kept = "recordings that were done are kept: the same command goes on with the others"
    with leaves(kept), Bar("analysing the recordings") as bar:
        bar.tell()
        done = run_study(
            given.root,
            settings,
            only=tuple(given.only or ()),
            n_jobs=given.jobs,
            scheduler=given.scheduler,
            told=bar.follow,
        )
    # One of many runs with --only beside each other must not write what all share.
    paths = [] if given.only else write_tables(given.root / FOLDER, done.results)
    failed = [r.recording for r in done.results if r.recording.status == "failed"]
    left_out = [r.recording for r in done.results if r.recording.status == LEFT_OUT]
    if given.as_json:
        print_json(
            {
                "n_made": done.n_made,
                "n_kept": done.n_kept,
                "failed": {r.recording: r.why for r in failed},
                "left_out": {r.recording: r.why for r in left_out},
                "written": [str(path) for path in paths],
            }
        )
    else:
        say(f"{counted(done.n_made, 'recording')} analysed, {done.n_kept} were done already")
        for r in (*failed, *left_out):
            say(f"{r.recording}: {r.status}: {r.why}")
        if given.only:
            say(f"the tables are written by a run of all: emgrig study run {given.root}")
        else:
            say(f"written: {', '.join(map(str, paths))}")
            say(f"next: emgrig study report {given.root}")
    if failed:
        raise typer.Exit(int(ExitCode.VERDICT))


def report(given: ReportOptions) -> None:
    """Make the report of a study."""
    settings = load_settings(given.root)
    from emgrig.study.report.page import make_report, page
    from emgrig.study.running import all_kept

    if given.mixed:
        settings = replace(settings, statistics=replace(settings.statistics, mixed_model=True))
    results, stale = all_kept(given.root, settings)
    if not results:
        raise RecordingError(
            f"nothing of {given.root} was run yet; first: emgrig study run {given.root}"
        )
    with Bar("report"):
        made = make_report(given.root, results, settings)
        html = page(made)
    folder = given.root / FOLDER
    numbers = {key: value for key, value in made.numbers.items() if np.isfinite(value)}
    compared = [
        {"key": one.key, "truth": _known(one.truth), "found": _known(one.found)}
        for one in made.compared
    ]
    content = {"numbers": numbers, "truth": compared, "methods": made.methods}
    files = {
        "report.html": html,
        "methods.txt": made.methods + "\n",
        "numbers.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n",
    }
    for name, text in files.items():
        write_file(folder / name, text)
    if given.as_json:
        print_json(content)
        return
    _say_report(made)
    n_waiting = len(find_units(given.root)) - len(results)
    if n_waiting:
        say(f"note: {counted(n_waiting, 'recording')} not run yet, in no table")
    if stale:
        changed = "files, settings or version changed since they were run; run again"
        say(f"note: {counted(len(stale), 'recording')} out of date: {changed}")
    say(f"written: {', '.join(str(folder / name) for name in files)}")


def _say_report(made: "Report") -> None:
    if rows := list(short(made.numbers)):
        print_table(("indicator", "ME", "MaE", "Cohen's d"), rows)
    counts = Counter(row.left_out for row in made.events)
    said = ", ".join(f"{n} {why}" for why, n in counts.most_common() if why)
    say(f"in the tables: {counted(counts[''], 'event')}; left out: {said or 'none'}")


def short(numbers: dict[str, float]) -> Iterable[tuple[str, ...]]:
    """Say means and SDs of both kinds in a line each."""
    for name, key in (("MVC%", "mvc"), ("iEMG, ms", "iemg"), ("duration, s", "duration")):
        if f"t3.{key}.d" in numbers:
            keys = [f"t3.{key}.{kind}" for kind in KINDS]
            macro, micro = (
                f"{numbers[f'{k}.mean']:.3g} ± {numbers[f'{k}.sd']:.3g} ({numbers[f'{k}.n']:.0f})"
                for k in keys
            )
            yield name, micro, macro, f"{numbers[f't3.{key}.d']:.2f}"


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
