"""Streams to files: raw capture and BDF+."""
