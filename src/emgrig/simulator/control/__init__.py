"""The control port: a simulator that runs is changed while somebody else's program streams."""
