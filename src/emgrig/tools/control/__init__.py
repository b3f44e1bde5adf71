"""`emgrig control`: the command, and its page."""
