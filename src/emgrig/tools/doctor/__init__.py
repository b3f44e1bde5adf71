"""`emgrig doctor`: what this machine has, for a report."""
