"""Frame templates: boards that only send frames of one length, described in TOML.

`docs/adding-a-board.md` goes through the keys; those that are packaged are in ``templates/``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, MinLen

from emgrig.driver.can import Can, Counting, Registers, Stated, StatusWord, Timing
from emgrig.errors import UnreadableFile
from emgrig.filemodel import FileModel, Rule, Text, one_of, read
from emgrig.filetext import parse_toml, read_text

MOST_BYTES = 1024  #: Of a frame.
_COUNTS = (4, 6, 8, 12, 16, 24, 32)
_TOKENS = re.compile(r"[0-9A-Fa-f]{2}|[0-9A-Fa-f]\.|time32|sum8|\[|\]")

_Place = Annotated[int, Ge(0), Le(MOST_BYTES - 1)]
_Endian = Annotated[str, one_of("big", "little")]
_Hex = Annotated[str, Rule("hexadecimal bytes, as AB CD", lambda s: _is_bytes(s))]
_Offset = Annotated[str, Rule("the place of a byte, from 0", re.compile("[0-9]{1,4}").fullmatch)]


def _tokens(text: str) -> list[str]:
    """Cut a text of bytes into its words; ValueError if something else is in it."""
    words = text.split()
    for word in words:
        if not _TOKENS.fullmatch(word):
            raise ValueError(f"{word!r} is no byte of two hexadecimal digits")
    return words


def _is_bytes(text: str) -> bool:
    _tokens(text)
    return True


@dataclass(frozen=True)
class LinkTable:
    """How the board is reached, and what is said to it.

    Attributes
    ----------
    baud, hello_baud : int
        Of a serial port; the second until `hello` was said, 0 if it is the same.
    wait_s : float
        How long a serial board is deaf after the port was opened, s.
    hello, start, stop : str
        Bytes to send once, to start and to stop, hexadecimal; empty if nothing. ``time32`` is the
        Unix time, s, big-endian; ``sum8`` the low byte of the sum of what stands in ``[ ]``.
    """

    baud: Annotated[int, Gt(0)] = 115_200
    hello_baud: Annotated[int, Ge(0)] = 0
    wait_s: Annotated[float, Ge(0), Le(60)] = 0.0
    hello: _Hex = ""
    start: _Hex = ""
    stop: _Hex = ""


@dataclass(frozen=True)
class Checksum:
    """A checksum of the bytes `first` to before `end`; it stands at `at`."""

    kind: Annotated[str, one_of("sum8", "xor8", "crc16-ccitt")]
    at: _Place
    first: _Place
    end: Annotated[int, Ge(1), Le(MOST_BYTES)]
    endian: _Endian = "big"

    @property
    def n_bytes(self) -> int:
        """Bytes of the checksum."""
        return 2 if self.kind == "crc16-ccitt" else 1


@dataclass(frozen=True)
class FrameTable:
    """The form of a frame.

    Attributes
    ----------
    bytes : int
        Length, without what `coding` adds.
    coding : str
        "plain", or "cobs": consistent overhead byte stuffing, a zero behind each frame.
    fixed : mapping
        Place to the bytes that always stand there; a point for half a byte that may be any.
    """

    bytes: Annotated[int, Ge(4), Le(MOST_BYTES)]
    fixed: dict[_Offset, _Hex]
    coding: Annotated[str, one_of("plain", "cobs")] = "plain"
    checksum: Checksum | None = None


@dataclass(frozen=True)
class Number:
    """An unsigned number in the frame."""

    at: _Place
    bytes: Annotated[int, Ge(1), Le(4)]
    endian: _Endian = "big"


@dataclass(frozen=True)
class Counter(Number):
    """A counter; it counts conversions, or only the frames that the board sent."""

    modulus: Annotated[int, Ge(0), Le(1 << 32)] = 0  #: 0: all values of its bytes.
    counts: Annotated[str, one_of("conversions", "frames sent")] = "conversions"

    @property
    def period(self) -> int:
        """After so many it begins anew."""
        return self.modulus or 1 << 8 * self.bytes


@dataclass(frozen=True)
class Time(Number):
    """The board's clock, in units of `unit_us` µs."""

    unit_us: Annotated[float, Gt(0), Le(1e6)] = 1000.0


@dataclass(frozen=True)
class Status:
    """The chip's status word at `at`, three bytes; or its lead-off bytes, P and N, alone."""

    at: Annotated[int, Ge(-1), Le(MOST_BYTES - 1)] = -1
    lead_off_p: Annotated[int, Ge(-1), Le(MOST_BYTES - 1)] = -1
    lead_off_n: Annotated[int, Ge(-1), Le(MOST_BYTES - 1)] = -1
    endian: _Endian = "big"


@dataclass(frozen=True)
class Channels:
    """The samples, side by side, and the scale that is stated for them."""

    at: _Place
    count: Annotated[int, one_of(*_COUNTS)]
    bits: Annotated[int, Ge(2), Le(24)]  #: Of a code, two's complement.
    bytes: Annotated[int, Ge(1), Le(4)]  #: That each takes in the frame.
    rate_hz: Annotated[float, Ge(1e-3), Le(1e6)]
    gains: Annotated[tuple[Annotated[float, Ge(1e-3), Le(1e6)], ...], MinLen(1)]
    vref_v: Annotated[float, Ge(1e-3), Le(1e6)] = 4.5
    endian: _Endian = "big"


@dataclass(frozen=True)
class FrameTemplate(FileModel):
    """A board that sends frames, as its template describes it."""

    title: Text
    facts_from: Text  #: Where what stands here was read or tried.
    frame: FrameTable
    channels: Channels
    converter: Text = "ADS1299"
    unconfirmed: tuple[Text, ...] = ()  #: What nobody has tried on the board.
    link: LinkTable = LinkTable()
    counter: Counter | None = None
    time: Time | None = None
    status: Status = Status()

    def wrong(self) -> str:
        """Say what does not fit together; empty if all does."""
        n_bytes, channels = self.frame.bytes, self.channels
        ends = {
            "channels": channels.at + channels.count * channels.bytes,
            "counter": self.counter.at + self.counter.bytes if self.counter else 0,
            "time": self.time.at + self.time.bytes if self.time else 0,
            "status": self.status.at + 3 if self.status.at >= 0 else 0,
            "status, lead-off": max(self.status.lead_off_p, self.status.lead_off_n) + 1,
        }
        check = self.frame.checksum
        if check is not None:
            ends["checksum"] = max(check.at + check.n_bytes, check.end)
        for place, text in self.frame.fixed.items():
            ends[f"fixed.{place}"] = int(place) + len(text.split())
        for name, end in ends.items():
            if end > n_bytes:
                return f"{name} ends at byte {end}, a frame has {n_bytes}"
        if len(channels.gains) not in (1, channels.count):
            return f"{len(channels.gains)} gains; expected 1 or {channels.count}"
        if 8 * channels.bytes < channels.bits:
            return f"codes of {channels.bits} bits in {channels.bytes} bytes"
        if (self.status.lead_off_p >= 0) != (self.status.lead_off_n >= 0):
            return "status has one of lead_off_p and lead_off_n; expected both or none"
        if self.counter and self.counter.period > 1 << 8 * self.counter.bytes:
            n, modulus = self.counter.bytes, self.counter.modulus
            return f"a counter of {n} bytes cannot have modulus {modulus}"
        if self.counter and self.counter.period < 2:
            return "a counter has modulus 1; expected 2 or more"
        if self.frame.coding == "cobs" and n_bytes > 253:
            return "cobs frames have 253 bytes at most"
        if not self.n_witness_bits:
            return "neither fixed bytes nor a checksum: nothing would tell a frame from garbage"
        return ""

    @property
    def fixed(self) -> tuple[tuple[int, int, int], ...]:
        """Place, mask and value of each byte that is fixed."""
        found = []
        for place, text in self.frame.fixed.items():
            for n, word in enumerate(_tokens(text)):
                half = word.endswith(".")
                value = int(word.replace(".", "0"), 16)
                found.append((int(place) + n, 0xF0 if half else 0xFF, value))
        return tuple(found)

    @property
    def n_witness_bits(self) -> int:
        """Bits of a frame that say that it is one."""
        check = self.frame.checksum
        return sum(mask.bit_count() for _, mask, _ in self.fixed) + 8 * (
            check.n_bytes if check else 0
        )

    @property
    def is_loss_by_time(self) -> bool:
        """True if the clock's steps are fine enough to tell a missing sample."""
        return self.time is not None and self.time.unit_us * 2 <= 1e6 / self.channels.rate_hz

    @property
    def can(self) -> Can:
        """What such a board can do and tell."""
        channels, counter = self.channels, self.counter
        counting = Counting.NOT
        if counter is not None and counter.counts == "conversions":
            counting = Counting.EXACT if counter.period >= 1 << 32 else Counting.MODULO
        status = StatusWord.NONE
        if self.status.at >= 0:
            status = StatusWord.WHOLE
        elif self.status.lead_off_p >= 0:
            status = StatusWord.LEAD_OFF
        gains = channels.gains if len(channels.gains) > 1 else channels.gains * channels.count
        return Can(
            chip=self.converter,
            registers=Registers.NONE,
            status=status,
            counting=counting,
            modulus=counter.period if counter and counting is Counting.MODULO else 0,
            timing=Timing.SAMPLES if self.is_loss_by_time else Timing.NONE,
            time_step_us=max(round(self.time.unit_us), 1) if self.time else 1,
            lines=(),
            reset=False,
            stated=Stated(
                tuple(map(float, gains)),
                (float(channels.vref_v),) * channels.count,
                float(channels.rate_hz),
                channels.bits,
            ),
        )

    @property
    def parts(self) -> tuple[int, int]:
        """Chips, and channels of each, as the board link has them."""
        count = self.channels.count
        per_chip = next(n for n in (8, 6, 4) if count % n == 0 and count // n <= 4)
        return count // per_chip, per_chip


def spoken(text: str, unix_s: float) -> bytes:
    """Return the bytes that a template says for the board, at a Unix time, s."""
    said, since, total = bytearray(), 0, 0
    for word in _tokens(text):
        if word == "[":
            since = len(said)
        elif word == "]":
            total = sum(said[since:]) & 0xFF
        elif word == "sum8":
            said.append(total)
        elif word == "time32":
            said += (int(unix_s) & 0xFFFFFFFF).to_bytes(4, "big")
        else:
            said.append(int(word, 16))
    return bytes(said)


def packaged_templates() -> tuple[str, ...]:
    """Return the names of the templates that come with the package."""
    folder = resources.files(__package__).joinpath("templates")
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_template(name: str) -> FrameTemplate:
    """Load a packaged template by name, or a user's by the path of its TOML file.

    Raises
    ------
    ValueError
        If there is none, or it makes no sense; the message says what was expected.
    """
    if name in packaged_templates():
        file = resources.files(__package__).joinpath("templates").joinpath(f"{name}.toml")
        return parse_template(read_text(file, name), name)
    if not name.endswith(".toml"):
        raise ValueError(
            f"there is no template {name!r}; there are {', '.join(packaged_templates())}, or the "
            "path of a .toml file"
        )
    return parse_template(read_text(Path(name), name), name)


def parse_template(text: str, name: str) -> FrameTemplate:
    """Read a template's TOML; ValueError if it makes no sense."""
    content: Mapping[str, object] = parse_toml(text, name)
    template = read(FrameTemplate, content, name)
    _check_words(template, name)
    if wrong := template.wrong():
        raise UnreadableFile(f"{name}: {wrong}")
    return template


def _check_words(template: FrameTemplate, name: str) -> None:
    """Refuse words where they have no meaning."""
    for key in ("hello", "start", "stop"):
        words = _tokens(getattr(template.link, key))
        if any(word.endswith(".") for word in words):
            raise UnreadableFile(f"{name}: link.{key} has half a byte; expected whole bytes")
        if "sum8" in words and "]" not in words[: words.index("sum8")]:
            raise UnreadableFile(f"{name}: link.{key}: sum8 has no [ … ] before it")
    for place, text in template.frame.fixed.items():
        if {"time32", "sum8", "[", "]"} & set(_tokens(text)):
            raise UnreadableFile(f"{name}: frame.fixed.{place} takes bytes only")
