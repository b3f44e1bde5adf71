"""A capture becomes BDF+ files and their sidecars, in bounded memory.

The capture is read once, to find out how many files it gives, how long they are and how much room
their annotations need; what is to stand in them is kept in a spool on the disk until then.
"""

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.driver.can import Can
from emgrig.driver.captures.capture import CaptureReader
from emgrig.driver.captures.lock import is_being_written
from emgrig.errors import RecordingError
from emgrig.files import attempt, whole_file, write_file
from emgrig.protocol.account import Totals
from emgrig.protocol.decoder import DecoderCounts
from emgrig.reading.formats.edf import BOARD, SIMULATED_BOARD
from emgrig.recording import sidecar
from emgrig.recording.bdf.channels import header_channels
from emgrig.recording.bdf.header import FileHead
from emgrig.recording.bdf.writer import BdfWriter
from emgrig.recording.facts import Annotation
from emgrig.recording.notes import Notes
from emgrig.recording.part import Change, PartBegin, Samples, Step, TubeRows
from emgrig.recording.paths import BDF_SUFFIX, check_target, part_path, sidecar_path
from emgrig.recording.sidecar import PartReport
from emgrig.recording.spool import Spool
from emgrig.recording.sync.tube import tube_path, tube_table
from emgrig.recording.timeline import Timeline
from emgrig.version import PROGRAM

SO_FAR = "-so-far"  #: Behind the name of what is made of a capture that is being recorded.
PROGRESS_STEP = 0.01
_READING = 0.7  #: Share of the work that reading the capture is.


class NothingRecorded(RecordingError):
    """A capture holds no samples, so there is nothing to make of it."""


@dataclass(frozen=True)
class Recording:
    """What a capture became."""

    capture_path: Path
    #: More than one if rate, gain or powered channels changed, or the board was long away.
    bdf_paths: tuple[Path, ...]
    sidecar_paths: tuple[Path, ...]
    #: Samples in the files, received or filled; the padding of the last data records not counted.
    n_samples: int
    totals: Totals  #: What became of every conversion.
    decoder: DecoderCounts  #: What became of every byte.
    damage: str  #: What is wrong with the capture file, in words; empty if nothing is.
    remarks: tuple[str, ...] = ()  #: What contradicts itself, in words.
    #: How far the board could tell scale and loss.
    can: Can = field(default_factory=Can)


def convert(
    capture_path: str | Path,
    bdf_path: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Convert a capture.

    Parameters
    ----------
    capture_path : str or Path
        Left as it is.
    bdf_path : str or Path, optional
        Ends in ``.bdf``; by default the capture's name, with "-so-far" if it is being recorded
        right now. Further parts become ``name-2.bdf`` and so
        on, and each gets a sidecar ``name.json``.
    overwrite : bool
        Replace files that exist.
    progress : callable, optional
        Called now and then with the share that is done, 0 to 1.

    Raises
    ------
    ValueError
        If `bdf_path` does not end in ``.bdf``.
    RecordingError
        If the capture cannot be read or holds no samples, a file exists, or there is no room. No
        file is left half-written.
    """
    source = Path(capture_path)
    reader = CaptureReader(source)
    target = check_target(_target(source, bdf_path), overwrite=overwrite)
    advice = f"nothing is lost, {source} holds it all: convert it again"
    with Spool(target, advice) as spool:
        tell = _teller(reader, spool, progress)
        timeline = Timeline(reader)
        reports = _survey(timeline, spool, tell)
        if not reports:
            raise _nothing(source, timeline)
        paths = tuple(part_path(target, number) for number in range(1, len(reports) + 1))
        for report, path in zip(reports, paths, strict=True):
            check_target(path, overwrite=overwrite)
            _set_start(report, timeline.notes)
        with attempt("write", target, advice):
            _check_room(target.parent, sum(r.plan.n_bytes for r in reports if r.plan is not None))
        contents = [
            _content(timeline, report, path, source, (number, len(paths)))
            for number, (report, path) in enumerate(zip(reports, paths, strict=True), start=1)
        ]
        _write(spool, reports, contents, paths, tell, advice)
    for report, path in zip(reports, paths, strict=True):
        if report.tube:
            write_file(tube_path(path), _tube_table(report, timeline.notes), advice)
    return Recording(
        capture_path=source,
        bdf_paths=paths,
        sidecar_paths=tuple(sidecar_path(path) for path in paths),
        n_samples=sum(report.n_samples for report in reports),
        totals=timeline.totals,
        decoder=timeline.decoder,
        damage=timeline.damage,
        remarks=tuple(sidecar.remarks(reports, timeline)),
        can=timeline.notes.identity.can if timeline.notes.identity is not None else Can(),
    )


def _target(source: Path, bdf_path: str | Path | None) -> Path:
    """Choose the name of the file: a capture that is being recorded needs its own at its end."""
    if bdf_path is not None:
        return Path(bdf_path)
    own = source.with_suffix(BDF_SUFFIX)
    return own.with_stem(f"{own.stem}{SO_FAR}") if is_being_written(source) else own


def _nothing(source: Path, timeline: Timeline) -> NothingRecorded:
    damage = f" ({timeline.damage})" if timeline.damage else ""
    return NothingRecorded(f"{source} holds no samples{damage}; there is nothing to convert")


def _content(
    timeline: Timeline, report: PartReport, path: Path, source: Path, part: tuple[int, int]
) -> sidecar.Json:
    """Return what the sidecar of a file says."""
    files = {"bdf": path.name, "capture": source.name, "part": part[0], "parts": part[1]}
    if report.tube:
        files["tube"] = tube_path(path).name
    return sidecar.describe(report, timeline, files=files, software=PROGRAM)


def _teller(
    reader: CaptureReader, spool: Spool, progress: Callable[[float], None] | None
) -> Callable[[], None]:
    """Make what tells the share that is done; reading the capture is most of it."""
    n_bytes = max(reader.path.stat().st_size, 1)
    told = [-1.0]

    def tell() -> None:
        read = min(reader.read_bytes / n_bytes, 1.0)
        share = _READING * read + (1 - _READING) * spool.share
        if progress is not None and share - told[0] >= PROGRESS_STEP:
            told[0] = share
            progress(min(share, 1.0))

    return tell


def _survey(timeline: Timeline, spool: Spool, tell: Callable[[], None]) -> list[PartReport]:
    """Read all of it into the spool, and find out what each file needs."""
    reports: list[PartReport] = []
    writer: BdfWriter | None = None
    for step in timeline:
        tell()
        spool.add(step)
        if isinstance(step, PartBegin):
            _end(writer, reports)
            reports.append(PartReport(step, _head(step, timeline.notes)))
            writer = BdfWriter(reports[-1].head)
        assert writer is not None
        _count(reports[-1], step)
        _put(writer, step)
    _end(writer, reports)
    return reports


def _end(writer: BdfWriter | None, reports: list[PartReport]) -> None:
    if writer is not None:
        reports[-1].plan = writer.finish()
        if writer.padding is not None:
            reports[-1].add_annotation(writer.padding)
            reports[-1].n_padding = writer.padding.n_samples


def _count(report: PartReport, step: Step) -> None:
    match step:
        case Samples():
            if step.is_fill:
                report.n_filled += len(step.codes)
            else:
                report.tally.n_samples += len(step.codes)
        case Annotation():
            report.add_annotation(step)
        case Change():
            report.add_change(step)
        case TubeRows():
            report.tube += step.rows


def _tube_table(report: PartReport, notes: Notes) -> str:
    rows = (row._replace(shown_unix_s=notes.tube_shown.get(row.number)) for row in report.tube)
    return "".join(tube_table(rows, report.begin.epoch.rate_hz, report.head.start_unix_s))


def _put(writer: BdfWriter, step: Step) -> None:
    match step:
        case Samples():
            writer.write(step.codes)
        case Annotation():
            writer.annotate(step)


def _head(begin: PartBegin, notes: Notes) -> FileHead:
    identity = notes.identity
    assert identity is not None
    return FileHead(
        channels=header_channels(begin.epoch, begin.channel_indices, notes),
        rate_hz=begin.epoch.rate_hz,
        start_unix_s=begin.arrival_s,
        equipment=SIMULATED_BOARD if identity.is_simulated else BOARD,
        remarks=(identity.serial_number,),
    )


def _set_start(report: PartReport, notes: Notes) -> None:
    """Date the first sample by the clock fit, now that all of it is known."""
    fit = notes.clock_fit(report.begin.clock_index)
    if fit is not None:
        start_s = fit.unix_s(report.begin.board_time_us)
        report.head = replace(report.head, start_unix_s=start_s)


def _write(
    spool: Spool,
    reports: list[PartReport],
    contents: list[sidecar.Json],
    paths: tuple[Path, ...],
    tell: Callable[[], None],
    advice: str,
) -> None:
    """Write the files, each under its name only when it is whole."""
    steps = iter(spool)
    assert next(steps) is None
    for report, content, path in zip(reports, contents, paths, strict=True):
        with (
            whole_file(path, advice) as unfinished,
            whole_file(sidecar_path(path), advice) as unfinished_sidecar,
            unfinished.open("xb") as bdf,
            unfinished_sidecar.open("x", encoding="utf-8", newline="\n") as text,
        ):
            writer = BdfWriter(report.head, bdf, report.plan)
            annotations = _written(writer, steps, report.n_samples, tell)
            sidecar.write(text, content, annotations, report.head.rate_hz)


def _written(
    writer: BdfWriter,
    steps: Iterator[Samples | Annotation | None],
    n_samples: int,
    tell: Callable[[], None],
) -> Iterator[Annotation]:
    """Write one part, and hand on its annotations; those that lie behind its end come to it."""
    for step in steps:
        tell()
        if step is None:  # the next part begins
            break
        _put(writer, step)
        if isinstance(step, Annotation):
            yield replace(step, sample=min(step.sample, n_samples))
    writer.finish()
    if writer.padding is not None:
        yield writer.padding


def _check_room(folder: Path, n_bytes: int) -> None:
    """Raise OSError if the disk cannot take it."""
    if shutil.disk_usage(folder).free < n_bytes:
        raise OSError(errno.ENOSPC, f"{n_bytes / 1e6:.0f} MB are needed, the disk has less")
