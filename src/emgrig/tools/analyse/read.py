"""What `emgrig analyse` reads: anyone's recording becomes samples in µV, NaN where none are."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emgrig.analysis.paper.casmemg_files import RATE_HZ, read_casmemg_mat
from emgrig.analysis.signal.filters import Floats
from emgrig.reading.textfiles import TextRecording, read_text
from emgrig.recording.bdf.header import SIMULATED_BOARD
from emgrig.recording.export.bdf_file import BdfFile
from emgrig.recording.export.source import Part, find_part
from emgrig.recording.facts import BAD

if TYPE_CHECKING:
    from edfio import Bdf, Edf

#: Microvolts in a unit.
_VOLTS = {"v": 1e6, "mv": 1e3, "uv": 1.0, "µv": 1.0, "nv": 1e-3}
_SIMULATED = "SIMULATED: recorded from a simulated board, not from a person"
_BAD_LEFT_OUT = (
    "stretches that the file's annotations call BAD_ were left out; no sidecar of emgrig says why"
)


def read_recording(path: Path, rate_hz: float | None) -> TextRecording:
    """Read a recording by what its name ends in; raises as `read_text` does.

    Parameters
    ----------
    path : Path
        .bdf or .edf, .mat in CASMEMG's layout, or a text.
    rate_hz : float or None
        For a file that does not name it, Hz.
    """
    suffix = path.suffix.lower()
    if suffix in (".bdf", ".edf"):
        return _read_edf(path)
    if suffix == ".mat":
        samples = read_casmemg_mat(path)
        labels = tuple(f"c{i + 1}" for i in range(samples.shape[1]))
        units = ("uV",) * samples.shape[1]
        return TextRecording(samples, labels, units, rate_hz or RATE_HZ, "CASMEMG .mat")
    return read_text(path, rate_hz=rate_hz)


def in_unit(found: TextRecording, unit: str | None) -> TextRecording:
    """Give channels without a unit the one that was said; ValueError for one that is none."""
    if unit is None:
        return found
    if unit.lower() not in _VOLTS:
        raise ValueError(f"--unit {unit}: expected V, mV, uV or nV")
    factors = [1.0 if known else _VOLTS[unit.lower()] for known in found.units]
    units = tuple(known or "uV" for known in found.units)
    return replace(found, samples=found.samples * np.array(factors), units=units)


def _read_edf(path: Path) -> TextRecording:
    """Read EDF or BDF; of our own recordings the sidecar says what was measured."""
    part = find_part(path) if path.suffix.lower() == ".bdf" else None
    return _read_foreign(path) if part is None else _read_part(part)


def _read_part(part: Part) -> TextRecording:
    samples = np.concatenate([block.samples_uv for block in part.blocks()])
    return TextRecording(
        samples[: part.n_samples - part.n_padding],
        tuple(channel.label for channel in part.channels),
        ("uV",) * len(part.channels),
        part.rate_hz,
        "BDF",
        (_SIMULATED,) if part.is_simulated else (),
        part.is_simulated,
    )


def _read_foreign(path: Path) -> TextRecording:
    import edfio

    file = edfio.read_bdf(path) if path.suffix.lower() == ".bdf" else edfio.read_edf(path)
    rates = [s.sampling_frequency for s in file.signals]
    if not rates:
        raise ValueError(f"{path} holds no signal")
    rate_hz = max(rates)
    kept = [s for s in file.signals if s.sampling_frequency == rate_hz]
    scale = [_VOLTS.get(s.physical_dimension.lower()) for s in kept]
    samples = np.stack([s.data * (f or 1.0) for s, f in zip(kept, scale, strict=True)], axis=1)
    units = [
        "uV" if f is not None else s.physical_dimension for s, f in zip(kept, scale, strict=True)
    ]
    is_simulated = SIMULATED_BOARD in file.local_recording_identification.split()
    bad = [note for note in _notes(path, file) if note[2].startswith(BAD) and note[1]]
    left = len(rates) - len(kept)
    remarks = [
        *([_SIMULATED] if is_simulated else []),
        *([f"{left} signals of another rate were left out"] if left else []),
        *([f"{len(bad)} {_BAD_LEFT_OUT}"] if bad else []),
    ]
    return TextRecording(
        _measured(samples, rate_hz, bad),
        tuple(s.label for s in kept),
        tuple(units),
        rate_hz,
        path.suffix[1:].upper(),
        tuple(remarks),
        is_simulated,
    )


def _notes(path: Path, file: "Bdf | Edf") -> list[tuple[float, float, str]]:
    """Return onset and duration (0 for a point in time), s, and text of each annotation.

    Our own files by our own reader: edfio 0.4 trips over its own rounding of some lengths.
    """
    try:
        return BdfFile(path).annotations()
    except ValueError:  # somebody else's
        return [(note.onset, note.duration or 0.0, note.text) for note in file.annotations]


def _measured(samples: Floats, rate_hz: float, bad: Iterable[tuple[float, float, str]]) -> Floats:
    """Put NaN where annotations say BAD_…, and cut off what of that is at the end.

    A file has no mark for a missing sample: what it holds in a gap was not measured.
    """
    end = len(samples)
    for onset_s, duration_s, _ in bad:
        begin, behind = round(onset_s * rate_hz), round((onset_s + duration_s) * rate_hz)
        samples[begin:behind] = np.nan
        end = min(begin, end) if behind >= len(samples) else end
    return samples[:end]
