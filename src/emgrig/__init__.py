"""emgrig: bring up, check, calibrate and record an ADS1299 EMG board.

What is named here is what programs may rest on; other modules may move.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from emgrig.connect import connect
from emgrig.version import __version__

if TYPE_CHECKING:
    from emgrig.driver.board import Board
    from emgrig.driver.chip.profile import Profile
    from emgrig.driver.samples.block import Block
    from emgrig.driver.stream import Stream
    from emgrig.errors import (
        AddressError,
        BoardBusy,
        BoardCannot,
        DeviceError,
        EmgrigError,
        ExitCode,
        IdentityError,
        InfrastructureFailure,
        LinkGone,
        MissingExtra,
        ReadBackError,
        RecordingError,
        RequestRefused,
        TransportEnd,
        TransportError,
        TransportTimeout,
        UnreadableFile,
        WireError,
        plain_errors,
    )

__all__ = [
    "AddressError",
    "Block",
    "Board",
    "BoardBusy",
    "BoardCannot",
    "DeviceError",
    "EmgrigError",
    "ExitCode",
    "IdentityError",
    "InfrastructureFailure",
    "LinkGone",
    "MissingExtra",
    "Profile",
    "ReadBackError",
    "RecordingError",
    "RequestRefused",
    "Stream",
    "TransportEnd",
    "TransportError",
    "TransportTimeout",
    "UnreadableFile",
    "WireError",
    "__version__",
    "connect",
    "plain_errors",
]

_ELSEWHERE = {
    "Block": "emgrig.driver.samples.block",
    "Board": "emgrig.driver.board",
    "Profile": "emgrig.driver.chip.profile",
    "Stream": "emgrig.driver.stream",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is asked for: `emgrig --help` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'emgrig' has no attribute {name!r}")
    value: object = getattr(import_module(_ELSEWHERE.get(name, "emgrig.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
