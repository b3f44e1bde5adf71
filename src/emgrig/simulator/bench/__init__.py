"""Simulated instruments that see each other and the board."""
