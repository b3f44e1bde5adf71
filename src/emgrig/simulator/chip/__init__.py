"""The digital half of the ADS1299: registers, commands, SPI and data ready, true to the byte."""
