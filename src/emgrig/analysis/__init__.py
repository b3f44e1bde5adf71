"""Volts to numbers with units: the paper's analysis."""
