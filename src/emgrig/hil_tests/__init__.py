"""The questions put to a board."""
