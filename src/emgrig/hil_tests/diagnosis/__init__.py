"""From failed checks to the likely cause and the next probe."""
