"""Recordings as sources: anybody's files, or arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.sources.interpolation import Interpolator

if TYPE_CHECKING:
    from emgrig import reading

_ENDS = ("loop", "hold")


class Recording:
    """Samples of a recording, band-limited in between.

    Parameters
    ----------
    samples_v : ndarray, shape (n_samples, n_electrodes)
        V; finite.
    rate_hz : float
        > 0; sample 0 is at 0 s.
    end : {"loop", "hold"}
        After the last sample: begin again, or stay at it. Before the first: the same.

    Raises
    ------
    ValueError
        If the array is empty, not two-dimensional or not finite, or another argument is wrong.
    """

    def __init__(
        self, samples_v: NDArray[np.float64], rate_hz: float, *, end: str = "loop"
    ) -> None:
        self.samples_v = np.ascontiguousarray(samples_v, dtype=np.float64)
        if self.samples_v.ndim != 2 or not self.samples_v.size:
            raise ValueError(
                f"samples of shape {samples_v.shape}; expected (n_samples, n_electrodes)"
            )
        if not np.isfinite(self.samples_v).all():
            row = int(np.nonzero(~np.isfinite(self.samples_v).all(axis=1))[0][0])
            raise ValueError(f"sample {row} is not finite; cut gaps out first")
        if not (rate_hz > 0 and np.isfinite(rate_hz)):
            raise ValueError(f"a rate of {rate_hz} Hz; it must be > 0")
        if end not in _ENDS:
            raise ValueError(f"end={end!r}; expected loop or hold")
        self.rate_hz = float(rate_hz)
        self.end = end
        self.n_electrodes = self.samples_v.shape[1]
        self._interpolator = Interpolator(self._samples, self.rate_hz, self.n_electrodes)

    @property
    def duration_s(self) -> float:
        """Length of the recording, s."""
        return len(self.samples_v) / self.rate_hz

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        return self._interpolator.at(t_s)

    def window_sums(
        self, t_s: NDArray[np.float64], point_s: float, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `WindowedSource.window_sums`."""
        return self._interpolator.window_sums(t_s, point_s, weights)

    def _samples(self, first: int, count: int) -> NDArray[np.float64]:
        index = np.arange(first, first + count)
        total = len(self.samples_v)
        index = index % total if self.end == "loop" else np.clip(index, 0, total - 1)
        return self.samples_v[index]


#: In a list of columns: this electrode sees nothing.
NOTHING = "-"


def load_recording(
    path: str | Path,
    *,
    n_electrodes: int | None = None,
    rate_hz: float | None = None,
    unit: str | None = None,
    columns: Sequence[str | int] | None = None,
    end: str = "loop",
) -> Recording:
    """Load a recording from a file.

    Parameters
    ----------
    path : str or Path
        Anything that `emgrig.reading.open_recording` reads.
    n_electrodes : int or None
        Electrodes of the result; further ones are at 0 V. None: one for each channel.
    rate_hz : float or None
        For a file that does not say it.
    unit : str or None
        V, mV, uV or nV, of channels that the file gives no unit.
    columns : sequence or None
        Channels for electrodes 1, 2, …: numbers from 1, or names; "-" leaves an electrode at 0 V.
        None: all voltages, if they are not more than `n_electrodes`.
    end : {"loop", "hold"}
        See `Recording`.

    Raises
    ------
    ValueError
        If an argument is missing or does not fit the file, or the recording has gaps.
    RecordingError
        If the file cannot be read.
    """
    from emgrig.reading import open_recording
    from emgrig.reading.recording import RateNotSaid

    asked = None if columns is None else [str(column) for column in columns]
    try:
        found = open_recording(path, rate_hz=rate_hz, unit=unit)
    except RateNotSaid as error:
        raise ValueError(f"{path} does not say its sampling rate; give rate=") from error
    chosen = _choose(found, asked, n_electrodes)
    volts = np.zeros((found.n_samples, len(chosen)))
    for electrode, index in enumerate(chosen):
        if index is not None:
            volts[:, electrode] = found.values(index) * 1e-6
    if n_electrodes is not None:
        if volts.shape[1] > n_electrodes:
            raise ValueError(f"{volts.shape[1]} columns for {n_electrodes} electrodes")
        volts = np.pad(volts, ((0, 0), (0, n_electrodes - volts.shape[1])))
    return Recording(volts, found.rate_hz, end=end)


def _choose(
    found: "reading.Recording", asked: list[str] | None, limit: int | None
) -> list[int | None]:
    """Return the channel of each electrode; None for one that sees nothing."""
    from emgrig.reading.signals import find_signal

    labels = found.labels
    if asked is None:
        usable: list[int | None] = [i for i, one in enumerate(found.signals) if one.is_voltage]
        if limit is not None and len(usable) > limit:
            there = ", ".join(f"{i} {label}" for i, label in enumerate(labels, 1))
            raise ValueError(f"more columns than electrodes; choose columns= from: {there}")
        chosen = usable or [*range(len(labels))]
    else:
        chosen = [None if one == NOTHING else find_signal(labels, one) for one in asked]
    for one in (found.signals[i] for i in chosen if i is not None):
        if not one.is_voltage:
            why = one.problem or f"it is in {one.unit or 'no unit'}; give unit= (V, mV, uV or nV)"
            raise ValueError(f"{found.path.name}, {one.name}: {why}")
    return chosen
