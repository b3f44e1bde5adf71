"""The analogue half of the ADS1299, and all that hangs on its pins: electrodes to codes."""
