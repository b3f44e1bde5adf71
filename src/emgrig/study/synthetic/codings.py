"""What two coders would write down of a synthetic session, and the film's clock.

Coder A is right about what there is; times are read from frames of the film. Coder B sees other
action units, emotions and sides so often that the agreement is about what section 6.1 prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.analysis.paper.printed import CHANNEL_UNITS
from emgrig.analysis.paper.synthetic import RATE_HZ
from emgrig.recording.export.bids_table import number, table
from emgrig.study.synthetic.design import SIX, TrueSession
from emgrig.study.synthetic.files import names
from emgrig.study.synthetic.samples import Made

CODERS = ("coder-A", "coder-B")
FRAME_S = 1 / 30
_TIME_SD_S = 0.012
#: How often coder B has another action unit, emotion and side (section 6.1: 83 %, 99 %, 99.7 %).
_OTHER = {"units": 0.17, "emotion": 0.01, "side": 0.003}
_HEAD = ("onset", "duration", "trial_type", "channel", "action_units", "emotion", "side")
_SAMPLES_A_COUNT = 32
_READ_EVERY_S = 2.0
_MISREAD = 0.03


@dataclass(frozen=True)
class Coded:
    """A row of a coder."""

    onset_s: float
    offset_s: float
    channel: int  #: 0 where no electrode is.
    units: tuple[int, ...]
    emotion: str
    side: str


def codings(session: TrueSession, seed: int) -> tuple[list[Coded], list[Coded]]:
    """Return what coder A and coder B write down, in EMG time."""
    rng = np.random.default_rng((seed, session.number, 4))
    first, second = [], []
    for one in session.expressions:
        times = [
            round(t + float(rng.normal(scale=_TIME_SD_S)), 3) for t in (one.onset_s, one.offset_s)
        ]
        coded = Coded(times[0], times[1], one.channel, one.units, one.emotion, one.side)
        first.append(coded)
        shift = rng.normal(scale=_TIME_SD_S, size=2)
        second.append(
            replace(
                _seen_otherwise(coded, rng),
                onset_s=round(times[0] + float(shift[0]), 3),
                offset_s=round(times[1] + float(shift[1]), 3),
            )
        )
    return first, second


def _seen_otherwise(one: Coded, rng: np.random.Generator) -> Coded:
    known = [unit for units in CHANNEL_UNITS.values() for unit in units]
    units = tuple(
        int(rng.choice([u for u in known if u not in one.units]))
        if rng.random() < _OTHER["units"]
        else unit
        for unit in one.units
    )
    emotion, side = one.emotion, one.side
    if rng.random() < _OTHER["emotion"]:
        emotion = str(rng.choice([e for e in SIX if e != emotion]))
    if rng.random() < _OTHER["side"]:
        side = "left" if side == "both" else "both"
    return replace(one, units=tuple(sorted(set(units))), emotion=emotion, side=side)


def coding_table(rows: Sequence[Coded]) -> str:
    """Write a coder's table as BIDS events."""
    named = names()
    return table(
        _HEAD,
        [
            {
                "onset": number(one.onset_s),
                "duration": number(one.offset_s - one.onset_s),
                "trial_type": "expression",
                "channel": named[one.channel - 1] if one.channel else "n/a",
                "action_units": "+".join(f"AU{u}" for u in one.units),
                "emotion": one.emotion,
                "side": one.side,
            }
            for one in rows
        ],
    )


def agreed(first: Sequence[Coded], second: Sequence[Coded]) -> dict[str, int]:
    """Count what two coders of the same expressions agree in: units, emotions, sides."""
    pairs = list(zip(first, second, strict=True))
    return {
        "n": len(pairs),
        "units_both": sum(len(set(a.units) & set(b.units)) for a, b in pairs),
        "units_coded": sum(len(a.units) + len(b.units) for a, b in pairs),
        "emotion": sum(a.emotion == b.emotion for a, b in pairs),
        "side": sum(a.side == b.side for a, b in pairs),
    }


def tube(session: TrueSession, made: Made, seed: int) -> tuple[str, str]:
    """Return the table of the tube, and what was read of it on the film.

    The tube follows conversions, so that losses do not move it; each count is shown after 30 ms.
    """
    rng = np.random.default_rng((seed, session.number, 5))
    n = len(made.samples_uv)
    counts = np.arange(1, n // _SAMPLES_A_COUNT)
    samples = counts * _SAMPLES_A_COUNT
    shown_s = samples / RATE_HZ + 0.03
    rows = ["count\tconversion\tsample\tonset\tshown"]
    rows += [
        f"{c}\t{s}\t{s}\t{s / RATE_HZ:.6f}\t{t:.4f}"
        for c, s, t in zip(counts.tolist(), samples.tolist(), shown_s.tolist(), strict=True)
    ]
    rate = 1 + session.clock_ppm * 1e-6
    begin_s = max(-session.video_begin_s, 0.0) + 1.0
    frames = np.arange(round(begin_s * 30), round((n / RATE_HZ - session.video_begin_s - 2) * 30))
    frames = frames[:: round(_READ_EVERY_S * 30)]
    at_s = session.video_begin_s + frames * FRAME_S / rate
    seen = np.searchsorted(shown_s, at_s + rng.uniform(-0.4, 0.4, frames.size) * FRAME_S) - 1
    read = counts[np.clip(seen, 0, counts.size - 1)]
    wrong = rng.random(frames.size) < _MISREAD
    read = np.where(wrong, read + rng.integers(3, 200, frames.size), read)
    readings = [
        "frame,count",
        *(f"{f},{c}" for f, c in zip(frames.tolist(), read.tolist(), strict=True)),
    ]
    return "\n".join(rows) + "\n", "\n".join(readings) + "\n"
