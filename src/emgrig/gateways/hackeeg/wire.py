"""The bytes of a HackEEG: frames of one length with lines of text between them, without I/O.

A frame has no checksum, only a head that says that it is one. It is believed when the next one
stands right behind it, or behind a line of text, and has the next number: then no byte of it went
missing. So the frame ahead of a hole goes with the hole. Source: the firmware v0.3.0 itself,
`send_sample` and `receive_sample`.
"""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STAMP, NUMBER, CHIP = 0, 4, 8  #: Where they begin in a frame's payload; both are little-endian.
_MESSAGEPACK_HEAD = bytes.fromhex("82 A1 43 CC C8 A1 44 C4")  # {"C": 200, "D": bytes
_JSON_HEAD = b'{"C":200,"D":"'
_JSON_TAIL = b'"}\n'
_REPLY = b'{"STATUS_CODE"'
_READY = b"Ready"
_TEXT_OK = b"200 Ok"  #: The same in text mode.
_LATELY = 1 << 16  #: What goes further back is no repetition.
_MOST_HELD = 1024  #: No line is longer.
Rows = NDArray[np.uint8]


@dataclass(frozen=True)
class Frames:
    """Payloads of frames, shape (n, payload bytes), each with the number behind the one before.

    `is_cut`, shape (n,): before this one something was lost or not believed.
    """

    rows: Rows
    is_cut: NDArray[np.bool_]


@dataclass(frozen=True)
class Reply:
    """A line that answers a command."""

    code: int
    text: str
    data: object = None


@dataclass(frozen=True)
class Ready:
    """The line that ends the board's set-up: it has started anew."""


@dataclass
class Counts:
    """What became of the bytes."""

    frames: int = 0  #: Good ones.
    doubtful: int = 0  #: Frames in form that the next one does not follow.
    twice: int = 0  #: Of those, frames that came again right behind themselves.
    skipped_bytes: int = 0  #: Bytes of no frame and no line.


class HackEegDecoder:
    """Cut what the board sends into frames and lines.

    Parameters
    ----------
    n_channels : int
        As the board counts them: 8, 6 or 4.
    is_json : bool
        Frames are lines of JSON; else they are MessagePack.
    """

    def __init__(self, n_channels: int, *, is_json: bool = False) -> None:
        self.payload_bytes = CHIP + 3 * (1 + n_channels)
        self._is_json = is_json
        if is_json:
            n_coded = -(-self.payload_bytes // 3) * 4
            self._head, self._tail = _JSON_HEAD, _JSON_TAIL
            self._n = len(_JSON_HEAD) + n_coded + len(_JSON_TAIL)
        else:
            self._head, self._tail = _MESSAGEPACK_HEAD + bytes((self.payload_bytes,)), b""
            self._n = len(self._head) + self.payload_bytes
        self._form = np.frombuffer(self._head, np.uint8)
        self._form_end = np.frombuffer(self._tail, np.uint8)
        self.counts = Counts()
        self._held = b""
        self._last: Rows | None = None  # the newest frame: the next one proves it
        self._newest: int | None = None  # number of the last frame that was believed
        self._is_cut = False  # something was lost since the frame before the newest
        self._is_last_cut = False

    def begin(self) -> None:
        """Expect another run: the newest frame, which nothing will follow, is not believed."""
        self._last, self._newest, self._is_cut = None, None, False

    def flush(self) -> None:
        """Forget what is held: what follows is another stream of bytes."""
        self.counts.skipped_bytes += len(self._held)
        self._held = b""
        self.begin()

    def feed(self, data: bytes) -> list[Frames | Reply | Ready]:
        """Take bytes; return what they complete, in order."""
        data = self._held + data
        items: list[Frames | Reply | Ready] = []
        at = 0
        while at < len(data):
            n_frames, rows = self._run(data, at)
            if n_frames:
                items += self._believed(rows)
                at += n_frames * self._n
                continue
            is_short = len(data) - at < self._n
            if is_short and self._head.startswith(data[at : at + len(self._head)]):
                break  # the rest of a frame has not come yet
            following = data.find(self._head, at + 1)
            end = len(data) if following < 0 else following
            line_end = data.find(b"\n", at, end) + 1
            if line_end:
                items += self._line(data[at:line_end])
                at = line_end
            elif following >= 0:
                self._skip(following - at)
                at = following
            else:
                break
        if len(data) - at > _MOST_HELD:  # no line, and no frame
            self._skip(len(data) - at - len(self._head))
            at = len(data) - len(self._head)
        self._held = data[at:]
        return items

    def _skip(self, n_bytes: int) -> None:
        self.counts.skipped_bytes += n_bytes
        self._is_cut = True

    # ---- frames -------------------------------------------------------------------------------

    def _run(self, data: bytes, at: int) -> tuple[int, Rows]:
        """Return how many frames stand side by side from `at` on, and their payloads."""
        n_most = (len(data) - at) // self._n
        shape = (n_most, self._n)
        whole = np.frombuffer(data, np.uint8, n_most * self._n, at).reshape(shape)
        good = (whole[:, : len(self._head)] == self._form).all(axis=1)
        if self._tail:
            good &= (whole[:, -len(self._tail) :] == self._form_end).all(axis=1)
        n_good = n_most if good.all() else int(good.argmin())
        rows = whole[:n_good, len(self._head) : self._n - len(self._tail)]
        if self._is_json and n_good:
            rows, is_coded = _from_base64(rows, self.payload_bytes)
            if not is_coded.all():
                n_good = int(is_coded.argmin())
                rows = rows[:n_good]
        return n_good, rows

    def _believed(self, rows: Rows) -> list[Frames | Reply | Ready]:
        """Return those frames that the next one follows; the last waits for it."""
        if self._last is not None:
            rows = np.concatenate([self._last[None], rows])
        number = numbers(rows)
        is_followed = np.diff(number) % (1 << 32) == 1
        is_cut = np.zeros(len(rows), np.bool_)
        if self._last is None:
            is_cut[0] = self._is_cut
        else:
            is_cut[0] = self._is_last_cut
            is_followed[0] &= not self._is_cut  # the bytes between may be some of its own
        is_followed &= self._goes_on(number[:-1], is_followed)
        is_cut[1:] = ~is_followed
        if not is_followed.all():
            is_twice = (rows[1:] == rows[:-1]).all(axis=1)
            self.counts.twice += int(is_twice.sum())
            is_cut[1:] &= ~is_twice
        self._is_cut = False
        self._last, self._is_last_cut = rows[-1], bool(is_cut[-1])
        n_good = int(is_followed.sum())
        self.counts.frames += n_good
        self.counts.doubtful += len(rows) - 1 - n_good
        if not n_good:
            return []
        self._newest = int(number[:-1][is_followed][-1])
        if n_good == len(rows) - 1:
            return [Frames(rows[:-1], is_cut[:-1])]
        return [Frames(rows[:-1][is_followed], is_cut[:-1][is_followed])]

    def _goes_on(
        self, number: NDArray[np.int64], is_followed: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Tell which frames are no repetition of those that were believed lately."""
        if not len(number):
            return is_followed
        newest = int(number[0]) - 1 if self._newest is None else self._newest
        ahead = (number - newest + (1 << 31)) % (1 << 32) - (1 << 31)
        believed = np.where(is_followed, ahead, 0)
        before = np.maximum.accumulate(np.concatenate([[0], believed[:-1]]))
        return np.asarray((ahead > before) | (ahead < -_LATELY), np.bool_)

    # ---- lines --------------------------------------------------------------------------------

    def _line(self, line: bytes) -> list[Frames | Reply | Ready]:
        begin = line.rfind(_REPLY)
        if begin >= 0 and (reply := _reply(line[begin:])) is not None:
            if begin:
                self._skip(begin)
            return [reply]
        text = line.strip()
        if text == _READY:
            return [Ready()]
        if text == _TEXT_OK:
            return [Reply(200, "Ok")]
        self._skip(len(line))
        return []


def numbers(rows: Rows) -> NDArray[np.int64]:
    """Return the sample number of payloads, shape (n,): it counts reads since `start`."""
    return _u32(rows, NUMBER)


def stamps_us(rows: Rows) -> NDArray[np.int64]:
    """Return the time stamp of payloads, µs modulo 2**32, shape (n,)."""
    return _u32(rows, STAMP)


def _u32(rows: Rows, at: int) -> NDArray[np.int64]:
    raw = np.ascontiguousarray(rows[:, at : at + 4])
    return raw.view("<u4").reshape(len(rows)).astype(np.int64)


def _reply(line: bytes) -> Reply | None:
    """Read the line that answers a command; None if it was damaged."""
    try:
        said = json.loads(line)
        code, text = said["STATUS_CODE"], said["STATUS_TEXT"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (type(code) is int and isinstance(text, str)):
        return None
    return Reply(code, text, said.get("DATA"))


def _base64_table() -> NDArray[np.uint8]:
    table = np.full(256, 0xFF, np.uint8)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    table[np.frombuffer(letters, np.uint8)] = np.arange(64)
    return table


_SIX_BITS = _base64_table()


def _from_base64(coded: Rows, n_bytes: int) -> tuple[Rows, NDArray[np.bool_]]:
    """Decode rows of base64, shape (n, 4 k), to `n_bytes` each; and say which were coded so."""
    six = _SIX_BITS[coded]
    n_filled = -n_bytes % 3
    is_coded = np.asarray((six[:, : six.shape[1] - n_filled] < 64).all(axis=1), np.bool_)
    if n_filled:
        is_coded &= (coded[:, -n_filled:] == ord("=")).all(axis=1)
        six[:, -n_filled:] = 0
    a, b, c, d = (six[:, k::4] for k in range(4))
    octets = np.stack([a << 2 | b >> 4, (b & 0xF) << 4 | c >> 2, (c & 3) << 6 | d], axis=2)
    return octets.reshape(len(coded), -1)[:, :n_bytes], is_coded
