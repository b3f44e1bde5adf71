"""The fakes, one a real module; names and arguments are those of the real ones."""
