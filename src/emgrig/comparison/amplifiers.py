"""A measured noise level beside what is published about other amplifiers.

`amplifiers.csv` is packaged data, gathered from makers' documents, papers and open recordings; the
column `source` of each row says where from, `status` how far to trust it: C read in the maker's or
the authors' own document, S read in someone else's, D derived from data. Rows without a figure are
kept, because "not published" is an answer. Anyone can add rows with a file of the same columns.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path

from emgrig.calibration.figures.spectrum import EMG_BAND, Band
from emgrig.calibration.figures.uncertainty import Bound, Result
from emgrig.errors import RecordingError
from emgrig.filetext import read_text

PP_OVER_RMS = 6.6
"""Peak to peak over rms where the number of samples is not published; 6 to 8 occurs."""

_REQUIRED = ("id", "name", "maker", "status", "source")
_KNOWN = (
    *_REQUIRED,
    *("noise_rel", "noise_value", "noise_unit", "noise_kind", "noise_lo_hz", "noise_hi_hz"),
    *("noise_condition", "cmrr_rel", "cmrr_db", "cmrr_hz", "zin", "analog_bw_hz", "fs_max_hz"),
    *("channels", "bits", "lsb_uv", "range_mv", "white_density_nv_rthz", "white_20_450_uvrms"),
)
_STATUS = {"C": "", "S": "quoted by others", "D": "derived from data", "U": "unverified"}
_LOWEST_EMG_EDGE_HZ = 200.0
_SAME_EDGE = 0.10


class Comparability(StrEnum):
    """How far a published figure may be held against ours."""

    SAME_CONDITION = "same condition"
    CONVERTED = "converted"
    LIMIT_ONLY = "limit only"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Amplifier:
    """One row: what is published about an amplifier.

    `id` is unique; `status` is C, S, D, or U for a row whose source could not be read. `noise_uv`
    is the published figure, "rms" or "pp", and a limit ("<"), not a typical or measured value, if
    `is_limit`; its band is None if it is not published. `density_nv_per_rthz` is the white density,
    where the table's author converted it with the right noise bandwidth. `condition` says what was
    connected, `source` where it was read.
    """

    id: str
    name: str
    maker: str
    status: str
    noise_uv: float | None
    noise_kind: str
    is_limit: bool
    low_hz: float | None
    high_hz: float | None
    density_nv_per_rthz: float | None
    condition: str
    source: str


@dataclass(frozen=True)
class NoiseComparison:
    """One line of the comparison.

    `ours` is µV rms; `theirs_uv_rms` their level in our band, None if not comparable;
    `theirs_range_uv_rms` what a peak-to-peak figure leaves open (factor 8 to 6). Never rank across
    classes of `comparability`. `reason` says which rule applied, and under what condition their
    figure was taken.
    """

    ours: Result
    amplifier: Amplifier
    comparability: Comparability
    theirs_uv_rms: float | None
    theirs_range_uv_rms: tuple[float, float] | None
    reason: str


def load_amplifiers(extra: Sequence[Path] = ()) -> tuple[Amplifier, ...]:
    """Read the packaged table, and then the user's own files in order.

    The files are CSV with the header of the packaged one; columns may be missing (but not id, name,
    maker, status and source), none may be unknown. Raises ValueError if a file has another header,
    a number is none, or an id comes twice: the message names file and line; RecordingError if
    a file cannot be read.
    """
    packaged = resources.files("emgrig.comparison") / "amplifiers.csv"
    rows = _read("amplifiers.csv", packaged.read_text(encoding="utf-8"))
    for path in extra:
        rows += _read(str(path), _text(Path(path)))
    seen: dict[str, str] = {}
    for amplifier, where in rows:
        if amplifier.id in seen:
            raise ValueError(
                f"{where}: id {amplifier.id!r} is already used in {seen[amplifier.id]}"
            )
        seen[amplifier.id] = where
    return tuple(amplifier for amplifier, _ in rows)


def _text(path: Path) -> str:
    try:
        return read_text(path, str(path))
    except ValueError as error:
        raise RecordingError(str(error)) from error


def _read(name: str, text: str) -> list[tuple[Amplifier, str]]:
    reader = csv.DictReader(text.splitlines())
    columns = reader.fieldnames or ()
    missing = [column for column in _REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in _KNOWN]
    if missing or unknown:
        raise ValueError(f"{name}: columns missing {missing}, unknown {unknown}")
    rows = []
    for row in reader:
        where = f"{name} line {reader.line_num}"
        if None in row or None in row.values():
            raise ValueError(f"{where}: expected {len(columns)} fields; is a comma not quoted?")
        rows.append((_amplifier(row, where), where))
    return rows


def _amplifier(row: dict[str, str], where: str) -> Amplifier:
    def number(column: str) -> float | None:
        text = row.get(column, "").strip()
        if not text or text.startswith("n/a"):
            return None
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{where}: {column} is {text!r}, expected a number") from None
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{where}: {column} is {text}, expected a number >= 0")
        return value

    status, kind = row["status"].strip(), row.get("noise_kind", "").strip()
    noise = number("noise_value")
    if status not in _STATUS:
        raise ValueError(f"{where}: status is {status!r}, expected one of {', '.join(_STATUS)}")
    if noise is not None and (row.get("noise_unit") != "uV" or kind not in ("rms", "pp")):
        raise ValueError(f"{where}: a noise figure needs noise_unit uV and noise_kind rms or pp")
    return Amplifier(
        id=row["id"].strip(),
        name=row["name"],
        maker=row["maker"],
        status=status,
        noise_uv=noise,
        noise_kind=kind,
        is_limit=row.get("noise_rel", "").strip() in ("<", "<="),
        low_hz=number("noise_lo_hz"),
        high_hz=number("noise_hi_hz"),
        density_nv_per_rthz=number("white_density_nv_rthz"),
        condition=row.get("noise_condition", ""),
        source=row["source"],
    )


def compare_noise(
    ours: Result, amplifiers: Sequence[Amplifier], *, band: Band = EMG_BAND
) -> tuple[NoiseComparison, ...]:
    """Set our shorted rms in a band beside each amplifier's published figure.

    `ours` is the rms in `band`, µV, inputs shorted; the lines come in the order of `amplifiers`.

    Notes
    -----
    The rules, first match: no figure, no band, an unverified row, or a band that ends below
    200 Hz (1/f noise rules there): *not comparable*. A published limit: *limit only*, converted.
    rms and both edges within 10 % of ours: *same condition*. Anything else: *converted*, as white
    noise, peak to peak over 6.6.
    """
    if ours.unit != "uV" or ours.bound is not Bound.NONE:
        raise ValueError(f"expected our measured rms in µV, got {ours}")
    return tuple(_compared(ours, amplifier, band) for amplifier in amplifiers)


def _compared(ours: Result, amplifier: Amplifier, band: Band) -> NoiseComparison:
    obstacle = _obstacle(amplifier)
    if obstacle:
        return NoiseComparison(ours, amplifier, Comparability.NOT_COMPARABLE, None, None, obstacle)
    theirs, spread = _converted_uv_rms(amplifier, band)
    words = [amplifier.condition]
    if _STATUS[amplifier.status]:
        words.append(_STATUS[amplifier.status])
    if amplifier.is_limit:
        verdict = Comparability.LIMIT_ONLY
        words.insert(0, "published as a limit: the true value may be far below it")
    elif amplifier.noise_kind == "rms" and _same_band(amplifier, band):
        verdict, theirs = Comparability.SAME_CONDITION, amplifier.noise_uv or 0.0
    else:
        verdict = Comparability.CONVERTED
        words.insert(0, f"from {amplifier.low_hz:g}-{amplifier.high_hz:g} Hz as white noise")
    if amplifier.high_hz is not None and amplifier.high_hz < band.high_hz * (1 - _SAME_EDGE):
        words.insert(0, f"extrapolated beyond the {amplifier.high_hz:g} Hz where their band ends")
    if spread:
        words.insert(0, f"peak to peak without the number of samples, divided by {PP_OVER_RMS}")
    reason = "; ".join(filter(None, words))
    return NoiseComparison(ours, amplifier, verdict, theirs, spread, reason)


def _obstacle(amplifier: Amplifier) -> str:
    if amplifier.noise_uv is None:
        return amplifier.condition or "no noise figure published"
    if amplifier.low_hz is None or amplifier.high_hz is None:
        return "the band of their figure is not published"
    if amplifier.status == "U":
        return "the row is unverified"
    if amplifier.high_hz < _LOWEST_EMG_EDGE_HZ:
        return (
            f"their band ends at {amplifier.high_hz:g} Hz, where 1/f noise rules; it must not be "
            "stretched to EMG"
        )
    return ""


def _same_band(amplifier: Amplifier, band: Band) -> bool:
    low, high = amplifier.low_hz or 0.0, amplifier.high_hz or 0.0
    return (
        abs(low - band.low_hz) <= _SAME_EDGE * band.low_hz
        and abs(high - band.high_hz) <= _SAME_EDGE * band.high_hz
    )


def _converted_uv_rms(amplifier: Amplifier, band: Band) -> tuple[float, tuple[float, float] | None]:
    noise, low, high = amplifier.noise_uv or 0.0, amplifier.low_hz or 0.0, amplifier.high_hz or 0.0
    factor = math.sqrt(band.width_hz / (high - low))
    if amplifier.noise_kind == "pp":
        spread = (noise / 8 * factor, noise / 6 * factor)
        return noise / PP_OVER_RMS * factor, spread
    if amplifier.density_nv_per_rthz is not None:
        return amplifier.density_nv_per_rthz * math.sqrt(band.width_hz) / 1000, None
    return noise * factor, None
