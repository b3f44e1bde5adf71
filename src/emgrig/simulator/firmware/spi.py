"""The wires between chip and firmware: SPI and DRDY, with faults on them.

A fault sees only what is on the wire. The chip behind it is well, and answers to what it was sent.
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.chip.ads1299 import COMMAND_SCLK_HZ, DATA_SCLK_HZ, Ads1299Chip, Frames, Pin

_BITS: Final = 8


class WireFault(Protocol):
    """What is wrong with the wires."""

    drdy_divider: int  #: The host sees each `drdy_divider`-th fall of DRDY; 1 is every one, 0 none.

    def miso(self, mosi: bytes, miso: bytes) -> bytes:
        """Return what the host receives in one transfer, as long as `miso`."""

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what `miso` gives for transfers of zeros, one in each row of `data`."""


class NoFault:
    """Good wires."""

    drdy_divider = 1

    def miso(self, mosi: bytes, miso: bytes) -> bytes:  # noqa: ARG002 - not every fault asks
        """Return `miso`."""
        return miso

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `data`."""
        return data


@dataclass(frozen=True)
class StuckMiso(NoFault):
    """MISO is tied to a level: 0 reads 00h, 1 reads FFh."""

    level: int

    def __post_init__(self) -> None:
        if self.level not in (0, 1):
            raise ValueError(f"level is {self.level}, expected 0 or 1")

    def miso(self, mosi: bytes, miso: bytes) -> bytes:  # noqa: ARG002
        """Return the level for every bit."""
        return bytes([0xFF * self.level]) * len(miso)

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the level for every bit."""
        return np.full_like(data, 0xFF * self.level)


@dataclass(frozen=True)
class ShiftedMiso(NoFault):
    """The host samples MISO some bits early or late, as it does in the wrong SPI mode."""

    bits: int = 1  #: 1 to 7.
    _: KW_ONLY
    #: True: the host samples before the chip shifts, so the bits arrive `bits` later than they
    #: should and 86h reads 43h, as seen in the wrong SPI mode. False: it samples after the next
    #: shift, and 86h reads 0Ch. Bits from outside the transfer are 0.
    early: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bits < _BITS:
            raise ValueError(f"bits is {self.bits}, expected 1 to 7")

    def miso(self, mosi: bytes, miso: bytes) -> bytes:  # noqa: ARG002
        """Return the transfer's bits, shifted as one string."""
        value = int.from_bytes(miso, "big")
        value = value >> self.bits if self.early else value << self.bits
        return (value & (1 << _BITS * len(miso)) - 1).to_bytes(len(miso), "big")

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return each row's bits, shifted as one string."""
        own, rest = np.uint8(self.bits), np.uint8(_BITS - self.bits)
        neighbour = np.zeros_like(data)
        if self.early:
            neighbour[:, 1:] = data[:, :-1]
            return data >> own | neighbour << rest
        neighbour[:, :-1] = data[:, 1:]
        return data << own | neighbour >> rest


class SlippedFrames(NoFault):
    """Now and then a data transfer loses one byte; the rest moves up and 00h comes last.

    Data transfers are those of which MOSI is all zeros. A frame slips with `probability`, 0 to 1;
    `seed`, ≥ 0, says which frames and bytes.
    """

    def __init__(self, probability: float, seed: int) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}, expected 0 to 1")
        self._probability = probability
        self._rng = np.random.default_rng(seed)

    def miso(self, mosi: bytes, miso: bytes) -> bytes:
        """Return the transfer, perhaps without one of its bytes."""
        if not miso or any(mosi):
            return miso
        return self.frames(np.frombuffer(miso, np.uint8)[None, :]).tobytes()

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the rows, some of them without one of their bytes."""
        drawn = self._rng.random((len(data), 2))
        out = data.copy()
        for row in np.flatnonzero(drawn[:, 0] < self._probability):
            lost = int(drawn[row, 1] * data.shape[1])
            out[row, lost:-1] = data[row, lost + 1 :]
            out[row, -1] = 0
        return out


class DeadDrdy(NoFault):
    """DRDY does not reach the host: it stays high."""

    drdy_divider = 0


class SlowDrdy(NoFault):
    """The host sees one fall of DRDY in `factor` (≥ 2); the results in between are lost to it."""

    def __init__(self, factor: int) -> None:
        if factor < 2:
            raise ValueError(f"factor is {factor}, expected 2 or more")
        self.drdy_divider = factor


@dataclass(eq=False)
class SpiBus:
    """One chip as the firmware sees it: through its wires."""

    chip: Ads1299Chip  #: What is at the other end.
    fault: WireFault = field(default_factory=NoFault)  #: May be replaced at any time.

    @property
    def tick(self) -> int:
        """Now, in whole tCLK of the chip since power-on."""
        return self.chip.tick

    @property
    def drdy(self) -> bool:
        """Level of DRDY as the host sees it; False says that a result waits."""
        divider = self.fault.drdy_divider
        is_seen = divider > 0 and self.chip.n_drdy_falls % divider == 0
        return self.chip.drdy or not is_seen

    @property
    def n_drdy_falls(self) -> int:
        """Falls of DRDY that the host could have seen, had the wires always been as they are."""
        divider = self.fault.drdy_divider
        return self.chip.n_drdy_falls // divider if divider else 0

    @property
    def next_drdy_tick(self) -> int | None:
        """When the host will see DRDY fall if nothing is changed, or None."""
        divider = self.fault.drdy_divider
        if divider == 0:
            return None
        return self.chip.drdy_tick_ahead(divider - 1 - self.chip.n_drdy_falls % divider)

    def advance_to(self, tick: int) -> None:
        """Let time pass up to and including `tick`."""
        self.chip.advance_to(tick)

    def set_pin(self, pin: Pin, level: bool) -> None:
        """Drive an input pin of the chip, True for high."""
        self.chip.set_pin(pin, level)

    def transfer(
        self, mosi: bytes, *, sclk_hz: float = COMMAND_SCLK_HZ, gap_ticks: float = 0.0
    ) -> bytes:
        """Do one whole transfer and return MISO, as `Ads1299Chip.transfer` does."""
        miso = self.chip.transfer(mosi, sclk_hz=sclk_hz, gap_ticks=gap_ticks)
        return self.fault.miso(mosi, miso)

    def stream(
        self,
        count: int | None = None,
        *,
        until_tick: int | None = None,
        frame_bytes: int | None = None,
        sclk_hz: float = DATA_SCLK_HZ,
        gap_ticks: float = 0.0,
    ) -> Frames:
        """Read a frame at each fall of DRDY that the host sees, as `Ads1299Chip.stream` does.

        With a dead DRDY nothing is read, and time passes only up to `until_tick`, if that is given.
        """
        divider = self.fault.drdy_divider
        frames = self.chip.stream(
            count if divider else 0,
            every=max(divider, 1),
            until_tick=until_tick,
            frame_bytes=frame_bytes,
            sclk_hz=sclk_hz,
            gap_ticks=gap_ticks,
        )
        if divider == 0 and until_tick is not None:
            self.chip.advance_to(until_tick)
        return Frames(frames.ticks, self.fault.frames(frames.data))
