"""HackEEG (firmware v0.3.0): its frames, its commands, and the gateway of both."""
