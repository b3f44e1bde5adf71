"""`emgrig compare`."""
