"""A recording handed over: BIDS data sets and tables."""
