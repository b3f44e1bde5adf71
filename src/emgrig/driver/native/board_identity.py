"""Which board is there: what HELLO says, and what its chips' ID registers say."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Interval

from emgrig.driver.can import Can
from emgrig.errors import DeviceError, EmgrigError, WireError
from emgrig.filemodel import AsNumber, NoteModel, one_of
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import Capability, Hello


@dataclass(frozen=True)
class BoardIdentity(NoteModel):
    """A board, as it names itself."""

    serial_number: str  #: Of the board and its firmware.
    firmware: str
    git_revision: str
    chip_count: Annotated[int, Interval(ge=1, le=4)]  #: ADS1299 on the board.
    #: 8, 6 or 4; 0 if neither the board nor the chips have said.
    channels_per_chip: Annotated[int, one_of(0, 4, 6, 8)]
    f_clk_hz: Annotated[float, Interval(ge=0, le=1e9)]  #: Nominal master clock, Hz.
    vref_v: Annotated[float, Interval(gt=0, le=1e3)]  #: Nominal reference, V.
    #: Channels that have electrodes, 1 is the first.
    channels_wired: tuple[Annotated[int, Interval(ge=1, le=32)], ...]
    series_ohm: tuple[Annotated[int, Interval(ge=0, le=2**32 - 1)], ...]  #: In series with inputs.
    capabilities: Annotated[Capability, AsNumber()]  #: What the board can do.
    max_frames: Annotated[int, Interval(ge=1, le=255)]  #: Most frames a packet.
    protocol_version: int = VERSION  #: Of the board link.
    #: ID register of each chip; empty if they were not asked.
    chip_ids: tuple[int, ...] = field(default=())
    can: Can = field(
        default_factory=Can
    )  #: What it can do and tell; all of it if its HELLO did not say.

    @classmethod
    def from_hello(cls, hello: Hello) -> "BoardIdentity":
        """Take over what the board said, if it can be.

        Raises
        ------
        WireError
            If it speaks another version of the protocol.
        DeviceError
            If it says of itself what no board can be.
        """
        if hello.protocol_version != VERSION:
            older = "board's firmware" if hello.protocol_version < VERSION else "program"
            raise WireError(
                f"the board speaks version {hello.protocol_version} of the board link, this "
                f"program version {VERSION}: update the {older}"
            )
        _check(hello)
        capabilities = Capability(hello.capabilities)
        can = Can.from_hello(hello.can, n_channels=hello.chip_count * hello.channels_per_chip)
        return cls(
            serial_number=hello.serial_number,
            firmware=hello.firmware_version,
            git_revision=hello.git_revision,
            chip_count=hello.chip_count,
            channels_per_chip=hello.channels_per_chip,
            f_clk_hz=float(hello.f_clk_hz),
            vref_v=hello.vref_uv * 1e-6,
            channels_wired=tuple(n + 1 for n in range(32) if hello.channels_wired >> n & 1),
            series_ohm=hello.series_ohm,
            capabilities=capabilities,
            max_frames=hello.max_frames,
            can=can,
        )

    def is_same(self, hello: bytes) -> bool:
        """Tell whether the answer to a HELLO is of this board, unchanged."""
        try:
            return not self.differences(BoardIdentity.from_hello(Hello.decode(hello)))
        except EmgrigError:
            return False

    def differences(self, found: "BoardIdentity") -> str:
        """Say in words what of another HELLO means that samples would be misread; empty if none."""
        is_told = bool(found.channels_per_chip and self.channels_per_chip)
        now = found.channels_per_chip if is_told else self.channels_per_chip
        pairs = (
            ("serial number", self.serial_number, found.serial_number),
            ("firmware", self.firmware, found.firmware),
            ("chips", self.chip_count, found.chip_count),
            ("channels a chip", self.channels_per_chip, now),
            ("master clock, Hz", self.f_clk_hz, found.f_clk_hz),
            ("reference, V", self.vref_v, found.vref_v),
            ("simulated", self.is_simulated, found.is_simulated),
            ("what it can do", self.can, found.can),
        )
        return ", ".join(
            f"{what} {new!r} where {old!r} was" for what, old, new in pairs if old != new
        )

    @property
    def is_simulated(self) -> bool:
        """True if the board says that it is a simulated one."""
        return Capability.SIMULATED in self.capabilities

    @property
    def layout(self) -> FrameLayout:
        """How its frames are made; DeviceError if it is not known how many channels a chip has."""
        if not self.channels_per_chip:
            raise DeviceError(
                "it is not known how many channels the chips have: call board.identify_chips()"
            )
        return FrameLayout(self.chip_count, self.channels_per_chip)

    def __str__(self) -> str:
        what = "simulated board" if self.is_simulated else "board"
        channels = self.chip_count * self.channels_per_chip or "unknown"
        ids = ", ".join(f"{chip_id:02X}h" for chip_id in self.chip_ids)
        return (
            f"{what} {self.serial_number}, firmware {self.firmware} ({self.git_revision}), "
            f"{self.chip_count} {self.can.chip}{f' (ID {ids})' if ids else ''}, {channels} channels"
        )


def _check(hello: Hello) -> None:
    wrong = ""
    if not 1 <= hello.chip_count <= 4:
        wrong = f"{hello.chip_count} chips; expected 1 to 4"
    elif hello.channels_per_chip not in (0, 4, 6, 8):
        wrong = f"{hello.channels_per_chip} channels a chip; expected 4, 6 or 8"
    elif (hello.f_clk_hz == 0 and not hello.can) or hello.vref_uv == 0:
        wrong = "a clock or a reference of 0"
    elif hello.max_frames == 0:
        wrong = "packets of 0 frames"
    if wrong:
        raise DeviceError(f"board {hello.serial_number!r} says that it has {wrong}")
