"""The calibration certificate of a board: what it holds, its file, how it is made."""
