"""The recordings of an EMG-BIDS data set, and the files that say something about each."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emgrig.errors import RecordingError
from emgrig.files import attempt

_MOST_BYTES = 64 << 20
_EMG = re.compile(r"(sub-[0-9A-Za-z]+)(_.*)?_emg\.(bdf|edf)")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Unit:
    """One recording; all paths are absolute.

    Attributes
    ----------
    stem : str
        Name of the file without ``_emg.bdf``: what all its files begin with.
    participant : str
        As in participants.tsv.
    """

    root: Path
    path: Path
    stem: str
    participant: str

    @property
    def folder(self) -> Path:
        """Where it lies, below the data set."""
        return self.path.parent.relative_to(self.root)

    def beside(self, suffix: str) -> Path | None:
        """Find a file of BIDS about it, by the inheritance principle: the nearest that fits.

        A file fits if all entities of its name are in the recording's name.
        """
        own = set(self.stem.split("_"))
        place = self.path.parent
        while True:
            fitting = [
                path
                for path in sorted(place.glob(f"*{suffix}"))
                if set(path.name.removesuffix(suffix).removesuffix("_").split("_")) - {""} <= own
            ]
            if fitting:
                return max(fitting, key=lambda path: len(path.name))
            if place == self.root:
                return None
            place = place.parent

    def source(self, suffix: str) -> Path | None:
        """Find what lies in sourcedata under the recording's name."""
        path = self.root / "sourcedata" / self.folder / f"{self.stem}{suffix}"
        return path if path.is_file() else None

    def coding(self, coder: str) -> Path | None:
        """Find what a coder wrote of it: derivatives/CODER/…/STEM…_events.tsv, or STEM….eaf."""
        folder = self.root / "derivatives" / coder / self.folder
        exact = re.compile(
            re.escape(self.stem) + r"(_desc-[0-9A-Za-z]+)?(_events\.tsv|(_events|_emg)?\.eaf)"
        )
        found = sorted(p for p in folder.glob("*") if exact.fullmatch(p.name))
        if len(found) > 1:
            names = ", ".join(p.name for p in found)
            raise RecordingError(f"{folder} has more than one coding of {self.stem}: {names}")
        return found[0] if found else None

    def files(self, coders: Sequence[str]) -> list[Path]:
        """Return all files that its result depends on."""
        parts = [
            self.path,
            *(self.beside(s) for s in ("emg.json", "channels.tsv", "events.tsv", "electrodes.tsv")),
            *(
                self.source(s)
                for s in ("_recording.json", "_tube.tsv", "_readings.csv", "_clock.csv")
            ),
            *(self.coding(coder) for coder in coders),
        ]
        return sorted({p for p in parts if p is not None})


def check_data_set(root: Path) -> None:
    """Raise RecordingError if a folder is no BIDS data set."""
    if not root.is_dir():
        raise RecordingError(f"there is no folder {root}; check the name")
    if not (root / "dataset_description.json").is_file():
        raise RecordingError(
            f"{root} has no dataset_description.json: it is no BIDS data set; emgrig export --bids "
            "and emgrig session --export-bids make one of recordings of emgrig; of others' "
            "docs/study.md says what it must hold"
        )


def find_units(root: Path) -> list[Unit]:
    """Find the recordings of a data set, in order.

    Raises
    ------
    RecordingError
        If the folder is no BIDS data set, or has no EMG recording.
    """
    check_data_set(root)
    whole = root.resolve()
    units = []
    for path in sorted([*whole.glob("sub-*/emg/*_emg.*"), *whole.glob("sub-*/ses-*/emg/*_emg.*")]):
        found = _EMG.fullmatch(path.name)
        if found is not None:
            stem = path.name.rpartition("_emg.")[0]
            units.append(Unit(whole, path, stem, found[1]))
    if not units:
        raise RecordingError(
            f"{root} has no EMG recording; sub-…/emg/…_emg.bdf or .edf was expected"
        )
    return units


def coders_of(root: Path) -> list[str]:
    """Return the folders below derivatives/ that hold codings, in order of their names."""
    found = {
        path.relative_to(root / "derivatives").parts[0]
        for pattern in ("*/sub-*/**/*_events.tsv", "*/sub-*/**/*.eaf")
        for path in (root / "derivatives").glob(pattern)
    }
    return sorted(found - {"emgrig-study"})


def read_tsv(path: Path) -> list[Row]:
    """Read a table of BIDS; cells that are n/a are left out of their row.

    Raises
    ------
    RecordingError
        If it cannot be read, or is no table.
    """
    with attempt("read", path):
        if path.stat().st_size > _MOST_BYTES:
            raise RecordingError(
                f"{path} has more than {_MOST_BYTES >> 20} MB; a table was expected"
            )
        raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path} is no table of BIDS: {error!s:.100}") from error
    lines = [line.split("\t") for line in text.split("\n")]
    if not all(lines[0]) or len(set(lines[0])) != len(lines[0]):
        raise RecordingError(f"{path} is no table of BIDS: its columns have no names of their own")
    return [
        {key: cell for key, cell in zip(lines[0], cells, strict=False) if cell not in ("n/a", "")}
        for cells in lines[1:]
        if cells != [""]
    ]


def seconds(row: Row, key: str, path: Path, nth: int) -> float:
    """Return a time of a row; RecordingError names the place if it is none."""
    try:
        value = float(row[key])
    except (KeyError, ValueError):
        value = float("nan")
    if not abs(value) < 1e7:
        raise RecordingError(
            f"{path}, row {nth + 2}: {key} is {row.get(key, 'n/a')}; seconds were expected"
        )
    return value


def read_facts(path: Path | None) -> Mapping[str, Any]:
    """Read a JSON file that describes something; nothing if there is none.

    Raises
    ------
    RecordingError
        If it is damaged.
    """
    if path is None:
        return {}
    with attempt("read", path):
        raw = path.read_bytes()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is damaged: {error}") from error
    return content if isinstance(content, dict) else {}
