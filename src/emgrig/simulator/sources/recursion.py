"""A recursive filter on long rows, some samples at a time, by products of matrices.

What a filter makes of a block of samples is a product of them with its impulse response, and of the
state in which the block finds it with what it rings on; the state after the block follows from the
same two. States of consecutive blocks are summed up in steps that double. It is what
`scipy.signal.sosfilt` computes one sample after the other, up to rounding (1e-14 of the largest
value), in half the time, and without importing that module, which takes half a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.product import product

BLOCK: Final = 32  #: Samples at a time.
_FORGOTTEN: Final = 1e-20  # below the resolution of a double


@dataclass(frozen=True)
class RecursiveFilter:
    """Sections of second order, one behind the other.

    Attributes
    ----------
    sections : tuple of tuples of float
        b0, b1, b2, a1, a2 of each: ``y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2
        y[n-2]``.

    Raises
    ------
    ValueError
        If a section is not stable.
    """

    sections: tuple[tuple[float, float, float, float, float], ...]

    def __post_init__(self) -> None:
        for *_, a1, a2 in self.sections:
            if not (abs(a2) < 1 and abs(a1) < 1 + a2):
                raise ValueError(f"a section with a1 {a1:g}, a2 {a2:g} is not stable")

    def __call__(self, rows: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Filter each row, from rest.

        Parameters
        ----------
        rows : ndarray, shape (n_rows, n_samples)
            `n_samples` is a multiple of `BLOCK`.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_samples)

        Raises
        ------
        ValueError
            If `n_samples` is no multiple of `BLOCK`.
        """
        n_rows, n_samples = rows.shape
        if n_samples % BLOCK:
            raise ValueError(f"rows of {n_samples} samples; expected a multiple of {BLOCK}")
        blocks = rows.reshape(-1, BLOCK).astype(np.float64, copy=False)
        made = product(blocks, self._from_input)
        states = np.zeros((n_rows, n_samples // BLOCK, made.shape[1] - BLOCK))
        states[:, 1:] = made.reshape(n_rows, -1, made.shape[1])[:, :-1, BLOCK:]
        for step, carried in enumerate(self._carried):
            if (apart := 1 << step) < states.shape[1]:
                states[:, apart:] += states[:, :-apart] @ carried
        filtered = product(states.reshape(len(blocks), -1), self._from_state)
        filtered += made[:, :BLOCK]
        return filtered.reshape(n_rows, n_samples)

    @cached_property
    def _from_input(self) -> NDArray[np.float64]:
        """Samples of a block (rows) to what comes out, and the state behind it (columns)."""
        at_rest = [0.0] * (2 * len(self.sections))
        return np.array([self._run(row, at_rest) for row in np.eye(BLOCK).tolist()])

    @cached_property
    def _from_state(self) -> NDArray[np.float64]:
        """State before a block (rows) to what comes out of it (columns)."""
        return np.ascontiguousarray(self._ringing[:, :BLOCK])

    @cached_property
    def _carried(self) -> list[NDArray[np.float64]]:
        """State to what is left of it after 1, 2, 4, … blocks, until nothing is."""
        powers = [self._ringing[:, BLOCK:]]
        while np.abs(powers[-1]).max() > _FORGOTTEN:
            powers.append(powers[-1] @ powers[-1])
        return powers

    @cached_property
    def _ringing(self) -> NDArray[np.float64]:
        unit = np.eye(2 * len(self.sections)).tolist()
        return np.array([self._run([0.0] * BLOCK, state) for state in unit])

    def _run(self, samples: Sequence[float], state: Sequence[float]) -> list[float]:
        """Filter samples one by one; return what comes out, and the state after them."""
        held, out = list(state), []
        for sample in samples:
            value = sample
            for number, (b0, b1, b2, a1, a2) in enumerate(self.sections):
                first, second = held[2 * number : 2 * number + 2]
                made = b0 * value + first
                held[2 * number] = b1 * value - a1 * made + second
                held[2 * number + 1] = b2 * value - a2 * made
                value = made
            out.append(value)
        return out + held
