"""What surprises in the HackEEG's firmware, each by a name under which a twin can have it mended.

Read in hackeeg-driver-arduino, commit 02160374 (`hackeeg_driver.ino`, v0.3.0); the function that
does it stands behind each.
"""

from typing import Final

TRAPS: Final = {
    "stop": "stop does not stop, start does not restart: the START pin is high (adsSetup)",
    "reset": "with an ID that it does not know, set-up and reset never end (adsSetup)",
    "reset-writes": "reset leaves GPIO 00h and CONFIG3 E0h (adsSetup)",
    "reset-in-stream": "reset in a stream leaves the firmware in it, and the chip not (adsSetup)",
    "no-active": "rdatac is refused, 502, while the MUX of every channel is 001 (rdatacCommand)",
    "counts-reads": "the sample number counts what was read, not what was converted",
    "rubbish": "rreg in a stream answers 200 with what the chip happens to send",
    "stale-first": "the first frame behind rdatac is read at once, not at DRDY (drdy_interrupt)",
    "rdata-last": "rdata sends the frame that was read last, not a new one (rdataCommand)",
}
"""Name to what it is."""


def check_mended(names: frozenset[str]) -> frozenset[str]:
    """Return the names of traps that are mended; ValueError if there is no such trap."""
    if unknown := sorted(names - set(TRAPS)):
        raise ValueError(f"mended={unknown[0]}: a HackEEG has the traps {', '.join(TRAPS)}")
    return names
