"""Raw captures: written, read, played back."""
