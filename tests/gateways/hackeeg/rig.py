"""A HackEEG's twin behind its gateway, and what its electrodes saw."""

import numpy as np
from numpy.typing import NDArray

from check_gateway import Twin
from emgrig.driver.board import Board
from emgrig.gateways.endpoint import Endpoint
from emgrig.gateways.hackeeg.board import HackEegBoard
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.firmware.hackeeg.processor import HackEeg
from emgrig.simulator.transport import SimTransport

#: It rises for 12 s from the beginning: no two samples are alike.
SLOW = "sine:150mV,0.02Hz"
#: One code at gain 24 and 4.5 V (SBAS499C, equation 8).
CODE_V = 4.5 / 24 / 2**23


def transport_of(query: str = "", source: str = SLOW) -> SimTransport:
    """Return the twin's bytes, on virtual time."""
    return SimTransport(f"bench&source={source}&firmware=hackeeg&seed=3{query}")


def processor_of(board: SimulatedBoard) -> HackEeg:
    """Return the processor of a twin."""
    firmware = board.firmware
    assert isinstance(firmware, HackEeg)
    return firmware


def gateway_of(transport: SimTransport | None = None, *, is_json: bool = False) -> Endpoint:
    """Return a twin behind its gateway."""
    inner = transport or transport_of()
    board = HackEegBoard(inner, address="twin:hackeeg", is_json=is_json)
    return Endpoint(board, address="twin:hackeeg", name="hackeeg")


def board_of(transport: SimTransport, *, is_json: bool = False) -> Board:
    """Return a twin, connected, with its inputs open at gain 24 and 500 SPS."""
    board = Board(gateway_of(transport, is_json=is_json))
    board.chip.configure(gain=24, mux="normal")
    board.chip.set_rate(500)
    return board


def codes_of(frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Read the codes of a chip's frames, byte by byte (SBAS499C, 9.4.4.2)."""
    octets = frames[:, 3:].reshape(len(frames), -1, 3).astype(np.int64)
    value = octets @ np.array([1 << 16, 1 << 8, 1])
    return np.where(value >= 1 << 23, value - (1 << 24), value)


def truth_of(transport: SimTransport) -> NDArray[np.float64]:
    """Return the volts of all frames that the twin has read lately, at gain 24."""
    return codes_of(np.concatenate(processor_of(transport.board).sampling.sent)) * CODE_V


def twin_of(*, is_json: bool = False) -> Twin:
    """Connect a twin through its gateway."""
    transport = transport_of()
    return Twin(board_of(transport, is_json=is_json), lambda: truth_of(transport), 0.5 * CODE_V)
