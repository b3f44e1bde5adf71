"""Finding expressions, and scoring what was found."""
