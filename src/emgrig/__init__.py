"""emgrig: bring up, check, calibrate and record an ADS1299 EMG board."""
