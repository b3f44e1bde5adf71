"""`emgrig sync`."""
