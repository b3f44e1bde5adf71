"""Packets of the board link: bytes to packets and back; no I/O, no clock."""
