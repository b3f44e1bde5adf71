"""Registers, chip and board: what talks to the hardware."""
