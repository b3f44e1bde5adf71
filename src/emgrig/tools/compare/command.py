"""`emgrig compare`: our recording against a commercial amplifier's, of the same muscle."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.tools.board_commands import Json
from emgrig.tools.common.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from emgrig.calibration.figures.uncertainty import Result
    from emgrig.comparison import Comparison
    from emgrig.comparison.agreement import BlandAltman


@dataclass(frozen=True, eq=False)
class Compared:
    """One pair of channels.

    Attributes
    ----------
    ours, reference : str
        Their names.
    comparison : Comparison
    """

    ours: str
    reference: str
    comparison: "Comparison"


def compare(
    ours: Annotated[Path, typer.Argument(help="Our recording: .bdf, .edf, .csv, .txt.")],
    reference: Annotated[Path, typer.Argument(help="The other one, of the same muscle.")],
    channels: Annotated[
        str, typer.Option(help="ours=reference,… by label or column; same labels unless given.")
    ] = "",
    low_hz: Annotated[float, typer.Option("--low", help="Lower edge of the band, Hz.")] = 20.0,
    high_hz: Annotated[float, typer.Option("--high", help="Upper edge of the band, Hz.")] = 450.0,
    rate: Annotated[
        float | None, typer.Option(help="Actual rate of ours, Hz, if it does not say it itself.")
    ] = None,
    ours_description: Annotated[
        Path | None, typer.Option(help="TOML: rate_hz, unit, response, low_hz, high_hz, delay_s.")
    ] = None,
    reference_description: Annotated[
        Path | None, typer.Option(help="The same for the reference; REFERENCE.toml is found alone.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for index.html.")] = None,
    as_json: Json = False,
) -> None:
    """Compare two recordings of one muscle, from any two devices.

    Units, band and sinc³ are matched, offset and clock are found and removed, and only then is
    agreement computed. The share of each cause says why the two differ: half a millisecond alone
    turns two perfect amplifiers into a correlation of 0.75.

    A text file needs a small description beside it, NAME.toml: rate_hz = 2000, unit = "uV".

    Example: emgrig compare face.bdf trigno.csv --channels Zyg=EMG1 --report compared/
    """
    from emgrig.calibration.figures.spectrum import Band
    from emgrig.comparison import compare as compare_tracks
    from emgrig.tools.compare.page import write
    from emgrig.tools.compare.read import open_source, paired

    band = Band("asked for", low_hz, high_hz)
    mine = open_source(ours, ours_description, rate_hz=rate)
    theirs = open_source(reference, reference_description)
    found, tracks = [], []
    for first, second in paired(mine, theirs, channels):
        pair = mine.track(first), theirs.track(second)
        found.append(Compared(pair[0].name, pair[1].name, compare_tracks(*pair, band=band)))
        tracks.append(pair)
    filled = mine.description.n_filled
    warnings = [f"{filled} samples of {ours.name} fill gaps"] if filled else []
    if as_json:
        print_json({"warnings": warnings, "pairs": [to_json(one) for one in found]})
    else:
        for one in found:
            _tell(one)
        for text in warnings:
            say(f"note: {text}")
    if report is not None:
        note(f"report: {write(report, found, tracks, warnings)}")


def facts(one: Compared) -> list[tuple[str, str]]:
    """Return everything that was found about a pair, in words."""
    c = one.comparison
    w, b = c.windows, c.windows.bland_altman
    snr = "-"  # one of them has nothing to tell noise from signal by
    if w.snr_ours_db is not None and w.snr_reference_db is not None:
        snr = f"{w.snr_ours_db:.1f} dB ours, {w.snr_reference_db:.1f} dB"
    return [
        ("band", f"{c.band.low_hz:g}-{c.band.high_hz:g} Hz"),
        ("overlap", f"{c.overlap_s[0]:.2f} to {c.overlap_s[1]:.2f} s of ours"),
        ("offset", in_ms(c.alignment.offset_s)),
        ("offset of one event", in_ms(c.event_offset_s)),
        ("clock", str(c.alignment.clock_ppm)),
        ("correlation, raw", f"{c.correlation_raw:.4f}"),
        ("correlation, 6 Hz envelope", f"{c.correlation_envelope:.4f}"),
        *(
            (f"coherence, {part.name}", f"{value:.3f} ({part.low_hz:.0f}-{part.high_hz:.0f} Hz)")
            for part, value in c.coherence
        ),
        ("amplitude, ours over reference", str(w.amplitude_ratio)),
        ("RMS, ours less reference", str(w.rms_uv)),
        ("MAV, ours less reference", str(w.mav_uv)),
        ("mean frequency, ours less reference", str(w.mean_frequency_hz)),
        ("median frequency, ours less reference", str(w.median_frequency_hz)),
        ("Bland-Altman, bias", f"{b.bias:.4g} ({b.bias_low:.4g} to {b.bias_high:.4g}) {_unit(b)}"),
        ("Bland-Altman, limits", f"{b.limit_low:.4g} to {b.limit_high:.4g} {_unit(b)}, n = {b.n}"),
        ("ICC(A,1)", f"{w.icc.value:.4f} ({w.icc.low:.4f} to {w.icc.high:.4f})"),
        ("SNR, active over rest", snr),
        *(
            (f"share of the difference: {cause}", f"{share:.1%}")
            for cause, share in c.decomposition.shares.items()
        ),
    ]


def in_ms(result: "Result") -> str:
    """Say a time in ms."""
    return f"{result.value * 1e3:.4f} ± {result.expanded_uncertainty * 1e3:.4f} ms"


def _unit(found: "BlandAltman") -> str:
    return "(ratio)" if found.is_log else "uV"


def to_json(one: Compared) -> dict[str, object]:
    """Return a pair as JSON holds it."""
    from emgrig.calibration.certificate.certificate_file import result_json

    c = one.comparison
    w, b = c.windows, c.windows.bland_altman
    return {
        "ours": one.ours,
        "reference": one.reference,
        "band_hz": [c.band.low_hz, c.band.high_hz],
        "overlap_s": list(c.overlap_s),
        "offset": result_json(c.alignment.offset_s),
        "event_offset": result_json(c.event_offset_s),
        "clock": result_json(c.alignment.clock_ppm),
        "polarity": c.alignment.polarity,
        "correlation_raw": c.correlation_raw,
        "correlation_envelope": c.correlation_envelope,
        "coherence": [
            {"low_hz": part.low_hz, "high_hz": part.high_hz, "value": value}
            for part, value in c.coherence
        ],
        "amplitude_ratio": result_json(w.amplitude_ratio),
        "rms": result_json(w.rms_uv),
        "mav": result_json(w.mav_uv),
        "mean_frequency": result_json(w.mean_frequency_hz),
        "median_frequency": result_json(w.median_frequency_hz),
        "bland_altman": {
            "is_log": b.is_log, "bias": b.bias, "bias_interval": [b.bias_low, b.bias_high],
            "limits": [b.limit_low, b.limit_high], "n": b.n,
        },
        "icc_a1": {"value": w.icc.value, "interval": [w.icc.low, w.icc.high]},
        "snr_db": {"ours": w.snr_ours_db, "reference": w.snr_reference_db},
        "shares": dict(c.decomposition.shares),
        "steps": [
            {"removed": s.removed, "correlation": s.correlation, "difference_uv2": s.difference_uv2}
            for s in c.decomposition.steps
        ],
        "flags": list(c.flags),
    }  # fmt: skip


def _tell(one: Compared) -> None:
    say(f"{one.ours} against {one.reference}")
    print_table(["quantity", "value"], facts(one))
    for flag in one.comparison.flags:
        say(f"note: {flag}")
    say("")
