"""Candidates as a BIDS events table."""

import numpy as np

from emgrig.analysis.report.candidates import Analysis, Candidate
from emgrig.names import one_line, table_cell

_HEAD = (
    *("onset", "duration", "trial_type", "channel", "mvc_percent", "times_rest", "units", "flags"),
    *("phase", "trial", "attempt", "clip", "emotion", "since_clip", "key_after", "rating"),
)

_PARTS_HEAD = (
    *("onset", "duration", "part", "channel", "mean", "peak", "unit", "times_rest", "mvc"),
    *("mean_mvc_percent", "peak_mvc_percent", "missing_share", "flags"),
)


def events_tsv(analysis: Analysis) -> str:
    """Write what was found outside of part A as a BIDS events table; n/a where unknown.

    Onset, duration, and seconds since the clip's begin and to the key are in s.
    """
    rows = [_row(analysis, c) for c in analysis.candidates if not c.is_part_a]
    return "\n".join("\t".join(cells) for cells in (_HEAD, *rows)) + "\n"


def parts_tsv(analysis: Analysis) -> str:
    """Write how strong each channel is in each part that was asked for; n/a where unknown.

    Onset and duration are in s; mean and peak of the envelope in the unit of the channel, which
    stands beside them; `mvc` is in uV.
    """
    rows = [
        (
            f"{one.part.begin_s:.3f}",
            f"{one.part.end_s - one.part.begin_s:.3f}",
            table_cell(one_line(one.part.name)),
            table_cell(one_line(analysis.labels[one.channel_index])),
            _or_na(one.mean, 2),
            _or_na(one.peak, 2),
            table_cell(one_line(analysis.units[one.channel_index])) or "n/a",
            _or_na(one.times_rest, 1),
            _or_na(one.mvc_uv, 1),
            _or_na(one.mean_percent, 1),
            _or_na(one.peak_percent, 1),
            f"{one.missing:.3f}",
            "clipped" if one.is_clipped else "n/a",
        )
        for one in analysis.part_levels
    ]
    return "\n".join("\t".join(cells) for cells in (_PARTS_HEAD, *rows)) + "\n"


def kind_of(one: Candidate) -> str:
    """Name the kind of a candidate: blink, micro or macro."""
    return "blink" if one.is_blink else "micro" if one.is_micro else "macro"


def _row(analysis: Analysis, c: Candidate) -> tuple[str, ...]:
    return (
        f"{c.start_s:.3f}",
        f"{c.end_s - c.start_s:.3f}",
        kind_of(c),
        table_cell(one_line(analysis.labels[c.channel_index])),
        _or_na(c.mvc_percent, 1),
        _or_na(c.times_rest, 1),
        "+".join(f"AU{u}" for u in c.units) or "n/a",
        _flags(c) or "n/a",
        *_of_session(c),
    )


def _of_session(c: Candidate) -> tuple[str, ...]:
    trial, of_trial = c.joined.trial, ["n/a"] * 4
    rating = "n/a"
    if trial is not None:
        words = (trial.clip, trial.emotion)
        of_trial = [
            str(trial.number),
            str(trial.attempt),
            *(table_cell(one_line(w)) for w in words),
        ]
        rating = "n/a" if trial.rating is None else str(trial.rating)
    since, key = _or_na(c.joined.since_clip_s, 3), _or_na(c.joined.key_after_s, 3)
    return (str(c.joined.phase), *of_trial, since, key, rating)


def _flags(one: Candidate) -> str:
    return "+".join(
        name for name, is_so in (("clipped", one.clipped), ("crosstalk", one.crosstalk)) if is_so
    )


def _or_na(number: float, places: int) -> str:
    return f"{number:.{places}f}" if np.isfinite(number) else "n/a"
