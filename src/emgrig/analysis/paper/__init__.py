"""The paper's numbers, its data set, and both beside ours."""
