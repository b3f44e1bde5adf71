"""The paper's tables of a study's events: sections 5 and 6, with effect sizes."""
