"""Which chip is it: IDs of parts, of faults, and of chips that work all the same."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.driver.chip.identity import UnusualIdentity
from emgrig.errors import (
    DeviceError,
    IdentityError,
)
from fake_port import RESET, FakeClock, FakePort, make, raw


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_the_three_parts_are_told_apart(n_channels: int) -> None:
    chip, _ = make(n_channels)
    assert chip.parts == (n_channels,)
    assert raw(chip) == RESET[n_channels]
    np.testing.assert_allclose(chip.scale_v, np.full(n_channels, 4.5 / 24 / 2**23))


@pytest.mark.parametrize(
    ("id_byte", "hint"),
    [
        (0x00, "MISO stays low"),
        (0xFF, "MISO floats high"),
        (0x92, "ADS1294, ADS1296 or ADS1298"),
        (0xD0, "ADS1294, ADS1296 or ADS1298"),
    ],
)
def test_another_part_or_none_is_refused_even_by_force(id_byte: int, hint: str) -> None:
    port = FakePort()
    port.registers[0] = id_byte
    chip = Ads1299([port], clock=FakeClock())
    with pytest.raises(IdentityError, match=f"{id_byte:02X}h.*{hint}"):
        chip.identify()
    with pytest.raises(IdentityError, match=hint):
        chip.identify(force_channels=8)


@pytest.mark.parametrize(
    ("shift", "id_byte"), [(lambda b: b << 1 & 0xFF, 0x7C), (lambda b: b >> 1, 0x1F)]
)
def test_registers_shifted_by_one_bit_point_to_the_spi_mode(
    shift: Callable[[int], int], id_byte: int
) -> None:
    port = FakePort()
    port.registers[:] = bytes(shift(byte) for byte in port.registers)
    with pytest.raises(IdentityError, match=f"{id_byte:02X}h.*SPI mode 1"):
        Ads1299([port], clock=FakeClock()).identify()


@pytest.mark.parametrize("id_byte", [0xDF, 0x20, 0x1E, 0x5E])
def test_an_unusual_id_is_a_warning_if_all_else_is_an_ads1299(id_byte: int) -> None:
    port = FakePort()
    port.registers[0] = id_byte
    chip = Ads1299([port], clock=FakeClock())
    with pytest.warns(UnusualIdentity, match=f"{id_byte:02X}h.*8 channels") as caught:
        chip.identify()
    assert caught[0].filename == __file__
    assert chip.n_channels == 8
    chip.set_rate(500)
    assert chip.rate_hz == 500


def test_the_user_can_override_an_unusual_id() -> None:
    port = FakePort(6)
    port.registers[0] = 0xDF
    chip = Ads1299([port], clock=FakeClock())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chip.identify(force_channels=6)
    assert chip.n_channels == 6


def test_an_unusual_id_with_other_registers_is_refused_and_says_how_to_override() -> None:
    port = FakePort()
    port.registers[:4] = bytes.fromhex("20064040")
    chip = Ads1299([port], clock=FakeClock())
    with pytest.raises(IdentityError, match="force_channels"):
        chip.identify()


def test_an_id_that_changes_is_refused() -> None:
    class Noisy(FakePort):
        def read(self, address: int, count: int) -> bytes:
            self.registers[0] ^= 0x03
            return super().read(address, count)

    with pytest.raises(IdentityError, match=r"changes from read to read.*RDATAC"):
        Ads1299([Noisy()], clock=FakeClock()).identify()


def test_an_argument_that_makes_no_sense_is_refused_before_anything_is_sent() -> None:
    port = FakePort()
    chip = Ads1299([port], clock=FakeClock())
    with pytest.raises(ValueError, match="4, 6 or 8"):
        chip.identify(force_channels=7)
    with pytest.raises(DeviceError, match=r"identify\(\)"):
        chip.set_rate(1000)
    with pytest.raises(ValueError, match="at least one"):
        Ads1299([], clock=FakeClock())
    assert port.log == []
