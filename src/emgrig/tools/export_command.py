"""`emgrig export`: recordings handed over, to BIDS, CASMEMG, Parquet and CSV."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from emgrig.extras import require
from emgrig.files import check_output
from emgrig.names import check_code
from emgrig.sentences import counted
from emgrig.tools.common.options import (
    Overwrite,
    Printed,
    argument,
    check_mains,
    flag,
    option,
    takes,
)
from emgrig.tools.common.output import note, print_json, say
from emgrig.tools.common.progress import Bar

if TYPE_CHECKING:
    from emgrig.recording.export.source import Part
    from emgrig.recording.export.staging import Tell

_BIDS = "BIDS"
_MAT_COLUMNS = 8
#: What is asked for most, and not written: who would open it.
_OTHERS = {".set": "EEGLAB", ".fif": "MNE", ".vhdr": "BrainVision Analyzer"}


class _Job(NamedTuple):
    """One thing to make: what makes it, the files that come of it, and what is to be said of it."""

    title: str
    make: "Callable[[Tell], object]"
    files: list[Path]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Printed):
    """What `emgrig export` takes."""

    recordings: list[Path] = argument(
        "FILE.bdf; its further parts, FILE-2.bdf and so on, come with it."
    )
    bids: Path | None = option("Folder of a BIDS data set, to begin or to add to.")
    mat: Path | None = option("A .mat file in CASMEMG's layout (1000 Hz).")
    parquet: Path | None = option("A Parquet file, a row a sample.")
    csv: Path | None = option("A CSV file, a row a sample.")
    to: list[Path] | None = option("A file of any format there is, by its suffix; repeat.")
    subject: str = option("Code of the participant, as in 01; never a name.", "", panel=_BIDS)
    session: str = option("Label of the session, if there are several.", "", panel=_BIDS)
    task: str = option("Label of the task, as in faces.", "", panel=_BIDS)
    run: int | None = option("Number of the first file; several count on.", panel=_BIDS)
    mains: Annotated[
        float | None,
        typer.Option(
            help="Mains frequency, 50 or 60 Hz.", rich_help_panel=_BIDS, callback=check_mains
        ),
    ] = None
    name: str = option("Name of the data set, when it is begun.", "", panel=_BIDS)
    author: list[str] | None = option("An author of it; repeat.", panel=_BIDS)
    electrode_mm: float | None = option(
        "Distance of the electrodes of a pair, mm.", panel=_BIDS, min=0.1
    )
    electrode_type: str = option('As in "cup".', "n/a", panel=_BIDS)
    electrode_material: str = option('As in "Ag/AgCl".', "n/a", panel=_BIDS)
    capture: bool = flag("Copy the raw capture too.", panel=_BIDS)
    as_table: bool = flag(".mat: a MATLAB table, not a matrix.")
    hold_gaps: bool = flag(".mat: hold the sample before a gap; it has no mark for one.")
    overwrite: Overwrite = False


@takes
def export(given: ExportOptions) -> None:
    """Hand recordings over as BIDS data set, .mat, Parquet or CSV; several at once.

    Values are those of the BDF+ file, in µV. Where samples were lost, the rows
    of a table stay, so that time stays right; values are empty, is_gap is true.

    Of several files, or parts of one, the second table is NAME-2, and in BIDS
    each is a run.

    Nothing is written over without --overwrite, and nothing is left half-written.

    Example: emgrig export smile.bdf --bids study --subject 01 --task faces

    Example: emgrig export smile.bdf --parquet smile.parquet --csv smile.csv
    """
    if not (given.bids or given.mat or given.parquet or given.csv or given.to):
        raise ValueError(
            "say what to make: --bids FOLDER, --mat FILE, --parquet FILE, --csv FILE or --to FILE"
        )
    if given.bids and not (given.subject and given.task):
        raise ValueError("--bids needs --subject CODE and --task LABEL, as in 01 and faces")
    if given.subject:
        try:
            check_code(given.subject, most=None)
        except ValueError as error:
            raise ValueError(f"--subject {error}") from None
    from emgrig.recording.paths import check_recording

    for path in given.recordings:
        check_recording(path)
    from emgrig.recording.export.source import open_parts

    parts = open_parts(given.recordings)
    jobs = [*_file_jobs(parts, given), *_mat_jobs(parts, given)]
    if given.bids:
        jobs.append(_bids_job(parts, given.bids, given))
    _make(jobs)
    _report(parts, jobs, as_json=given.as_json)


def _targets(
    parts: "Sequence[Part]", target: Path | None, suffix: str, *, overwrite: bool
) -> "Iterator[tuple[Part, Path]]":
    """Give each part its file, which may be written; none if there is no target."""
    from emgrig.recording.paths import part_path

    if target is None:
        return
    if target.suffix.lower() != suffix:
        raise ValueError(f"--{suffix[1:]} {target}: expected a name that ends in {suffix}")
    for number, part in enumerate(parts, start=1):
        path = part_path(target, number)
        check_output(path, overwrite=overwrite)
        yield part, path


def _file_jobs(parts: "Sequence[Part]", given: ExportOptions) -> "Iterator[_Job]":
    """Plan one file a part, by the registered format of its suffix."""
    from emgrig.recording.export.formats import EXPORTS

    named = [(given.csv, ".csv"), (given.parquet, ".parquet")]
    for target, suffix in [*named, *((one, one.suffix.lower()) for one in given.to or ())]:
        if suffix == ".mat":
            raise ValueError(
                f"--to {target}: CASMEMG's layout has options of its own: --mat {target}"
            )
        for part, path in _targets(parts, target, suffix, overwrite=given.overwrite):
            if suffix in _OTHERS:
                who = f"{_OTHERS[suffix]} opens our BDF+ file itself, and a --bids data set"
                raise ValueError(f"--to {target}: {who}")
            export = EXPORTS.load(suffix.removeprefix("."))
            yield _Job(path.name, partial(export.write, part, path), [path], export.check(part))


def _bids_job(parts: "Sequence[Part]", root: Path, given: ExportOptions) -> _Job:
    from emgrig.recording.export.bids import BidsOptions, plan_bids
    from emgrig.recording.export.bids_channels import Told
    from emgrig.recording.export.staging import publish

    options = BidsOptions(
        subject=given.subject,
        task=given.task,
        session=given.session,
        first_run=given.run,
        mains_hz=given.mains,
        name=given.name,
        authors=tuple(given.author or ()),
        told=Told(given.electrode_mm, given.electrode_type, given.electrode_material),
        with_capture=given.capture,
        overwrite=given.overwrite,
    )
    files = plan_bids(parts, root, options)
    told = "" if given.mains else "PowerLineFrequency is n/a: --mains 50 or 60 says it"
    return _Job(str(root), partial(publish, root, files), [root / name for name in files], told)


# The layout of CASMEMG: 8 columns, 1000 Hz, no mark for a gap.


def _mat_jobs(parts: "Sequence[Part]", given: ExportOptions) -> Iterator[_Job]:
    if given.as_table:
        require("matio", "matlab", "--as-table")
    for part, path in _targets(parts, given.mat, ".mat", overwrite=given.overwrite):
        said = _check_mat(part, hold_gaps=given.hold_gaps)
        yield _Job(path.name, partial(_write_mat, part, path, given.as_table), [path], said)


def _check_mat(part: "Part", *, hold_gaps: bool) -> str:
    """Refuse what the layout cannot hold; return what is to be said of the file."""
    from emgrig.analysis.paper.casmemg_files import RATE_HZ

    name = part.path.name
    if part.rate_hz != RATE_HZ:
        raise ValueError(
            f"--mat: CASMEMG has {RATE_HZ:g} Hz, {name} {part.rate_hz:g} Hz; record at "
            f"{RATE_HZ:g} Hz, or make --parquet or --csv, which take every rate"
        )
    numbers = [channel.number for channel in part.channels]
    if max(numbers) > _MAT_COLUMNS:
        raise ValueError(
            f"--mat: CASMEMG has {_MAT_COLUMNS} columns, {name} a channel {max(numbers)}; "
            "make --parquet or --csv"
        )
    n_gap = _n_gap(part) - part.n_padding
    if n_gap and not hold_gaps:
        raise ValueError(
            f"--mat: {counted(n_gap, 'sample')} of {name} "
            f"{'was' if n_gap == 1 else 'were'} not measured, and CASMEMG has no mark for that; "
            "hold the sample before with --hold-gaps, or make --parquet or --csv"
        )
    absent = [str(n) for n in range(1, _MAT_COLUMNS + 1) if n not in numbers]
    columns = f"column{'s are' if len(absent) > 1 else ' is'} 0, not recorded: {', '.join(absent)}"
    said = [columns] if absent else []
    if n_gap:
        said.append(
            counted(
                n_gap,
                "sample that was not measured holds the one before",
                "samples that were not measured hold the one before",
            )
        )
    return "; ".join(said)


def _write_mat(part: "Part", path: Path, as_table: bool, tell: "Tell") -> None:
    """Write a recording without the padding at its end; column n is channel n."""
    import numpy as np

    from emgrig.analysis.paper.casmemg_files import write_casmemg_mat

    n_samples = part.n_samples - part.n_padding
    matrix = np.zeros((n_samples, _MAT_COLUMNS))
    indices = [channel.number - 1 for channel in part.channels]
    is_gap = np.zeros(n_samples, np.bool_)
    for block in part.blocks():
        rows = slice(block.first, min(block.first + len(block.is_gap), n_samples))
        n_rows = max(rows.stop - rows.start, 0)
        matrix[rows, indices] = block.samples_uv[:n_rows]
        is_gap[rows] = block.is_gap[:n_rows]
        tell(rows.stop / n_samples)
    if is_gap.any():
        matrix = matrix[np.maximum.accumulate(np.where(is_gap, 0, np.arange(n_samples)))]
    write_casmemg_mat(path, matrix, as_table=as_table)


def _n_gap(part: "Part") -> int:
    return sum(int(block.is_gap.sum()) for block in part.blocks())


# What is seen of it.


def _make(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        with Bar(job.title) as bar:
            job.make(bar.advance)


def _report(parts: "Sequence[Part]", jobs: Sequence[_Job], *, as_json: bool) -> None:
    files = [str(path) for job in jobs for path in job.files]
    notes = [f"{job.title}: {job.note}" for job in jobs if job.note]
    n_samples, n_gap = sum(part.n_samples for part in parts), sum(map(_n_gap, parts))
    if as_json:
        print_json(
            {
                "simulated": any(part.is_simulated for part in parts),
                "files": files,
                "n_samples": n_samples,
                "n_not_measured": n_gap,
                "notes": notes,
            }
        )
        return
    for path in files:
        say(path)
    of = counted(len(parts), "file")
    say(f"{counted(n_samples, 'sample')} of {of}, {n_gap} of them not measured (gaps, padding)")
    for text in notes:
        note(text)
