"""What `emgrig compare` found of a pair, in words and as JSON."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
            (f"difference as recorded: {cause}", f"{share:.1%}")
            for cause, share in c.decomposition.shares.items()
        ),
    ]


def verdict(one: Compared) -> str:
    """Say in a line how well a pair agrees, and what most of the difference is."""
    c = one.comparison
    cause, share = max(c.decomposition.shares.items(), key=lambda pair: pair[1])
    return (
        f"correlation {c.correlation_raw:.4f} once aligned; {share:.0%} of the difference as "
        f"recorded is {cause}"
    )


def in_ms(result: "Result") -> str:
    """Say a time in ms."""
    return f"{result.value * 1e3:.4f} ± {result.expanded_uncertainty * 1e3:.4f} ms"


def _unit(found: "BlandAltman") -> str:
    return "(ratio)" if found.is_log else "µV"


def to_json(one: Compared) -> dict[str, object]:
    """Return a pair as JSON holds it."""
    from emgrig.filemodel import plain

    c = one.comparison
    w, b = c.windows, c.windows.bland_altman
    return {
        "ours": one.ours,
        "reference": one.reference,
        "band_hz": [c.band.low_hz, c.band.high_hz],
        "overlap_s": list(c.overlap_s),
        "offset": plain(c.alignment.offset_s),
        "event_offset": plain(c.event_offset_s),
        "clock": plain(c.alignment.clock_ppm),
        "polarity": c.alignment.polarity,
        "correlation_raw": c.correlation_raw,
        "correlation_envelope": c.correlation_envelope,
        "coherence": [
            {"low_hz": part.low_hz, "high_hz": part.high_hz, "value": value}
            for part, value in c.coherence
        ],
        "amplitude_ratio": plain(w.amplitude_ratio),
        "rms": plain(w.rms_uv),
        "mav": plain(w.mav_uv),
        "mean_frequency": plain(w.mean_frequency_hz),
        "median_frequency": plain(w.median_frequency_hz),
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
