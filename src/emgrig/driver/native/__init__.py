"""The board link from the PC's side: requests, replies, register ports, identity."""
