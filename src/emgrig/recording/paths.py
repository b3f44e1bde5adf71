"""The files of a recording: what they are called, whether they are free, whether they are there."""

from pathlib import Path

from emgrig.driver.captures.lock import is_being_written
from emgrig.errors import RecordingError
from emgrig.files import check_output

CAPTURE_SUFFIX = ".capture"
BDF_SUFFIX = ".bdf"


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
        If its folder does not exist, it or its sidecar exists, or a recording that is on needs it.
    """
    if path.suffix.lower() != BDF_SUFFIX:
        raise ValueError(f"{path} must end in {BDF_SUFFIX}: recordings are BDF+ files")
    for file in (path, sidecar_path(path)):
        check_output(file, overwrite=overwrite)
    if is_being_written(path.with_suffix(CAPTURE_SUFFIX)):
        raise RecordingError(
            f"{path.with_suffix(CAPTURE_SUFFIX)} is being recorded right now, and needs {path} at "
            "its end; choose another name"
        )
    return path


def check_recording(bdf_path: Path) -> None:
    """Raise RecordingError unless a file of this name is there, and its sidecar beside it."""
    if bdf_path.suffix.lower() != BDF_SUFFIX:
        raise RecordingError(
            f"{bdf_path} is no recording: a file ending in {BDF_SUFFIX} was expected; "
            "emgrig convert makes it of a raw capture"
        )
    path = sidecar_path(bdf_path)
    if not bdf_path.is_file():
        raise RecordingError(f"{bdf_path} does not exist")
    if not path.is_file():
        raise RecordingError(
            f"{path} is missing: it says what {bdf_path.name} is; "
            f"emgrig convert {bdf_path.with_suffix(CAPTURE_SUFFIX).name} makes both anew"
        )
