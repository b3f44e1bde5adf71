"""The account of conversions: every one is received or counted as lost; none is hidden.

The board counts data-ready edges, so `first_conversion` says how many are missing. The packets'
sequence number says only *where* they went: a gap in both is the link's, a gap in conversions alone
is the board's. Board time is the cross-check: if it jumps while the count does not, the board hides
a loss. A number never begins a run: what goes back came twice or late, and is counted.
"""

from collections import deque
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from emgrig.protocol.sample_packets import OnePacket, SamplePackets
from emgrig.sentences import sentence

WRAP = 1 << 32  #: The board counts conversions in 32 bits.
_N_PERIODS = 16  #: The data period by board time is the median over so many packets.
_NEAR = 0.03  #: So near to the period a packet's own must be, to be one of them.


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


class Piece(NamedTuple):
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
    #: Came twice, too late after they were counted as lost, or under a number that cannot be; not
    #: used.
    repeated: int = 0
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
        self._most_lost = WRAP // 2
        self._accepted_us = 0
        self._far: SamplePackets | None = None  # one packet that is far ahead, until the next

    @property
    def expected(self) -> int:
        """The conversion of this run that should come next."""
        return self._expected

    @property
    def is_calm(self) -> bool:
        """True if no packet waits to be believed."""
        return self._far is None

    def begin_run(self, period_us: float = 0.0, *, most_lost: int = WRAP // 2) -> None:
        """Begin a run: its first conversion is 0.

        Parameters
        ----------
        period_us : float
            Nominal data period, µs; 0 if it is not known (no check against time).
        most_lost : int
            A packet that is further ahead is believed if so much board time has passed, or when the
            next packet bears it out.
        """
        self._expected = 0
        self._most_lost = most_lost
        self._drop_far()
        self._period_us = period_us
        self._periods_us.clear()
        self._link_lost = None
        self._last = None

    def begin_at(self, conversion: int) -> None:
        """Begin to count at a number: of a run that was on before, or did not begin at 0."""
        self._expected = conversion

    def end_run(self, conversions: int) -> int:
        """Close a run of `conversions`, as the board counted; return how many its end lacks."""
        self._drop_far()
        missing = (conversions - self._expected) % WRAP
        if missing >= WRAP // 2:  # the board counts fewer than it sent: nothing is missing
            missing = 0
        self.totals.lost_at_end += missing
        self._expected += missing
        return missing

    def add(self, packets: SamplePackets) -> list[Piece]:
        """Take packets as they came; return the pieces in which nothing is missing."""
        n_frames = packets.n_frames
        if isinstance(packets, OnePacket):
            self._check_one_time(packets.conversion, packets.time_us, n_frames)
            if packets.conversion == self._expected % WRAP and self._far is None:
                return [self._piece_of_one(packets)]
            return self._split(packets, n_frames)
        self._check_time(packets, n_frames)
        first = packets.first_conversion
        is_next = first[0] == self._expected % WRAP
        is_whole = is_next and bool((first[1:] - first[:-1] == n_frames).all())
        if is_whole and self._far is None:
            return [self._piece(packets, slice(0, packets.n_packets), 0, Cause.NONE)]
        return self._split(packets, n_frames)

    def _split(self, packets: SamplePackets, n_frames: int) -> list[Piece]:
        """Walk packet by packet: the slow way, taken where something is missing or repeated."""
        pieces: list[Piece] = []
        begin, lost, cause = -1, 0, Cause.NONE
        walk = self._expected
        for index, conversion in enumerate(packets.first_conversion.tolist()):
            ahead = (conversion - walk) % WRAP
            if ahead == 0 and begin >= 0:
                walk += n_frames
                continue
            if begin >= 0:
                pieces.append(self._piece(packets, slice(begin, index), lost, cause))
                begin, walk = -1, self._expected
            if self._far is not None and (borne_out := self._take_far(conversion)) is not None:
                pieces.append(borne_out)
                walk = self._expected
                ahead = (conversion - walk) % WRAP
            if ahead >= WRAP // 2:
                self.totals.repeated += n_frames
            elif ahead > self._most_lost and not self._had_time(packets, index, ahead):
                self._drop_far()
                self._far = packets.part(slice(index, index + 1))
            else:
                lost = ahead
                cause = self._cause(packets, index) if lost else Cause.NONE
                begin, walk = index, self._expected + lost + n_frames
        if begin >= 0:
            pieces.append(self._piece(packets, slice(begin, packets.n_packets), lost, cause))
        return pieces

    def _take_far(self, conversion: int) -> Piece | None:
        """Believe the packet that was far ahead, if this one goes on behind it; else drop it."""
        far = self._far
        if far is None:
            return None
        first = int(far.first_conversion[0])
        behind = (conversion - first - far.n_frames) % WRAP
        if behind > self._most_lost:
            if (conversion - self._expected) % WRAP < WRAP // 2:
                self._drop_far()
            return None
        self._far = None
        lost = (first - self._expected) % WRAP
        return self._piece(far, slice(0, 1), lost, self._cause(far, 0))

    def _had_time(self, packets: SamplePackets, index: int, ahead: int) -> bool:
        """Tell whether board time went on by so many conversions, roughly."""
        passed_us = int(packets.board_time_us[index]) - self._accepted_us
        return 0 < ahead * self._period_us <= 2 * passed_us

    def _drop_far(self) -> None:
        """Count the packet that was far ahead as not used: its number cannot be."""
        if self._far is not None:
            self.totals.repeated += self._far.n_frames
            self._far = None

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
        n_samples = taken.n_packets * taken.n_frames
        self.totals.received += n_samples
        self._expected = first + n_samples
        self._link_lost = int(taken.link_lost[-1])
        self._accepted_us = int(taken.board_time_us[-1])
        return Piece(taken, first, lost, cause)

    def _piece_of_one(self, packet: OnePacket) -> Piece:
        """Be `_piece` of one packet that is next."""
        first, n_samples = self._expected, packet.frame_count
        self.totals.received += n_samples
        self._expected = first + n_samples
        self._link_lost, self._accepted_us = packet.n_link_lost, packet.time_us
        return Piece(packet, first, 0, Cause.NONE)

    def _check_one_time(self, conversion: int, time_us: int, n_frames: int) -> None:
        """Be `_check_time` of one packet."""
        if self._period_us <= 0:
            return
        last, self._last = self._last, (conversion, time_us)
        if last is not None and conversion - last[0] == n_frames:
            self._pass_time(time_us - last[1], n_frames)

    def _check_time(self, packets: SamplePackets, n_frames: int) -> None:
        """Compare board time with the count: a jump of time alone is a loss the board hides.

        What comes of it does not depend on how many packets came together.
        """
        if self._period_us <= 0:
            return
        first, times = packets.first_conversion, packets.board_time_us
        if self._last is not None:
            first = np.concatenate([[self._last[0]], first])
            times = np.concatenate([[self._last[1]], times])
        elapsed = times[1:] - times[:-1]
        elapsed = elapsed[first[1:] - first[:-1] == n_frames]
        self._last = (int(first[-1]), int(times[-1]))
        if not len(elapsed):
            return
        if self._is_usual(int(elapsed.min()), int(elapsed.max()), n_frames):
            self._periods_us.extend((elapsed[-_N_PERIODS:] / n_frames).tolist())
            self._take_median()
            return
        for elapsed_us in elapsed.tolist():
            self._pass_time(elapsed_us, n_frames)

    def _is_usual(self, least_us: int, most_us: int, n_frames: int) -> bool:
        """Tell whether packets so far apart hide nothing and all tell the period, in any order."""
        periods = (*self._periods_us, self._period_us, least_us / n_frames, most_us / n_frames)
        lowest, highest = min(periods), max(periods)
        return (
            lowest > 0
            and highest / lowest - 1 < _NEAR
            and round(most_us / lowest) <= n_frames  # each median is between those two
        )

    def _pass_time(self, elapsed_us: int, n_frames: int) -> None:
        """Count what time says is missing, and let the period follow it, if it is near."""
        period_us = elapsed_us / n_frames
        if abs(period_us / self._period_us - 1) < _NEAR:
            self._periods_us.append(period_us)
            self._take_median()
        self.totals.hidden += max(round(elapsed_us / self._period_us) - n_frames, 0)

    def _take_median(self) -> None:
        ordered = sorted(self._periods_us)  # a median of so few costs numpy ten times as much
        self._period_us = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
