"""Set a board up for a measurement, and record a stretch of it without a gap."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.uncertainty import Result, rectangular
from emgrig.driver.board import Board
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.registers import Config3
from emgrig.driver.chip.settings import Settings, say, say_channels
from emgrig.driver.samples.block import Block
from emgrig.errors import DeviceError
from emgrig.sentences import sentence

GAIN_LIMIT = 0.005
"""Gain error without the reference, SBAS499C 7.5: 0.1 % typical, 0.5 % of full scale at most."""
REFERENCE_LIMIT = 0.002
"""Accuracy of the internal reference, SBAS499C 7.5."""
SCALE_U = math.hypot(rectangular(GAIN_LIMIT), rectangular(REFERENCE_LIMIT))
"""Relative standard uncertainty of volts that were never calibrated."""

REFERENCE_SETTLE_S = 3.0
"""After switching the reference on. 150 ms are typical for its buffer; the 100 µF at VCAP1 charge
through 9.8 kΩ."""
SETTLE_S = 0.1
MAX_ATTEMPTS = 3
"""Record at most so many times the length to get one stretch without a gap."""
RAIL_SHARE = 1e-3

Progress = Callable[[str, float], None]
"""Told what is going on and the share that is done, 0 to 1."""


def silent(_text: str, _share: float) -> None:
    """Be a `Progress` that nobody looks at."""


class Tracker:
    """Counts seconds of board time against those that are planned, `total_s`."""

    def __init__(self, progress: Progress, total_s: float) -> None:
        self._progress = progress
        self._total_s = max(total_s, 1e-9)
        self._done_s = 0.0
        self._text = ""

    def say(self, text: str) -> None:
        """Tell what is going on now."""
        self._text = text
        self.advance(0.0)

    def advance(self, elapsed_s: float) -> None:
        """Count `elapsed_s` more."""
        self._done_s += elapsed_s
        self._progress(self._text, min(self._done_s / self._total_s, 1.0))


@dataclass(frozen=True)
class Unusable:
    """Why a channel holds nothing to measure: samples at the rail, 0 to 1, or its only code."""

    rail_share: float
    frozen_at: int | None = None

    @property
    def is_railed(self) -> bool:
        """True if too many samples are at the rail."""
        return self.frozen_at is None

    @property
    @sentence
    def words(self) -> str:
        """The reason for a person to read."""
        if self.is_railed:
            return f"at the rail in {self.rail_share:.1%} of the samples"
        return f"every sample is code {self.frozen_at}: powered down or frozen"


@dataclass(frozen=True, eq=False)
class Record:
    """Samples without a gap.

    `volts`, shape (n_samples, n_channels), are all channels of the board, scaled with the `gains`
    read back; `rate_hz` is by the registers. `n_lost` conversions never came; `n_rejected` samples
    came and are not in `volts` (settling, and stretches before a gap). `unusable` channels hold
    nothing to measure.
    """

    volts: NDArray[np.float64]
    gains: NDArray[np.float64]
    rate_hz: float
    n_lost: int
    n_rejected: int
    unusable: dict[int, Unusable]

    def usable(self, channels: Sequence[int]) -> list[int]:
        """Return those of `channels` that can be measured."""
        return [channel for channel in channels if channel not in self.unusable]

    def columns(self, channels: Sequence[int]) -> NDArray[np.float64]:
        """Return the samples of some channels, shape (n_samples, len(channels))."""
        return self.volts[:, [channel - 1 for channel in channels]]

    def counted(self, result: Result) -> Result:
        """Return a result with the account of this record."""
        return replace(
            result,
            n_lost=result.n_lost + self.n_lost,
            n_rejected=result.n_rejected + self.n_rejected,
        )


@dataclass
class Account:
    """What several records together lost and rejected."""

    n_lost: int = 0
    n_rejected: int = 0

    def add(self, record: Record) -> None:
        """Count one more record."""
        self.n_lost += record.n_lost
        self.n_rejected += record.n_rejected

    def counted(self, result: Result) -> Result:
        """Return a result that rests on all of them."""
        return replace(result, n_lost=self.n_lost, n_rejected=self.n_rejected)


def checked_channels(board: Board, channels: Sequence[int] | None) -> list[int]:
    """Return the channels to measure, all if None; ValueError for one that is not there."""
    everything = list(range(1, board.chip.n_channels + 1))
    if channels is None:
        return everything
    wrong = [channel for channel in channels if channel not in everything]
    if wrong or not channels:
        raise ValueError(f"no channel {wrong or ''}; this board has 1 to {everything[-1]}")
    return sorted(set(channels))


def prepare(
    board: Board,
    *,
    gain: int,
    rate_hz: int,
    mux: str = "shorted",
    internal_reference: bool = True,
    bias: bool = False,
) -> None:
    """Bring the board to a known state: every channel on and alike, everything else off.

    `internal_reference`: use the chip's own, and wait for it if it was off. `bias`: have the bias
    amplifier hold the bias electrode at mid-supply; it senses no channel. Where the board cannot
    be told, amplifier and reference stay as they are.

    Raises BoardCannot if the board cannot have that rate, or sends other samples than its chips
    convert, so that nobody knows their filter; nothing was sent.
    """
    chip, can = board.chip, board.can
    if can.rate_hz:
        why = "its samples are means of what its chips convert, behind a filter of their own"
        can.refuse(board.identity.serial_number, "be measured so", why)
    is_free = can.writes(Config3.ADDRESS)
    reference: dict[str, object] = {"reference": internal_reference} if is_free else {}
    amplifier: dict[str, object] = {
        "amplifier": bias, "internal_reference": True, "measure": False, "lead_off_sense": False,
    }  # fmt: skip
    signal: dict[str, object] = {} if is_free else {"amplitude": 1, "frequency": "slow"}
    parts = chip.parts
    was_on = all(file.get(Config3).internal_reference for file in chip.files)
    none: tuple[int, ...] = ()
    settings: list[Settings] = [
        say_channels(None, parts, gain=gain, mux=mux, power_down=False, srb2=False),
        say("board", parts, rate=rate_hz, srb1=False, single_shot=False, **reference),
        say("lead_off", parts, sense_p=none, sense_n=none, flip=none, comparators=False),
        say("bias", parts, sense_p=none, sense_n=none, **(amplifier if is_free else {})),
        say("test_signal", parts, on=False, **signal),
    ]  # fmt: skip
    chip.apply(*settings)
    if internal_reference and not was_on:
        board.clock.sleep(REFERENCE_SETTLE_S)


def acquire(board: Board, n_samples: int, *, tracker: Tracker | None = None) -> Record:
    """Record `n_samples` without a gap, after the settling time.

    Raises DeviceError if there was no such stretch in three times the length; the message says what
    was lost. Else raises what the stream raises.
    """
    rate_hz = board.chip.rate_hz
    n_settle = max(16, math.ceil(SETTLE_S * rate_hz))
    duration_s = (MAX_ATTEMPTS * n_samples + n_settle) / rate_hz
    kept_blocks: list[Block] = []
    n_kept = n_lost = n_seen = 0
    with board.stream(duration_s) as stream:
        for block in stream:
            n_lost += block.lost_before
            if block.lost_before:
                kept_blocks, n_kept = [], 0
            settled = _behind(block, n_settle)
            n_seen += block.n_samples
            if tracker is not None:
                tracker.advance(block.n_samples / rate_hz)
            if settled.n_samples:
                kept_blocks.append(settled)
                n_kept += settled.n_samples
            if n_kept >= n_samples:
                break
    if n_kept < n_samples:
        raise DeviceError(
            f"no {n_samples} samples in a row without a gap among {n_seen} received and {n_lost} "
            "lost: a measurement needs a sound link first; see emgrig bringup"
        )
    codes = np.concatenate([block.codes for block in kept_blocks])[:n_samples]
    epoch = kept_blocks[-1].epoch
    return Record(
        volts=codes * epoch.scale_v,
        gains=epoch.gain,
        rate_hz=epoch.rate_hz,
        n_lost=n_lost,
        n_rejected=n_seen - n_samples,
        unusable=dict(_unusable(codes)),
    )


def _behind(block: Block, first: int) -> Block:
    """Cut off what lies before conversion number `first`."""
    skip = min(max(first - block.first_conversion, 0), block.n_samples)
    if not skip:
        return block
    return replace(
        block,
        codes=block.codes[skip:],
        status=block.status[skip:],
        first_conversion=block.first_conversion + skip,
    )


def _unusable(codes: NDArray[np.int32]) -> Iterator[tuple[int, Unusable]]:
    for index, column in enumerate(codes.T):
        share = float(ADS1299.is_clipped(column).mean())
        if share > RAIL_SHARE:
            yield index + 1, Unusable(share)
        elif column.min() == column.max():
            yield index + 1, Unusable(share, int(column[0]))


def widened(result: Result, relative_u: float, assumption: str) -> Result:
    """Add a relative type B component, such as that of the volts; k stays, which errs to wide."""
    u = math.hypot(result.standard_uncertainty, relative_u * result.value)
    return replace(result, standard_uncertainty=u, assumptions=(*result.assumptions, assumption))


UNCALIBRATED = f"volts by the nominal gain and reference, +-{200 * SCALE_U:.2g} % (k = 2)"
"""What `widened` with `SCALE_U` assumes."""
