"""Meower: two ADS1299 in a chain behind UDP; raw SPI, and frames without status words."""
