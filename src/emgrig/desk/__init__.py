"""The experimenter's desk: one board, streamed once, looked at by many."""
