"""`emgrig explain`: the manual, in the terminal."""
