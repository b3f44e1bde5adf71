"""A Meower's twin behind its gateway, and what its electrodes saw."""

import numpy as np
from numpy.typing import NDArray

from check_gateway import Twin
from emgrig.driver.board import Board
from emgrig.gateways.endpoint import Endpoint
from emgrig.gateways.meower.board import MeowerBoard
from emgrig.gateways.meower.datagrams import FramedPorts
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.firmware.meower import Meower
from emgrig.simulator.transport import SimTransport
from gateways.hackeeg.rig import CODE_V, SLOW, codes_of


def transport_of(query: str = "", source: str = SLOW) -> SimTransport:
    """Return the twin's datagrams, on virtual time."""
    return SimTransport(f"bench&source={source}&firmware=meower&chips=2&seed=3{query}")


def processor_of(board: SimulatedBoard) -> Meower:
    """Return the processor of a twin."""
    firmware = board.firmware
    assert isinstance(firmware, Meower)
    return firmware


def gateway_of(transport: SimTransport | None = None) -> Endpoint:
    """Return a twin behind its gateway."""
    ports = FramedPorts(transport or transport_of())
    return Endpoint(MeowerBoard(ports, address="twin:meower"), address="twin:meower", name="meower")


def board_of(transport: SimTransport) -> Board:
    """Return a twin, connected, with its inputs open at gain 24 and 500 SPS."""
    board = Board(gateway_of(transport))
    board.chip.configure(gain=24, mux="normal", srb2=False)
    board.chip.set_rate(500)
    return board


def truth_of(transport: SimTransport) -> NDArray[np.float64]:
    """Return the volts of all frames that the twin has read lately, at gain 24."""
    frames = np.concatenate(processor_of(transport.board).sent)
    return np.concatenate([codes_of(frames[:, :27]), codes_of(frames[:, 27:])], axis=1) * CODE_V


def twin_of() -> Twin:
    """Connect a twin through its gateway."""
    transport = transport_of()
    return Twin(board_of(transport), lambda: truth_of(transport), 0.5 * CODE_V)
