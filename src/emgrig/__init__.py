"""emgrig: bring up, check, calibrate and record an ADS1299 EMG board."""

from importlib import import_module
from typing import TYPE_CHECKING

from emgrig.connect import connect, package_version

if TYPE_CHECKING:
    from emgrig.driver.board import Board
    from emgrig.driver.samples.block import Block

    __version__: str

__all__ = ["Block", "Board", "__version__", "connect"]


_MODULES = {"Board": "emgrig.driver.board", "Block": "emgrig.driver.samples.block"}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is asked for: `emgrig --help` needs none of it."""
    if name == "__version__":
        value: object = package_version()
    elif name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module 'emgrig' has no attribute {name!r}")
    globals()[name] = value
    return value
