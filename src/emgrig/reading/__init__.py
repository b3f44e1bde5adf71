"""Anybody's recording as one `Recording`: signals in microvolts, a time base from the file, marks.

`open_recording` is the only way in: by what the file holds, not by its name. Each format has a
module; none of them trusts what it reads.
"""

from emgrig.reading.opening import open_recording
from emgrig.reading.recording import Mark, Recording
from emgrig.reading.signals import Signal

__all__ = ["Mark", "Recording", "Signal", "open_recording"]
