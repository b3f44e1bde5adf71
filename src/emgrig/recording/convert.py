"""A capture becomes BDF+ files and their sidecars, in bounded memory.

The capture is read twice: once to find out how many files it gives, how long they are and how much
room their annotations need, and once to write them.
"""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from emgrig.driver.captures.capture import CaptureReader
from emgrig.errors import RecordingError
from emgrig.recording import sidecar
from emgrig.recording.bdf import Annotation, BdfWriter, FileHead
from emgrig.recording.notes import Notes
from emgrig.recording.sidecar import PartReport
from emgrig.recording.sync.tube import tube_path, tube_table
from emgrig.recording.timeline import (
    Account,
    Change,
    Gap,
    Mark,
    PartBegin,
    Samples,
    Step,
    Timeline,
    TubeRows,
)
from emgrig.recording.words import describe_gap, header_channels
from emgrig.version import PROGRAM

CAPTURE_SUFFIX = ".capture"
BDF_SUFFIX = ".bdf"
PROGRESS_STEP = 0.01


@dataclass(frozen=True)
class Recording:
    """What a capture became.

    Attributes
    ----------
    capture_path : Path
    bdf_paths, sidecar_paths : tuple of Path
        More than one if rate, gain or powered channels changed, or the board was long away.
    n_samples : int
        Samples in the files, received or filled; the padding of the last data records not counted.
    account : Account
        What became of every conversion.
    """

    capture_path: Path
    bdf_paths: tuple[Path, ...]
    sidecar_paths: tuple[Path, ...]
    n_samples: int
    account: Account


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
        Ends in ``.bdf``; by default the capture's name. Further parts become ``name-2.bdf`` and so
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
    target = check_target(
        source.with_suffix(BDF_SUFFIX) if bdf_path is None else Path(bdf_path), overwrite=overwrite
    )
    reader = CaptureReader(source)
    tell = _teller(reader, progress)
    timeline = Timeline(reader)
    reports = _survey(timeline, tell)
    account, notes = timeline.account, timeline.notes
    if not reports:
        damage = f" ({account.damage})" if account.damage else ""
        raise RecordingError(f"{source} holds no samples{damage}; there is nothing to convert")
    paths = tuple(part_path(target, number) for number in range(1, len(reports) + 1))
    for path in paths:
        check_target(path, overwrite=overwrite)
    for report in reports:
        _set_start(report, notes)
    with _no_room(source, target):
        _check_room(target.parent, sum(r.plan.n_bytes for r in reports if r.plan is not None))
        _write(reader, reports, paths, tell)
        for number, (report, path) in enumerate(zip(reports, paths, strict=True), start=1):
            files = {
                "bdf": path.name,
                "capture": source.name,
                "part": number,
                "parts": len(paths),
            }
            if report.tube:
                files["tube"] = _write_tube(report, notes, path)
            content = sidecar.describe(report, notes, account, files=files, software=PROGRAM)
            sidecar.write(sidecar_path(path), content)
    return Recording(
        capture_path=source,
        bdf_paths=paths,
        sidecar_paths=tuple(sidecar_path(path) for path in paths),
        n_samples=sum(report.n_received + report.n_filled for report in reports),
        account=account,
    )


def part_path(target: Path, number: int) -> Path:
    """Return the path of a part: that of the target for the first, ``name-2.bdf`` for the next."""
    return target if number == 1 else target.with_stem(f"{target.stem}-{number}")


def sidecar_path(bdf_path: Path) -> Path:
    """Return the path of the sidecar of a BDF+ file."""
    return bdf_path.with_suffix(".json")


def check_target(path: Path, *, overwrite: bool) -> Path:
    """Refuse a target that cannot be, before anything is read or written; return it.

    Raises
    ------
    ValueError
        If it does not end in ``.bdf``.
    RecordingError
        If its folder does not exist, or it or its sidecar exists.
    """
    if path.suffix.lower() != BDF_SUFFIX:
        raise ValueError(f"{path} must end in {BDF_SUFFIX}: recordings are BDF+ files")
    if not path.parent.is_dir():
        raise RecordingError(f"the folder {path.parent} does not exist; make it first")
    for existing in (path, sidecar_path(path)):
        if existing.is_dir():
            raise RecordingError(f"{existing} is a folder; choose another name")
        if existing.exists() and not overwrite:
            raise RecordingError(
                f"{existing} exists; choose another name, or say overwrite (--overwrite)"
            )
    return path


def _teller(
    reader: CaptureReader, progress: Callable[[float], None] | None
) -> Callable[[int], None]:
    """Make what tells the share that is done, in the first or the second reading (0 or 1)."""
    n_bytes = max(reader.path.stat().st_size, 1)
    told = [-1.0]

    def tell(reading: int) -> None:
        share = (reading + reader.read_bytes / n_bytes) / 2
        if progress is not None and share - told[0] >= PROGRESS_STEP:
            told[0] = share
            progress(min(share, 1.0))

    return tell


def _survey(timeline: Timeline, tell: Callable[[int], None]) -> list[PartReport]:
    """Read all of it once, and find out what each file needs."""
    reports: list[PartReport] = []
    writer: BdfWriter | None = None
    for step in timeline:
        tell(0)
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
        reports[-1].n_padding = writer.n_padding


def _count(report: PartReport, step: Step) -> None:
    match step:
        case Samples():
            if step.is_fill:
                report.n_filled += len(step.codes)
            else:
                report.n_received += len(step.codes)
        case Gap():
            report.add_gap(step)
        case Mark():
            report.add_mark(step)
        case Change():
            report.add_change(step)
        case TubeRows():
            report.tube += step.rows


def _write_tube(report: PartReport, notes: Notes, path: Path) -> str:
    """Write the table of the digital tube beside a BDF+ file; return its name."""
    rows = (row._replace(shown_unix_s=notes.tube_shown.get(row.number)) for row in report.tube)
    target = tube_path(path)
    lines = tube_table(rows, report.begin.epoch.rate_hz, report.head.start_unix_s)
    target.write_text("".join(lines), encoding="utf-8", newline="\n")
    return target.name


def _put(writer: BdfWriter, step: Step) -> None:
    match step:
        case Samples():
            writer.write(step.codes)
        case Gap():
            text = describe_gap(step.n_samples, step.cause, is_estimate=step.is_estimate)
            n_samples = step.n_samples if step.is_filled else 0
            writer.annotate(Annotation(step.sample, n_samples, text))
        case Mark():
            writer.annotate(Annotation(step.sample, step.n_samples, step.text))


def _head(begin: PartBegin, notes: Notes) -> FileHead:
    identity = notes.identity
    assert identity is not None
    return FileHead(
        channels=header_channels(begin.epoch, begin.channel_indices, notes),
        rate_hz=begin.epoch.rate_hz,
        start_unix_s=begin.arrival_s,
        equipment="emgrig_simulated_board" if identity.is_simulated else "emgrig_ADS1299_board",
        remarks=(identity.serial_number,),
    )


def _set_start(report: PartReport, notes: Notes) -> None:
    """Date the first sample by the clock fit, now that all of it is known."""
    fit = notes.clock_fit(report.begin.clock_index)
    if fit is not None:
        start_s = fit.unix_s(report.begin.board_time_us)
        report.head = replace(report.head, start_unix_s=start_s)


def _write(
    reader: CaptureReader,
    reports: list[PartReport],
    paths: tuple[Path, ...],
    tell: Callable[[int], None],
) -> None:
    """Read the capture again and write the files, each under its name only when it is whole."""
    steps: Iterator[Step] = iter(Timeline(reader))
    ahead: Step | None = next(steps)
    for report, path in zip(reports, paths, strict=True):
        assert isinstance(ahead, PartBegin)
        with _whole_file(path) as file:
            writer = BdfWriter(report.head, file, report.plan)
            for ahead in steps:
                tell(1)
                if isinstance(ahead, PartBegin):
                    break
                _put(writer, ahead)
            writer.finish()


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name when it was written without an error."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _no_room(source: Path, target: Path) -> Iterator[None]:
    """Turn what the file system says into one line."""
    try:
        yield
    except OSError as error:
        hint = "; make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise RecordingError(
            f"cannot write {target}: {error.strerror}; nothing is lost, {source} holds it all"
            f"{hint} and convert it again"
        ) from error


def _check_room(folder: Path, n_bytes: int) -> None:
    """Raise OSError if the disk cannot take it."""
    if shutil.disk_usage(folder).free < n_bytes:
        raise OSError(errno.ENOSPC, f"{n_bytes / 1e6:.0f} MB are needed, the disk has less")
