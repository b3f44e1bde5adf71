"""What ties a recording to a film: the digital tube."""
