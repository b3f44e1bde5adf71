"""What the simulated electrodes see."""
