"""A study on a BIDS data set: each recording analysed by itself, then the paper's tables of all."""
