"""Whether a history of runs is there, for who has not read it yet."""

from pathlib import Path

from emgrig.errors import RecordingError


def check_there(path: Path) -> None:
    """Raise RecordingError if there is no file, or a folder, in its place."""
    if path.is_dir():
        raise RecordingError(
            f"{path} is a folder; name the file that emgrig bringup --history FILE wrote"
        )
    if not path.is_file():
        raise RecordingError(f"there is no history {path}; check the name")
