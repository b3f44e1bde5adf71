"""The HackEEG's firmware v0.3.0 on our chip, with its traps."""
