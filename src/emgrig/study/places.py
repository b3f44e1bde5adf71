"""Where a study lies in its data set."""

from pathlib import Path

from emgrig.errors import RecordingError

FOLDER = Path("derivatives") / "emgrig-study"
"""Where all that a study writes lies, below the data set."""
FILE = "study.toml"


def settings_path(root: Path) -> Path:
    """Return where the settings of a data set's study lie."""
    return root / FOLDER / FILE


def check_begun(root: Path) -> Path:
    """Return where the settings lie; RecordingError if there are none yet."""
    path = settings_path(root)
    if not path.is_file():
        raise RecordingError(
            f"there is no study in {root} yet; begin with: emgrig study init {root}"
        )
    return path
