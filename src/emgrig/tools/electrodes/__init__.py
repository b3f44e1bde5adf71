"""`emgrig electrodes`."""
