"""Codes to trusted volts."""
