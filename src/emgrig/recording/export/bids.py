"""A recording becomes part of a BIDS data set (EMG-BIDS, version 1.11.2 of the specification)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emgrig.errors import RecordingError
from emgrig.files import check_folder, json_text, refuse_existing
from emgrig.filetext import read_json
from emgrig.recording.export import bids_channels
from emgrig.recording.export.bids_channels import NOT_TOLD, Told
from emgrig.recording.export.bids_dataset import begin
from emgrig.recording.export.bids_emg import emg_json
from emgrig.recording.export.bids_events import events
from emgrig.recording.export.bids_table import NOT_KNOWN, merged
from emgrig.recording.export.source import Part
from emgrig.recording.export.staging import Content, Tell, publish, quiet
from emgrig.recording.facts import Marker
from emgrig.recording.sidecar import Json

_SOURCE = "sourcedata"
_REHEARSAL, _SESSION, _SAYS_REHEARSAL = "rehearsal", "session", "rehearsal=yes"


@dataclass(frozen=True)
class BidsOptions:
    """Where a recording belongs, and what only its maker knows.

    Attributes
    ----------
    subject, session, task : str
        Labels: letters and digits. `session` may be empty.
    first_run : int or None
        Number of the first file; None: files are numbered from 1 if there are several.
    mains_hz : float or None
        50 or 60; None if not told.
    name, authors : str, tuple of str
        Of the data set; used when it is begun, or overwritten.
    told : Told
        About the electrodes.
    with_capture : bool
        Copy the raw captures too.
    overwrite : bool
        Replace the files of a recording that is there already.

    Raises
    ------
    ValueError
        If a label is none, or a number makes no sense.
    """

    subject: str
    task: str
    session: str = ""
    first_run: int | None = None
    mains_hz: float | None = None
    name: str = ""
    authors: tuple[str, ...] = ()
    told: Told = NOT_TOLD
    with_capture: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        for what, prefix in (("subject", "sub-"), ("session", "ses-"), ("task", "task-")):
            label = str(getattr(self, what)).removeprefix(prefix)
            if what == "session" and not label:
                continue
            if not re.fullmatch("[0-9A-Za-z]+", label):
                raise ValueError(
                    f"--{what} {label!r}: expected letters and digits only"
                    + (", a code such as 01 and never a name" if what == "subject" else "")
                )
            object.__setattr__(self, what, label)
        if self.first_run is not None and self.first_run < 1:
            raise ValueError(f"--run {self.first_run}: expected 1 or more")
        if self.mains_hz not in (None, 50, 60):
            raise ValueError(f"--mains {self.mains_hz:g}: expected 50 or 60 (Hz)")

    @property
    def folder(self) -> str:
        """Folder of the files, below the data set."""
        parts = [f"sub-{self.subject}", *([f"ses-{self.session}"] if self.session else []), "emg"]
        return "/".join(parts)

    @property
    def session_stem(self) -> str:
        """Beginning of the names of the files of a session."""
        return f"sub-{self.subject}" + (f"_ses-{self.session}" if self.session else "")

    def stem(self, run: int | None) -> str:
        """Beginning of the names of the files of a recording."""
        return f"{self.session_stem}_task-{self.task}" + ("" if run is None else f"_run-{run}")


def export_bids(
    parts: Sequence[Part], root: Path, options: BidsOptions, tell: Tell = quiet
) -> list[Path]:
    """Add recordings to a BIDS data set, which is begun if it is not there.

    Parameters
    ----------
    parts : sequence of Part
        Of one participant, session and task; each becomes a run if there are several.
    root : Path
        Folder of the data set.
    options : BidsOptions
    tell : callable
        Told the share that is done.

    Returns
    -------
    list of Path
        The files that were written. Nothing is left half-written.

    Raises
    ------
    RecordingError
        If a file of the recording exists and may not be overwritten, what is in the folder is no
        data set, or it cannot be written.
    """
    files = plan_bids(parts, root, options)
    publish(root, files, tell)
    return [root / name for name in files]


def add_runs(parts: Sequence[Part], root: Path, options: BidsOptions) -> list[Path]:
    """Add recordings as further runs, each its own; what is there of the same one is replaced.

    Another recording's files never are. Returns and raises as `export_bids`.
    """
    written: list[Path] = []
    for part in parts:
        run, is_same = run_for(part, root, options)
        placed = replace(options, first_run=run, overwrite=is_same)
        written += export_bids([part], root, placed)
    return list(dict.fromkeys(written))


def refuse_study(root: Path) -> None:
    """Raise ValueError if a data set lies in no folder ``rehearsal``: it may be a study."""
    if _REHEARSAL not in root.absolute().parts:
        raise ValueError(
            f"this is a rehearsal, and {root} may be a study: a rehearsal goes only into a data "
            f"set in a folder '{_REHEARSAL}', as {_REHEARSAL}/{root.name}"
        )


def _is_rehearsal(part: Part) -> bool:
    """Tell whether a session's first marker says so."""
    texts = (one.fact.marker for one in part.annotations if isinstance(one.fact, Marker))
    return any(text.startswith(_SESSION) and _SAYS_REHEARSAL in text.split() for text in texts)


def run_for(part: Part, root: Path, options: BidsOptions) -> tuple[int, bool]:
    """Return the run of a recording in a data set: its own if it is there already, else the next.

    The recordings of a data set are known by board and begin, as sourcedata has them.
    """
    mine = part.section("board")["serial_number"], part.sidecar["start"]
    taken = [0]
    for path in (root / options.folder).glob(f"{options.session_stem}_task-{options.task}_run-*"):
        found = re.search(r"_run-(\d+)_emg\.bdf$", path.name)
        if found is None:
            continue
        taken.append(int(found[1]))
        stem = f"{options.folder}/{options.stem(int(found[1]))}"
        try:
            known: Any = read_json(root / _SOURCE / f"{stem}_recording.json", "what is there")
            if (known["board"]["serial_number"], known["start"]) == mine:
                return int(found[1]), True
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(taken) + 1, False


def plan_bids(parts: Sequence[Part], root: Path, options: BidsOptions) -> dict[str, Content]:
    """Return what `export_bids` writes, by the path below `root`; raises as it does."""
    _refuse_other_folders(root)
    if any(_is_rehearsal(part) for part in parts):
        refuse_study(root)
    first = options.first_run or (1 if len(parts) > 1 else None)
    runs = [None] * len(parts) if first is None else [first + i for i in range(len(parts))]
    files: dict[str, Content] = {}
    for part, run in zip(parts, runs, strict=True):
        files |= _recording_files(part, run, options)
    for name in files:
        instead = "--session, --task or --run"
        refuse_existing(root / name, overwrite=options.overwrite, instead=instead)
    return {
        **_data_set_files(parts[0], root, options),
        **_session_files(parts, runs, root, options),
        **files,
    }


def _refuse_other_folders(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise RecordingError(f"{root} is a file; a data set is a folder")
    check_folder(root.parent)
    is_begun = (root / "dataset_description.json").exists()
    if root.is_dir() and not is_begun and any(root.iterdir()):
        raise RecordingError(
            f"{root} is not empty and has no dataset_description.json: it is no BIDS data set; "
            "choose a new or an empty folder"
        )


def _recording_files(part: Part, run: int | None, options: BidsOptions) -> dict[str, Content]:
    stem = f"{options.folder}/{options.stem(run)}"
    told = options.told
    files: dict[str, Content] = {
        f"{stem}_emg.bdf": part.path,
        f"{stem}_emg.json": json_text(emg_json(part, options.task, told, options.mains_hz)),
        f"{stem}_channels.tsv": bids_channels.channels_table(part, told),
        f"{stem}_channels.json": json_text(bids_channels.channels_json(part)),
    }
    files[f"{stem}_events.tsv"], described = events(part)
    files[f"{stem}_events.json"] = json_text(described)
    return files | _source_files(part, f"{_SOURCE}/{stem}", options)


def _source_files(part: Part, stem: str, options: BidsOptions) -> dict[str, Content]:
    """Return what BIDS has no place for.

    Names of files may name a person, also the one in a replayed address; they are replaced.
    """
    base = stem.rpartition("/")[2]
    said: Json = {"bdf": f"{base}_emg.bdf", "capture": "not exported"}
    files: dict[str, Content] = {}
    if part.tube_path:
        files[f"{stem}_tube.tsv"] = part.tube_path
        said["tube"] = f"{base}_tube.tsv"
    if options.with_capture:
        if part.capture_path is None:
            raise RecordingError(f"the capture of {part.path} is not beside it; leave it out")
        files[f"{stem}_emg.capture"] = part.capture_path
        said["capture"] = f"{base}_emg.capture"
    board = part.section("board")
    content = {
        **part.sidecar,
        "files": {**part.section("files"), **said},
        "board": {**board, "address": str(board["address"]).partition(":")[0] + ":"},
    }
    files[f"{stem}_recording.json"] = json_text(content)
    return files


def _data_set_files(part: Part, root: Path, options: BidsOptions) -> dict[str, str]:
    row = {
        "participant_id": f"sub-{options.subject}",
        "age": NOT_KNOWN,
        "sex": NOT_KNOWN,
        "handedness": NOT_KNOWN,
        "simulated": "yes" if part.is_simulated else "no",
    }
    return {
        **begin(root, name=options.name, authors=options.authors, overwrite=options.overwrite),
        "participants.tsv": merged(root / "participants.tsv", [row]),
    }


def _session_files(
    parts: Sequence[Part], runs: Sequence[int | None], root: Path, options: BidsOptions
) -> dict[str, str]:
    """Return the files that the recordings of a session share; what they say already stays."""
    stem = f"{options.folder}/{options.session_stem}"
    electrodes = [row for part in parts for row in bids_channels.electrode_rows(part, options.told)]
    scans = [
        {
            "filename": f"emg/{options.stem(run)}_emg.bdf",
            "acq_time": part.start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        for part, run in zip(parts, runs, strict=True)
    ]
    scans_name = f"{options.folder.removesuffix('emg')}{options.session_stem}_scans.tsv"
    files = {scans_name: merged(root / scans_name, scans, replace=True)}
    if electrodes:
        name = f"{stem}_electrodes.tsv"
        files[name] = merged(root / name, electrodes, replace=options.overwrite)
        described = {
            f"{stem}_electrodes.json": json_text(bids_channels.electrodes_json()),
            f"{stem}_coordsystem.json": json_text(bids_channels.coordinates_json()),
        }
        files |= {
            name: text
            for name, text in described.items()
            if options.overwrite or not (root / name).exists()
        }
    return files
