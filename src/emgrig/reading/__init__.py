"""Anybody's recording, read."""
