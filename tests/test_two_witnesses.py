"""The driver's and the simulator's transcription of the register map, held against each other.

Neither was made from the other, so what both say was read twice in the data sheet.
"""

import pytest

from emgrig.driver.chip import registers as driver
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.simulator.chip import register_map as simulator

PARTS = (4, 6, 8)


@pytest.mark.parametrize("n_channels", PARTS)
def test_names_and_addresses_agree(n_channels: int) -> None:
    ours = [(place.address, place.name) for place in driver.PLACES]
    assert ours == [(spec.address, spec.name) for spec in simulator.REGISTERS[n_channels]]


@pytest.mark.parametrize("n_channels", PARTS)
def test_reset_values_agree(n_channels: int) -> None:
    chip = simulator.RegisterFile(n_channels, simulator.identity(n_channels))
    chip.gpio_inputs = 0
    expected = RegisterFile.reset(n_channels).raw
    found = bytes(
        simulator.identity(n_channels) if spec.name == "ID" else spec.reset
        for spec in simulator.REGISTERS[n_channels]
    )
    assert found == expected


@pytest.mark.parametrize("n_channels", PARTS)
def test_writable_bits_agree(n_channels: int) -> None:
    for place, spec in zip(driver.PLACES, simulator.REGISTERS[n_channels], strict=True):
        assert place.writable(n_channels) == spec.writable, place.name


@pytest.mark.parametrize("n_channels", PARTS)
def test_legal_bytes_agree(n_channels: int) -> None:
    for place, spec in zip(driver.PLACES, simulator.REGISTERS[n_channels], strict=True):
        if place.name in ("ID", "LOFF_STATP", "LOFF_STATN"):  # nothing can be written there
            continue
        for byte in range(256):
            reserved_right = byte & spec.reserved == spec.reserved_value
            code_right = simulator.reserved_code(spec.address, byte) is None
            is_legal = reserved_right and (code_right or not spec.writable)
            assert (not place.problems(byte, n_channels)) == is_legal, (place.name, hex(byte))
