"""The simulated board's processor: what drives the chips and speaks the link."""
