"""Input-referred noise of the ADS1299, and streams of random numbers to be entered anywhere.

SBAS499C tables 1 to 4 (5 V supply, 4.5 V reference, 25 degC, inputs shorted): typical uV rms for
every gain and data rate. The noise is white at the modulator's input, so after the sinc3 filter
neighbours correlate by 26/66 and next neighbours by 1/66. (At 8 and 16 kSPS shaped quantisation
noise dominates at low gain; its colour is not given, and the same one is used.)
"""

import numpy as np
from numpy.typing import NDArray

TABLE_GAINS = (1, 2, 4, 6, 8, 12, 24)

# uV rms; rows are the decimation ratios, columns TABLE_GAINS.
TABLE_UV_RMS = {
    64: (21.70, 10.85, 5.60, 3.87, 3.05, 2.27, 1.66),
    128: (6.93, 3.65, 1.98, 1.31, 1.11, 0.92, 0.80),
    256: (4.33, 2.28, 1.24, 0.93, 0.79, 0.65, 0.56),
    512: (3.06, 1.61, 0.88, 0.66, 0.56, 0.46, 0.40),
    1024: (2.17, 1.14, 0.62, 0.46, 0.39, 0.32, 0.28),
    2048: (1.53, 0.81, 0.44, 0.33, 0.28, 0.23, 0.20),
    4096: (1.08, 0.57, 0.31, 0.23, 0.20, 0.16, 0.14),
}

NOISE_BANDWIDTH = 0.275
"""One-sided noise bandwidth of sampled sinc3 output, in units of f_DR: 66 / 120 / 2."""

BOLTZMANN_J_K = 1.380649e-23

# w[k] + A w[k-1] + B w[k-2], divided by NORM: unit variance, autocorrelation 26/66 and 1/66.
_A = np.float32(0.4736725)
_B = np.float32(0.0185565)
_NORM = 1.1066665
_AHEAD = 2  # white rows of the next block that a block's colour needs

# Conversions that share a stream of random numbers.
_FIRST_BLOCK, _LARGEST_BLOCK = 64, 1024


def shorted_noise_v(decimation: int, gain: int) -> float:
    """Return the data sheet's noise with shorted inputs, V rms, input-referred.

    The table's figure contains the rounding to codes, which the converter adds again; the
    variance of the rounding (one LSB of 4.5 V / gain / 2**23, squared, over 12) is taken off.
    """
    total_v = TABLE_UV_RMS[decimation][TABLE_GAINS.index(gain)] * 1e-6
    lsb_v = 4.5 / gain / 2**23
    return float(np.sqrt(total_v**2 - lsb_v**2 / 12))


def thermal_noise_v(resistance_ohm: float, rate_hz: float, temperature_k: float) -> float:
    """Thermal noise of a resistance after the sinc3 filter, V rms."""
    return float(
        np.sqrt(4 * BOLTZMANN_J_K * temperature_k * resistance_ohm * NOISE_BANDWIDTH * rate_hz)
    )


def stream(seed: int, run: int, block: int, purpose: int) -> np.random.Generator:
    """Open one of the independent random streams of `seed`.

    Counter-based (Philox): the stream of a block does not depend on which others were read.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    run, block, purpose : int
        Any numbers of 64 bits, ≥ 0; each triple is another stream.
    """
    return np.random.Generator(np.random.Philox(key=[seed, run], counter=[0, 0, block, purpose]))


def block_of(conversion: int, largest: int) -> tuple[int, int]:
    """First conversion and size of the block a conversion of a run is in.

    Blocks are of 64, 64, 128, 256, … conversions, up to `largest` each (a power of two, at least
    64): the first ones are short because many runs are.
    """
    if conversion >= largest:
        return conversion // largest * largest, largest
    if conversion < _FIRST_BLOCK:
        return 0, _FIRST_BLOCK
    size = 1 << (conversion.bit_length() - 1)
    return size, size


class ColouredNoise:
    """Noise of unit variance with the colour of the sinc3 filter.

    A block's last two white rows are the first two of the next block's stream, so the colour runs
    on over the border and each block can still be made alone. Blocks that are asked for in their
    order share that stream.

    Parameters
    ----------
    seed : int
        See `stream`.
    """

    def __init__(self, seed: int) -> None:
        # The streams of a block and of the next; entering one anew is quicker than making one.
        self._here, self._ahead = (stream(seed, 0, 0, 0) for _ in range(2))
        self._counter = np.zeros(4, np.uint64)
        self._key = np.array([seed, 0], np.uint64)
        self._entered = {  # copied by who takes it
            "bit_generator": "Philox",
            "state": {"counter": self._counter, "key": self._key},
            "buffer": np.zeros(4, np.uint64),
            "buffer_pos": 4,  # nothing in it
            "has_uint32": 0,
            "uinteger": 0,
        }
        self._is_ahead_of: tuple[int, int] | None = None  # the run and block it is in
        self._white = self._white_ahead = np.empty((0, 0), np.float32)
        self._part = np.empty(0, np.float32)

    def fill(self, run: int, start: int, out: NDArray[np.float32]) -> None:
        """Make the noise of some conversions of a run.

        Parameters
        ----------
        run : int
            See `stream`.
        start : int
            First conversion; it begins a block of `block_of`, whatever its largest.
        out : ndarray of float32, shape (n_conversions, n_channels), contiguous
            Takes the noise; it ends where a block of at most 1024 ends.
        """
        done = 0
        while done < len(out):
            first, size = block_of(start + done, _LARGEST_BLOCK)
            index = size.bit_length() - _FIRST_BLOCK.bit_length() + first // size if first else 0
            self._fill_block(run, index, out[done : done + size])
            done += size

    def _fill_block(self, run: int, block: int, out: NDArray[np.float32]) -> None:
        n_rows, n_columns = out.shape
        if self._white.shape != (n_rows + _AHEAD, n_columns):
            self._white = np.empty((n_rows + _AHEAD, n_columns), dtype=np.float32)
            self._part = np.empty(out.size, np.float32)
        white, begun = self._white, 0
        if self._is_ahead_of == (run, block):
            self._here, self._ahead = self._ahead, self._here
            white[:_AHEAD] = self._white_ahead
            begun = _AHEAD
        else:
            self._enter(self._here, run, block)
        self._here.standard_normal(dtype=np.float32, out=white[begun:n_rows])
        self._enter(self._ahead, run, block + 1)
        self._ahead.standard_normal(dtype=np.float32, out=white[n_rows:])
        self._white_ahead = white[n_rows:].copy()
        self._is_ahead_of = run, block + 1
        flat, result, part = white.reshape(-1), out.reshape(-1), self._part
        np.multiply(flat[: -_AHEAD * n_columns], _B, out=result)
        result += np.multiply(flat[n_columns:-n_columns], _A, out=part)
        result += flat[_AHEAD * n_columns :]
        result *= np.float32(1 / _NORM)

    def _enter(self, rng: np.random.Generator, run: int, block: int) -> None:
        """Put a generator at the beginning of `stream(seed, run, block, 0)`."""
        self._counter[2], self._key[1] = block, run
        rng.bit_generator.state = self._entered
