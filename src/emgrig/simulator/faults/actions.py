"""How each fault is put into a board that runs; `emgrig.simulator.faults.named` names them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.native import Firmware
from emgrig.onboard.outlet import UNLIMITED
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import OPEN, Bridge, ChannelFault, Electrode, World
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults.link import Accident, LinkDamage
from emgrig.simulator.firmware.spi import NoFault, WireFault


class SeveralWireFaults:
    """Faults on the same wires, in the order in which they came (implements `WireFault`)."""

    def __init__(self, faults: tuple[WireFault, ...]) -> None:
        self.faults = faults
        self.drdy_divider = int(np.prod([fault.drdy_divider for fault in faults]))

    def miso(self, mosi: bytes, miso: bytes) -> bytes:
        """Return what all of them make of one transfer."""
        for fault in self.faults:
            miso = fault.miso(mosi, miso)
        return miso

    def frames(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what all of them make of the rows of `data`."""
        for fault in self.faults:
            data = fault.frames(data)
        return data


# ---- wires and chips ----------------------------------------------------------------------------


def add_wire_fault(board: SimulatedBoard, make: Callable[[int], WireFault]) -> None:
    """Put ``make(chip)`` on the wires of every chip, on top of what they have."""
    for chip, bus in enumerate(board.bank.buses):
        fault = make(chip)
        if type(bus.fault) is not NoFault:
            fault = SeveralWireFaults((bus.fault, fault))
        board.bank.set_wire_fault(fault, [chip])


def brown_out(board: SimulatedBoard) -> None:
    """Let the chips' supply dip: registers at default, conversions stop; the processor goes on."""
    for bus in board.bank.buses:
        bus.chip.brown_out()


def restart(board: SimulatedBoard) -> None:
    """Let the watchdog restart the processor."""
    board.restart(ResetCause.WATCHDOG)


def drift(board: SimulatedBoard, ppm: float) -> None:
    """Let the board's crystal run `ppm` too fast."""
    board.crystal.set_drift(ppm, board.now_s)


def miss_reads(board: SimulatedBoard, rate: float, seed: int) -> None:
    """Let the firmware come too late for a share `rate` of the conversions."""
    rng = np.random.default_rng([seed, 0x3155])

    def is_read(count: int) -> NDArray[np.bool_]:
        return np.asarray(rng.random(count) >= rate)

    firmware = board.firmware
    reader = firmware.streaming if isinstance(firmware, Firmware) else firmware
    if not hasattr(reader, "read_filter"):
        raise ValueError("missed reads cannot be put into this board's firmware")
    reader.read_filter = is_read


# ---- electrodes and supplies --------------------------------------------------------------------


def change_world(board: SimulatedBoard, chip: int, change: Callable[[World], World]) -> None:
    """Change what the analogue side of a chip is in, from now on.

    Raises
    ------
    ValueError
        If the board has no such chip.
    TypeError
        If it has no analogue front end.
    """
    if not 0 <= chip < len(board.front_ends):
        raise ValueError(f"there is no chip {chip + 1}; the board has {len(board.front_ends)}")
    front_end = board.front_ends[chip]
    if not isinstance(front_end, AnalogueFrontEnd):
        raise TypeError(f"{type(front_end).__name__} has no analogue side that can be at fault")
    front_end.set_world(board.bank.buses[chip].tick, change(front_end.world))


def change_all_worlds(board: SimulatedBoard, change: Callable[[World], World]) -> None:
    """Change what the analogue side of every chip is in, from now on."""
    for chip in range(len(board.front_ends)):
        change_world(board, chip, change)


def locate(board: SimulatedBoard, channel: int) -> tuple[int, int]:
    """Chip index, and channel of that chip (from 1), of a channel of the board (from 1).

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    each = board.front_ends[0].n_channels
    if not 1 <= channel <= each * len(board.front_ends):
        raise ValueError(f"channel {channel}: the board has 1 to {each * len(board.front_ends)}")
    chip, index = divmod(channel - 1, each)
    return chip, index + 1


def channel_fault(
    fault: ChannelFault, board: SimulatedBoard, channel: int, value: float | str = 1.0
) -> None:
    """Put a fault of the chip on one channel."""
    chip, own = locate(board, channel)
    change_world(board, chip, lambda world: world.with_fault(own, fault, float(value)))


def take_off(board: SimulatedBoard, channel: int, side: str) -> None:
    """Let the electrode `side` (p or n) of a channel fall off."""
    chip, own = locate(board, channel)
    pin = f"IN{own}{side.upper()}"
    change_world(board, chip, lambda world: world.with_electrode(pin, OPEN))


def take_off_bias(board: SimulatedBoard) -> None:
    """Let the bias electrode of every chip fall off."""
    change_all_worlds(board, lambda world: replace(world, bias=OPEN))


def make_poor(board: SimulatedBoard, channel: int, side: str, kohm: float) -> None:
    """Let the contact of an electrode have a resistance of `kohm`."""
    chip, own = locate(board, channel)
    pin = f"IN{own}{side.upper()}"
    change_world(board, chip, lambda world: world.with_electrode(pin, Electrode(r_ohm=1e3 * kohm)))


def bridge(board: SimulatedBoard, channel: int, other: int, side: str, ohm: float) -> None:
    """Let gel connect the electrodes of two channels of one chip."""
    chip, own = locate(board, channel)
    other_chip, other_own = locate(board, other)
    if chip != other_chip or own == other_own:
        raise ValueError(f"channels {channel} and {other} are not two channels of one chip")
    made = Bridge(f"IN{own}{side.upper()}", f"IN{other_own}{side.upper()}", ohm)
    change_world(board, chip, lambda world: replace(world, bridges=(*world.bridges, made)))


def set_supply(board: SimulatedBoard, avdd_v: float) -> None:
    """Let AVDD be `avdd_v`."""
    change_all_worlds(board, lambda world: replace(world, avdd_v=avdd_v))


def set_reference(board: SimulatedBoard, volts: float) -> None:
    """Let VREFP settle to `volts`, whatever CONFIG3 says."""
    change_all_worlds(board, lambda world: replace(world, reference_fault_v=volts))


# ---- link ---------------------------------------------------------------------------------------


def add_accident(board: SimulatedBoard, accident: Accident | None, rate: float, seed: int) -> None:
    """Let something happen to a share `rate` of the packets; see `LinkDamage.add`."""
    link = board.firmware.link
    if not isinstance(link.damage, LinkDamage):
        link.damage = LinkDamage(seed)
    link.damage.add(accident, rate)


def limit_link(board: SimulatedBoard, bytes_per_s: float) -> None:
    """Let the link, or the PC behind it, take no more than `bytes_per_s`."""
    board.firmware.link.bytes_per_s = min(bytes_per_s, UNLIMITED)


def stall_link(board: SimulatedBoard, duration_s: float, every_s: float) -> None:
    """Let nothing through for `duration_s`, and again `every_s` later if that is above 0."""
    link = board.firmware.link
    now_s = board.now_s
    link.is_stalled = True
    board.schedule(now_s + duration_s, lambda: setattr(link, "is_stalled", False))
    if every_s > 0:
        board.schedule(now_s + every_s, lambda: stall_link(board, duration_s, every_s))


def cut_link(board: SimulatedBoard, duration_s: float) -> None:
    """Cut the connection; it can be made again after `duration_s`."""
    board.cut_link()
    board.schedule(board.now_s + duration_s, board.restore_link)
