"""EMG spotting: ours, the published baseline, and others' detectors on whole recordings with truth.

``python -m benchmarks spotting`` scores a part of the development seeds. ``--held-out --write``
scores the held-out seeds, on which nothing was ever tuned, and writes docs/spotting.md.
"""

from benchmarks.spotting.run import main

__all__ = ["main"]
