"""The twins of the boards that only send frames, and what their electrodes saw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from check_gateway import Twin
from emgrig.driver.board import Board
from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.template import load_template, spoken
from emgrig.simulator.firmware.fixed_frames import FrameFirmware
from emgrig.simulator.transport import SimTransport

NAMES = ("cerelog", "ardeeg", "knight", "eegfrontier")
N_CHANNELS = {"eegfrontier": 4}
#: It rises for 12 s from the beginning: no two samples are alike.
SLOW = "sine:150mV,0.02Hz"
#: One code of 24 bits at gain 24 and 4.5 V (SBAS499C, equation 8), and of the Knight's 16 bits.
CODE_V = 4.5 / 24 / 2**23
GAIN = {"knight": 12}
STEP_V = {"knight": 0.51 * 4.0 / 12 / 2**15}


def transport_of(name: str, source: str = SLOW, seed: int = 3) -> SimTransport:
    """Return the twin's bytes, on virtual time."""
    n_channels = N_CHANNELS.get(name, 8)
    query = f"bench&source={source}&firmware={name}&channels={n_channels}&seed={seed}"
    return SimTransport(query)


def gateway_of(name: str, transport: SimTransport | None = None) -> FrameGateway:
    """Return a twin behind its gateway."""
    inner = transport or transport_of(name)
    return FrameGateway(load_template(name), inner, address=f"twin:{name}", name=name)


def firmware_of(transport: SimTransport) -> FrameFirmware:
    """Return the processor of a twin."""
    firmware = transport.board.firmware
    assert isinstance(firmware, FrameFirmware)
    return firmware


def volts_of(frames: list[bytes], name: str) -> NDArray[np.float64]:
    """Scale the chip's own frames by the data sheet, in Python, code by code."""
    n_channels, gain = N_CHANNELS.get(name, 8), GAIN.get(name, 24)
    return np.array(
        [
            [
                int.from_bytes(frame[3 + 3 * n : 6 + 3 * n], "big", signed=True)
                * (4.5 / gain / 2**23)
                for n in range(n_channels)
            ]
            for frame in frames
        ]
    )


def twin_of(name: str) -> Twin:
    """Connect a twin through its gateway."""
    transport = transport_of(name)

    def truth() -> NDArray[np.float64]:
        firmware = firmware_of(transport)
        frames = [data for _, _, data in firmware.sent]
        return volts_of(frames, name)

    board = Board(gateway_of(name, transport))
    return Twin(board, truth, STEP_V.get(name, 0.01 * CODE_V))


@dataclass(frozen=True)
class Sent:
    """Bytes of a twin, and the chip's frame behind each of its own, in order."""

    data: bytes
    frames: tuple[bytes, ...]


def bytes_of(name: str, duration_s: float) -> Sent:
    """Return what a twin sends in so long, from the moment it talks."""
    transport = transport_of(name)
    template = load_template(name)
    for text in (template.link.hello, template.link.start):
        if text:
            transport.write(spoken(text, 1_767_225_600.0))
    firmware = firmware_of(transport)
    firmware.sent.clear()
    transport.clock.sleep(duration_s)
    data = b""
    while len(data) < 1 << 22:
        try:
            data += transport.read(1 << 20, timeout_s=0.0)
        except TimeoutError:
            break
    return Sent(data, tuple(one for _, _, one in firmware.sent))
