"""Procedures that take a board: set it up, record, hand the samples to the numerics, put it back.

Every procedure leaves the registers as it found them, and its report holds the proof.
"""
