"""What a firmware makes of the codes, against what the registers make of them.

A claim is a voltage that the firmware computed of a frame that it read. The mistakes that people
make in that are few; each is tried, alone first and then in pairs, and the first that all claims
agree with is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.attach.facts import Claim

Floats = NDArray[np.float64]

VREF_V: Final = 4.5
GAINS: Final = np.array([1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0, 24.0])
"""By GAINn; 111 is not to be used, and the chip model takes it for 110 (SBAS499C p. 50)."""
GAINS_OF_ADS1298: Final = np.array([6.0, 1.0, 2.0, 3.0, 4.0, 8.0, 12.0, 12.0])
"""By GAINn of its sister, as the data sheet of that one (SBAS459) has CHnSET."""

_MOST_COMPARED: Final = 2000
_SHARE: Final = 0.95  #: So many of the claims must agree.
_RELATIVE: Final = 2e-3
_ABSOLUTE_UV: Final = 0.03  #: A little more than an LSB at gain 24.
_WHOLE_UV: Final = 1.0  #: Of firmware that works in whole microvolts.
_N_STATUS: Final = 3
_MOST_AT_ONCE: Final = 2  #: Mistakes.


@dataclass(frozen=True)
class Mismatch:
    """What is wrong with the claims.

    Attributes
    ----------
    text : str
        The most likely mistake.
    others : tuple of str
        Mistakes that give the same numbers.
    first : Claim
        The first claim that does not agree.
    n_wrong : int
        Of those compared, how many do not agree.
    n_compared : int
    """

    text: str
    others: tuple[str, ...]
    first: Claim
    n_wrong: int
    n_compared: int


@dataclass(frozen=True)
class _Seen:
    """Claims as arrays, shape (n,) each; frames (n, frame bytes)."""

    claimed: Floats
    frames: NDArray[np.uint8]
    own: NDArray[np.int64]  #: Channel index in its chip.
    gain_code: NDArray[np.int64]

    def codes(self, *, offset: int = 0, is_little: bool = False, is_signed: bool = True) -> Floats:
        """Return the 24-bit values, bytes taken `offset` off their place."""
        n_bytes = self.frames.shape[1]
        first = _N_STATUS + 3 * self.own + offset
        rows = np.arange(self.own.size)
        octets = [
            np.where(
                (first + k >= 0) & (first + k < n_bytes),
                self.frames[rows, np.clip(first + k, 0, n_bytes - 1)],
                0,
            ).astype(np.int64)
            for k in range(3)
        ]
        high, middle, low = octets[::-1] if is_little else octets
        values = high << 16 | middle << 8 | low
        if is_signed:
            values -= (values >> 23) << 24
        return values.astype(np.float64)


_Decode = Callable[[_Seen], Floats]
_Factor = Callable[[_Seen], Floats | float]

_DECODES: Final[tuple[tuple[str, _Decode], ...]] = (
    ("", _Seen.codes),
    (
        "codes are taken as unsigned 24 bit: negative ones come out 2^24 too high",
        lambda seen: seen.codes(is_signed=False),
    ),
    ("byte order: codes are read LSB first, the chip sends the MSB first",
     lambda seen: seen.codes(is_little=True)),
    ("byte order and sign: codes are read LSB first and unsigned",
     lambda seen: seen.codes(is_little=True, is_signed=False)),
    ("the frame is read 3 bytes too early: the status word is taken for channel 1",
     lambda seen: seen.codes(offset=-3)),
    ("the frame is read 3 bytes too late: each channel is the next one's",
     lambda seen: seen.codes(offset=3)),
    ("the frame is read 1 byte too early", lambda seen: seen.codes(offset=-1)),
    ("the frame is read 1 byte too late", lambda seen: seen.codes(offset=1)),
    ("the frame is read 2 bytes too early", lambda seen: seen.codes(offset=-2)),
    ("the frame is read 2 bytes too late", lambda seen: seen.codes(offset=2)),
)  # fmt: skip


def _constant(value: float) -> _Factor:
    return lambda _: value


def _of_gain(gain: float) -> _Factor:
    return lambda seen: GAINS[seen.gain_code] / gain


_FACTORS: Final[tuple[tuple[str, _Factor], ...]] = (
    ("", _constant(1.0)),
    ("half scale: divided by 2^24, or 4.5 V halved; a code is VREF / (gain × 2^23)",
     _constant(0.5)),
    ("the gain table of the ADS1298 (codes 6, 1, 2, 3, 4, 8, 12) instead of the ADS1299's",
     lambda seen: GAINS[seen.gain_code] / GAINS_OF_ADS1298[seen.gain_code]),
    *((f"computed with a gain of {gain:g}, which the registers do not hold", _of_gain(gain))
      for gain in (24.0, 12.0, 8.0, 6.0, 4.0, 2.0, 1.0)),
    ("twice the scale: divided by 2^22, or a span of 9 V", _constant(2.0)),
    *((f"computed with a reference of {vref:g} V instead of 4.5", _constant(vref / VREF_V))
      for vref in (2.4, 2.42, 2.5, 3.3, 4.0, 4.096, 5.0)),
    ("in millivolts", _constant(1e-3)),
    ("in volts", _constant(1e-6)),
    ("in nanovolts", _constant(1e3)),
    ("codes, not scaled at all",
     lambda seen: GAINS[seen.gain_code] * 2.0**23 / (VREF_V * 1e6)),
)  # fmt: skip
_SIGNS: Final = (("", 1.0), ("sign: inverted", -1.0))


def compare(claims: Sequence[Claim], n_channels: int) -> Mismatch | None:
    """Return what is wrong with the claims of chips with `n_channels`; None if nothing is."""
    frame_bytes = _N_STATUS + 3 * n_channels
    whole = [claim for claim in claims if len(claim.frame) == frame_bytes]
    chosen = whole[:: -(-len(whole) // _MOST_COMPARED)] if whole else []
    if not chosen:
        return None
    seen = _Seen(
        np.array([claim.microvolts for claim in chosen], np.float64),
        np.frombuffer(b"".join(claim.frame for claim in chosen), np.uint8).reshape(len(chosen), -1),
        np.array([(claim.channel - 1) % n_channels for claim in chosen], np.int64),
        np.array([claim.chnset >> 4 & 7 for claim in chosen], np.int64),
    )
    agrees = _agrees(seen, seen.codes() * _lsb_uv(seen))
    if agrees.mean() >= _SHARE:
        return None
    found = _mistakes(seen)
    wrong = np.flatnonzero(~agrees)
    return Mismatch(
        found[0] if found else _ratio(seen),
        tuple(found[1:]),
        chosen[int(wrong[0])],
        int(wrong.size),
        len(chosen),
    )


def _lsb_uv(seen: _Seen) -> Floats:
    return np.asarray(VREF_V * 1e6 / (GAINS[seen.gain_code] * 2.0**23), np.float64)


def _agrees(seen: _Seen, expected: Floats, unit: float = 1.0) -> NDArray[np.bool_]:
    claimed = seen.claimed
    is_whole = bool(np.all(np.isfinite(claimed)) and np.all(claimed == np.round(claimed)))
    absolute = _WHOLE_UV if is_whole else _ABSOLUTE_UV * min(unit, 1.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.abs(claimed - expected) <= absolute + _RELATIVE * np.abs(expected), np.bool_
        )


def _mistakes(seen: _Seen) -> list[str]:
    """Return what all claims agree with, of the fewest mistakes at once."""
    found: dict[int, list[str]] = {}
    lsb_uv = _lsb_uv(seen)
    decoded = [(text, decode(seen) * lsb_uv) for text, decode in _DECODES]
    scales = [(text, np.asarray(factor(seen), np.float64)) for text, factor in _FACTORS]
    for (taken, volts), (scaled, scale), (signed, sign) in product(decoded, scales, _SIGNS):
        said = [text for text in (taken, scaled, signed) if text]
        if not said or len(said) > min((_MOST_AT_ONCE, *found)):
            continue
        if _agrees(seen, sign * volts * scale, float(np.median(scale))).mean() >= _SHARE:
            found.setdefault(len(said), []).append("; ".join(said))
    return found[min(found)] if found else []


def _ratio(seen: _Seen) -> str:
    """Say by what factor the claims are off, if they are off by one."""
    right = seen.codes() * _lsb_uv(seen)
    power = float(right @ right)
    claimed = np.nan_to_num(seen.claimed, nan=0.0, posinf=0.0, neginf=0.0)
    ratio = float(claimed @ right) / power if power else 0.0
    rest = claimed - ratio * right
    if power and float(rest @ rest) < 1e-4 * float(claimed @ claimed):
        return f"scale: claims are {ratio:.4g} times what registers and codes give"
    return "claims are not what the chip put out, in no way that is known here"
