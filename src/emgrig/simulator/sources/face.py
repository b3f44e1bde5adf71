"""A face: facial EMG of seven muscles, with bursts and blinks whose truth is known.

Durations and counts are those of the published annotations (380 expressions: 233 micro, 147 macro;
a micro-expression lasts 500 ms at most, mean 317 ms, SD 79 ms; a macro-expression 1161 ms, SD
823 ms), intensities those of the paper's table 3 (8.1 % SD 8.5 % and 23.1 % SD 21.3 % of the
maximum voluntary contraction), and muscles occur as often as in the annotations. Rest and response
levels follow what open recordings show: 1 to 5 uV rms at rest, 5 to 70 uV rms in responses.
EMG is noise from 20 to 450 Hz. All of it follows from the seed and the time, in slots and blocks of
fixed length, so any moment can be had without what came before it.
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emgrig.files import json_text, write_file
from emgrig.simulator.analog.noise import stream
from emgrig.simulator.sources.interpolation import Interpolator
from emgrig.simulator.sources.recursion import RecursiveFilter

MUSCLES = (
    "frontalis",
    "corrugator supercilii",
    "orbicularis oculi",
    "levator labii superioris alaeque nasi",
    "zygomaticus major",
    "orbicularis oris",
    "depressor anguli oris",
)
"""Muscles c1 to c7 of the paper, for channels 1 to 7."""

MVC_UV_RMS = (350.0, 300.0, 300.0, 250.0, 400.0, 350.0, 300.0)
"""EMG at maximum voluntary contraction, uV rms; our choice within what the literature shows."""

_REST_UV_RMS = (1.6, 2.2, 1.8, 1.4, 1.5, 1.9, 1.7)
# Annotated micro- and macro-expressions for each muscle.
_MICRO_COUNTS = (21, 77, 12, 3, 4, 66, 50)
_MACRO_COUNTS = (6, 32, 12, 5, 5, 39, 48)
_MICRO_SHARE = 233 / 380
# Potential of the moving lid on each channel at the blink's peak, uV.
_LID_UV = (60.0, 25.0, 90.0, 5.0, 5.0, 0.0, 0.0)

_RATE_HZ = 2000.0
_BLOCK = 4096
_WARM_UP = 512  # the 20 Hz corner forgets in a quarter of a second: e**-22
_BLINK_SLOT_S = 4.0
_QUIET_S = 0.25  # from an expression to the border of its slot, at least
_LONGEST_S = 3.5
_WHITE, _EVENT, _BLINK = 1, 2, 3


EMG_BAND_HZ = (20.0, 450.0)
# A Butterworth filter of this band, ``scipy.signal.butter(2, EMG_BAND_HZ, "bandpass", fs=2000)``,
# louder by as much as takes white noise with an rms of 1 to EMG with an rms of 1. A test works both
# out; importing scipy.signal for it takes half a second.
_LOUDER = 1.5153889070264003
_B = 0.23130797944426512 * _LOUDER
EMG_FILTER = RecursiveFilter(
    (
        (_B, 2 * _B, _B, -0.2286884193544206, 0.20031197735137138),
        (1.0, -2.0, 1.0, -1.9114061789087695, 0.915460900670784),
    )
)


@dataclass(frozen=True)
class FaceEvent:
    """One thing that happened in the face."""

    kind: str  #: "micro", "macro" or "blink".
    channel: int  #: 1 to 7; a blink is on 3 (orbicularis oculi), and its lid potential on 1 to 5.
    #: True time; the envelope rises from rest at the onset and is back at rest at the offset.
    onset_s: float
    apex_s: float
    offset_s: float
    peak_uv: float  #: Envelope at the apex above rest, uV rms.


class Face:
    """Facial EMG as the electrodes see it.

    Parameters
    ----------
    n_electrodes : int
        Electrodes beyond the seventh are at 0 V.
    seed : int
        ≥ 0; the same seed is the same face, doing the same.
    events_per_minute : float
        Expressions in a minute, 0 to 12.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    def __init__(self, n_electrodes: int = 8, seed: int = 0, *, events_per_minute: float = 10.0):
        if n_electrodes < 1:
            raise ValueError(f"{n_electrodes} electrodes; at least 1")
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed {seed}; it must be 0 to 2**63 - 1")
        if not 0 <= events_per_minute <= 12:
            raise ValueError(f"{events_per_minute} events a minute; 0 to 12 fit")
        self.n_electrodes = n_electrodes
        self.events_per_minute = float(events_per_minute)
        self._seed = seed
        self._slot_s = 60.0 / events_per_minute if events_per_minute else 0.0
        self._n_muscles = min(n_electrodes, len(MUSCLES))
        self._made: OrderedDict[int, NDArray[np.float64]] = OrderedDict()
        self._tails: dict[int, NDArray[np.float32]] = {}
        self._expression_in = lru_cache(maxsize=16)(self._expression)
        self._blink_in = lru_cache(maxsize=16)(self._blink)
        self._forget()

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        return self._interpolator.at(t_s)

    def window_sums(
        self, t_s: NDArray[np.float64], point_s: float, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `WindowedSource.window_sums`."""
        return self._interpolator.window_sums(t_s, point_s, weights)

    def truth(self, t0_s: float, t1_s: float) -> list[FaceEvent]:
        """Events that overlap t0_s ≤ t < t1_s, by onset; none before 0 s."""
        events = [
            event
            for slot in self._slots(t0_s, t1_s, self._slot_s)
            if (event := self._expression_in(slot)) is not None
        ]
        events += [self._blink_in(slot) for slot in self._slots(t0_s, t1_s, _BLINK_SLOT_S)]
        inside = [event for event in events if event.offset_s > t0_s and event.onset_s < t1_s]
        return sorted(inside, key=lambda event: event.onset_s)

    def write_truth(self, path: str | Path, t0_s: float, t1_s: float) -> None:
        """Write `truth(t0_s, t1_s)` as JSON; RecordingError if the file cannot be written."""
        content = {
            "source": "face",
            "seed": self._seed,
            "time": "true seconds of the simulated world",
            "from_s": t0_s,
            "to_s": t1_s,
            "muscles": list(MUSCLES[: self._n_muscles]),
            "mvc_uv_rms": list(MVC_UV_RMS[: self._n_muscles]),
            "events": [asdict(event) for event in self.truth(t0_s, t1_s)],
        }
        write_file(Path(path), json_text(content))

    def _forget(self) -> None:
        """Make all samples anew when they are asked for; those of the same events are the same."""
        self._made.clear()
        self._interpolator = Interpolator(
            self._samples, _RATE_HZ, self.n_electrodes, factor=2, half_width=8, block_size=_BLOCK
        )

    @staticmethod
    def _slots(t0_s: float, t1_s: float, slot_s: float) -> range:
        if slot_s <= 0 or t1_s <= 0:
            return range(0)
        return range(max(int(t0_s // slot_s), 0), int(t1_s // slot_s) + 1)

    def _expression(self, slot: int) -> FaceEvent | None:
        """Return the expression of a slot; it lies within the slot."""
        rng = stream(self._seed, slot, 0, _EVENT)
        is_micro = bool(rng.random() < _MICRO_SHARE)
        counts = np.array(_MICRO_COUNTS if is_micro else _MACRO_COUNTS, dtype=np.float64)
        muscle = int(rng.choice(len(MUSCLES), p=counts / counts.sum()))
        if is_micro:
            duration_s = float(np.clip(rng.normal(0.317, 0.079), 0.2, 0.5))
        else:
            duration_s = float(np.clip(_log_normal(rng, 1.161, 0.823), 0.51, _LONGEST_S))
        share = _log_normal(rng, *((0.0811, 0.0854) if is_micro else (0.2309, 0.2127)))
        peak_uv = MVC_UV_RMS[muscle] * float(np.clip(share, 0.02, 1.0))
        room_s = self._slot_s - duration_s - 2 * _QUIET_S
        onset_s = slot * self._slot_s + _QUIET_S + float(rng.random()) * room_s
        apex_s = onset_s + duration_s * float(rng.uniform(0.3, 0.6))
        if muscle >= self._n_muscles:
            return None
        kind = "micro" if is_micro else "macro"
        return FaceEvent(kind, muscle + 1, onset_s, apex_s, onset_s + duration_s, peak_uv)

    def _blink(self, slot: int) -> FaceEvent:
        """Return the blink of a slot; it lies within the slot."""
        rng = stream(self._seed, slot, 0, _BLINK)
        duration_s = float(rng.uniform(0.15, 0.35))
        onset_s = slot * _BLINK_SLOT_S + float(rng.random()) * (_BLINK_SLOT_S - duration_s)
        peak_uv = float(rng.uniform(8.0, 25.0))
        return FaceEvent(
            "blink", 3, onset_s, onset_s + 0.4 * duration_s, onset_s + duration_s, peak_uv
        )

    def _samples(self, first: int, count: int) -> NDArray[np.float64]:
        pieces = []
        for block in range(first // _BLOCK, (first + count - 1) // _BLOCK + 1):
            begin = first - block * _BLOCK
            pieces.append(self._block(block)[max(begin, 0) : begin + count])
        return np.concatenate(pieces)

    def _block(self, block: int) -> NDArray[np.float64]:
        """Make the base samples of a block, V; shape (_BLOCK, n_electrodes)."""
        if block in self._made:
            return self._made[block]
        n = self._n_muscles
        muscles = np.tile(np.array(_REST_UV_RMS[:n])[:, None], _BLOCK)
        lid_uv = np.array(_LID_UV[:n])
        shapes = self._shapes(block)
        for event, moment, shape in shapes:
            if event.channel <= n:
                muscles[event.channel - 1, moment] += event.peak_uv * shape
        muscles *= self._emg(block)
        for event, moment, shape in shapes:
            if event.kind == "blink":
                muscles[:, moment] += np.multiply.outer(lid_uv, shape)
        samples = np.zeros((_BLOCK, self.n_electrodes))
        np.multiply(muscles.T, 1e-6, out=samples[:, :n])
        self._made[block] = samples
        while len(self._made) > 4:
            self._made.popitem(last=False)
        return samples

    def _white(self, block: int) -> NDArray[np.float32]:
        # Blocks before 0 s exist too, for the filters; streams count from 0.
        number = 2 * block if block >= 0 else -2 * block - 1
        shape = (self._n_muscles, _BLOCK)
        return stream(self._seed, number, 0, _WHITE).standard_normal(shape, dtype=np.float32)

    def _emg(self, block: int) -> NDArray[np.float64]:
        """Noise of the EMG band with an rms of 1; shape (n_muscles, _BLOCK)."""
        before = self._tails.pop(block - 1, None)
        if before is None:
            before = self._white(block - 1)[:, -_WARM_UP:]
        here = self._white(block)
        self._tails = {block: here[:, -_WARM_UP:]}
        white = np.concatenate((before, here), axis=1, dtype=np.float64)
        return EMG_FILTER(white)[:, _WARM_UP:]

    def _shapes(self, block: int) -> list[tuple[FaceEvent, slice, NDArray[np.float64]]]:
        """Events in a block, their samples, and their envelope there (0 to 1)."""
        t0_s, t1_s = block * _BLOCK / _RATE_HZ, (block + 1) * _BLOCK / _RATE_HZ
        shapes = []
        for event in self.truth(t0_s, t1_s):
            begin = max(int(np.ceil((event.onset_s - t0_s) * _RATE_HZ)), 0)
            end = min(int(np.ceil((event.offset_s - t0_s) * _RATE_HZ)), _BLOCK)
            t_s = t0_s + np.arange(begin, end) / _RATE_HZ
            shapes.append((event, slice(begin, end), self._shape(event, t_s)))
        return shapes

    def _shape(self, event: FaceEvent, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return envelope(event, t_s)


def envelope(event: FaceEvent, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Envelope of an event, 0 to 1: raised cosines from onset to apex and from apex to offset."""
    times = [event.onset_s, event.apex_s, event.offset_s]
    part = np.interp(t_s, times, [0.0, 0.5, 1.0])
    return (1 - np.cos(2 * np.pi * part)) / 2


def _log_normal(rng: np.random.Generator, mean: float, deviation: float) -> float:
    """Draw from the log-normal distribution of this mean and standard deviation."""
    variance = np.log1p((deviation / mean) ** 2)
    return float(rng.lognormal(np.log(mean) - variance / 2, np.sqrt(variance)))
