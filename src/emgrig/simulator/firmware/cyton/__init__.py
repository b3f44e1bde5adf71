"""The twin of OpenBCI's Cyton, with or without its Daisy: their firmware 3.1.2 on our chips."""
