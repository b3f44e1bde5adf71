"""The Cyton's packets: which are whole, which conversion each is of, and a Daisy's in pairs.

A packet has no checksum. It is believed if its first and last byte stand, and if the packet behind
it has the next number and a time that is a little later: 45 bits that must agree. The number counts
what was *sent*, modulo 256; the time, in whole ms, says how many whole turns went by, and what the
board converted and did not send.
"""

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emgrig.gateways.counting import Numbering
from emgrig.gateways.decoding import FrameDecoder, Rows, counts_on
from emgrig.gateways.placed import Placed, differences
from emgrig.gateways.template import Channels, Counter, FrameTable, FrameTemplate, Time

PACKET_BYTES: Final = 33
EACH: Final = 8
RATE_HZ: Final = 250.0
_TURN: Final = 256
_FOOTERS: Final = bytes(range(0xC3, 0xC7))  #: Of packets with a time.
_CODES: Final = slice(2, 26)
_TIME: Final = slice(28, 32)
_MOST_STEP_MS: Final = 256  #: From a packet to the next, if nothing is missing between them.
_MISSED: Final = 0.75  #: A packet that is so many periods late may be behind one not sent.
_USUAL: Final = 1.5  #: A step of fewer periods has no missing conversion in it.
_SOME, _ENOUGH = 64, 8192  #: So many steps tell the board's own period; so many are kept.
_LOOSE, _TIGHT = 0.03, 0.01  #: How far the period may be off, before that and behind it.

TEMPLATE: Final = FrameTemplate(
    title="OpenBCI Cyton",
    facts_from="OpenBCI's Cyton library, commit 24e1c426, firmware 3.1.2",
    frame=FrameTable(PACKET_BYTES, {"0": "A0", "32": "C."}),
    channels=Channels(at=2, count=EACH, bits=24, bytes=3, rate_hz=RATE_HZ, gains=(24.0,)),
    counter=Counter(at=1, bytes=1, counts="frames sent"),
    time=Time(at=28, bytes=4, unit_us=1000.0),
)


class CytonDecoder(FrameDecoder):
    """Find packets; those without a time are none of ours."""

    def __init__(self) -> None:
        super().__init__(TEMPLATE)
        self.n_behind = 1

    def _in_form(self, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        form = (rows[:, 0] == 0xA0) & (rows[:, 32] >= _FOOTERS[0]) & (rows[:, 32] <= _FOOTERS[-1])
        return form, np.zeros(len(rows), np.bool_)

    def _is_usual(self, data: bytes, rows: Rows) -> bool:
        if (
            data[0::PACKET_BYTES].count(0xA0) != len(rows)
            or data[32::PACKET_BYTES].translate(None, _FOOTERS)
            or not counts_on(data[1::PACKET_BYTES])
        ):
            return False
        millis = _millis(rows)
        steps_ms = millis[1:] - millis[:-1]  # of 32 bits, and wraps as the board's does
        return not len(steps_ms) or int(steps_ms.max()) < _MOST_STEP_MS

    def _follow(self, before: Rows, behind: Rows) -> NDArray[np.bool_]:
        step_ms = _millis(behind) - _millis(before)
        is_next = behind[:, 1] - before[:, 1] == 1  # modulo 256
        return np.asarray(is_next & (step_ms < _MOST_STEP_MS))


def _millis(rows: Rows) -> NDArray[np.uint32]:
    """Return the board's times, ms; in 32 bits, so that steps wrap as they do."""
    return rows[:, _TIME].copy().view(">u4")[:, 0].astype(np.uint32)


@dataclass(frozen=True)
class Packets:
    """Packets of one run, each with its place; arrays of one length."""

    codes: Rows  #: Shape (n, 24).
    sent: NDArray[np.int64]  #: Number among those that the board sent.
    position: NDArray[np.int64]  #: Number of its conversion, those that were never sent included.
    time_us: NDArray[np.float64]  #: Since the run's first packet.
    is_cut: NDArray[np.bool_]  #: Something was lost on the link before it.
    is_torn: NDArray[np.bool_]  #: Something was not sent before it.

    def part(self, rows: slice | NDArray[np.bool_]) -> "Packets":
        """Return some of them."""
        return Packets(*(getattr(self, field.name)[rows] for field in fields(self)))

    def behind(self, others: "Packets") -> "Packets":
        """Return these behind others."""
        pairs = ((getattr(others, f.name), getattr(self, f.name)) for f in fields(self))
        return Packets(*(np.concatenate(pair) for pair in pairs))


class Standing(NamedTuple):
    """Where a run stands in which nothing is missing."""

    counter: int  #: Of the last packet.
    raw_ms: int  #: Its time, as the board said it.
    offset_us: int  #: What makes of such a time, in µs, a board time.
    period_ms: float  #: The board's own.
    footer: bytes  #: Of the last packet.


class Places:
    """Which conversion each packet of a run is of."""

    def __init__(self) -> None:
        self.repeated = 0  #: Packets that came twice.
        self.doubtful = 0  #: Packets that may be of two halves, whole turns of the counter apart.
        self.begin()

    def begin(self) -> None:
        """Count from 0 with the next packet: the board's own counter begins there too."""
        self._sent = self._counter = -1
        self._missed = 0
        self._raw = 0  # the time stamp of the last packet, as it is
        self._ms = 0  # and since the first packet of the run
        self._period_ms = 1e3 / RATE_HZ
        self._n_steps = self._steps_ms = 0.0  # what it is the mean of

    def standing(self, zero_us: float, footer: bytes) -> Standing | None:
        """Return where the run stands, its first packet being at `zero_us`; None before it."""
        if self._sent < 0 or not float(zero_us).is_integer():
            return None
        offset_us = round(zero_us) + (self._ms - self._raw) * 1000
        return Standing(self._counter, self._raw, offset_us, self._period_ms, footer)

    @property
    def next_sent(self) -> int:
        """Number of the packet that comes next, if none is missing."""
        return self._sent + 1

    def take(self, rows: Rows, is_cut: NDArray[np.bool_]) -> Packets:
        """Place packets, one or more; those that came twice or are doubtful are left out."""
        millis = _millis(rows)
        if self._sent >= 0 and self._are_usual(rows, millis):
            return self._follow_on(rows, millis, is_cut)
        counter, raw = rows[:, 1].astype(np.int64), millis.astype(np.int64)
        steps = differences(counter, self._counter) % _TURN
        is_first = self._sent < 0
        if is_first:
            steps[0], self._raw = counter[0] + 1, int(raw[0])
        passed = differences(raw, self._raw) & 0xFFFFFFFF
        passed[passed > 1 << 31] = 0  # the clock was set back: it says nothing
        turns = np.rint((passed / self._period_ms - steps) / _TURN).astype(np.int64)
        turns = np.maximum(turns, 0)
        steps += _TURN * turns
        sent = self._sent + np.cumsum(steps)
        ms = self._ms + np.cumsum(passed)
        self._follow_period(steps[int(is_first) :], passed[int(is_first) :])
        not_sent = self._not_sent(steps, passed)
        missed = self._missed + np.cumsum(not_sent)
        is_torn = not_sent > 0
        self._sent, self._counter = int(sent[-1]), int(counter[-1])
        self._raw, self._ms, self._missed = int(raw[-1]), int(ms[-1]), int(missed[-1])
        is_good = (steps > 0) & (turns == 0)
        self.repeated += int((steps == 0).sum())
        self.doubtful += int((turns > 0).sum())
        cut = is_cut | (steps > 1)
        cut[1:] |= turns[:-1] > 0
        whole = Packets(rows[:, _CODES], sent, sent + missed, ms * 1e3, cut, is_torn)
        return whole if is_good.all() else whole.part(is_good)

    def _are_usual(self, rows: Rows, millis: NDArray[np.uint32]) -> bool:
        """Tell whether each packet is the next one, and none is late."""
        if not counts_on(bytes((self._counter,)) + rows[:, 1].tobytes()):
            return False
        most_ms = _USUAL * self._period_ms
        if (int(millis[0]) - self._raw) & 0xFFFFFFFF >= most_ms:
            return False
        return len(millis) == 1 or int((millis[1:] - millis[:-1]).max()) < most_ms

    def _follow_on(
        self, rows: Rows, millis: NDArray[np.uint32], is_cut: NDArray[np.bool_]
    ) -> Packets:
        """Place packets of which none is missing: what `take` does, the short way."""
        n, begin_ms = len(rows), self._ms
        sent = np.arange(self._sent + 1, self._sent + 1 + n)
        since = millis - np.uint32(self._raw)  # wraps as the board's clock does
        times_us: NDArray[np.float64] = since.astype(np.float64) * 1e3
        times_us += begin_ms * 1e3
        self._ms += int(since[-1])
        self._add_to_period(n, self._ms - begin_ms)
        self._sent, self._counter = self._sent + n, int(rows[-1, 1])
        self._raw = int(millis[-1])
        position = sent + self._missed if self._missed else sent
        return Packets(rows[:, _CODES], sent, position, times_us, is_cut, np.zeros(n, np.bool_))

    def _follow_period(self, steps: NDArray[np.int64], passed: NDArray[np.int64]) -> None:
        """Let the period be the mean step of time from packet to packet, but for the long ones."""
        usual = passed[(steps == 1) & (passed < _USUAL * self._period_ms)]
        self._add_to_period(len(usual), int(usual.sum()))

    def _add_to_period(self, n_steps: int, steps_ms: int) -> None:
        self._n_steps += n_steps
        self._steps_ms += steps_ms
        if self._n_steps >= _SOME:
            self._period_ms = self._steps_ms / self._n_steps
        if self._n_steps > _ENOUGH:  # an oscillator drifts: what was long ago counts less
            self._n_steps, self._steps_ms = self._n_steps / 2, self._steps_ms / 2

    def _not_sent(self, steps: NDArray[np.int64], passed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many conversions were not sent right before each packet.

        Behind a packet that is only late the next comes the sooner.
        """
        late = passed / self._period_ms - steps
        loose = _TIGHT if self._n_steps >= _SOME else _LOOSE
        is_late = late > _MISSED + loose * steps
        late[:-1] += np.minimum(late[1:], 0.0)
        return np.where(is_late, np.rint(late), 0).astype(np.int64)


class Pairs:
    """A Daisy's packet and the board's behind it, as one conversion of 16 channels.

    The first pair of a run is left out, for the Daisy's mean in it is one with the run before; and
    pairs of which one half is missing, or is a mean over a conversion that was not sent.
    """

    def __init__(self) -> None:
        self.doubtful = 0  #: Pairs that were left out for what the board did not send.
        self._half: Packets | None = None
        self._is_cut = False

    def begin(self) -> None:
        """Begin a run."""
        self._half, self._is_cut = None, False

    @property
    def has_half(self) -> bool:
        """True if a Daisy's packet waits for the board's."""
        return self._half is not None

    def is_calm(self, sent: int) -> bool:
        """Tell whether packets from this number on make pairs of which none is left out or cut."""
        return self._half is None and sent % 2 == 0 and sent > 1 and not self._is_cut

    def take(self, packets: Packets) -> Packets:
        """Join packets to pairs; `codes` are 48 bytes then, the board's first."""
        if self._half is not None:
            packets = packets.behind(self._half)
        is_board = (packets.sent % 2 == 1) & (differences(packets.sent, -2) == 1)
        is_torn = packets.is_torn.copy()
        is_torn[1:] |= packets.is_torn[:-1]
        is_used = is_board & ~is_torn & (packets.sent > 1)
        self.doubtful += int((is_board & is_torn).sum())
        has_half = bool(len(packets.sent)) and packets.sent[-1] % 2 == 0
        self._half = packets.part(slice(-1, None)) if has_half else None
        at = np.flatnonzero(is_used)
        n_cuts = np.cumsum(packets.is_cut, dtype=np.int64)
        if has_half:  # its own cut is counted when its pair comes
            n_cuts[-1] -= packets.is_cut[-1]
        cut = differences(n_cuts[at], 0) > 0
        if len(at):
            cut[0] |= self._is_cut
            self._is_cut = bool(n_cuts[-1] > n_cuts[at[-1]])
        else:
            self._is_cut |= bool(len(n_cuts) and n_cuts[-1])
        return Packets(
            np.concatenate([packets.codes[at], packets.codes[at - 1]], axis=1),
            packets.sent[at] // 2 - 1,
            packets.position[at] // 2 - 1,
            packets.time_us[at],
            cut,
            packets.is_torn[at],
        )


class CytonNumbering(Numbering):
    """Follow one run: packets in, conversions out, with their codes, 24 or 48 bytes each."""

    def __init__(self) -> None:
        super().__init__(TEMPLATE)
        self.has_daisy = False
        self.places, self.pairs = Places(), Pairs()
        self._zero_us = 0.0
        self._footer = b""

    def begin(self, time_us: float) -> None:
        """Begin a run; board time of its first packet is `time_us`."""
        self._next = 0
        self._zero_us = self._time_us = time_us
        self.places.begin()
        self.pairs.begin()

    def frames_until(self, n_conversions: int) -> int:
        """Return how many packets make so many conversions more, if nothing is missing."""
        return 2 * n_conversions - self.pairs.has_half if self.has_daisy else n_conversions

    def standing(self) -> Standing | None:
        """Return where the run stands, if packets that follow are whole conversions, in turn."""
        if self.has_daisy and not self.pairs.is_calm(self.places.next_sent):
            return None
        return self.places.standing(self._zero_us, self._footer)

    def place(self, rows: Rows, is_cut: NDArray[np.bool_]) -> Placed:
        """Give packets their numbers; `frames` of what is returned are codes alone."""
        packets = self.places.take(rows, is_cut)
        self._footer = rows[-1, PACKET_BYTES - 1].tobytes()
        if self.has_daisy:
            packets = self.pairs.take(packets)
        times_us = self._zero_us + packets.time_us
        if len(times_us):
            self._next, self._time_us = int(packets.position[-1]) + 1, float(times_us[-1])
        return Placed(
            packets.codes, packets.position, np.rint(times_us).astype(np.int64), packets.is_cut
        )
