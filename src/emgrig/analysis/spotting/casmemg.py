"""The published baseline (MELABIPCAS/CASMEMG at d9f7c95), and the text of section 6.2 beside it.

Both answer on a short clip around one expression. They differ from each other in nearly every step;
docs/analysis.md lists how. Positions are 0-based samples here; the published code counts from 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    PAPER_TEXT,
    Floats,
    Ints,
    Preprocessing,
    envelope,
    segments,
)


@dataclass(frozen=True)
class Parameters:
    """The six parameters of section 6.2; the defaults are the paper's optimum."""

    window: int = 60  #: W_L, samples; the published code takes one more.
    step: int = 30  #: S_L, samples from window to window.
    scale: float = 1.0  #: k, threshold over the mean of the clip's own envelope.
    run: int = 5  #: S_n, windows in a row that make an event.
    back: int = 2  #: W_f and W_b, windows searched before and after it.
    ahead: int = 6

    def __post_init__(self) -> None:
        if self.window < 1 or self.step < 1 or self.back < 0 or self.ahead < 0:
            raise ValueError(
                f"{self}: window and step must be at least 1, back and ahead at least 0"
            )
        if self.run < 2:
            # With 1 the published loop takes windows below the threshold, too.
            raise ValueError(f"{self}: run must be at least 2")
        if not np.isfinite(self.scale) or self.scale <= 0:
            raise ValueError(f"{self}: scale must be above 0")


def set_words(values: Sequence[float]) -> str:
    """Say a set of parameters, in the order of `Parameters`.

    >>> set_words((60, 30, 1.0, 5, 2, 6))
    'window 60, step 30, threshold 1, run 5, back 2, ahead 6'
    """
    names = ("window", "step", "threshold", "run", "back", "ahead")
    return ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True))


@dataclass(frozen=True)
class Windows:
    """What the published code knows about a clip's windows."""

    #: shape (n_windows,); Mean of the envelope in each window of ``window + 1`` samples.
    energy: Floats
    trough: Ints  #: shape (n_windows,); Sample of the lowest value in each window.


def cut_windows(clip_envelope: Floats, window: int, step: int) -> Windows:
    """Cut an envelope into windows as the published code does: one sample more than `window`.

    Raises
    ------
    ValueError
        If the envelope is not longer than one window, or holds a gap.
    """
    x = np.asarray(clip_envelope, dtype=np.float64)
    if x.ndim != 1 or x.size <= window:
        raise ValueError(
            f"a clip of {x.size} samples is not longer than one window ({window} samples)"
        )
    if not np.isfinite(x).all():
        raise ValueError(
            "the clip holds a gap; the baseline's threshold is the mean of the whole clip"
        )
    cut = sliding_window_view(x, window + 1)[::step]
    starts = np.arange(cut.shape[0]) * step
    return Windows(cut.mean(axis=1), starts + cut.argmin(axis=1))


def runs(marked: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return first and last window of each run of marked windows.

    The published loop begins at the second window, so the first never counts.
    """
    inner = marked.copy()
    inner[:1] = False
    pairs = np.array(segments(inner), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1] - 1


def casmemg_code(
    clip_uv: Floats, *, parameters: Parameters | None = None, rate_hz: float = 1000.0
) -> Ints:
    """Find events in a clip as the published code does, sample for sample.

    Parameters
    ----------
    clip_uv : ndarray, shape (n_samples,)
        Raw EMG of one channel, uV.
    parameters : Parameters, optional
        The six parameters; default is the paper's optimum.
    rate_hz : float, > 0
        Sampling rate, Hz. The published code knows 1000 only; parameters are in samples.

    Returns
    -------
    ndarray of int64, shape (n_events, 2)
        Onset and offset, 0-based samples (the published code's minus 1). An offset may precede its
        onset: the published function does not look, and its caller drops such an event.

    Raises
    ------
    ValueError
        If the clip is too short for the filter or a window, or holds a gap.
    """
    chosen = parameters or Parameters()
    x = _clip_envelope(clip_uv, rate_hz, CASMEMG_CODE)
    windows = cut_windows(x, chosen.window, chosen.step)
    first, last = runs(windows.energy >= chosen.scale * x.mean())
    long = last - first + 1 >= chosen.run
    return np.stack(
        [
            onset_trough(windows.trough, first[long], chosen.back),
            offset_trough(windows.trough, last[long], chosen.ahead),
        ],
        axis=-1,
    )


def _clip_envelope(clip_uv: Floats, rate_hz: float, preset: Preprocessing) -> Floats:
    if np.ndim(clip_uv) != 1:
        raise ValueError(
            f"a clip has shape {np.shape(clip_uv)}; one channel, (n_samples,), was expected"
        )
    return envelope(clip_uv, rate_hz, preset=preset)[:, 0]


def onset_trough(trough: Ints, first: Ints, back: int | Ints) -> Ints:
    """Look up the trough `back` windows before each run, or in its first window at the edge."""
    index = first - back
    return np.asarray(trough[np.where(index < 0, first, index)])


def offset_trough(trough: Ints, last: Ints, ahead: int | Ints) -> Ints:
    """Look up the trough `ahead` windows after each run, or in its last window at the edge."""
    index = last + ahead
    return np.asarray(trough[np.where(index >= trough.size, last, index)])


def paper_text(
    clip_uv: Floats,
    *,
    parameters: Parameters | None = None,
    rate_hz: float = 1000.0,
) -> Ints:
    """Find events in a clip as equations 9 to 12 read.

    The envelope is normalised to 0..1, windows hold `window` samples, a window is marked if its
    mean is *above* the threshold, a peak needs `run` marked windows among `step` following ones
    (eq. 10 sums over S_L windows), and onset and offset are the lowest samples within `back` and
    `ahead` windows of the peak, a window's step each.

    Returns
    -------
    ndarray of int64, shape (n_events, 2)
        Onset and offset, 0-based samples.

    Raises
    ------
    ValueError
        As `casmemg_code`; also if the envelope does not vary.
    """
    chosen = parameters or Parameters()
    x = _clip_envelope(clip_uv, rate_hz, PAPER_TEXT)
    if not np.isfinite(x).all() or np.ptp(x) == 0:
        raise ValueError("the envelope holds a gap or does not vary; it cannot be normalised")
    normal = (x - x.min()) / np.ptp(x)
    windows = cut_windows(normal, chosen.window - 1, chosen.step)
    marked = windows.energy > chosen.scale * normal.mean()
    events = []
    for first, stop in segments(_dense(marked, chosen)):
        inside = np.flatnonzero(marked[first : stop - 1 + chosen.step]) + first
        begin = inside[0] * chosen.step
        end = inside[-1] * chosen.step + chosen.window
        peak = begin + int(normal[begin:end].argmax())
        low = max(0, peak - chosen.back * chosen.step)
        high = min(x.size, peak + chosen.ahead * chosen.step + 1)
        onset = low + int(normal[low : peak + 1].argmin())
        events.append((onset, peak + int(normal[peak:high].argmin())))
    return np.array(events, dtype=np.int64).reshape(-1, 2)


def _dense(marked: NDArray[np.bool_], chosen: Parameters) -> NDArray[np.bool_]:
    """Mark the windows n for which enough of n .. n + S_L - 1 are marked (eq. 10)."""
    total = np.concatenate([[0], np.cumsum(marked)])
    stop = np.minimum(np.arange(marked.size) + chosen.step, marked.size)
    return np.asarray(total[stop] - total[:-1] >= chosen.run)


@dataclass(frozen=True)
class Clip:
    """A clip around an annotated expression."""

    start: int  #: Half-open sample range in the recording.
    stop: int
    #: Where the annotation lies in the clip, 0-based samples, as the evaluation takes it.
    onset: int
    offset: int


def clip_around(
    onset_ms: int,
    offset_ms: int,
    n_samples: int,
    *,
    reading: Literal["code", "plain"] = "plain",
    margin: int = 500,
) -> Clip:
    """Cut a clip around an annotation, at 1000 Hz.

    Parameters
    ----------
    onset_ms, offset_ms : int
        The annotation, ms from the start of the recording.
    n_samples : int
        Length of the recording, samples.
    reading : {"plain", "code"}
        "plain": `margin` samples either side, cut at the ends of the recording. "code": as the
        published scripts do, with their slips: 199 samples are dropped from the recording first
        and no time is shifted; an expression within 1 s of the end takes the whole tail, and its
        true offset becomes the *distance to the end*; both true positions are one sample early.
    margin : int
        Samples either side.

    Raises
    ------
    ValueError
        If the annotation is reversed or outside the recording.
    """
    if not 0 <= onset_ms < offset_ms <= n_samples:
        raise ValueError(
            f"the expression {onset_ms} to {offset_ms} ms is reversed or outside the recording "
            f"of {n_samples} samples"
        )
    if reading == "plain":
        start, stop = max(0, onset_ms - margin), min(n_samples, offset_ms + margin)
        return Clip(start, stop, onset_ms - start, offset_ms - start)
    dropped = 199
    length = n_samples - dropped
    if offset_ms + 2 * margin >= length:
        stop, true_offset = length, length - offset_ms
    else:
        stop, true_offset = offset_ms + margin, offset_ms - max(1, onset_ms - margin)
    begin = max(1, onset_ms - margin)  # 1-based, as published
    return Clip(dropped + begin - 1, dropped + stop, min(onset_ms, margin) - 1, true_offset - 1)
