"""Twins of a Cyton, what they send, and packets made by hand.

What is expected is worked out here in whole numbers, value by value, from OpenBCI's description of
the packet and TI's data sheet.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from check_gateway import Twin
from emgrig.driver.board import Board
from emgrig.gateways.cyton.gateway import CytonGateway
from emgrig.simulator.firmware.cyton.processor import Cyton
from emgrig.simulator.transport import SimTransport

#: It rises for 12 s from the beginning: no two samples are alike.
SLOW = "sine:150mV,0.02Hz"
CODE_V = 4.5 / 24 / 2**23
PACKET = 33
BOARDS = {"cyton": 1, "cyton-daisy": 2}


def transport_of(
    board: str = "cyton", source: str = SLOW, seed: int = 3, more: str = ""
) -> SimTransport:
    """Return the twin's own bytes, on virtual time."""
    chips = BOARDS[board]
    return SimTransport(f"bench&source={source}&firmware=cyton&chips={chips}&seed={seed}{more}")


def gateway_of(transport: SimTransport) -> CytonGateway:
    """Return a twin behind its gateway."""
    return CytonGateway(transport, address="cyton+sim:")


def firmware_of(transport: SimTransport) -> Cyton:
    """Return the processor of a twin."""
    firmware = transport.board.firmware
    assert isinstance(firmware, Cyton)
    return firmware


def codes_of(frame: bytes) -> list[int]:
    """Return the codes of the chips' frames, 27 bytes each."""
    return [
        int.from_bytes(frame[at : at + 3], "big", signed=True)
        for chip in range(0, len(frame), 27)
        for at in range(chip + 3, chip + 27, 3)
    ]


def mean(one: int, other: int) -> int:
    """Return what C makes of (one + other) / 2: towards zero."""
    both = one + other
    return both // 2 if both >= 0 else -(-both // 2)


def conversions_of(sent: Sequence[tuple[int, bytes]], board: str = "cyton") -> list[list[int]]:
    """Return the codes that a gateway should give for what a twin sent in one run."""
    codes = [codes_of(frame) for _, frame in sent]
    if board == "cyton":
        return codes
    made = []
    for n in range(2, len(codes) - 1, 2):  # the first pair is not used
        daisy = [mean(a, b) for a, b in zip(codes[n - 1][8:], codes[n][8:], strict=True)]
        own = [mean(a, b) for a, b in zip(codes[n][:8], codes[n + 1][:8], strict=True)]
        made.append(own + daisy)
    return made


def runs_of(firmware: Cyton) -> list[list[tuple[int, bytes]]]:
    """Return what a twin sent, run by run: its count begins at 0 in each."""
    runs: list[list[tuple[int, bytes]]] = []
    for number, frame in firmware.sending.sent:
        if number == 0:
            runs.append([])
        runs[-1].append((number, frame))
    return runs


def twin_of(board: str) -> Twin:
    """Connect a twin through its gateway."""
    transport = transport_of(board)

    def truth() -> NDArray[np.float64]:
        runs = runs_of(firmware_of(transport))
        return np.concatenate([conversions_of(run, board) for run in runs]) * CODE_V

    return Twin(Board(gateway_of(transport)), truth, 0.01 * CODE_V)


def read_all(transport: SimTransport, *, until: Callable[[bytes], bool] = bool) -> bytes:
    """Return what comes, until it is enough or nothing comes for 3 s."""
    data = b""
    while not data or not until(data):
        try:
            data += transport.read(1 << 20, timeout_s=3.0)
        except TimeoutError:
            break
    return data


def asked(transport: SimTransport, said: bytes) -> str:
    """Say something to a twin, and return its answer."""
    transport.write(said)
    return read_all(transport, until=lambda data: data.endswith(b"$$$")).decode()


def packet(number: int, millis: int, codes: Sequence[int], footer: int = 0xC4) -> bytes:
    """Make one packet with a time in it."""
    body = b"".join(code.to_bytes(3, "big", signed=True) for code in codes)
    time = (millis % 2**32).to_bytes(4, "big")
    return bytes((0xA0, number % 256)) + body + bytes(2) + time + bytes((footer,))


def stream(n: int, *, begin: int = 0, period_ms: float = 4.0, zero_ms: int = 5000) -> list[bytes]:
    """Make packets of consecutive conversions; the codes tell which one it is."""
    return [
        packet(k, zero_ms + int(k * period_ms), [k + 1, -k - 1, *range(8 * k, 8 * k + 6)])
        for k in range(begin, begin + n)
    ]
