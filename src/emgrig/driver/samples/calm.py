"""A run in which the next packet can be foreseen."""

from collections.abc import Callable
from typing import NamedTuple

from emgrig.driver.samples.block import Epoch
from emgrig.protocol.decoder import OnePacket


class Calm(NamedTuple):
    """Where a run stands in which nothing is missing, pending or new."""

    conversion: int  #: That comes next, modulo 2**32.
    position: int  #: The stream's count of it.
    raw_us: int  #: Board time of the last packet, as it was said, µs.
    offset_us: int  #: What makes of it a time on the line.
    period_us: float  #: Data period, µs.
    epoch: Epoch
    checks_status: bool  #: Frames have whole status words.
    is_late: Callable[[OnePacket], bool] | None  #: Whether it is of a run that is over.
