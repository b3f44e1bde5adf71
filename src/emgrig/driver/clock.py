"""The host's own time."""

import time


class RealClock:
    """Time as it passes here; see `emgrig.driver.seams.Clock`."""

    def now_s(self) -> float:
        """Monotonic time, s."""
        return time.monotonic()

    def unix_s(self) -> float:
        """Wall time, s since 1970-01-01 UTC."""
        return time.time()

    def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` ≥ 0."""
        time.sleep(duration_s)
