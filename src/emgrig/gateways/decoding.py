"""Bytes of a board to its frames, without I/O: fed whole, byte by byte, or damaged.

A frame is one if its fixed bytes stand and its checksum is right. Where that is less than 32 bits
of proof, it is believed only when the next frames stand behind it too, each with the next count if
there is a counter: lost bytes then do not make a frame of two halves. What is not believed is
counted and never delivered.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emgrig.gateways.template import Checksum, FrameTemplate

PROOF_BITS = 32
WHOLE, TURN = 0xFF, 256  #: A mask of a whole byte; the values that a byte has.
COUNTS = bytes(range(TURN)) * 2  #: As a counter of one byte goes on.
_MOST_HELD = 1 << 14
MOST_AGAIN = 16  #: A frame that comes again more often is no repetition: the board hangs.
_CODES_AT_ONCE = 6  #: Code bytes that are looked for before it is asked whether there are more.
Rows = NDArray[np.uint8]
_Found = tuple[Rows, NDArray[np.bool_], bool]
"""Frames, which of them have skipped bytes before, and whether some were skipped at the end."""


@dataclass
class FrameCounts:
    """What became of the bytes."""

    frames: int = 0  #: Good ones.
    skipped_bytes: int = 0  #: Bytes of no good frame.
    bad_checksum: int = 0  #: Frames in form, with a wrong checksum.
    #: Frames in form, ahead of a hole: nothing proves them. They are among the skipped bytes; which
    #: pieces the bytes came in may decide whether one is seen.
    unproved: int = field(default=0, compare=False)
    #: Frames that came again right behind themselves, at most 16 times each; not skipped.
    twice: int = 0


class FrameDecoder:
    """Cut what a board sends into frames.

    Parameters
    ----------
    template : FrameTemplate
        Their form.
    is_datagram : bool
        What is fed is a whole datagram each time, and begins with a frame.
    """

    def __init__(self, template: FrameTemplate, *, is_datagram: bool = False) -> None:
        self._template = template
        self._n = template.frame.bytes
        self._fixed = template.fixed
        self._is_cobs = template.frame.coding == "cobs"
        self._is_datagram = is_datagram
        proof = max(template.n_witness_bits, 1)
        #: So many frames behind one must be in form before it is believed.
        self.n_behind = 0 if is_datagram or self._is_cobs else -(-PROOF_BITS // proof) - 1
        self._held = b""
        self._n_passed = 0  # so many of them begin no frame, but may be one that came again
        self._is_cut = False  # bytes were skipped since the last frame
        self.counts = FrameCounts()

    def feed(self, data: bytes) -> tuple[Rows, NDArray[np.bool_]]:
        """Take bytes; return the frames they complete, in order.

        Returns
        -------
        rows : ndarray of uint8, shape (n_frames, frame bytes)
            Decoded from `coding`.
        is_cut : ndarray of bool, shape (n_frames,)
            Before this frame bytes were skipped.
        """
        if self._is_datagram:
            rows, is_cut, is_open = self._datagram(data)
        elif self._is_cobs:
            rows, is_cut, is_open = self._stuffed(self._held + data)
        else:
            rows, is_cut, is_open = self._plain(self._held + data)
        self.counts.frames += len(rows)
        if len(rows):
            is_cut[0] |= self._is_cut
            self._is_cut = is_open
        else:
            self._is_cut |= is_open
        return rows, is_cut

    @property
    def coded_bytes(self) -> int:
        """Bytes of a frame on the link."""
        return self._n + 2 if self._is_cobs else self._n

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self._n

    @property
    def held(self) -> bytes:
        """What waits for bytes that complete or prove it."""
        return self._held

    @property
    def is_whole(self) -> bool:
        """True if nothing was skipped since the last frame."""
        return not self._is_cut and not self._n_passed

    def bytes_until(self, n_frames: int) -> int:
        """Return how many bytes are lacking to so many frames more, those that prove them too."""
        n_bytes = (n_frames + self.n_behind) * self.coded_bytes - len(self._held) + self._n_passed
        return max(n_bytes, 1)

    def flush(self) -> None:
        """Forget what is held: what follows is another stream of bytes, of which none is cut."""
        self.counts.skipped_bytes += len(self._held)
        self._held, self._n_passed, self._is_cut = b"", 0, False

    # ---- is it one ----------------------------------------------------------------------------

    def _in_form(self, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which rows are good frames, and which would be but for their checksum."""
        form = np.ones(len(rows), np.bool_)
        for place, mask, value in self._fixed:
            form &= rows[:, place] & mask == value
        check = self._template.frame.checksum
        if check is None:
            return form, np.zeros(len(rows), np.bool_)
        if form.all():  # the usual case
            good = checksum(rows, check) == _said(rows, check)
            return good, ~good
        good = np.zeros(len(rows), np.bool_)
        good[form] = checksum(rows[form], check) == _said(rows[form], check)
        return good, form & ~good

    # ---- plain --------------------------------------------------------------------------------

    def _plain(self, data: bytes) -> _Found:
        bytes_ = np.frombuffer(data, np.uint8)
        n, behind = self._n, self.n_behind
        n_rows = len(bytes_) // n
        if n_rows > behind:  # the usual case: all stand side by side
            rows = bytes_[: n_rows * n].reshape(n_rows, n)
            if self._is_usual(data[: n_rows * n], rows):
                self._held = data[(n_rows - behind) * n :]
                return rows[: n_rows - behind], np.zeros(n_rows - behind, np.bool_), False
        if len(bytes_) < n:
            self._held = data
            return self._none(is_open=False)
        return self._search(data, sliding_window_view(bytes_, n))

    def _is_usual(self, data: bytes, rows: Rows) -> bool:
        """Tell whether all are good frames, each followed by the next; `data` are their bytes.

        Of few frames the bytes themselves are compared quicker than arrays of them.
        """
        check, n, n_rows = self._template.frame.checksum, self._n, len(rows)
        for place, mask, value in self._fixed:
            if mask != WHOLE:
                return bool(
                    self._in_form(rows)[0].all() and self._follow(rows[:-1], rows[1:]).all()
                )
            if data[place::n].count(value) != n_rows:
                return False
        if check is not None and not (checksum(rows, check) == _said(rows, check)).all():
            return False
        counter = self._template.counter
        if counter is None or not self.n_behind or counter.bytes > 1 or counter.period != TURN:
            return bool(self._follow(rows[:-1], rows[1:]).all())
        return counts_on(data[counter.at :: n])

    def _follow(self, before: Rows, behind: Rows) -> NDArray[np.bool_]:
        """Tell which frames have the next count behind them; all, if a checksum proves them."""
        counter = self._template.counter
        if counter is None or not self.n_behind:
            return np.ones(len(before), np.bool_)
        at = counter.at, counter.bytes, counter.endian
        return np.asarray((number(behind, *at) - number(before, *at)) % counter.period == 1)

    def _search(self, data: bytes, windows: Rows) -> _Found:
        """Find frames anywhere: one pass over all places, then from run to run of frames."""
        n, behind = self._n, self.n_behind
        good, bad_sum = self._in_form(windows)
        # A place is believed if frames stand behind it, each following the one before. Near the
        # end that is open: what speaks against it has not come yet.
        believed = good.copy()
        if behind:
            is_linked = good.copy()
            is_linked[:-n] &= good[n:] & self._follow(windows[:-n], windows[n:])
            for k in range(behind):
                n_known = max(len(believed) - k * n, 0)
                believed[:n_known] &= is_linked[len(believed) - n_known :]
        n_decided = len(windows) - behind * n
        begins = np.flatnonzero(believed)
        taken: list[tuple[int, int]] = []  # place and number of frames of each run
        at = first = self._n_passed
        while True:
            following = int(np.searchsorted(begins, at))
            at = int(begins[following]) if following < len(begins) else len(windows)
            if at >= n_decided:
                break
            run = believed[at:n_decided:n]
            wrong = np.flatnonzero(~run)
            length = int(wrong[0]) if len(wrong) else len(run)
            taken.append((at, length))
            at += length * n
        if taken:  # where the last run ends right at the end, the rest begins there
            at = max(at, taken[-1][0] + taken[-1][1] * n)
        self.counts.bad_checksum += int(bad_sum[first:at].sum())
        found, kept = self._gather(windows, good, taken, at)
        self._held, self._n_passed = data[kept:], at - kept
        return found

    def _gather(
        self, windows: Rows, good: NDArray[np.bool_], taken: list[tuple[int, int]], end: int
    ) -> tuple[_Found, int]:
        """Return the frames of runs, and where begins what is kept.

        What is between runs came again, or is skipped. Which of it, before `end`, the next run
        tells: as much is kept as that may take.
        """
        n, n_most = self._n, self._n * MOST_AGAIN
        index, cut, last = [], [], 0
        for at, length in taken:
            index.append(at + n * np.arange(length))
            is_cut = np.zeros(length, np.bool_)
            begin = at  # of the first that is the same
            while max(last, at - n_most) <= begin - n and (windows[begin - n] == windows[at]).all():
                begin -= n
            self.counts.twice += (at - begin) // n
            is_cut[0] = begin != last
            cut.append(is_cut)
            self._skip(good, last, begin)
            last = at + n * length
        kept = max(end - n_most, last)
        if kept < last + n * self._n_in_form(good, last, end):  # not in the middle of one
            kept -= (kept - last) % n
        self._skip(good, last, kept)
        if not index:
            return self._none(is_open=kept > last), kept
        return (windows[np.concatenate(index)], np.concatenate(cut), kept > last), kept

    def _skip(self, good: NDArray[np.bool_], begin: int, end: int) -> None:
        """Count what is between two runs of frames: frames in form first, and bytes of none."""
        self.counts.skipped_bytes += end - begin
        self.counts.unproved += self._n_in_form(good, begin, end)

    def _n_in_form(self, good: NDArray[np.bool_], begin: int, end: int) -> int:
        """Count frames in form, side by side from `begin` on."""
        are_good = good[begin : max(end - self._n + 1, begin) : self._n]
        return len(are_good) if are_good.all() else int(are_good.argmin())

    @property
    def n_stray(self) -> int:
        """Bytes so far that were of no frame, not even of one that nothing proves."""
        return self.counts.skipped_bytes - self.counts.unproved * self._n

    def _none(self, *, is_open: bool) -> _Found:
        return np.empty((0, self._n), np.uint8), np.zeros(0, np.bool_), is_open

    # ---- datagrams ----------------------------------------------------------------------------

    def _datagram(self, data: bytes) -> _Found:
        n_rows, rest = divmod(len(data), self._n)
        if not data:  # none came, and none is lost
            return self._none(is_open=False)
        if rest:
            self.counts.skipped_bytes += len(data)
            return self._none(is_open=True)
        rows = np.frombuffer(data, np.uint8).reshape(n_rows, self._n)
        good, bad_sum = self._in_form(rows)
        self.counts.bad_checksum += int(bad_sum.sum())
        if not good.all():  # it is of somebody else, or damaged: none of it is believed
            self.counts.skipped_bytes += len(data)
            return self._none(is_open=True)
        return rows, np.zeros(n_rows, np.bool_), False

    # ---- COBS ---------------------------------------------------------------------------------

    def _stuffed(self, data: bytes) -> _Found:
        bytes_ = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(bytes_ == 0)
        if not len(ends):
            self._held = data[-_MOST_HELD:]
            self.counts.skipped_bytes += len(data) - len(self._held)
            return self._none(is_open=False)
        begins = np.empty_like(ends)
        begins[0], begins[1:] = 0, ends[:-1] + 1
        self._held = data[int(ends[-1]) + 1 :]
        is_length = ends - begins == self._n + 1
        if not is_length.any():
            self.counts.skipped_bytes += int(ends[-1]) + 1
            return self._none(is_open=True)
        whole = np.flatnonzero(is_length)
        self.counts.skipped_bytes += int(ends[-1]) + 1 - len(whole) * (self._n + 2)
        coded = bytes_.take(begins[whole][:, None] + np.arange(self._n + 1))
        rows, is_coded = unstuff(coded)
        good, bad_sum = self._in_form(rows)
        if len(whole) == len(ends) and is_coded.all() and good.all():  # the usual case
            return rows, np.zeros(len(rows), np.bool_), False
        good &= is_coded
        self.counts.bad_checksum += int((bad_sum & is_coded).sum())
        self.counts.skipped_bytes += int((~good).sum()) * (self._n + 2)
        if not good.any():
            return self._none(is_open=True)
        places = whole[good]  # among all that ends with a zero
        is_cut = np.diff(places, prepend=-1) != 1
        return rows[good], is_cut, int(places[-1]) != len(ends) - 1


def rows_in(data: bytes, n_bytes: int) -> Rows:
    """Return bytes as frames of so many each, shape (n_frames, n_bytes)."""
    return np.frombuffer(data, np.uint8).reshape(-1, n_bytes)


def counts_on(said: bytes) -> bool:
    """Tell whether each byte is one more than the one before, modulo 256."""
    whole = COUNTS * (1 + len(said) // TURN) if len(said) > TURN else COUNTS
    return whole[said[0] : said[0] + len(said)] == said


def unstuff(coded: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """Take COBS off frames, shape (n, frame bytes + 1), without a zero; say which were coded so.

    Each code byte says how far the next one is: all frames are walked through side by side.
    """
    n_rows, n_coded = coded.shape
    width = n_coded + 2  # behind a frame come two places that lead nowhere: its end, and beyond
    leads = np.arange(n_rows * width).reshape(n_rows, width)
    codes, beyond = [leads[:, 0].copy()], leads[:, -1].copy()
    np.minimum(leads[:, :n_coded] + coded, beyond[:, None], out=leads[:, :n_coded])
    flat = leads.ravel()
    while (codes[-1] + 1 < beyond).any():
        for _ in range(_CODES_AT_ONCE):
            codes.append(flat.take(codes[-1]))
    rows = np.empty((n_rows, width), np.uint8)
    rows[:, :n_coded] = coded
    rows.ravel()[np.concatenate(codes)] = 0
    return rows[:, 1:n_coded], codes[-1] + 1 == beyond


def _said(rows: Rows, check: Checksum) -> NDArray[np.int64]:
    """Return the checksums that stand in the frames."""
    return number(rows, check.at, check.n_bytes, check.endian)


def number(rows: Rows, at: int, n_bytes: int, endian: str) -> NDArray[np.int64]:
    """Read an unsigned number of every frame."""
    order = range(n_bytes) if endian == "big" else reversed(range(n_bytes))
    value = np.zeros(len(rows), np.int64)
    for place in order:
        value = value << 8 | rows[:, at + place]
    return value


def checksum(rows: Rows, check: Checksum) -> NDArray[np.int64]:
    """Work the checksum of every frame out."""
    covered = rows[:, check.first : check.end]
    if check.kind == "sum8":
        return np.asarray(covered.sum(axis=1, dtype=np.int64) & 0xFF)
    if check.kind == "xor8":
        return np.asarray(np.bitwise_xor.reduce(covered, axis=1), np.int64)
    tables, of_zeros = _crc_by_place(covered.shape[1])
    found = tables.take(covered + 256 * np.arange(covered.shape[1]))
    return np.asarray(np.bitwise_xor.reduce(found, axis=1) ^ of_zeros, np.int64)


@cache
def _crc_by_place(n_bytes: int) -> tuple[NDArray[np.uint16], int]:
    """Return what each byte adds to the CRC-16 CCITT of so many, and the CRC of zeros alone.

    A CRC is linear: it is the sum, bit by bit, of what each byte would give alone among zeros.
    """
    table = np.arange(256, dtype=np.int64) << 8  # polynomial 1021h, most significant bit first
    for _ in range(8):
        table = (table << 1 ^ np.where(table & 0x8000, 0x1021, 0)) & 0xFFFF
    places = [table]
    for _ in range(n_bytes - 1):  # one zero more behind it
        places.append((places[-1] << 8 & 0xFFFF) ^ table[places[-1] >> 8])
    of_zeros = 0xFFFF
    for _ in range(n_bytes):
        of_zeros = (of_zeros << 8 & 0xFFFF) ^ int(table[of_zeros >> 8])
    return np.concatenate(places[::-1]).astype(np.uint16), of_zeros
