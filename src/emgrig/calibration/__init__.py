"""Codes to trusted volts: arrays in, numbers with their uncertainty out.

The modules here know no board. Procedures that drive one call them.
"""
