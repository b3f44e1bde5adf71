"""A recording read back: samples in blocks, channels, annotations, and what its sidecar says."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import Mux
from emgrig.errors import RecordingError
from emgrig.files import inside, is_file, why
from emgrig.fileschema import misfit
from emgrig.filetext import read_json
from emgrig.reading.formats.edffile import EdfFile, EdfSignal
from emgrig.recording.facts import read_annotations
from emgrig.recording.paths import CAPTURE_SUFFIX, check_recording, part_path, sidecar_path
from emgrig.recording.sidecar import FORMAT, Json, schema

BLOCK_SAMPLES = 1 << 15
MOST_PARTS = 10_000
_OBJECT, _TEXT, _COUNT = {"type": "object"}, {"type": "string"}, {"type": "integer", "minimum": 0}
NOT_TOLD = "not told"
_CHANNEL = {"type": "integer", "minimum": 1, "maximum": 32}
_OR_NOT = {"type": ["object", "null"]}
_OBJECTS = {"type": "array", "items": _OBJECT}
_READ: Json = {
    "properties": {
        "files": {
            "type": "object",
            "properties": {"part": _COUNT, "parts": _COUNT, "capture": _TEXT, "tube": _TEXT},
            "required": ["part", "parts", "capture"],
        },
        "is_simulated": {"type": "boolean"},
        "software": {
            "type": "object",
            "properties": {"converted_by": _TEXT, "recorded_by": _TEXT},
            "required": ["converted_by", "recorded_by"],
        },
        "board": {
            "type": "object",
            "properties": {
                "channels_per_chip": {"enum": [4, 6, 8]},
                "chip_count": _COUNT,
                "serial_number": _TEXT,
                "address": _TEXT,
                "firmware": _TEXT,
                "can": {"type": "object", "properties": {"chip": _TEXT}},
            },
            "required": ["channels_per_chip", "serial_number", "address", "firmware"],
        },
        "profile": {"type": ["string", "null"]},
        **dict.fromkeys(("start", "rate", "clock_fit", "calibration"), _OR_NOT),
        "contact": {
            "type": ["object", "null"],
            "properties": {"electrodes": _OBJECTS, "channels": _OBJECTS},
        },
        "band": {
            "type": "object",
            "properties": {"high_hz": {"type": ["number", "null"]}},
            "required": ["high_hz"],
        },
        "channels": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"channel": _CHANNEL, "label": _TEXT, "gain": {"type": "number"}},
                "required": ["channel", "name", "label", "gain", "mux"],
            },
        },
        "registers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"chips": {"type": "array"}},
                "required": ["chips"],
            },
        },
        "samples": {"type": "object", "properties": {"padding": _COUNT}, "required": ["padding"]},
        "annotations": {"type": "array"},
    }
}
"""What of a sidecar is read here; the rest is handed on, whatever it is."""


class Block(NamedTuple):
    """Consecutive samples.

    Attributes
    ----------
    first : int
        Index of the first in the file.
    samples_uv : ndarray of float64, shape (n_samples, n_channels)
        µV, as every reader of the file computes them from its header; NaN where `is_gap`.
    is_gap : ndarray of bool, shape (n_samples,)
        True where nothing was measured: a gap that was filled, bad frames, or padding.
    """

    first: int
    samples_uv: NDArray[np.float64]
    is_gap: NDArray[np.bool_]


@dataclass(frozen=True)
class Channel:
    """One signal of the file.

    Attributes
    ----------
    number : int
        1 or more, as on the board.
    name, label : str
        In full, and as in the header of the file.
    gain : float
        V/V, as read back, or as stated if `is_stated`.
    mux : str
        What the channel measured; "normal" is its electrodes, "not told" if no register said it.
    scale_uv, offset_uv : float
        One code, and code 0, as the header gives them, µV.
    """

    number: int
    name: str
    label: str
    gain: float
    mux: str
    scale_uv: float
    offset_uv: float
    is_stated: bool = False

    @property
    def is_of_electrodes(self) -> bool:
        """True if it measured its electrodes, as far as is known."""
        return self.mux in (Mux.NORMAL.word, NOT_TOLD)


class Part:
    """One BDF+ file of a recording, with its sidecar.

    Attributes
    ----------
    path : Path
    sidecar : dict
        As `sidecar.schema.json` has it.
    channels : tuple of Channel
        In the order of the file.
    rate_hz : float
        As in the header.
    n_samples : int
        Of each channel, fill and padding included.
    start : datetime
        UTC, of the first sample.
    annotations : tuple of Annotation
        All of the file, as the sidecar has them, by sample and length (as MNE sorts them).

    Raises
    ------
    RecordingError
        If the file or its sidecar is missing, damaged, or not of this program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sidecar = _read_sidecar(path)
        try:
            listed_facts = read_annotations(self.sidecar["annotations"])
        except ValueError as error:
            raise RecordingError(f"{sidecar_path(path)} makes no sense: {error}") from error
        in_time = sorted(listed_facts, key=lambda one: (one.sample, one.n_samples))
        self.annotations = tuple(in_time)
        try:
            self._read(path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RecordingError(f"{path} cannot be read as BDF+: {why(error)}") from error

    def _read(self, path: Path) -> None:
        file = self._file = EdfFile(path)
        signals = self._signals = [one for one in file.signals if not one.is_annotations]
        if len({one.n_in_record for one in signals}) != 1 or file.n_said != file.n_records:
            raise ValueError(
                f"it has {file.n_records} data records of channels of one rate; its header says "
                f"{file.n_said}"
            )
        begin = file.begin
        if begin is None:
            raise ValueError("its header does not say when it began")
        listed = cast("Sequence[Mapping[str, object]]", self.sidecar["channels"])
        if [str(entry["label"]) for entry in listed] != [s.label for s in signals]:
            raise ValueError(f"its channels are not those of {sidecar_path(path).name}")
        self.channels = tuple(map(_channel, listed, signals))
        self.rate_hz = file.rate_hz(signals[0])
        self.n_samples = file.n_records * signals[0].n_in_record
        self.start = begin.replace(tzinfo=dt.UTC)

    @property
    def duration_s(self) -> float:
        """Length of the file, s."""
        return self.n_samples / self.rate_hz

    @property
    def is_simulated(self) -> bool:
        """True if the board said that it is a simulated one."""
        return bool(self.sidecar["is_simulated"])

    @property
    def converter(self) -> str:
        """What the board's converter is called; older files are of an ADS1299."""
        can = cast("Mapping[str, object]", self.section("board").get("can") or {})
        return str(can.get("chip", "ADS1299"))

    @property
    def loss_is(self) -> str:
        """How well its loss is known; of older files, exactly."""
        capture = self.sidecar.get("capture")
        return str(capture.get("loss_is", "exact")) if isinstance(capture, dict) else "exact"

    @property
    def contact(self) -> Mapping[str, object]:
        """The last check of the electrodes before the recording; empty if there was none."""
        return cast("Mapping[str, object] | None", self.sidecar.get("contact")) or {}

    def section(self, name: str) -> Mapping[str, object]:
        """Return an object of the sidecar."""
        return cast("Mapping[str, object]", self.sidecar[name])

    @cached_property
    def registers(self) -> tuple[RegisterFile, ...]:
        """Registers of each chip at the first sample; none if they could not be read."""
        try:
            first = cast("Sequence[Mapping[str, object]]", self.sidecar["registers"])[0]
            chips = cast("Sequence[Mapping[str, object]]", first["chips"])
            n_channels = cast("int", self.section("board")["channels_per_chip"])
            return tuple(RegisterFile.from_hex(str(chip["hex"]), n_channels) for chip in chips)
        except (LookupError, TypeError, ValueError) as error:
            where = sidecar_path(self.path)
            raise RecordingError(f"{where} is damaged: its registers, {error}") from error

    @property
    def capture_path(self) -> Path | None:
        """The raw capture beside the file, or None if it is not there."""
        path = self._beside(str(self.section("files")["capture"]))
        return path if path.suffix == CAPTURE_SUFFIX and is_file(path) else None

    @property
    def tube_path(self) -> Path | None:
        """The table of the digital tube, or None if none was shown.

        Raises
        ------
        RecordingError
            If the sidecar names one, and it is not there.
        """
        name = self.section("files").get("tube")
        if name is None:
            return None
        path = self._beside(str(name))
        if not is_file(path):
            raise RecordingError(
                f"{path!s:.200} is missing: the table of the digital tube belongs to "
                f"{self.path.name}; emgrig convert {self.section('files')['capture']} makes it anew"
            )
        return path

    def _beside(self, name: str) -> Path:
        """Return a file that the sidecar names: it is in the recording's folder, or refused."""
        if inside(self.path.parent, name) is None:
            raise RecordingError(
                f"{sidecar_path(self.path)} names {name!r:.200}, which is not in its folder, links "
                "followed; files of a recording lie beside it"
            )
        return self.path.parent / name

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """Begin and end of each stretch that was not measured, samples, shape (n, 2)."""
        spans = [(one.sample, one.sample + one.n_samples) for one in self.annotations if one.is_bad]
        return np.array(spans, np.int64).reshape(-1, 2)

    @property
    def n_padding(self) -> int:
        """Samples behind the last one, which fill up the last data record."""
        return cast("int", self.section("samples")["padding"])

    def blocks(self, n_samples: int = BLOCK_SAMPLES) -> Iterator[Block]:
        """Read the file from its beginning, about `n_samples` at a time, whole data records."""
        scale_uv = np.array([channel.scale_uv for channel in self.channels])
        offset_uv = np.array([channel.offset_uv for channel in self.channels])
        in_record = self._signals[0].n_in_record
        n_records = max(n_samples // in_record, 1)
        for record in range(0, self._file.n_records, n_records):
            first = record * in_record
            codes = self._file.codes(self._signals, record, n_records)
            samples_uv = codes * scale_uv + offset_uv
            is_gap = self._is_gap(first, len(samples_uv))
            samples_uv[is_gap] = np.nan
            yield Block(first, samples_uv, is_gap)

    def _is_gap(self, first: int, n_samples: int) -> NDArray[np.bool_]:
        is_gap = np.zeros(n_samples, np.bool_)
        met = (self.gaps[:, 0] < first + n_samples) & (self.gaps[:, 1] > first)
        for begin, end in (self.gaps[met] - first).tolist():
            is_gap[max(begin, 0) : end] = True
        return is_gap


def open_parts(paths: Sequence[Path]) -> list[Part]:
    """Open recordings; all parts of one whose first file is named, in order, each once.

    Raises
    ------
    RecordingError
        As `Part` does; a part that is missing too.
    """
    wanted: list[Path] = []
    for path in paths:
        files = cast("Mapping[str, object]", _read_sidecar(path)["files"])
        is_first = files["part"] == 1
        n_parts = cast("int", files["parts"]) if is_first else 1
        if n_parts > MOST_PARTS:
            raise RecordingError(f"{sidecar_path(path)} is damaged: it names {n_parts} parts")
        wanted += [part_path(path, number) for number in range(1, n_parts + 1)]
    return [Part(path) for path in dict.fromkeys(wanted)]


def _read_sidecar(bdf_path: Path) -> Json:
    check_recording(bdf_path)
    path = sidecar_path(bdf_path)
    try:
        content = read_json(path, "it")
    except ValueError as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecordingError(f"{path} is no sidecar of a recording: its format is not {FORMAT!r}")
    required = set(cast("Sequence[str]", schema()["required"])) - {"contact"}
    if missing := sorted(required - set(content)):
        raise RecordingError(f"{path} is no whole sidecar: it lacks {', '.join(missing)}")
    if wrong := misfit(content, _READ):
        raise RecordingError(f"{path} is damaged: {wrong}")
    return cast("Json", content)


def _channel(entry: Mapping[str, object], signal: EdfSignal) -> Channel:
    if signal.unit != "uV" or signal.scale is None:
        raise ValueError(f"{signal.label} is in {signal.unit!r}, expected µV")
    scale_uv, offset_uv = signal.scale
    return Channel(
        number=cast("int", entry["channel"]),
        name=str(entry["name"]),
        label=signal.label,
        gain=float(cast("float", entry["gain"])),
        mux=NOT_TOLD if entry["mux"] is None else str(entry["mux"]),
        scale_uv=scale_uv,
        offset_uv=offset_uv,
        is_stated=entry.get("scale_is") == "stated",
    )
