"""The one way in: `open_recording` looks at what a file holds and gives it to the right reader."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.names import plain_line
from emgrig.reading.formats import openbci, others
from emgrig.reading.formats.brainvision import read_brainvision
from emgrig.reading.formats.matlab import read_matlab
from emgrig.reading.formats.own import read_bdf, read_parquet
from emgrig.reading.formats.tables import read_table
from emgrig.reading.formats.xdf import read_xdf
from emgrig.reading.recording import Recording
from emgrig.reading.safety import Lines, contents, head_of
from emgrig.reading.signals import Signal
from emgrig.reading.units import microvolts_in

#: A message quotes what damaged files hold; it is cut to so many characters.
_MOST_SAID = 500
Reader = Callable[[Path, float | None], Recording]


def open_recording(
    path: str | Path,
    *,
    rate_hz: float | None = None,
    unit: str | None = None,
    channels: Sequence[str] = (),
) -> Recording:
    """Open anybody's recording.

    Parameters
    ----------
    path : str or Path
        EDF, BDF (with + or not, continuous or not, ours with its sidecar), .mat, BrainVision, XDF,
        Parquet, or text: OpenBCI, BrainFlow, AcqKnowledge, OpenSignals, tables; also gzipped.
    rate_hz : float, optional
        Hz, for a file that does not say it.
    unit : str, optional
        V, mV, uV or nV, of channels that the file gives no unit.
    channels : sequence of str, optional
        The signals that are wanted, by name or by number from 1; all if empty.

    Returns
    -------
    Recording
        Its samples are read when they are asked for.

    Raises
    ------
    RecordingError
        If the file is missing, damaged, contradicts itself, or is no recording.
    ValueError
        If what was told is no rate or unit, or contradicts the file.
    MissingExtra
        If a library is needed that is not installed.
    """
    file = Path(path)
    if rate_hz is not None and not 0 < rate_hz < 1e7:
        raise ValueError(f"a rate of {rate_hz:g} Hz; above 0 was expected")
    if unit is not None and microvolts_in(unit) is None:
        raise ValueError(f"unit {unit!r}: expected V, mV, uV or nV")
    head = head_of(file)
    try:
        found = _reader(file, head)(file, rate_hz)
    except RecordingError as error:
        said = plain_line(str(error), _MOST_SAID)
        raise type(error)(said if file.name in said else f"{file}: {said}") from error
    except MemoryError as error:
        raise RecordingError(f"{file} is too large for the memory, or damaged") from error
    found = replace(
        found,
        remarks=tuple(plain_line(said, _MOST_SAID) for said in found.remarks),
        left_out=tuple(plain_line(said, _MOST_SAID) for said in found.left_out),
    )
    if unit is not None:
        found = replace(found, signals=_in_unit(found, unit))
    found = found.choose(channels) if channels else found
    return replace(found, remarks=(*found.remarks, *_without_unit(found)))


def _without_unit(found: Recording) -> list[str]:
    """Say of which signals nobody says the unit; of all formats alike, since all may lack it."""
    names = [one.name for one in found.signals if not one.unit]
    if not names:
        return []
    which = (
        "its values"
        if len(names) == len(found.signals)
        else ", ".join(names[:3]) + " …" * (len(names) > 3)
    )
    said = f"the file does not say the unit of {which}: amplitudes are as they stand in it"
    return [plain_line(f"{said} (--unit uV, mV, V or nV)", _MOST_SAID)]


def _reader(path: Path, head: bytes) -> Reader:
    suffix = path.suffix.lower()
    if head[:8] == b"\xffBIOSEMI" or (suffix == ".bdf" and head[:1] == b"\xff"):
        return read_bdf
    if head[:8] == b"0       " or suffix in (".edf", ".bdf", ".rec"):
        return read_bdf
    if head[:6] == b"MATLAB" or head[:8] == b"\x89HDF\r\n\x1a\n" or suffix == ".mat":
        return read_matlab
    if head[:4] == b"XDF:" or suffix == ".xdf":
        return read_xdf
    if head[:4] == b"PAR1":
        return read_parquet
    if suffix in (".vhdr", ".vmrk", ".eeg") or b"Brain Vision" in head[:60]:
        return read_brainvision
    if suffix == ".capture":
        raise RecordingError(f"{path} is a raw capture: emgrig convert makes the recording of it")
    if suffix == ".json":
        raise RecordingError(f"{path} is what stands beside a recording: name the recording itself")
    return _read_text


def _read_text(path: Path, rate_hz: float | None) -> Recording:
    """Read a text by what stands in its first lines."""
    lines = Lines.of(path, contents(path))
    if len(lines) < 2:
        raise RecordingError(f"{path} has {len(lines)} lines; a heading and samples were expected")
    if openbci.is_sd_card(lines):
        return openbci.read_sd_card(path, lines, rate_hz)
    if lines[0].startswith("%OpenBCI") or any("OpenBCI" in x for x in lines[:5] if x[:1] == "%"):
        return openbci.read_openbci(path, lines, rate_hz)
    if lines[0].startswith("# OpenSignals"):
        return others.read_opensignals(path, lines, rate_hz)
    if others.is_acqknowledge(lines):
        return others.read_acqknowledge(path, lines, rate_hz)
    if lines[0].startswith("File Name:"):
        return others.read_uci(path, lines, rate_hz)
    n_columns = openbci.brainflow_layout(lines)
    if n_columns is not None:
        return openbci.read_brainflow(path, lines, n_columns, rate_hz)
    return read_table(path, lines, rate_hz)


def _in_unit(found: Recording, unit: str) -> tuple[Signal, ...]:
    """Give signals without a unit the one that was told."""
    factor = microvolts_in(unit)
    assert factor is not None
    unsaid = [one for one in found.signals if not one.unit and not one.problem]
    if not unsaid:
        other = [one for one in found.signals if one.is_voltage and one.factor != factor]
        if other and len(other) == sum(one.is_voltage for one in found.signals):
            raise ValueError(
                f"--unit {unit} contradicts the file: {found.path.name} says another voltage "
                f"for {other[0].name}"
            )
    return tuple(
        replace(one, unit="uV", factor=factor * one.factor) if one in unsaid else one
        for one in found.signals
    )
