"""Registers over SPI: SBAS499C's table 11, and the vectors of our fact sheet (10.1)."""

import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Pin
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.chip.register_map import REGISTERS
from emgrig.simulator.chip.violations import Rule
from simulator.fake_front_end import CountingFrontEnd

RESET_DUMPS = {
    8: "3E 96 C0 60 00 61 61 61 61 61 61 61 61 00 00 00 00 00 00 00 0F 00 00 00",
    6: "3D 96 C0 60 00 61 61 61 61 61 61 00 00 00 00 00 00 00 00 00 0F 00 00 00",
    4: "3C 96 C0 60 00 61 61 61 61 00 00 00 00 00 00 00 00 00 00 00 0F 00 00 00",
}
WRITES = [
    "41 00 96",
    "41 00 95",
    "41 00 94",
    "41 00 93",
    "41 00 B4",
    "41 00 D4",
    "43 00 E0",
    "43 00 EC",
    "41 02 95 C0 EC",
    "42 00 D0",
    "42 00 D1",
    "42 00 D3",
    "42 00 D4",
    "42 00 D5",
    "45 07 61 61 61 61 61 61 61 61",
    "45 07 65 65 65 65 65 65 65 65",
    "45 07 50 50 50 50 50 50 50 81",
    "47 00 68",
    "4D 01 7F 7F",
    "44 00 E4",
    "44 00 02",
    "44 00 07",
    "4F 02 7F 7F 00",
    "57 00 02",
    "57 00 08",
    "57 00 0A",
    "55 00 20",
    "54 00 A0",
    "45 02 03 04 03",
]


def ready_chip(n_channels: int = 8, **options: object) -> Ads1299Chip:
    """A chip after tPOR and SDATAC."""
    chip = Ads1299Chip(CountingFrontEnd(n_channels), n_channels=n_channels, **options)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    return chip


def dump(chip: Ads1299Chip) -> bytes:
    return chip.transfer(bytes([0x20, 0x17]) + bytes(24))[2:]


def rules(chip: Ads1299Chip) -> list[Rule]:
    return [violation.rule for violation in chip.violations]


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_all_registers_read_their_defaults(n_channels: int) -> None:
    chip = ready_chip(n_channels)
    assert dump(chip) == bytes.fromhex(RESET_DUMPS[n_channels])
    assert chip.registers == bytes.fromhex(RESET_DUMPS[n_channels])
    assert not chip.violations


def test_the_first_four_registers_read_in_a_burst() -> None:
    assert ready_chip().transfer(bytes.fromhex("20 03 00 00 00 00"))[2:].hex() == "3e96c060"


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_id_can_be_an_unusual_one(n_channels: int) -> None:
    assert dump(ready_chip(n_channels, id_override=0xDF))[0] == 0xDF
    assert dump(ready_chip(n_channels, rev_id=0))[0] == 0x1C | {4: 0, 6: 1, 8: 2}[n_channels]


@pytest.mark.parametrize("mosi", WRITES)
def test_what_is_written_reads_back_and_nothing_else_changes(mosi: str) -> None:
    chip, command = ready_chip(), bytes.fromhex(mosi)
    expected = bytearray(dump(chip))
    address, values = command[0] & 0x1F, command[2:]
    expected[address : address + len(values)] = values
    chip.transfer(command)
    assert dump(chip) == expected
    assert not chip.violations


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_read_only_and_missing_bits_ignore_writes(n_channels: int) -> None:
    chip = ready_chip(n_channels)
    before = dump(chip)
    chip.transfer(bytes([0x40, 0x17]) + b"\xff" * 24)
    after = dump(chip)
    absent = range(5 + n_channels, 13)
    assert all(after[address] == 0 for address in absent)
    assert all(after[a] == 2**n_channels - 1 for a in range(0x0D, 0x12))
    assert after[0] == before[0]
    assert after[0x12:0x14] == bytes(2)
    assert after[3] == 0xFE
    assert after[0x14] == 0x0F  # all inputs: levels come from the pins
    assert all(after[a] == 0xFF for a in (1, 2, 4, 5, 0x15, 0x16, 0x17))


def test_registers_past_the_last_read_zero_and_ignore_writes() -> None:
    chip = ready_chip()
    assert chip.transfer(bytes.fromhex("37 07") + bytes(8))[2:] == bytes(8)
    before = dump(chip)
    chip.transfer(bytes.fromhex("56 05 00 00 FF FF FF FF"))
    assert dump(chip) == before
    assert rules(chip) == [Rule.ADDRESS, Rule.ADDRESS]


@pytest.mark.parametrize(
    ("mosi", "rule"),
    [
        ("41 00 16", Rule.RESERVED_BITS),
        ("41 00 9E", Rule.RESERVED_BITS),
        ("42 00 E0", Rule.RESERVED_BITS),
        ("43 00 80", Rule.RESERVED_BITS),
        ("44 00 13", Rule.RESERVED_BITS),
        ("55 00 21", Rule.RESERVED_BITS),
        ("56 00 01", Rule.RESERVED_BITS),
        ("57 00 04", Rule.RESERVED_BITS),
        ("41 00 97", Rule.RESERVED_CODE),
        ("42 00 D2", Rule.RESERVED_CODE),
        ("45 00 71", Rule.RESERVED_CODE),
    ],
)
def test_wrong_reserved_bits_and_codes_are_reported_and_kept(mosi: str, rule: Rule) -> None:
    chip, command = ready_chip(), bytes.fromhex(mosi)
    chip.transfer(command)
    assert rules(chip) == [rule]
    assert dump(chip)[command[0] & 0x1F] == command[2]


def test_writing_a_register_the_small_part_lacks_is_reported() -> None:
    chip = ready_chip(4)
    chip.transfer(bytes.fromhex("49 00 61"))
    chip.transfer(bytes.fromhex("4D 00 1F"))
    chip.transfer(bytes.fromhex("49 00 00"))
    assert rules(chip) == [Rule.RESERVED_BITS] * 2
    assert dump(chip)[0x0D] == 0x0F


def test_gpio_reads_pins_and_drives_outputs() -> None:
    chip = ready_chip()
    chip.set_pin(Pin.GPIO2, True)
    chip.set_pin(Pin.GPIO4, True)
    assert dump(chip)[0x14] == 0xAF
    chip.transfer(bytes.fromhex("54 00 5E"))  # GPIO1 becomes an output and is driven high
    assert dump(chip)[0x14] == 0xBE  # 1011: 4 and 2 from outside, 1 driven, 3 an input and low
    chip.transfer(bytes.fromhex("54 00 A0"))
    assert dump(chip)[0x14] == 0xA0
    chip.set_pin(Pin.GPIO1, True)
    assert dump(chip)[0x14] == 0xA0
    chip.transfer(b"\x06")
    chip.advance_to(chip.tick + 18)
    chip.transfer(b"\x11")
    assert dump(chip)[0x14] == 0xBF


def test_lead_off_and_bias_status_are_live() -> None:
    front_end = CountingFrontEnd()
    chip = Ads1299Chip(front_end)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    front_end.stat = (0xA5, 0x3C, 1)
    assert chip.transfer(bytes.fromhex("32 01 00 00"))[2:].hex() == "a53c"
    assert chip.transfer(bytes.fromhex("23 00 00"))[2] == 0x61
    front_end.stat = (0, 0, 0)
    assert chip.transfer(bytes.fromhex("23 00 00"))[2] == 0x60


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_no_reserved_bit_is_reset_to_what_must_not_be_written(n_channels: int) -> None:
    for spec in REGISTERS[n_channels]:
        assert spec.reset & spec.reserved == spec.reserved_value, spec.name


def test_the_front_end_hears_of_every_change_and_only_of_changes() -> None:
    front_end = CountingFrontEnd()
    chip = Ads1299Chip(front_end)
    chip.advance_to(POR_TICKS)
    chip.transfer(b"\x11")
    front_end.calls.clear()
    chip.transfer(bytes.fromhex("45 02 60 61 50"))
    chip.transfer(bytes.fromhex("45 02 60 61 50"))
    chip.transfer(bytes.fromhex("54 00 00"))
    assert [(what, registers[5:8].hex()) for what, _, registers in front_end.calls] == [
        ("change", "606161"),
        ("change", "606150"),
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"n_channels": 7},
        {"n_channels": 4},
        {"f_clk_hz": 0.0},
        {"f_clk_hz": float("nan")},
        {"rev_id": 8},
        {"id_override": 256},
    ],
)
def test_arguments_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Ads1299Chip(CountingFrontEnd(8), **options)
