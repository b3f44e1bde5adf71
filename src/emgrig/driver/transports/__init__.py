"""Bytes in and out: TCP and serial."""
