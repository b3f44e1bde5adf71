"""``python -m benchmarks.spotting``."""

from benchmarks.spotting.run import main

main()
