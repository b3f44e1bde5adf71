"""One run of a board, as it came: samples, their account, and what happened meanwhile.

The suite takes packets from the link by itself: a stream that recovers would hide what it looks
for.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emgrig.protocol.account import Cause, LossAccount, Piece, Totals
from emgrig.protocol.decoder import EventPacket, Item, SamplePackets
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.packets import (
    BootEvent,
    ChipLostEvent,
    SampleFlag,
    Started,
    Stats,
    Stopped,
)

_FEW = 8  #: So few packets make no line.
_FEW_STEPS = 3
_UNEVEN = 0.1  #: Steps that differ by less of their mean are even.


@dataclass
class Collector:
    """Takes what the link tells while a run is on."""

    layout: FrameLayout
    packets: list[SamplePackets] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    n_samples: int = 0
    n_misfits: int = 0
    is_lost: bool = False
    """True if the board said that this run will give nothing more."""

    def listen(self, item: Item, host_s: float) -> None:
        """Be the link's listener."""
        if isinstance(item, EventPacket):
            self.is_lost |= isinstance(item.body, BootEvent | ChipLostEvent)
        elif isinstance(item, SamplePackets):
            if item.frames.shape[2] != self.layout.frame_bytes:
                self.n_misfits += item.frames.shape[0] * item.frames.shape[1]
                return
            self.packets.append(item)
            self.heard_s.append(host_s)
            self.n_samples += item.frames.shape[0] * item.frames.shape[1]


@dataclass(frozen=True, eq=False)
class Capture:
    """A run from START to STOP.

    Codes, shape (n_samples, n_channels), and status words, shape (n_samples, n_chips), are without
    the `n_rejected` samples at the beginning; `scale_v`, shape (n_channels,), is volts a code, from
    the gains read back; the rate is by the registers. `n_misfits` samples had frames of another
    length than the chips'. `stats` are the board's counters after the run. `first_conversion` and
    `board_time_us`, shape (n_packets,), are as the packets say. The slowest packet came
    `lateness_s` later than the quickest; `heard_for_s` is host time from the first sample to the
    last, and `heard_rate_hz` conversions a second of it, along a straight line (0 if too few
    came). Of `lost_unplaced` samples nobody can tell whether they were lost on the way or never
    read. Every `hole_every` conversions one alone is missing (0: not so evenly). `bad_crc` packets
    and `stray_bytes` were thrown away by the link's decoder in the run.
    """

    codes: NDArray[np.int32]
    status: NDArray[np.uint32]
    scale_v: NDArray[np.float64]
    rate_hz: float
    totals: Totals
    n_rejected: int
    n_misfits: int
    started: Started
    stopped: Stopped
    stats: Stats
    first_conversion: NDArray[np.int64]
    board_time_us: NDArray[np.int64]
    lateness_s: float
    heard_for_s: float
    heard_rate_hz: float
    lost_unplaced: int
    hole_every: float
    bad_crc: int
    stray_bytes: int

    @property
    def volts(self) -> NDArray[np.float64]:
        """Input-referred volts, shape (n_samples, n_channels)."""
        scaled: NDArray[np.float64] = self.codes * self.scale_v
        return scaled

    @property
    def conversion_rate_hz(self) -> float:
        """Conversions a second of board time, Hz; 0 if too little came to say."""
        if len(self.first_conversion) < 2:
            return 0.0
        order = np.argsort(self.first_conversion)
        conversions = np.ptp(self.first_conversion)
        elapsed_us = self.board_time_us[order[-1]] - self.board_time_us[order[0]]
        return float(conversions / elapsed_us * 1e6) if elapsed_us > 0 else 0.0

    def rates_hz(self, n_parts: int) -> list[float]:
        """Return the rate in each of `n_parts` stretches, Hz; nothing if the run is too short."""
        edges = np.linspace(0, len(self.first_conversion) - 1, n_parts + 1).astype(int)
        conversions = np.diff(self.first_conversion[edges])
        elapsed_us = np.diff(self.board_time_us[edges])
        if not (elapsed_us > 0).all():
            return []
        return [float(rate) for rate in conversions / elapsed_us * 1e6]

    @property
    def jitter_us(self) -> float:
        """Largest departure of a packet's board time from an even grid, µs."""
        if len(self.first_conversion) < 3:
            return 0.0
        grid = np.polynomial.Polynomial.fit(self.first_conversion, self.board_time_us, 1)
        return float(np.abs(self.board_time_us - grid(self.first_conversion)).max())


def assemble(
    collected: Collector,
    *,
    scale_v: NDArray[np.float64],
    rate_hz: float,
    has_two_witnesses: bool = True,
    has_clock: bool = True,
    n_settle: int,
    started: Started,
    stopped: Stopped,
    stats: Stats,
    bad_crc: int,
    stray_bytes: int,
) -> Capture:
    """Put a run together from what was collected; `n_settle` samples at its start are left out.

    `has_two_witnesses`: board time tells a loss that the board's count hides. Without a clock of
    the board's, a straight line through host times says when each packet should have come.
    """
    account = LossAccount()
    account.begin_run(1e6 / rate_hz if has_two_witnesses else 0.0)
    layout, packets = collected.layout, collected.packets
    pieces = [piece for item in packets for piece in account.add(item)]
    frames = [piece.packets.frames.reshape(-1, layout.frame_bytes) for piece in pieces]
    account.end_run(stopped.conversions)
    whole = np.concatenate(frames) if frames else np.empty((0, layout.frame_bytes), np.uint8)
    kept = whole[n_settle:]
    return Capture(
        codes=layout.codes(kept),
        status=layout.status(kept),
        scale_v=scale_v,
        rate_hz=rate_hz,
        totals=account.totals,
        n_rejected=len(whole) - len(kept),
        n_misfits=collected.n_misfits,
        started=started,
        stopped=stopped,
        stats=stats,
        first_conversion=_joined([item.first_conversion for item in packets]),
        board_time_us=_joined([item.board_time_us for item in packets]),
        lateness_s=_lateness(packets, collected.heard_s, has_clock=has_clock),
        heard_for_s=collected.heard_s[-1] - collected.heard_s[0] if packets else 0.0,
        heard_rate_hz=1 / _line(packets, collected.heard_s)[1] if len(packets) > _FEW else 0.0,
        lost_unplaced=sum(map(_n_unplaced, pieces)),
        hole_every=_regular_step(pieces),
        bad_crc=bad_crc,
        stray_bytes=stray_bytes,
    )


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _n_unplaced(piece: Piece) -> int:
    """Return the samples missing before a piece that the link may have lost, or the board."""
    is_either = piece.cause is Cause.LINK and piece.packets.flags[0] & SampleFlag.CONVERSION_MISSED
    return piece.lost_before if is_either else 0


def _regular_step(pieces: list[Piece]) -> float:
    """Return every how many conversions one alone is missing, if that is so; else 0."""
    holes = [piece for piece in pieces if piece.lost_before]
    steps = np.diff([piece.first_conversion for piece in holes])
    is_single = all(piece.lost_before == 1 for piece in holes)
    if len(steps) < _FEW_STEPS or not is_single or np.ptp(steps) > _UNEVEN * steps.mean():
        return 0.0
    return float(steps.mean())


def _line(packets: list[SamplePackets], heard_s: list[float]) -> tuple[float, float]:
    """Return host time of conversion 0, and from one to the next, s, by a straight line."""
    ends = [int(item.first_conversion[-1]) + item.frames.shape[1] for item in packets]
    found = np.polynomial.Polynomial.fit(ends, heard_s, 1).convert().coef
    return float(found[0]), max(float(found[-1]), 1e-9)


def _lateness(packets: list[SamplePackets], heard_s: list[float], *, has_clock: bool) -> float:
    """Return how much longer the slowest delivery had waited than the quickest, s."""
    if len(packets) <= (0 if has_clock else _FEW):
        return 0.0
    if not has_clock:
        begin_s, period_s = _line(packets, heard_s)
        begins = [int(item.first_conversion[0]) for item in packets]
        apart = [s - begin_s - n * period_s for s, n in zip(heard_s, begins, strict=True)]
        return max(apart) - min(apart)
    waited = [
        host_s - float(item.board_time_us[0]) * 1e-6
        for item, host_s in zip(packets, heard_s, strict=True)
    ]
    return max(waited) - min(waited)
