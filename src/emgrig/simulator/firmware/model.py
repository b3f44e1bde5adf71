"""What a simulated board needs of its firmware, and which firmwares there are."""

from collections.abc import Callable
from typing import Final, Protocol

from emgrig.onboard.outlet import Link
from emgrig.onboard.seams import BoardFacts, Client
from emgrig.protocol.packets import ResetCause
from emgrig.registry import Registry
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank


class FirmwareModel(Protocol):
    """The board's processor: it drives the chips and speaks to whoever is connected.

    It is without I/O: bytes in, time in, bytes out. Time is true time, s since power-on.
    """

    link: Link  #: The way to the PC; faults are put in here.

    @property
    def is_streaming(self) -> bool:
        """True from the beginning of a run to its end."""

    @property
    def produced(self) -> tuple[int, ...]:
        """Ground truth: conversions of the first chip in each run that has ended."""

    def connect(self, window_bytes: int) -> Client:
        """Take a client whose side holds `window_bytes` that it has not read."""

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing."""

    def receive(self, client: Client, data: bytes) -> None:
        """Take bytes from a client; never raises on their content."""

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""

    def restart(self, cause: ResetCause) -> None:
        """Boot again."""


MakeFirmware = Callable[[ChipBank, BoardFacts, Crystal], FirmwareModel]
"""Makes the firmware of a board: of its chips, powered on now, what it knows, and its clock."""

FIRMWARES: Final = Registry[MakeFirmware](
    "emgrig.firmwares",
    "firmware",
    {
        "native": "emgrig.onboard.native:Firmware",
        "cerelog": "emgrig.simulator.firmware.fixed_frames:Cerelog",
        "ardeeg": "emgrig.simulator.firmware.fixed_frames:ArdEeg",
        "knight": "emgrig.simulator.firmware.fixed_frames:Knight",
        "eegfrontier": "emgrig.simulator.firmware.fixed_frames:EegFrontier",
        "cyton": "emgrig.simulator.firmware.cyton.processor:Cyton",
        "hackeeg": "emgrig.simulator.firmware.hackeeg.processor:HackEeg",
        "meower": "emgrig.simulator.firmware.meower:Meower",
    },
)
"""Those of other packages are entry points "emgrig.firmwares", each a `MakeFirmware`."""
