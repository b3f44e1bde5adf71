"""What a BIDS data set begins with: description, README, and columns of participants.tsv."""

from collections.abc import Sequence
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.files import json_text
from emgrig.filetext import read_json
from emgrig.recording.sidecar import Json
from emgrig.version import __version__

BIDS_VERSION = "1.11.2"
_NAME = "Facial EMG"
_README = """\
Facial EMG, exported by emgrig.

Each *_emg.bdf is the recording as it was made, byte for byte: BDF+ with 24-bit samples,
input-referred, in µV. Conversions that were lost are filled with the sample before them, so that
time stays right, and are the events BAD_gap in events.tsv; BAD_padding fills up the end of a file.

sourcedata/ holds, for each recording, what BIDS has no place for: all registers of the amplifier as
read back, exact scale, calibration, clock and check of the electrodes (*_recording.json); every
change of the digital tube that a video shows, with its sample (*_tube.tsv); and the raw capture if
it was asked for.

participants.tsv says in the column simulated whether a recording is of a simulated board; such data
are not of a person.
"""
_PARTICIPANTS_JSON: Json = {
    "age": {"Description": "Age of the participant", "Units": "year"},
    "sex": {"Description": "Sex of the participant"},
    "handedness": {"Description": "Handedness of the participant"},
    "simulated": {
        "Description": "Whether the first recording came from a simulated board",
        "Levels": {"yes": "simulated, not of a person", "no": "recorded with a board"},
    },
}


def begin(root: Path, *, name: str, authors: Sequence[str], overwrite: bool) -> dict[str, str]:
    """Return the files that a data set begins with, without those it has.

    Parameters
    ----------
    root : Path
        Its folder.
    name, authors : str, sequence of str
        Of the data set; empty if they were not told.
    overwrite : bool
        Whether a data set that is there gets another name and other authors.

    Raises
    ------
    RecordingError
        If it has a description that may not be replaced, or that cannot be read.
    """
    description: Json = {
        "Name": name or _NAME,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "emgrig", "Version": __version__}],
    }
    if authors:
        description["Authors"] = list(authors)
    begun = {
        "dataset_description.json": json_text(description),
        "README": _README,
        "participants.json": json_text(_PARTICIPANTS_JSON),
    }
    new = {file: text for file, text in begun.items() if not (root / file).exists()}
    if "dataset_description.json" not in new and (name or authors):
        if not overwrite:
            raise RecordingError(
                f"{root} has a dataset_description.json; leave --name and --author out, or say "
                "overwrite (--overwrite)"
            )
        new["dataset_description.json"] = _renamed(root / "dataset_description.json", name, authors)
    if any(root.glob("README*")):
        new.pop("README", None)
    return new


def _renamed(path: Path, name: str, authors: Sequence[str]) -> str:
    """Return a data set's description with another name and authors."""
    try:
        content = read_json(path, str(path))
    except ValueError as error:
        raise RecordingError(str(error)) from error
    if not isinstance(content, dict):
        raise RecordingError(f"{path} is no description of a data set: mend it first")
    if name:
        content["Name"] = name
    if authors:
        content["Authors"] = list(authors)
    return json_text(content)
