"""A session after the paper's section 4: maximum contractions, clips, key, ratings."""
