"""What we claim about speed, measured against what a user would otherwise take.

``python -m benchmarks`` runs all of them, ``python -m benchmarks.decode`` one. Every figure is a
ratio of two things measured in the same run, since machines differ and drift.
"""
