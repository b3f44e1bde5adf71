"""What a recording can be handed over as, one file a part: formats by the suffix of their files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emgrig.recording.export.source import Part
from emgrig.recording.export.staging import Tell
from emgrig.registry import Registry


def nothing_to_say(part: Part) -> str:  # noqa: ARG001
    """Take every recording as it is."""
    return ""


@dataclass(frozen=True)
class Export:
    """A format.

    Attributes
    ----------
    write : callable
        Given a part, the path of the file, and whom to tell the share that is done, 0 to 1. The
        file is whole or not there (`emgrig.files.whole_file`).
    check : callable
        Given a part before anything is written: raises ValueError for what the format cannot hold
        and MissingExtra for a library that is not there; returns what is to be said of the file.
    """

    write: Callable[[Part, Path, Tell], None]
    check: Callable[[Part], str] = nothing_to_say


EXPORTS: Final = Registry[Export](
    "emgrig.exports",
    "export",
    {
        "csv": "emgrig.recording.export.tables:CSV",
        "parquet": "emgrig.recording.export.tables:PARQUET",
    },
)
"""Suffix without dot to `Export`; those of other packages are entry points "emgrig.exports"."""
