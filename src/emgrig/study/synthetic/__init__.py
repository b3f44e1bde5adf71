"""A synthetic study with truth: who did what when, the samples, and the BIDS files."""
