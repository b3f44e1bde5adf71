"""The firmware of a board, in C: a portable core that speaks the board link, and targets for it.

The C files are in `sources`; see docs/firmware.md.
"""
