"""What surprises in the Cyton's firmware, each by a name under which a twin can have it mended.

Read in OpenBCI's Cyton library, commit 24e1c426 (`OpenBCI_32bit_Library.cpp`); the function that
does it stands behind each.
"""

from typing import Final

TRAPS: Final = {
    "rate-resets": "~n resets the chips: all settings at default, LOFF 00h (setSampleRate)",
    "start-falls-back": "b at another rate than 250 SPS does ~6 first (processChar)",
    "counts-sent": "the sample number counts what was sent, not what was converted",
    "success-first": "Success is said before the chip is written, and nothing is read back",
    "coerced": "letters and digits that make no sense are taken for others, silently",
    "off-forgotten": "1 to 8 (channel off) is not remembered: 0 - = p [ ] and d undo it",
    "srb1-skipped": "without a Daisy 0 - = p [ ] do not write MISC1 (writeChannelSettings)",
    "reset-in-stream": "v in mid-stream leaves ? without an answer until s (isRunning)",
    "first-mean": "the first Daisy sample of a run is averaged with the last of the run before",
    "babbles": "V, ~~, // and D answer into the stream (printAll)",
}
"""Name to what it is."""


def check_mended(names: frozenset[str]) -> frozenset[str]:
    """Return the names of traps that are mended; ValueError if there is no such trap."""
    if unknown := sorted(names - set(TRAPS)):
        raise ValueError(f"mended={unknown[0]}: a Cyton has the traps {', '.join(TRAPS)}")
    return names
