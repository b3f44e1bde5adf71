"""ADS1299 chips on the SPI bus of this Linux machine, as a board of ours.

The firmware is the one of the simulated board (`emgrig.onboard`); here are the wires under it:
spidev for SPI, gpiod 2 for DRDY and the control pins.
"""
