"""What HELLO says, taken over or refused."""

from dataclasses import replace

import pytest

from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.errors import DeviceError, WireError
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import Capability, Hello

HELLO = Hello(
    protocol_version=VERSION, serial_number="E-7", firmware_version="1.2", git_revision="abc",
    chip_count=2, channels_per_chip=6, f_clk_hz=2_048_000, vref_uv=4_500_000,
    channels_wired=0x8000_0005, series_ohm=(2200, 4700), capabilities=0, max_frames=64,
)  # fmt: skip


def test_what_the_board_says_is_taken_over() -> None:
    identity = BoardIdentity.from_hello(HELLO)
    assert identity == BoardIdentity(
        "E-7", "1.2", "abc", 2, 6, 2.048e6, 4.5, (1, 3, 32), (2200, 4700), Capability(0), 64
    )
    assert identity.layout == FrameLayout(2, 6)
    assert str(identity) == "board E-7, firmware 1.2 (abc), 2 ADS1299, 12 channels"


def test_a_simulated_board_and_what_its_chips_said_is_shown() -> None:
    hello = replace(HELLO, chip_count=1, channels_per_chip=0, capabilities=Capability.SIMULATED)
    identity = replace(BoardIdentity.from_hello(hello), chip_ids=(0x3E, 0x1F))
    assert identity.is_simulated
    assert str(identity) == (
        "simulated board E-7, firmware 1.2 (abc), 1 ADS1299 (ID 3Eh, 1Fh), unknown channels"
    )
    with pytest.raises(DeviceError, match=r"call board\.identify_chips\(\)"):
        _ = identity.layout


@pytest.mark.parametrize(
    ("version", "older"), [(VERSION - 1, "board's firmware"), (VERSION + 1, "program")]
)
def test_another_version_says_which_of_the_two_is_to_be_updated(version: int, older: str) -> None:
    with pytest.raises(WireError) as caught:
        BoardIdentity.from_hello(replace(HELLO, protocol_version=version))
    assert str(caught.value) == (
        f"the board speaks version {version} of the board link, this program version {VERSION}: "
        f"update the {older}"
    )


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("chip_count", 0, "0 chips; expected 1 to 4"),
        ("chip_count", 5, "5 chips; expected 1 to 4"),
        ("channels_per_chip", 5, "5 channels a chip; expected 4, 6 or 8"),
        ("f_clk_hz", 0, "a clock or a reference of 0"),
        ("vref_uv", 0, "a clock or a reference of 0"),
        ("max_frames", 0, "packets of 0 frames"),
    ],
)
def test_what_no_board_can_be_is_refused(field: str, value: int, words: str) -> None:
    with pytest.raises(DeviceError) as caught:
        BoardIdentity.from_hello(replace(HELLO, **{field: value}))  # type: ignore[arg-type]
    assert str(caught.value) == f"board 'E-7' says that it has {words}"


@pytest.mark.parametrize(
    ("field", "value"),
    [("chip_count", 1), ("chip_count", 4), ("channels_per_chip", 4), ("channels_per_chip", 8),
     ("max_frames", 1)],
)  # fmt: skip
def test_what_a_board_can_be_is_not(field: str, value: int) -> None:
    identity = BoardIdentity.from_hello(replace(HELLO, **{field: value}))  # type: ignore[arg-type]
    assert getattr(identity, field) == value
