"""What a board's processor does: the board link on one side, ADS1299 chips on the other.

It is without I/O: bytes in, time in, bytes out. On the simulated board it drives simulated chips
(`emgrig.simulator.firmware`), on a Linux machine with chips on its SPI bus those
(`emgrig.gateways.spi`).
"""
