"""The board that is not there: electrodes, chip, firmware, faults."""
