"""Butterworth filters, designed and run in numpy alone: importing scipy.signal takes 2 s.

A recursion is linear, so a block of samples follows from a matrix: its outputs, and the state
behind it, are the block and the state ahead of it times constants. The matrices come from the
recursion itself, run over unit vectors. What is left to do one after the other are the states of
the blocks, which are added up in steps of 1, 2, 4 ... until the filter has forgotten what was.
Results are those of scipy's ``sosfilt`` and ``sosfiltfilt`` to rounding, in the same time.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Samples of a block, blocks that are multiplied at a time, and such groups that are in the cache
#: together. Products of this size stay on one thread of any BLAS; larger ones make its threads
#: wait for each other, which takes more processor time than the product.
_BLOCK, _BLOCKS, _GROUPS = 32, 128, 4
#: Multiplications of a product: OpenBLAS takes its threads from 2**18 on.
_ONE_THREAD = 200_000
#: What is left of a state is nothing beside rounding.
_FORGOTTEN = 1e-25


def low_pass(order: int, edge_hz: float, rate_hz: float) -> Floats:
    """Design a Butterworth low-pass of `order` poles; shape (n_sections, 6), b then a.

    `edge_hz` lies at -3 dB, above 0 and below half of `rate_hz`.
    """
    edge = _warped(edge_hz, rate_hz)
    poles = _bilinear(edge * _prototype(order))
    return _sections(poles, [-1.0] * order, 1.0)


def band_pass(order: int, band_hz: tuple[float, float], rate_hz: float) -> Floats:
    """Design a Butterworth band-pass of 2 `order` poles; shape (order, 6), b then a.

    The edges lie at -3 dB and rise from above 0 to below half of `rate_hz`.
    """
    low, high = (_warped(edge, rate_hz) for edge in band_hz)
    half = (high - low) / 2 * _prototype(order)
    root = np.sqrt(half**2 - low * high)
    poles = _bilinear(np.concatenate([half + root, half - root]))
    middle = np.exp(2j * np.arctan(np.sqrt(low * high)))
    return _sections(poles, [1.0, -1.0] * order, middle)


def _prototype(order: int) -> Complexes:
    """Return the poles of a Butterworth low-pass of 1 rad/s."""
    return np.asarray(np.exp(0.5j * np.pi * (1 + (2 * np.arange(order) + 1) / order)))


def _warped(edge_hz: float, rate_hz: float) -> float:
    return float(np.tan(np.pi * edge_hz / rate_hz))


def _bilinear(poles: Complexes) -> Complexes:
    return (1 + poles) / (1 - poles)


def _sections(poles: Complexes, zeros: Sequence[float], at: complex) -> Floats:
    """Put real zeros and pairs of poles together; the gain is 1 at the point `at` of the circle."""
    is_real = np.abs(poles.imag) < 1e-12 * np.abs(poles)
    upper = poles[~is_real & (poles.imag > 0)].tolist()
    real = np.sort(poles[is_real].real)[::-1].tolist()
    pairs = [[one, one.conjugate()] for one in upper]
    pairs += [real[i : i + 2] for i in range(0, len(real), 2)]
    pairs.sort(key=lambda pair: -np.real(pair[0]))  # zeros go to the poles that are near
    left, rows = iter(sorted(zeros, reverse=True)), []
    for pair in pairs:
        b, a = (np.real(np.poly(roots)) for roots in ([next(left) for _ in pair], pair))
        gain = abs(np.polyval(a, at) / np.polyval(b, at))
        rows.append(np.concatenate([gain * b, np.zeros(3 - b.size), a, np.zeros(3 - a.size)]))
    return np.array(rows)


def forward(sections: Floats, x: Floats) -> Floats:
    """Run a filter once, from rest, as scipy's ``sosfilt``; `x` of shape (n_samples,) is kept."""
    room = Room.of(x, 0)
    room.forward(sections)
    return room.samples


def both_ways(
    sections: Floats, x: Floats, pad: int, *, ends: Literal["odd", "even"] = "odd"
) -> Floats:
    """Run a filter forward and backward, as scipy's ``sosfiltfilt``.

    Parameters
    ----------
    sections : ndarray of float64, shape (n_sections, 6)
        b then a, a beginning with 1.
    x : ndarray of float64, shape (n_samples,)
        Without a gap; it is kept.
    pad : int, 0 to n_samples - 1
        Samples that it is extended by at each end.
    ends : str
        "odd": turned by half a turn about its end; "even": mirrored.

    Raises
    ------
    ValueError
        If `x` is too short.
    """
    room = Room.of(x, pad)
    room.both_ways(sections, pad, ends=ends)
    return room.samples


class Room:
    """One channel with room beside it, which filters are run on in its place.

    What is behind the last block of a filter is known only when all of it was read; so each goes
    over the samples twice, once for the states between the blocks and once for the outputs, and
    both ways are one product a block.

    Parameters
    ----------
    store : ndarray of float64, shape (n_samples + `Room.beside(pad)`,)
        Holds the samples from `Room.ahead(pad)` on; the others are overwritten.
    pad : int
        Most that a filter will extend them by at each end.
    """

    def __init__(self, store: Floats, pad: int) -> None:
        self._store, self._pad, self._ahead = store, pad, self.ahead(pad)
        #: The samples, shape (n_samples,), as they are now; without a gap.
        self.samples: Floats = store[self._ahead : store.size - pad]

    @classmethod
    def of(cls, x: Floats, pad: int) -> "Room":
        """Copy samples, shape (n_samples,)."""
        room = cls(np.empty(x.size + cls.beside(pad)), pad)
        room.samples[:] = x
        return room

    @staticmethod
    def ahead(pad: int) -> int:
        """Return how much room is ahead of the samples."""
        return pad + _BLOCK - 1

    @staticmethod
    def beside(pad: int) -> int:
        """Return how much room there is beside the samples in all."""
        return 2 * pad + _BLOCK - 1

    def forward(self, sections: Floats) -> None:
        """Run a filter once, from rest."""
        blocks = _blocks(sections.tobytes())
        blocks.run(self.samples, np.zeros(blocks.n_states))

    def both_ways(
        self,
        sections: Floats,
        pad: int,
        *,
        ends: Literal["odd", "even"] = "odd",
        before: Callable[[Floats], object] | None = None,
    ) -> float:
        """Run a filter forward and backward, and return the sum of what comes out.

        `before` is done first to all samples, some thousand at a time, in their place. The other
        parameters, and errors, are those of the function `both_ways`.
        """
        x = self.samples
        if x.size <= pad:
            raise ValueError(f"{x.size} samples; the filter needs more than {pad}")
        assert pad <= self._pad
        edges = x[: pad + 1].copy(), x[x.size - pad - 1 :].copy()
        if before is not None:
            for edge in edges:
                before(edge)
        head, tail = edges[0][:0:-1], edges[1][-2::-1]
        if ends == "odd":
            head, tail = 2 * edges[0][0] - head, 2 * edges[1][-1] - tail
        begin, end = self._ahead - pad, self._ahead + x.size + pad
        self._store[begin : begin + pad], self._store[end - pad : end] = head, tail
        # A filter that has seen the first value for ever may as well see it a little longer.
        first, filled = float((*head, edges[0][0])[0]), (begin - end) % _BLOCK
        self._store[begin - filled : begin] = first
        extended = self._store[begin - filled : end]
        inner = slice(filled + pad, filled + pad + x.size)
        return _pair(sections.tobytes()).run(extended, inner, before)


class _Pair:
    """A filter and the same one backwards, as matrices over blocks.

    With y what the first gives for a block x, s the state ahead of it, and z what the second gives
    for that, r the state behind it: z is x, s and r times constants, and so are the states behind
    and ahead of the block.
    """

    def __init__(self, sections: Floats) -> None:
        one = _Blocks(sections)
        self.n_states = one.n_states
        of_x, of_s = one.outputs[:, :_BLOCK], one.outputs[:, _BLOCK:]
        back_of_y, back_of_r = of_x[::-1, ::-1], of_s[::-1]
        whole = np.concatenate([back_of_y @ of_x, back_of_y @ of_s, back_of_r], axis=1)
        self._out = _constants(whole)  # (block, s and r, outputs)
        into_back = one.into[:, ::-1]
        self._into = _constants(np.concatenate([one.into, into_back @ of_x]))  # (block, s and r)
        self._s_to_r = _constants(into_back @ of_s)
        self._last_of_x, self._last_of_s = _constants(of_x[-1]), _constants(of_s[-1])
        self._steps, self._steady = one.steps, one.steady

    def run(
        self, x: Floats, inner: slice, before: Callable[[Floats], object] | None = None
    ) -> float:
        """Filter `x`, whole blocks, in its place; return the sum over `inner`."""
        n, rows = self.n_states, x.reshape(-1, _BLOCK)
        s, r = self._states(x, rows, inner, before)
        size = min(_BLOCKS * _GROUPS, len(rows))
        given = np.empty((size, _BLOCK + 2 * n))
        total = 0.0
        for begin in range(0, len(rows), size):
            part = rows[begin : begin + size]
            here, last = given[: len(part)], begin + len(part)
            here[:, :_BLOCK] = part
            here[:, _BLOCK : _BLOCK + n] = s[begin:last]
            here[:, _BLOCK + n :] = r[begin:last]
            _product(here, self._out, part)
            total += float(_within(x, inner, begin, last).sum())
        return total

    def _states(
        self,
        x: Floats,
        rows: Floats,
        inner: slice,
        before: Callable[[Floats], object] | None,
    ) -> tuple[Floats, Floats]:
        """Return the states ahead of each block and, of the way back, behind each."""
        n, n_rows = self.n_states, len(rows)
        driven = np.empty((n_rows, 2 * n))
        for begin in range(0, n_rows, _BLOCKS * _GROUPS):
            last = min(begin + _BLOCKS * _GROUPS, n_rows)
            if before is not None:
                before(_within(x, inner, begin, last))
            _product(rows[begin:last], self._into, driven[begin:last])
        s = np.empty((n_rows + 1, n))
        s[0], s[1:] = self._steady * x[0], driven[:, :n]
        self._add_up(s)
        r = np.empty((n_rows + 1, n))
        r[1:] = (driven[:, n:] + _product(s[:-1], self._s_to_r))[::-1]
        r[0] = self._steady * (rows[-1] @ self._last_of_x + s[-2] @ self._last_of_s)
        self._add_up(r)
        return s[:-1], r[-2::-1]

    def _add_up(self, states: Floats) -> None:
        """Make the states out of what each block adds to them."""
        for nth, over in enumerate(self._steps):
            step = 2**nth
            if step < len(states):
                states[step:] += _product(states[:-step], over)


def _within(x: Floats, inner: slice, first: int, last: int) -> Floats:
    """Return those samples of the blocks from `first` to `last` that lie within `inner`."""
    return x[max(inner.start, first * _BLOCK) : max(min(inner.stop, last * _BLOCK), inner.start)]


def _product(rows: Floats, matrix: Floats, out: Floats | None = None) -> Floats:
    """Multiply, so many rows at a time that a BLAS does it on this thread."""
    if out is None:
        out = np.empty((len(rows), matrix.shape[1]))
    most = max(_ONE_THREAD // matrix.size, 1)
    whole = len(rows) // most * most
    if whole:
        pile = rows[:whole].reshape(-1, most, rows.shape[1])
        np.matmul(pile, matrix, out=out[:whole].reshape(-1, most, out.shape[1]))
    if whole < len(rows):
        np.matmul(rows[whole:], matrix, out=out[whole:])
    return out


class _Blocks:
    """A filter as matrices over blocks, made with what precision the machine has.

    A state is written so that white noise drives all its parts alike and independently (Mullis and
    Roberts 1976): then nothing that is multiplied is large and cancels, as in the direct forms.
    """

    def __init__(self, sections: Floats) -> None:
        self.n_states = n = 2 * len(sections)
        unit = np.eye(_BLOCK + n, dtype=np.longdouble)
        out, state = _one_by_one(sections, unit[:_BLOCK], unit[_BLOCK:])
        into, over = state[:, :_BLOCK], state[:, _BLOCK:]
        basis, inverse = _basis(into, over)
        out[:, _BLOCK:] = out[:, _BLOCK:] @ basis
        self.outputs = out  #: shape (outputs, block and state)
        self.into = inverse @ into  #: shape (state behind it, block)
        self.steps = []  #: States go over 1, 2, 4 ... blocks by these.
        over = inverse @ over @ basis
        while np.abs(over).max() > _FORGOTTEN:
            self.steps.append(_constants(over))
            over = over @ over
        #: State of a filter that has seen 1 for ever.
        self.steady = _constants(inverse @ _steady(sections))
        self._out, self._state = _constants(out), _constants(self.into)

    def run(self, x: Floats, state: Floats) -> None:
        """Filter `x`, shape (n_samples,), in its place, beginning with a state."""
        n_groups = min(_GROUPS, -(-x.size // (_BLOCK * _BLOCKS)))
        given = np.zeros((n_groups, _BLOCKS, _BLOCK + self.n_states))
        rows = given.reshape(-1, _BLOCK + self.n_states)
        size = len(rows) * _BLOCK
        states = np.empty((len(rows) + 1, self.n_states))
        behind = states[1:].reshape(n_groups, _BLOCKS, self.n_states)
        out = np.empty((n_groups, _BLOCKS, _BLOCK))
        for begin in range(0, x.size, size):
            part = x[begin : begin + size]
            if part.size < size:
                part = np.concatenate([part, np.zeros(size - part.size)])
            rows[:, :_BLOCK] = part.reshape(-1, _BLOCK)
            np.matmul(given[..., :_BLOCK], self._state, out=behind)
            states[0] = state
            for nth, over in enumerate(self.steps):
                step = 2**nth
                if step < len(states):
                    states[step:] += states[:-step] @ over
            rows[:, _BLOCK:] = states[:-1]
            state = states[-1].copy()
            np.matmul(given, self._out, out=out)
            x[begin : begin + size] = out.reshape(-1)[: x.size - begin]


def _constants(matrix: NDArray[np.longdouble]) -> Floats:
    return np.ascontiguousarray(matrix.T, dtype=np.float64)


def _basis(
    into: NDArray[np.longdouble], over: NDArray[np.longdouble]
) -> tuple[NDArray[np.longdouble], NDArray[np.longdouble]]:
    """Return the basis that states are written in, and its inverse.

    `into` (n, _BLOCK) is what a block does to a state, `over` (n, n) what becomes of one behind it.
    """
    power = into @ into.T
    while np.abs(over).max() > _FORGOTTEN:
        power += over @ power @ over.T
        over = over @ over
    least = 1e-12 * np.trace(power) * np.eye(len(power))  # some states may never be reached
    basis = np.linalg.cholesky((power + least).astype(np.float64)).astype(np.longdouble)
    inverse = np.linalg.inv(basis.astype(np.float64)).astype(np.longdouble)
    for _ in range(2):
        inverse = inverse @ (2 * np.eye(len(basis)) - basis @ inverse)
    return basis, inverse


def _steady(sections: Floats) -> NDArray[np.longdouble]:
    n = 2 * len(sections)
    unit = np.eye(1 + n, dtype=np.longdouble)
    _, after = _one_by_one(sections, unit[:1], unit[1:])
    left, driven = unit[1:, 1:] - after[:, 1:], after[:, 0]
    state = np.zeros(n, np.longdouble)
    for _ in range(3):
        wrong = (driven - left @ state).astype(np.float64)
        state += np.linalg.solve(left.astype(np.float64), wrong)
    return state


@lru_cache(maxsize=32)
def _pair(sections: bytes) -> _Pair:
    return _Pair(np.frombuffer(sections).reshape(-1, 6))


@lru_cache(maxsize=32)
def _blocks(sections: bytes) -> _Blocks:
    return _Blocks(np.frombuffer(sections).reshape(-1, 6))


def _one_by_one(
    sections: Floats, x: NDArray[np.longdouble], state: NDArray[np.longdouble]
) -> tuple[NDArray[np.longdouble], NDArray[np.longdouble]]:
    """Run the recursion, sample by sample, along the first axis of `x` (n_samples, n_signals).

    `state`, that of the transposed direct form II, has shape (2 n_sections, n_signals); returns the
    outputs and the state behind them.
    """
    out, state = x.copy(), state.copy()
    pairs = state.reshape(-1, 2, x.shape[1])
    for row in out:
        for (b0, b1, b2, _, a1, a2), z in zip(sections, pairs, strict=True):
            y = b0 * row + z[0]
            z[0] = b1 * row - a1 * y + z[1]
            z[1] = b2 * row - a2 * y
            row[:] = y
    return out, state
