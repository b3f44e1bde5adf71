"""What a session reads and writes: its plan, its record, a participant's folder."""
