"""A face that also does what it is told: contractions on demand, on top of what it does by itself.

What it is told becomes part of its truth. The face of a board that runs is told by `perform_on`,
so that what is in the past stays as it was.
"""

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.sources.face import Face, FaceEvent

CONTRACTION = "contraction"
RAMP_S = 0.25  #: How long a contraction takes to rise, and to fall, at most.
_WHOLE_LIFE_S = 1e9


class Performer(Face):
    """A `Face` until it is told something.

    Parameters
    ----------
    n_electrodes, seed, events_per_minute
        See `Face`.
    """

    def __init__(self, n_electrodes: int = 8, seed: int = 0, *, events_per_minute: float = 10.0):
        super().__init__(n_electrodes, seed, events_per_minute=events_per_minute)
        self._told: list[FaceEvent] = []

    def perform(self, channel: int, onset_s: float, duration_s: float, peak_uv: float) -> None:
        """Contract a muscle: up in at most `RAMP_S`, held, and down again.

        Parameters
        ----------
        channel : int
            1 to 7.
        onset_s : float, ≥ 0
            True time, s.
        duration_s : float, > 0
            From onset to offset, s.
        peak_uv : float, ≥ 0
            EMG while it is held, uV rms; it is added to the rest.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        if not 1 <= channel <= self._n_muscles:
            raise ValueError(f"channel {channel}; this face has muscles 1 to {self._n_muscles}")
        if not 0 < duration_s < _WHOLE_LIFE_S or not 0 <= peak_uv < np.inf:
            raise ValueError(f"{duration_s} s at {peak_uv} µV; expected above 0, and 0 or more")
        if not 0 <= onset_s < _WHOLE_LIFE_S:
            raise ValueError(f"an onset at {onset_s} s; expected 0 or more")
        ramp_s = min(RAMP_S, duration_s / 2)
        event = FaceEvent(
            CONTRACTION, channel, onset_s, onset_s + ramp_s, onset_s + duration_s, peak_uv
        )
        self._told.append(event)
        self._forget()

    def truth(self, t0_s: float, t1_s: float) -> list[FaceEvent]:
        """Events that overlap t0_s ≤ t < t1_s, by onset; contractions among them."""
        told = [event for event in self._told if event.offset_s > t0_s and event.onset_s < t1_s]
        return sorted(super().truth(t0_s, t1_s) + told, key=lambda event: event.onset_s)

    def _shape(self, event: FaceEvent, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return held(event, t_s) if event.kind == CONTRACTION else super()._shape(event, t_s)


def held(event: FaceEvent, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Envelope of a contraction, 0 to 1: raised cosines at both ends, 1 between them."""
    ramp_s = event.apex_s - event.onset_s
    times = [event.onset_s, event.apex_s, event.offset_s - ramp_s, event.offset_s]
    return np.asarray((1 - np.cos(np.pi * np.interp(t_s, times, [0.0, 1.0, 1.0, 0.0]))) / 2)
