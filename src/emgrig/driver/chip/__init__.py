"""The ADS1299 at register level: its map, its settings in words, its identity."""
