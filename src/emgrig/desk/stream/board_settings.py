"""Rate, gains and profile of a board as a page shows and changes them: through the driver."""

from dataclasses import dataclass

import numpy as np

from emgrig.driver.board import Board
from emgrig.driver.can import Registers
from emgrig.driver.chip.profile import load_profile
from emgrig.driver.chip.registers import ChannelSettings, Config1, DataRate, Gain
from emgrig.sentences import sentence

RATES = tuple(sorted(int(rate.word) for rate in DataRate))
GAINS = tuple(int(gain.word) for gain in Gain)


@dataclass(frozen=True)
class Wish:
    """What is to be changed; what is left out stays. `channels` are those of `gain`, or all."""

    profile: str = ""
    rate: int | None = None
    gain: int | None = None
    channels: tuple[int, ...] | None = None

    @sentence
    def words(self) -> str:
        """Say it, for a person."""
        where = "" if self.channels is None else " of c" + ", c".join(map(str, self.channels))
        said = [
            f"profile {self.profile}" if self.profile else "",
            f"{self.rate} samples/s" if self.rate is not None else "",
            f"gain {self.gain}{where}" if self.gain is not None else "",
        ]
        return ", ".join(one for one in said if one)

    def apply(self, board: Board) -> None:
        """Set it, proved by read-back, the profile first.

        Raises ValueError if something is not allowed, a profile leaves no channel on, or nothing is
        to be changed; EmgrigError as the driver does.
        """
        if not self.words():
            raise ValueError("nothing is to be changed; choose a profile, a rate or a gain")
        if self.profile:
            profile = load_profile(self.profile)
            if not profile.channels:
                raise ValueError(f"profile {self.profile} switches no channel on")
            board.apply(profile)
        if self.rate is not None:
            board.chip.set_rate(self.rate)
        if self.gain is not None:
            powered = np.flatnonzero(board.chip.powered) + 1
            channels = self.channels or tuple(int(n) for n in powered)
            board.chip.configure(channels=channels, gain=self.gain)


def why_not(board: Board) -> dict[str, str]:
    """Say why profile, rate and gain of a board cannot be changed; empty for those that can."""
    can = board.can
    limit = can.limits[0] if can.limits else ""
    return {
        "profile": "" if can.registers is Registers.ALL else limit,
        "rate": "" if can.writes(Config1.ADDRESS) else limit,
        "gain": "" if can.writes(ChannelSettings.ADDRESS, board.chip.n_channels) else limit,
    }


def gain_words(board: Board) -> str:
    """Return the gains of the channels that are on, as read back: "12", or "c1 to c6 12, c7 24"."""
    gains = {int(i) + 1: float(board.chip.gains[i]) for i in np.flatnonzero(board.chip.powered)}
    if len(set(gains.values())) == 1:
        return f"{next(iter(gains.values())):g}"
    runs: list[tuple[int, int, float]] = []
    for number, gain in gains.items():
        if runs and runs[-1][2] == gain and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number, gain)
        else:
            runs.append((number, number, gain))
    return ", ".join(
        f"c{first} {gain:g}" if first == last else f"c{first} to c{last} {gain:g}"
        for first, last, gain in runs
    )
