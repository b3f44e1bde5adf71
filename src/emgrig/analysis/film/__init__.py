"""The count of the digital tube, read off a film of its page."""
