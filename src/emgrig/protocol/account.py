"""The account of conversions: every one is received or counted as lost; none is hidden.

The board counts data-ready edges, so `first_conversion` says how many are missing. The packets'
sequence number says only *where* they went: a gap in both is the link's, a gap in conversions alone
is the board's. Board time is the cross-check: if it jumps while the count does not, the board hides
a loss.
"""

from collections import deque
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emgrig.protocol.decoder import SamplePackets
from emgrig.sentences import sentence

_WRAP = 1 << 32
#: So many packets in a row from the past, each one newer than the one before, are a new run.
_LATE_LIMIT = 8
_N_PERIODS = 16  #: The data period by board time is the median over so many packets.


class Cause(StrEnum):
    """Where conversions went."""

    NONE = "none"
    LINK = "link"
    BOARD = "board"
    TAIL = "tail"
    HOST = "host"
    OUTAGE = "outage"
    PAUSE = "pause"
    RESTART = "restart"

    @property
    @sentence
    def words(self) -> str:
        """The cause for a person to read."""
        return _CAUSE_WORDS[self]


_CAUSE_WORDS = {
    Cause.NONE: "none",
    Cause.LINK: "lost on the link",
    Cause.BOARD: "lost on the board",
    Cause.TAIL: "lost at the end of the run",
    Cause.HOST: "dropped here: the reader was too slow",
    Cause.OUTAGE: "the link was down",
    Cause.PAUSE: "paused to change settings",
    Cause.RESTART: "the board started anew",
}


@dataclass(frozen=True)
class Piece:
    """Consecutive conversions, nothing missing inside."""

    packets: SamplePackets
    first_conversion: int  #: Of the run, counted beyond 2**32.
    lost_before: int  #: Conversions missing between the piece before and this one.
    cause: Cause  #: Where they went.


@dataclass
class Totals:
    """What became of every conversion: the one account, from the packets to the sidecar.

    All fields count conversions, of one run or of all runs of a stream or capture; `paused` counts
    data periods. ``produced = received + lost``, ``received = delivered + dropped_here + unused``.
    """

    received: int = 0  #: Reached this computer.
    lost_on_link: int = 0  #: Lost between the board and this computer.
    lost_on_board: int = 0  #: Never sent.
    lost_at_end: int = 0  #: Lost behind the last packet of a run.
    lost_in_outages: int = 0  #: Lost while the link was down.
    #: Data periods in which the board did not convert (settings changed, or it had to be restored),
    #: by time: they were never produced.
    paused: int = 0
    repeated: int = 0  #: Came twice, or too late after they were counted as lost; not used.
    #: Board time says that they are missing though the board's count does not; not in the sum.
    hidden: int = 0
    dropped_here: int = 0  #: Of those received: dropped because the reader was too slow.
    unused: int = 0  #: Of those received: came behind the duration, or after the reader had left.

    @property
    def lost(self) -> int:
        """Conversions that did not reach this computer."""
        return self.lost_on_link + self.lost_on_board + self.lost_at_end + self.lost_in_outages

    @property
    def produced(self) -> int:
        """Conversions that the board made, as far as it told."""
        return self.received + self.lost

    @property
    def delivered(self) -> int:
        """Samples that were handed on in blocks."""
        return self.received - self.dropped_here - self.unused

    @property
    @sentence
    def words(self) -> str:
        """What did not become a sample, for a person to read."""
        missing = {k: n for k, n in asdict(self).items() if n and k not in ("received", "unused")}
        said = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in missing.items())
        return said or "nothing lost"


class LossAccount:
    """Follow the conversions of one board, run after run."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._expected = 0
        self._link_lost: int | None = None
        self._period_us = 0.0
        self._periods_us: deque[float] = deque(maxlen=_N_PERIODS)
        self._last: tuple[int, int] | None = None
        self._late: list[int] = []

    @property
    def expected(self) -> int:
        """The conversion of this run that should come next."""
        return self._expected

    def begin_run(self, period_us: float = 0.0) -> None:
        """Begin a run: its first conversion is 0.

        `period_us` is the nominal data period, µs; 0 if it is not known (no check against time).
        """
        self._expected = 0
        self._period_us = period_us
        self._periods_us.clear()
        self._link_lost = None
        self._last = None
        self._late = []

    def end_run(self, conversions: int) -> int:
        """Close a run of `conversions`, as the board counted; return how many its end lacks."""
        missing = (conversions - self._expected) % _WRAP
        if missing >= _WRAP // 2:  # the board counts fewer than it sent: nothing is missing
            missing = 0
        self.totals.lost_at_end += missing
        self._expected += missing
        return missing

    def add(self, packets: SamplePackets) -> list[Piece]:
        """Take packets as they came; return the pieces in which nothing is missing."""
        n_frames = packets.frames.shape[1]
        self._check_time(packets, n_frames)
        first = packets.first_conversion
        steps = np.diff(first)
        if first[0] == self._expected % _WRAP and bool((steps == n_frames).all()):
            self._late = []
            return [self._piece(packets, slice(0, packets.n_packets), 0, Cause.NONE)]
        return self._split(packets, n_frames)

    def _split(self, packets: SamplePackets, n_frames: int) -> list[Piece]:
        """Walk packet by packet: the slow way, taken where something is missing or repeated."""
        pieces: list[Piece] = []
        begin, lost, cause = -1, 0, Cause.NONE
        walk = self._expected
        for index, conversion in enumerate(packets.first_conversion.tolist()):
            ahead = (conversion - walk) % _WRAP
            if ahead == 0 and begin >= 0:
                walk += n_frames
                continue
            if begin >= 0:
                pieces.append(self._piece(packets, slice(begin, index), lost, cause))
                begin, walk = -1, self._expected
            if ahead >= _WRAP // 2:
                if not self._is_new_run(conversion):
                    self.totals.repeated += n_frames
                    continue
                lost, cause = 0, Cause.RESTART
                self._expected = conversion
            else:
                self._late = []
                lost = ahead
                cause = self._cause(packets, index) if lost else Cause.NONE
            begin, walk = index, self._expected + lost + n_frames
        if begin >= 0:
            pieces.append(self._piece(packets, slice(begin, packets.n_packets), lost, cause))
        return pieces

    def _is_new_run(self, conversion: int) -> bool:
        """Tell a board that started anew from packets that come late or twice."""
        if self._late and conversion <= self._late[-1]:
            self._late = []
        self._late.append(conversion)
        if len(self._late) < _LATE_LIMIT:
            return False
        self._late = []
        return True

    def _cause(self, packets: SamplePackets, index: int) -> Cause:
        """Tell a loss on the link, where the sequence number jumps too, from one on the board."""
        return Cause.BOARD if int(packets.link_lost[index]) == self._link_lost else Cause.LINK

    def _piece(self, packets: SamplePackets, part: slice, lost: int, cause: Cause) -> Piece:
        taken = packets if part == slice(0, packets.n_packets) else packets.part(part)
        if cause is Cause.BOARD:
            self.totals.lost_on_board += lost
        else:
            self.totals.lost_on_link += lost
        first = self._expected + lost
        n_samples = taken.n_packets * taken.frames.shape[1]
        self.totals.received += n_samples
        self._expected = first + n_samples
        self._link_lost = int(taken.link_lost[-1])
        return Piece(taken, first, lost, cause)

    def _check_time(self, packets: SamplePackets, n_frames: int) -> None:
        """Compare board time with the count: a jump of time alone is a loss the board hides."""
        if self._period_us <= 0:
            return
        first, times = packets.first_conversion, packets.board_time_us
        if self._last is not None:
            first = np.concatenate([[self._last[0]], first])
            times = np.concatenate([[self._last[1]], times])
        conversions, elapsed = np.diff(first), np.diff(times)
        usual = conversions == n_frames
        self._follow_period(elapsed[usual] / n_frames)
        hidden = np.rint(elapsed[usual] / self._period_us) - n_frames
        self.totals.hidden += int(hidden[hidden > 0].sum())
        self._last = (int(first[-1]), int(times[-1]))

    def _follow_period(self, periods_us: NDArray[np.float64]) -> None:
        """Let the period follow what the board's own clock says, if that is near the nominal."""
        near = periods_us[np.abs(periods_us / self._period_us - 1) < 0.03]
        if len(near):
            self._periods_us.extend(near[-_N_PERIODS:].tolist())
            self._period_us = float(np.median(self._periods_us))
