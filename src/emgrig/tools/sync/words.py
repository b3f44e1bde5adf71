"""What `emgrig sync` found, in words and rows: for the terminal and for the page."""

import numpy as np

from emgrig.analysis.clocks.tube import Kind, TubeSync


def verdict(found: TubeSync) -> str:
    """Say in one line whether the map can be used."""
    n_good, n = found.good_residuals_s.size, found.counts.size
    bound_ms, map_ms = found.bound_s * 1e3, found.uncertainty_s.max() * 1e3
    if not found.is_within_bound:
        return (
            f"NOT GOOD: {n_good} of {n} readings are near one film, but up to "
            f"{found.good_residuals_s.max() * 1e3:.0f} ms off; expected ±{bound_ms:.0f} ms"
        )
    return (
        f"good: {n_good} of {n} readings agree within ±{bound_ms:.0f} ms each; together they hold "
        f"the map to ±{map_ms:.1f} ms"
    )


def wrong_rows(found: TubeSync) -> list[tuple[str, str, str, str]]:
    """Return frame, video time, what was read and what was expected, of each wrong reading."""
    rows = []
    for i in np.flatnonzero(found.kinds == Kind.WRONG):
        first, last = found.expected[i].tolist()
        expected = "-" if first < 0 else str(first) if first == last else f"{first} to {last}"
        video_s = float(found.video_s[i])
        rows.append(
            (f"{video_s / found.frame_s:.0f}", f"{video_s:.3f}", f"{found.counts[i]}", expected)
        )
    return rows


def jump_rows(found: TubeSync) -> list[tuple[str, str, str]]:
    """Return where, how many frames and how many ms, of each jump."""
    return [
        (
            f"{one.after_s:.3f} to {one.before_s:.3f}",
            f"{one.n_frames:+d}",
            f"{one.jump_s * 1e3:+.0f}",
        )
        for one in found.jumps
    ]
