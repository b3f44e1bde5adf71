"""What a session needs of the board that is streamed and recorded."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Rig(Protocol):
    """A board that streams, with a recording that is on; `emgrig.desk.stream.hub.Hub` is one."""

    @property
    def rate_hz(self) -> float:
        """Data rate, Hz."""
        ...

    @property
    def channels(self) -> tuple[tuple[int, str], ...]:
        """Number and name of each channel that is on: the columns of `window_uv`."""
        ...

    def unix_s(self) -> float:
        """Unix time of the session, s; virtual for a simulator on virtual time."""
        ...

    def mark(self, text: str, unix_s: float | None = None) -> None:
        """Put a marker into the recording, at a Unix time, s, or now."""
        ...

    def window_uv(self, begin_unix_s: float, end_unix_s: float) -> NDArray[np.float64]:
        """Return raw microvolts, shape (n_samples, n_channels), NaN in gaps."""
        ...

    def run_until(self, unix_s: float) -> None:
        """Let time pass until a Unix time, s."""
        ...
