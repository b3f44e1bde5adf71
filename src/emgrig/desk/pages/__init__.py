"""The pages of the desk and what is drawn on them."""
