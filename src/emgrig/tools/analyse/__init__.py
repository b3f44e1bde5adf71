"""The commands of the analysis."""
