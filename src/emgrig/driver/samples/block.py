"""What a stream is made of: blocks of consecutive samples that say what is missing before them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.can import Stated
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import Mux
from emgrig.errors import DeviceError
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import EventPacket

_FEW_SAMPLES = 256  #: Up to so many, a block has its price, and its samples nearly none.


@dataclass(frozen=True, eq=False)
class Epoch:
    """The settings that samples were taken under: as read back from the chips, or as stated."""

    number: int  #: The board's settings epoch.
    registers: tuple[bytes, ...]  #: 24 register bytes a chip, as read back; none if stated.
    gain: NDArray[np.float64]  #: float64, shape (n_channels,); PGA gain, V/V.
    scale_v: NDArray[np.float64]  #: float64, shape (n_channels,); Volts a code, input-referred.
    rate_hz: float  #: Data rate by the registers and the nominal clock, or as stated, Hz.
    n_chips: int = 1
    #: What the board, or whoever describes it, states; None if all was read back.
    stated: Stated | None = None

    @cached_property
    def _scales_v(self) -> dict[int, NDArray[np.float64]]:
        """Views of one array, by their length: blocks have few lengths."""
        return {_FEW_SAMPLES: np.tile(self.scale_v, (_FEW_SAMPLES, 1))}

    def scales_v(self, n_samples: int) -> NDArray[np.float64]:
        """`scale_v` once for each of so many samples, few: shape (n_samples, n_channels)."""
        views = self._scales_v
        scales = views.get(n_samples)
        if scales is None:
            scales = views[n_samples] = views[_FEW_SAMPLES][:n_samples]
        return scales

    @property
    def files(self) -> tuple[RegisterFile, ...]:
        """The registers of each chip, to be read; none if the settings are stated."""
        n_channels = len(self.gain) // self.n_chips
        return tuple(RegisterFile(raw, n_channels) for raw in self.registers)

    @property
    def code_max(self) -> int:
        """The highest code; the converter clips there, and at its negative or one below."""
        return ADS1299.code_max if self.stated is None else self.stated.code_max

    @property
    def mux(self) -> tuple[Mux | None, ...]:
        """What each channel measures; None where no register says it."""
        if not self.registers:
            return (None,) * len(self.gain)
        return tuple(value for file in self.files for value in file.mux)

    @property
    def powered(self) -> NDArray[np.bool_]:
        """True for each channel that is on, shape (n_channels,); all of them if stated."""
        if not self.registers:
            return np.ones(len(self.gain), np.bool_)
        return np.concatenate([file.powered for file in self.files])


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive samples of one stream, nothing missing inside."""

    codes: NDArray[np.int32]  #: int32, shape (n_samples, n_channels)
    #: uint32, shape (n_samples, n_chips); The chips' 24-bit status words.
    status: NDArray[np.uint32]
    #: Number of the first sample in the stream. It counts every data period since the stream began,
    #: those lost and those in which the stream was paused too.
    first_conversion: int
    board_time_us: int  #: Board time at the data-ready edge of the first sample, µs.
    epoch: Epoch  #: The settings these samples were taken under.
    lost_before: int = 0  #: Data periods without a sample between the block before and this one.
    cause: Cause = Cause.NONE  #: Why there are none.
    #: True if `lost_before` comes from time (link outage with a restart, pause), not from the
    #: board's count.
    is_estimate: bool = False
    #: Flags of the packets in this block, or'ed (`emgrig.protocol.packets.SampleFlag`).
    flags: int = 0
    #: What the board said between the block before and this one.
    events: tuple[EventPacket, ...] = ()

    @classmethod
    def plain(
        cls,
        codes: NDArray[np.int32],
        make_status: Callable[[], NDArray[np.uint32]],
        first_conversion: int,
        board_time_us: int,
        epoch: Epoch,
    ) -> "Block":
        """Make a block with nothing missing, no flag and no event; `status` when it is asked for.

        It is what a stream is made of, and the usual way to make it takes as long as the rest.
        """
        block = object.__new__(cls)
        block.__dict__.update(
            codes=codes,
            make_status=make_status,
            first_conversion=first_conversion,
            board_time_us=board_time_us,
            epoch=epoch,
        )
        return block

    def __getattr__(self, name: str) -> NDArray[np.uint32]:
        """Make the status words."""
        if name == "status" and "make_status" in self.__dict__:
            status: NDArray[np.uint32] = self.__dict__.pop("make_status")()
            self.__dict__["status"] = status
            return status
        raise AttributeError(f"a block has no {name!r}")

    @property
    def n_samples(self) -> int:
        """Samples in this block; 0 for a block that only says what was lost at the end."""
        return len(self.codes)

    @property
    def volts(self) -> NDArray[np.float64]:
        """Input-referred volts, float64, shape (n_samples, n_channels).

        Scaled with the gain that was read back (SBAS499C equation 8: one code is
        ``vref / (gain * 2**23)``), or with the gain that is stated where `epoch.stated` says so.
        A clipped code stays at full scale.
        """
        codes = self.codes
        if len(codes) > _FEW_SAMPLES:
            scaled: NDArray[np.float64] = codes * self.epoch.scale_v
            return scaled
        # Arrays of one type and shape: of numpy, half as much is needed as for the line above.
        scaled = codes.astype(np.float64)
        scaled *= self.epoch.scales_v(len(codes))
        return scaled


@dataclass
class Tally:
    """Data periods of the blocks so far: those with a sample, and those without one."""

    n_samples: int = 0  #: Samples that came.
    #: Data periods without a sample, by cause. Unlike `emgrig.protocol.account.Totals` they count
    #: the time between two runs to what ended the first of them.
    missing: Counter[Cause] = field(default_factory=Counter)

    def add(self, block: Block) -> None:
        """Count the next block."""
        self.n_samples += block.n_samples
        self.missing[block.cause] += block.lost_before

    @property
    def n_paused(self) -> int:
        """Data periods in which settings were changed."""
        return self.missing[Cause.PAUSE]

    @property
    def n_lost(self) -> int:
        """All other data periods without a sample."""
        return self.missing.total() - self.n_paused


def conversions_in(duration_s: float, rate_hz: float) -> int:
    """Return how many conversions a time has; of one that never ends, more than there will be."""
    return round(min(duration_s * rate_hz, float(1 << 62)))


def within_duration(block: Block, end: int) -> Block:
    """Return what of a block lies before conversion number `end` of its stream.

    Both its samples and what is missing before them are cut; nothing may be left of either. The
    board time of a block that begins behind `end` becomes that of `end`, by the nominal rate.
    """
    first = block.first_conversion
    if first + block.n_samples <= end:
        return block
    kept, behind = max(end - first, 0), max(first - end, 0)
    begin = min(first, end)
    return replace(
        block,
        codes=block.codes[:kept],
        status=block.status[:kept],
        first_conversion=begin,
        board_time_us=block.board_time_us - round(behind * 1e6 / block.epoch.rate_hz),
        lost_before=begin - min(first - block.lost_before, end),
    )


def make_epoch(
    number: int,
    files: Sequence[RegisterFile],
    *,
    f_clk_hz: float,
    vref_v: float,
    sent_hz: float = 0.0,
) -> Epoch:
    """Make an epoch from what was read back from the chips.

    `sent_hz` is the data rate where the board sends others than its chips convert; 0: as they do.

    Raises
    ------
    DeviceError
        If a gain or rate code is reserved, or the chips have different rates.
    """
    rates_hz = {file.rate_hz(f_clk_hz) for file in files}
    if len(rates_hz) != 1:
        raise DeviceError(f"the chips have different rates, Hz: {sorted(rates_hz)}")
    return Epoch(
        number=number,
        registers=tuple(file.raw for file in files),
        gain=np.concatenate([file.gains for file in files]),
        scale_v=np.concatenate([file.scale_v(vref_v) for file in files]),
        rate_hz=sent_hz or rates_hz.pop(),
        n_chips=len(files),
    )


def stated_epoch(number: int, stated: Stated, n_chips: int) -> Epoch:
    """Make an epoch from what is stated of a board whose registers cannot be read."""
    return Epoch(
        number=number,
        registers=(),
        gain=np.array(stated.gains, np.float64),
        scale_v=np.array(stated.scale_v, np.float64),
        rate_hz=stated.rate_hz,
        n_chips=n_chips,
        stated=stated,
    )
