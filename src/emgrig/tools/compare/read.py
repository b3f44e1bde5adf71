"""Channels of recordings of any device, as tracks that can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.response import sinc3_group_delay_s
from emgrig.comparison import Response, Track
from emgrig.driver.chip.model import ADS1299
from emgrig.errors import UnreadableFile
from emgrig.files import stem_of
from emgrig.filetext import parse_toml, read_text
from emgrig.reading import Recording, open_recording
from emgrig.reading.recording import RateNotSaid
from emgrig.reading.runs import Floats
from emgrig.reading.signals import find_signal

#: From the last modulator sample to the data-ready edge, clock periods: 3 until its result is
#: there, and the 9 of the settling times (SBAS499C, table 9: four data periods and 9).
EDGE_CLOCKS = 12
_MOST = 1e12
_KNOWN = ("rate_hz", "unit", "response", "low_hz", "high_hz", "delay_s")


@dataclass(frozen=True)
class Description:
    """What a file does not say about itself; None where nothing was told.

    Attributes
    ----------
    rate_hz, unit
        Needed for a table that says neither.
    response : str or None
        "sinc3" for an ADS1299 that was not equalised; "flat" otherwise.
    low_hz, high_hz : float or None
        Corners of the device's own filters.
    delay_s : float or None
        Known delay of its filters.
    """

    rate_hz: float | None = None
    unit: str | None = None
    response: str | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    delay_s: float | None = None


@dataclass(frozen=True)
class Source:
    """A recording that can be compared, and what is known about it besides."""

    recording: Recording
    description: Description

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of its channels."""
        return self.recording.labels

    def track(self, channel: str) -> Track:
        """Read one channel, by name or number.

        Raises
        ------
        ValueError
            If there is no such channel, or its unit is not known or no voltage.
        RecordingError
            If the file cannot be read.
        """
        told, found = self.description, self.recording
        index = find_signal(found.labels, channel)
        one = found.signals[index]
        if one.problem:
            raise ValueError(f"{found.path.name}, {one.name}: {one.problem}")
        if not one.unit:
            raise ValueError(
                f"{found.path.name} does not say the unit of {one.name}: write "
                f'{stem_of(found.path)}.toml beside it, with unit = "uV"'
            )
        if one.unit != "uV":
            raise ValueError(f"{found.path.name}, {one.name} is in {one.unit}, no voltage")
        values = found.values(index)
        missing = np.isnan(values)
        return Track(
            name=f"{found.path.name}, {channel}",
            samples=_bridged(values, missing),
            rate_hz=told.rate_hz or found.measured_hz or found.rate_hz,
            unit="uV",
            response=Response(told.response or "flat"),
            low_hz=told.low_hz,
            high_hz=told.high_hz,
            delay_s=told.delay_s or 0.0,
            missing=missing if missing.any() else None,
        )


def _bridged(values: Floats, missing: NDArray[np.bool_]) -> Floats:
    """Draw straight lines over gaps, which are left out later: filters need numbers."""
    if missing.all():
        raise ValueError("the channel holds nothing but gaps")
    if not missing.any():
        return values
    places = np.arange(values.size)
    return np.interp(places, places[~missing], values[~missing])


def open_source(path: Path, description: Path | None = None, **told: float | str | None) -> Source:
    """Open a recording with what is known about it.

    Taken in this order, the later over the earlier: an emgrig sidecar (``name.json``), a TOML
    description (`description`, or ``name.toml`` beside it), and `told`.

    Raises
    ------
    RecordingError
        If a file is not there or cannot be read.
    ValueError
        If a description says what is not known here, or contradicts the file.
    """
    beside = path.with_name(f"{stem_of(path)}.toml")
    known = Description()
    if path.is_file() and (description is not None or beside.is_file()):
        known = _of_toml(description or beside)
    known = replace(known, **{k: v for k, v in told.items() if v is not None})  # type: ignore[arg-type]
    try:
        found = open_recording(path, rate_hz=known.rate_hz, unit=known.unit)
    except RateNotSaid as error:
        raise ValueError(
            f"{path.name} does not say its rate and unit: write {beside.name} beside it, with "
            'rate_hz = 2000 and unit = "uV"'
        ) from error
    if found.is_own:
        delay_s = sinc3_group_delay_s(found.rate_hz) + EDGE_CLOCKS / ADS1299.f_clk_hz
        known = replace(known, response=known.response or "sinc3", delay_s=known.delay_s or delay_s)
    return Source(found, known)


def told_apart(ours: Source, reference: Source) -> list[str]:
    """Say what is done to one of the two and not to the other, for want of knowing."""
    return [*_unlike(ours, reference), *_unlike(reference, ours)]


def _unlike(known: Source, other: Source) -> list[str]:
    response, told = known.description.response, other.description
    if other.recording.lacks_sidecar:
        beside = other.recording.path.with_suffix(".json").name
        lacks = f"was recorded by emgrig, and its sidecar {beside} is not there: put it beside"
    else:
        toml = f"{stem_of(other.recording.path)}.toml"
        lacks = f"is taken as it stands: say in {toml} what is known (response, rate_hz)"
    done, unknown = [], []
    if response == "sinc3" and told.response is None:
        done.append("equalised for sinc3")
        unknown.append("response")
    measured_hz = known.recording.measured_hz
    if (
        known.description.rate_hz is None
        and measured_hz is not None
        and told.rate_hz is None
        and other.recording.measured_hz is None
    ):
        done.append(f"put to its measured rate of {measured_hz:.3f} Hz")
        unknown.append("measured rate")
    if not done:
        return []
    said = (
        f"{other.recording.path.name} {lacks}; its {' and '.join(unknown)} "
        f"{'are' if len(unknown) > 1 else 'is'} not known, while {known.recording.path.name} was "
        f"{' and '.join(done)}: amplitude, frequency and clock may differ by that alone"
    )
    return [said]


def paired(ours: Source, reference: Source, channels: str) -> list[tuple[str, str]]:
    """Say which channel of ours goes with which of the reference.

    Parameters
    ----------
    channels : str
        ``a=b,…`` with labels or column numbers; empty pairs channels of the same label, or the only
        one of each.

    Raises
    ------
    ValueError
        If nothing goes together; the message lists what there is.
    """
    if channels:
        pairs = [tuple(part.partition("=")[::2]) for part in channels.split(",")]
        if not all(first.strip() and second.strip() for first, second in pairs):
            raise ValueError(f"channels {channels!r}; expected ours=reference,… as Zyg=EMG1,2=3")
        return [(first.strip(), second.strip()) for first, second in pairs]
    theirs = {label.lower(): label for label in reference.labels}
    same = [(label, theirs[label.lower()]) for label in ours.labels if label.lower() in theirs]
    if same:
        return same
    if len(ours.labels) == len(reference.labels) == 1:
        return [(ours.labels[0], reference.labels[0])]
    raise ValueError(
        f"which channels go together? give --channels ours=reference; ours: {_list(ours.labels)}; "
        f"reference: {_list(reference.labels)}"
    )


def _list(labels: Sequence[str]) -> str:
    return ", ".join(labels)


def _of_toml(path: Path) -> Description:
    content = parse_toml(read_text(path, str(path)), str(path))
    unknown = sorted(set(content) - set(_KNOWN))
    if unknown:
        raise UnreadableFile(
            f"{path}: {', '.join(unknown)} is not known; there are {', '.join(_KNOWN)}"
        )
    value: Any
    for key, value in content.items():
        is_word = key in ("unit", "response")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = isinstance(value, str) if is_word else is_number and -_MOST < value < _MOST
        if not fits:
            expected = "word" if is_word else "number"
            raise UnreadableFile(f"{path}: {key} is {value!r}; expected a {expected}")
    if content.get("response", "flat") not in ("flat", "sinc3"):
        raise UnreadableFile(f"{path}: response is {content['response']!r}; expected flat or sinc3")
    return Description(**content)  # type: ignore[arg-type]  # held against their kinds above
