"""Two recordings of the same muscle, from any two devices: how well do they agree, and why not.

Arrays in, numbers out; nothing here reads a file or knows a device.
"""

from emgrig.comparison.compare import Comparison, compare
from emgrig.comparison.tracks import Response, Track

__all__ = ["Comparison", "Response", "Track", "compare"]
