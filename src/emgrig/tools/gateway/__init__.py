"""`emgrig gateway`: a board that this machine reaches, for others in the network."""
