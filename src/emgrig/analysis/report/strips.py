"""A channel as it is drawn: reduced to the range of some hundred columns."""

from dataclasses import dataclass

import numpy as np

from emgrig.analysis.report.stretches import Stretch
from emgrig.analysis.signal.filters import Floats

#: Stretches of a strip, and samples that its limit is taken from.
_COLUMNS, _FOR_LIMIT = 1600, 100_000
#: Of the strips of a long recording: a page of seven channels stays below 5 MB.
_POINTS, _LEAST_COLUMNS, _MOST_COLUMNS = 9600, 100, 400


@dataclass(frozen=True)
class Strip:
    """A channel as it is drawn: arrays of one shape, NaN in gaps, in the unit of the recording."""

    time_s: Floats  #: Begin of each stretch of samples.
    low: Floats  #: Lowest and highest band-passed sample of it.
    high: Floats
    envelope: Floats  #: Highest of the envelope.
    limit: float  #: A few artefacts must not squeeze everything else into a line.


def strip_of(banded: Floats, envelope: Floats, rate_hz: float) -> Strip:
    """Reduce a channel to what is drawn of it."""
    time_s, low, high = ranges(banded, rate_hz)
    present = np.abs(banded[:: max(banded.size // _FOR_LIMIT, 1)])
    limit = float(np.nanpercentile(present, 99.9)) if np.isfinite(present).any() else 1.0
    return Strip(time_s, low, high, ranges(envelope, rate_hz)[2], 1.3 * limit)


def strip_between(
    banded: Floats, envelope: Floats, rate_hz: float, stretch: Stretch, n_stretches: int
) -> Strip:
    """Reduce a stretch of a channel to what is drawn of it; its time is that of the recording."""
    begin = max(round(stretch.begin_s * rate_hz), 0)
    part = slice(begin, max(round(stretch.end_s * rate_hz), begin + 1))
    columns = min(max(_POINTS // n_stretches, _LEAST_COLUMNS), _MOST_COLUMNS)
    time_s, low, high = ranges(banded[part], rate_hz, columns)
    present = np.abs(banded[part][np.isfinite(banded[part])])
    limit = 1.3 * float(np.percentile(present, 99.9)) if present.size else 1.0
    tops = ranges(envelope[part], rate_hz, columns)[2]
    return Strip(time_s + begin / rate_hz, low, high, tops, limit)


def ranges(x: Floats, rate_hz: float, columns: int = _COLUMNS) -> tuple[Floats, Floats, Floats]:
    """Return time, lowest and highest value of at most so many stretches of samples."""
    width = max(1, -(-x.size // columns))
    padded = np.full(-(-x.size // width) * width, np.nan)
    padded[: x.size] = x
    table = padded.reshape(-1, width)
    low, high = np.fmin.reduce(table, axis=1), np.fmax.reduce(table, axis=1)
    return np.arange(low.size) * width / rate_hz, low, high
