"""OpenBCI's Cyton, alone or with its Daisy, as a board of ours."""
