"""Your firmware, or your program, on the simulated chip.

`Bench` is the stable entrance to the chip model for other people's code: chips on one SPI bus,
pins, electrodes, and one time in seconds. See docs/attach.md.
"""
