"""From packets to blocks of samples with their settings and their place in time."""
