"""Refusal of arrays from which no honest number can be computed."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_rate(rate_hz: float) -> float:
    """Return `rate_hz`, or raise ValueError unless it is finite and > 0."""
    if not (math.isfinite(rate_hz) and rate_hz > 0):
        raise ValueError(f"sample rate must be finite and > 0 Hz, not {rate_hz!r}")
    return float(rate_hz)


def checked_channels(volts: ArrayLike, *, n_min: int) -> NDArray[np.float64]:
    """Return `volts` as float64 of shape (n_samples, n_channels).

    Raises ValueError if it is not two-dimensional, has no channel or fewer than `n_min` samples,
    holds NaN or infinity, or has a channel that never changes (a channel that is powered down, a
    frozen stream): the message names the channel, 1 for the first column.
    """
    array = np.asarray(volts, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"expected shape (n_samples, n_channels), got {array.shape}")
    if array.shape[0] < n_min:
        raise ValueError(f"{array.shape[0]} samples are too few; at least {n_min} are needed")
    for index, column in enumerate(array.T):
        _check_column(column, f"channel {index + 1}")
    return array


def checked_record(values: ArrayLike, *, n_min: int, name: str = "record") -> NDArray[np.float64]:
    """Return `values` as float64 of shape (n_samples,); refuse as `checked_channels` does."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one channel, shape (n_samples,), got {array.shape}")
    if array.size < n_min:
        raise ValueError(f"{name}: {array.size} samples are too few; at least {n_min} are needed")
    _check_column(array, name)
    return array


def checked_pairs(
    first: ArrayLike, second: ArrayLike, *, n_min: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as float64 of one shape (n,); ValueError if they are few, or one is not finite.

    `name` is what messages call one of them: "level".
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size < n_min:
        raise ValueError(f"expected {n_min} or more pairs, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"a {name} is NaN or infinite")
    return a, b


def _check_column(column: NDArray[np.float64], name: str) -> None:
    n_bad = int(column.size - np.isfinite(column).sum())
    if n_bad:
        raise ValueError(f"{name}: {n_bad} samples are NaN or infinite; cut or fill the gaps first")
    if column.min() == column.max():
        raise ValueError(
            f"{name}: every sample is {column[0]:g}; powered down, or the stream is frozen?"
        )
