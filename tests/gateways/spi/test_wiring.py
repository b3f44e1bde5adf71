"""Addresses of chips on the SPI bus: what they say, and what is wrong with them in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.gateways.spi.wiring import PRESETS, ChipWiring, Gpio, parse_address


def test_an_address_says_device_and_lines() -> None:
    said = "spi:///dev/spidev0.0?drdy=gpiochip0/26&start=22&reset=/dev/gpiochip4/23&pwdn=24"
    wiring = parse_address(f"{said}&sclk_hz=1000000&channels=4&series_ohm=2200&name=B7")
    assert wiring.chips == (ChipWiring("/dev/spidev0.0", Gpio(26, "gpiochip0")),)
    assert (wiring.start, wiring.reset, wiring.pwdn) == (Gpio(22), Gpio(23, "gpiochip4"), Gpio(24))
    assert (wiring.sclk_hz, wiring.channels, wiring.series_ohm) == (1_000_000, 4, 2200)
    assert wiring.name == "B7"


def test_presets_are_the_boards_as_their_programs_have_them() -> None:
    """PiEEG: DRDY on GPIO26; PiEEG-16: chip 2 on spidev0.1, DRDY on GPIO13, CS on GPIO19."""
    assert parse_address("spi:pieeg").chips == (ChipWiring("/dev/spidev0.0", Gpio(26)),)
    both = parse_address("spi:pieeg-16").chips
    assert both[1] == ChipWiring("/dev/spidev0.1", Gpio(13), Gpio(19))
    assert parse_address("spi:pieeg?drdy=6&start=26").chips[0].drdy == Gpio(6)
    for name, wiring in PRESETS.items():
        assert wiring.title == name
        assert wiring.sclk_hz <= 4_000_000


def test_a_second_chip_can_be_on_the_same_device() -> None:
    wiring = parse_address("spi:///dev/spidev0.0?drdy=26&drdy2=13&cs2=19")
    assert wiring.chips[1] == ChipWiring("/dev/spidev0.0", Gpio(13), Gpio(19))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("spi:", r"expected spi:pieeg, spi:pieeg-16, spi:ti-evm, or a device"),
        ("spi:pieg", r"expected spi:pieeg"),
        ("spi:///dev/ttyUSB0?drdy=26", r"or a device as spi:///dev/spidev0.0"),
        ("spi:///dev/spidev0.0", r"which line is DRDY\? say \?drdy=26"),
        ("spi:pieeg?drdy=pin26", r"drdy=pin26; expected a line as gpiochip0/26"),
        ("spi:pieeg?clock=1", r"no option 'clock'; there are drdy,"),
        ("spi:pieeg?start=22&start=23", r"start is given twice"),
        ("spi:pieeg?start=26", r"the line the header/26 is named for two pins"),
        ("spi:pieeg?sclk_hz=10000000", r"sclk_hz=10000000; expected 100000 to 8000000"),
        ("spi:pieeg?sclk_hz=fast", r"sclk_hz=fast; expected 100000"),
        ("spi:pieeg?name=" + 33 * "A", r"expected at most 32 letters"),
        ("spi:pieeg?name=a%0Ab", r"expected at most 32 letters"),
        ("spi:pieeg?channels=7", r"channels=7; expected 4, 6 or 8"),
        ("spi:pieeg?device2=/dev/spidev0.1", r"a second chip needs drdy2="),
        ("spi:pieeg?drdy2=13", r"both chips have the same SPI device and CS"),
        ("spi:pieeg-16?device2=/dev/x", r"device2=/dev/x; expected a device"),
        ("spi:pieeg-16?drdy2=gpiochip4/13", r"drdy and drdy2 are on two GPIO chips"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_what_would_do(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_address(address)
    assert str(caught.value).startswith(f"{address}: ")
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_address_is_read_or_refused(rest: str) -> None:
    for address in (f"spi:{rest}", f"spi:pieeg?{rest}", f"spi:///dev/spidev0.0?drdy={rest}"):
        try:
            wiring = parse_address(address)
        except ValueError:
            continue
        assert 1 <= len(wiring.chips) <= 2
