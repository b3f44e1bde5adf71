"""`emgrig demo`."""
