"""`emgrig calibrate`."""
