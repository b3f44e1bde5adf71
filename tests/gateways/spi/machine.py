"""A simulated Linux machine with ADS1299 chips on its SPI bus, and what their converters made.

The machine is the attach kit's: fake spidev, fake gpiod 2, and virtual time in front of real ones.
The truth is taken where codes are made, ahead of chip, bus and wires.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.wiring import PRESETS
from emgrig.driver.seams import Clock
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.assembly import ChipPart
from emgrig.simulator.seams import Conversions
from emgrig.simulator.transport import SimTransport

#: It rises for 12 s from the beginning: no two samples are alike.
SLOW = "sine:150mV,0.02Hz"
#: A Raspberry Pi and its chips have had power for so long when a program begins.
POWERED_S = 1.0
WIRED = {"pieeg": "pieeg", "pieeg-16": "pieeg-16", "ti-evm": "generic"}


class Truth:
    """Keeps the codes of each run of one converter."""

    def __init__(self, front_end: AnalogueFrontEnd) -> None:
        self.runs: list[list[NDArray[np.int32]]] = [[]]
        self._restart, self._convert = front_end.restart, front_end.convert
        self._next_row = front_end.next_row
        front_end.restart = self.restart  # type: ignore[method-assign]
        front_end.convert = self.convert  # type: ignore[method-assign]
        front_end.next_row = self.next_row  # type: ignore[method-assign]

    def restart(self, tick: int, registers: bytes) -> None:
        self.runs.append([])
        self._restart(tick, registers)

    def convert(self, count: int) -> Conversions:
        made = self._convert(count)
        self.runs[-1].extend(made.codes.copy())
        return made

    def next_row(self) -> tuple[Conversions, int]:
        block, row = self._next_row()
        self.runs[-1].append(block.codes[row].copy())
        return block, row

    def codes(self, run: int = -1) -> NDArray[np.int64]:
        """All codes of a run, shape (n, n_channels)."""
        return np.array(self.runs[run], np.int64).reshape(len(self.runs[run]), -1)


@dataclass(frozen=True)
class Machine:
    """The machine, while it is in front."""

    host: Host
    bench: Bench
    truths: tuple[Truth, ...]


class Stage:
    """The face on a machine's bench, for a scripted participant: a simulated board's part of it."""

    def __init__(self, bench: Bench, clock: Clock) -> None:
        self.front_ends = [chip.front_end for chip in bench._chips]
        source = self.front_ends[0]._source
        self.truth = source._whole if isinstance(source, ChipPart) else source
        self.bank = SimpleNamespace(buses=bench._bus.wires)
        self.board, self.address = self, "spi:"
        self.clock = SimpleNamespace(now_s=lambda: bench.now_s, unix_s=clock.unix_s)
        self._bench = bench

    @property
    def now_s(self) -> float:
        return self._bench.now_s

    def as_transport(self) -> SimTransport:
        return cast(SimTransport, self)


@contextmanager
def machine(
    preset: str = "pieeg",
    *,
    source: str = SLOW,
    seed: int = 0,
    ppm: tuple[float | None, ...] = (0.0, 0.0),
    faults: tuple[str, ...] = (),
    is_wired: bool = True,
    host_of: type[Host] = Host,
) -> Iterator[Machine]:
    """Put a machine in front whose chips are wired as a preset of ours has them."""
    n_chips = 2 if preset == "pieeg-16" else 1
    bench = Bench(
        BenchOptions(
            chips=tuple(ChipOptions(oscillator_ppm=one) for one in ppm[:n_chips]),
            source=source,
            faults=faults,
            seed=seed,
            is_wired=is_wired,
            processor=PROCESSORS["linux"],
        )
    )
    truths = tuple(Truth(chip.front_end) for chip in bench._chips)
    bench.advance(POWERED_S)
    host = host_of(bench, PRESETS[WIRED[preset]], call_s=PROCESSORS["linux"].call_s)
    with in_front(host):
        yield Machine(host, bench, truths)


def codes_of(frames: NDArray[np.uint8], chip: int = 0) -> NDArray[np.int64]:
    """Codes of one chip's part of frames of 27 bytes a chip, by the data sheet (9.4.4)."""
    part = frames[:, 27 * chip + 3 : 27 * (chip + 1)].reshape(len(frames), 8, 3).astype(np.int64)
    value = part[:, :, 0] << 16 | part[:, :, 1] << 8 | part[:, :, 2]
    return np.where(value >= 1 << 23, value - (1 << 24), value)
