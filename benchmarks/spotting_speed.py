"""Processor time of the search of a million samples, beside NeuroKit2's and BioSPPy's."""

from benchmarks._figures import figure
from benchmarks.spotting.speed import OURS, measured

GOAL_S = 0.02


def main() -> None:
    """Print the figures; those of a program that is not here are left out."""
    taken = measured()
    figure("1 x 1e6 samples", taken[OURS], "s", at_most=GOAL_S)
    for name, taken_s in taken.items():
        if name != OURS:
            figure(f"{name}, 1e6 samples", taken_s, "s")
            figure(f"emgrig / {name}", taken[OURS] / taken_s, at_most=1.0)


if __name__ == "__main__":
    main()
