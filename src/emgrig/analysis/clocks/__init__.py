"""Two clocks of one recording: lines between them, and the filmed tube."""
