"""What a contact check is asked for: which electrodes, with what current, for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from emgrig.calibration.procedures.acquire import checked_channels
from emgrig.calibration.procedures.lead_off import RATE_HZ
from emgrig.driver.board import Board
from emgrig.driver.chip.profile import load_profile
from emgrig.driver.chip.registers import LeadOffControl, LeadOffCurrent, LeadOffFrequency
from emgrig.electrodes.lights import Limits
from emgrig.electrodes.lines import whole_periods

SECONDS = {31.25: 1.6, 7.8125: 4.096}
"""For each electrode: 1600 and 4096 samples, 50 and 32 whole periods."""
CURRENTS = ("24nA", "6nA")
_CURRENTS = {LeadOffCurrent.NA_6: "6nA", LeadOffCurrent.NA_24: "24nA"}
_FREQUENCIES = {LeadOffFrequency.HZ_8: 7.8125, LeadOffFrequency.HZ_31: 31.25}
USUAL_PROFILE = "facial-emg"


@dataclass(frozen=True)
class ContactSettings:
    """What to check.

    Without `channels`, those that the board says have electrodes. `current` is 24nA or 6nA,
    `frequency_hz` 31.25 or 7.8125. `seconds` of each electrode are 1.6 at 31.25 Hz and 4.1 at
    7.8125 Hz unless given, rounded up to whole periods, 16 or more of them; `quiet_s`, 1 or more,
    is for the figures while nothing is injected. `is_quick`: comparators and figures alone, what is
    open, in about a second. `names` of channels are else as the profile on the board says, or for a
    board of 8 channels without one as "facial-emg" does.
    """

    channels: tuple[int, ...] | None = None
    current: str = "24nA"
    frequency_hz: float = 31.25
    seconds: float | None = None
    quiet_s: float = 3.0
    is_quick: bool = False
    limits: Limits = field(default_factory=Limits)
    names: Mapping[int, str] | None = None

    def __post_init__(self) -> None:
        if self.current not in CURRENTS:
            raise ValueError(f"a current of {self.current!r}; expected {' or '.join(CURRENTS)}")
        if self.frequency_hz not in SECONDS:
            raise ValueError(f"{self.frequency_hz:g} Hz; expected 31.25 or 7.8125")
        if self.seconds is not None and not 0 < self.seconds <= 60:
            raise ValueError(f"{self.seconds:g} s an electrode; expected more than 0, up to 60")
        if not 1 <= self.quiet_s <= 60:
            raise ValueError(f"{self.quiet_s:g} s at rest; expected 1 to 60")

    @property
    def n_samples(self) -> int:
        """Samples for each electrode at 1000 SPS."""
        return self.samples_at(RATE_HZ)

    def samples_at(self, rate_hz: int) -> int:
        """Return the samples for each electrode at a data rate."""
        seconds = SECONDS[self.frequency_hz] if self.seconds is None else self.seconds
        return whole_periods(seconds, rate_hz, self.frequency_hz)

    def on(self, board: Board) -> "ContactSettings":
        """Return what can be asked of a board: of one whose LOFF cannot be written, what it has.

        Raises BoardCannot if that is nothing that tells an impedance, or comparators are asked for.
        """
        if board.can.writes(LeadOffControl.ADDRESS):
            return self
        cannot = partial(board.can.refuse, board.identity.serial_number)
        if self.is_quick:
            cannot("say quickly what is open", "its comparators cannot be switched on")
        held = board.chip.files[0].get(LeadOffControl)
        current, frequency_hz = _CURRENTS.get(held.current), _FREQUENCIES.get(held.frequency)
        if current is None or frequency_hz is None:
            cannot("measure an impedance", "it injects no current of 6 or 24 nA, 8 or 31 Hz")
        return replace(self, current=current, frequency_hz=frequency_hz)


def wired_channels(board: Board, channels: Sequence[int] | None = None) -> list[int]:
    """Return the channels to check: `channels`, or those that have electrodes.

    Raises ValueError if one is not there.
    """
    return checked_channels(board, channels or board.identity.channels_wired or None)


def channel_names(board: Board, said: Mapping[int, str] | None = None) -> dict[int, str]:
    """Return what each channel is called; see `ContactSettings.names`."""
    names = dict(enumerate(board.channel_names, 1))
    nameless = {n: f"channel {n}" for n in names}
    if said is not None:
        return {n: said.get(n, nameless[n]) for n in names}
    if names == nameless and len(names) == 8:
        return {**names, **load_profile(USUAL_PROFILE).names}
    return names
