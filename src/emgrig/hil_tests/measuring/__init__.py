"""A board under test: set up, run, and left as it was found."""
