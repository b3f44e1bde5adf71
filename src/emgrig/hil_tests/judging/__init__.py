"""Measured values, their limits, and what a check makes of them."""
