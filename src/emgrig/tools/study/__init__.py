"""`emgrig study`."""
