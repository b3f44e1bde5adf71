"""Faults by name: what is wrong with a board, and how it gets in."""
