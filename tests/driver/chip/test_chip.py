"""Settings in words, on a port that is nothing but an array of registers."""

from collections.abc import Callable

import pytest

from emgrig.driver.chip.ads1299 import Ads1299, LeadOffStatus
from emgrig.errors import (
    DeviceError,
    ReadBackError,
)
from fake_port import ELSEWHERE, RESET, FakeClock, FakePort, make, raw

# Settings and their bytes: the fact sheet's vectors, section 10.1

Call = Callable[[Ads1299], object]
VECTORS: list[tuple[str, Call, int, str]] = [
    ("6", lambda c: c.set_rate(250), 0x01, "96"),
    ("7", lambda c: c.set_rate(500), 0x01, "95"),
    ("8", lambda c: c.set_rate(1000), 0x01, "94"),
    ("9", lambda c: c.set_rate(2000), 0x01, "93"),
    ("10", lambda c: (c.set_rate(1000), c.clock_output(True)), 0x01, "B4"),
    ("11", lambda c: (c.set_rate(1000), c.read_back_mode("multiple")), 0x01, "D4"),
    ("12", lambda c: c.reference(internal=True), 0x03, "E0"),
    (
        "13",
        lambda c: (c.reference(internal=True), c.bias(amplifier=True, internal_reference=True)),
        0x03,
        "EC",
    ),
    (
        "14",
        lambda c: (
            c.set_rate(500),
            c.test_signal(on=False),
            c.reference(internal=True),
            c.bias(amplifier=True, internal_reference=True),
        ),
        0x01,
        "95 C0 EC",
    ),
    ("15a", lambda c: c.test_signal(amplitude=1, frequency="slow"), 0x02, "D0"),
    ("15b", lambda c: c.test_signal(amplitude=1, frequency="fast"), 0x02, "D1"),
    ("15c", lambda c: c.test_signal(amplitude=1, frequency="dc"), 0x02, "D3"),
    ("15d", lambda c: c.test_signal(amplitude=2, frequency="slow"), 0x02, "D4"),
    ("15e", lambda c: c.test_signal(amplitude=2, frequency="fast"), 0x02, "D5"),
    ("16", lambda c: c.configure(gain=24, mux="shorted"), 0x05, "61 61 61 61 61 61 61 61"),
    ("17", lambda c: c.configure(gain=24, mux="test"), 0x05, "65 65 65 65 65 65 65 65"),
    (
        "18",
        lambda c: (
            c.configure(channels=range(1, 8), gain=12, mux="normal"),
            c.configure(channels=[8], power_down=True, gain=1),
        ),
        0x05,
        "50 50 50 50 50 50 50 81",
    ),
    ("19", lambda c: c.configure(channels=[3], gain=24, srb2=True, mux="normal"), 0x07, "68"),
    ("20", lambda c: c.bias(sense_p=range(1, 8), sense_n=range(1, 8)), 0x0D, "7F 7F"),
    ("21", lambda c: c.lead_off(current="24nA", frequency="dc", threshold=70), 0x04, "E4"),
    ("22a", lambda c: c.lead_off(current="6nA", frequency=31.25), 0x04, "02"),
    ("22b", lambda c: c.lead_off(current="24nA", frequency="rate/4"), 0x04, "07"),
    (
        "23",
        lambda c: c.lead_off(sense_p=range(1, 8), sense_n=range(1, 8), flip=[]),
        0x0F,
        "7F 7F 00",
    ),
    ("24a", lambda c: c.lead_off(comparators=True), 0x17, "02"),
    ("24b", lambda c: c.single_shot(True), 0x17, "08"),
    ("24c", lambda c: (c.lead_off(comparators=True), c.single_shot(True)), 0x17, "0A"),
    ("25", lambda c: c.srb1(closed=True), 0x15, "20"),
    ("26", lambda c: c.gpio(outputs=[1, 2, 3, 4], high=[2, 4]), 0x14, "A0"),
    (
        "31",
        lambda c: (
            c.configure(channels=[1, 3], gain=1, mux="supply"),
            c.configure(channels=[2], gain=1, mux="temperature"),
        ),
        0x05,
        "03 04 03",
    ),
]


@pytest.mark.parametrize(("number", "call", "address", "expected"), VECTORS)
def test_settings_from_reset_have_the_bytes_of_the_fact_sheet(
    number: str, call: Call, address: int, expected: str
) -> None:
    chip, (port,) = make()
    call(chip)
    want = bytes.fromhex(expected)
    reset = bytes.fromhex(RESET[8])
    whole = reset[:address] + want + reset[address + len(want) :]
    assert port.registers.hex(" ").upper() == whole.hex(" ").upper() == raw(chip)


@pytest.mark.parametrize(("number", "call", "address", "expected"), VECTORS)
def test_a_setting_changes_nothing_beside_it(
    number: str, call: Call, address: int, expected: str
) -> None:
    chip, (port,) = make()
    port.registers[:] = bytes.fromhex(ELSEWHERE)
    port.pins = 0b0001
    call(chip)
    changed = range(address, address + len(bytes.fromhex(expected)))
    before = bytes.fromhex(ELSEWHERE)
    assert all(port.registers[n] == before[n] for n in range(24) if n not in changed)
    assert port.registers == chip.files[0].raw


def test_a_burst_is_what_goes_over_the_wire() -> None:
    chip, (port,) = make()
    chip.configure(channels=range(1, 8), gain=12, mux="normal")
    assert port.log == ["C0A", "C11", "R00+24", "W05:50505050505050", "R00+24"]


def test_only_what_differs_is_written_and_neighbours_go_in_one_burst() -> None:
    chip, (port,) = make()
    chip.configure(channels=[1, 2, 4], gain=8)
    assert port.writes == [(0x05, "41 41"), (0x08, "41")]
    port.writes.clear()
    chip.configure(channels=[1, 2, 4], gain=8)
    assert port.writes == []


def test_a_change_of_rate_loses_no_other_setting() -> None:
    chip, (port,) = make()
    chip.lead_off(current="6nA", frequency=31.25, sense_p=[3])
    chip.configure(gain=12, mux="normal")
    before = bytearray(port.registers)
    for rate, byte in [(1000, 0x94), (2000, 0x93), (250, 0x96), (16000, 0x90)]:
        chip.set_rate(rate)
        before[1] = byte
        assert port.registers == before
    assert chip.rate_hz == 16000


def test_rate_and_gain_are_set_at_once_and_the_rate_is_of_all_channels() -> None:
    chip, (port,) = make()
    chip.configure(gain=12, rate_hz=1000)
    assert port.writes == [(0x01, "94"), (0x05, "51 51 51 51 51 51 51 51")]
    with pytest.raises(ValueError, match="rate_hz is of all channels"):
        chip.configure(channels=[1], rate_hz=500)
    with pytest.raises(ValueError, match="rate"):
        chip.configure(rate_hz=999)
    assert chip.rate_hz == 1000.0


def test_firmware_that_resets_the_chip_to_change_its_rate_is_found_out() -> None:
    class Cyton(FakePort):
        def write(self, address: int, data: bytes) -> None:
            super().write(address, data)
            if address == 0x01:
                self.registers[0x04] = 0x00

    port = Cyton()
    chip = Ads1299([port], clock=FakeClock())
    chip.identify()
    chip.lead_off(frequency=31.25)
    with pytest.raises(ReadBackError, match=r"LOFF \(FLEAD_OFF\) reads 00h, expected 02h"):
        chip.set_rate(1000)
    assert port.registers[0x04] == 0x02
    assert chip.files[0].raw == port.registers


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.set_rate(1200), r"board\.rate: 1200 .* 16000, 8000, 4000"),
        (lambda c: c.configure(gain=3), r"channel\.gain: 3 .* 1, 2, 4, 6, 8, 12, 24"),
        (lambda c: c.configure(mux="open"), r"channel\.mux: 'open' .* normal, shorted"),
        (lambda c: c.configure(channels=[9], gain=1), "channel 9: this board has 1 to 8"),
        (lambda c: c.configure(channels=3, gain=1), "list of channels"),
        (lambda c: c.configure(srb2=2), r"channel\.srb2: 2 .* closed \(true\) or open \(false\)"),
        (lambda c: c.bias(sense_p=[0]), "list of channels"),
        (lambda c: c.bias(sense_n=[8, 9]), r"bias\.sense_n: there is no channel 9"),
        (lambda c: c.lead_off(current="12nA"), "6nA, 24nA, 6uA, 24uA"),
        (lambda c: c.lead_off(threshold=99), "95, 92.5"),
        (lambda c: c.test_signal(amplitude=3), "1, 2"),
        (lambda c: c.read_back_mode("chain"), r"multiple \(true\) or daisy \(false\)"),
        (lambda c: c.gpio(high=[5]), "1 to 4"),
        (lambda c: c.gpio(chip=2, high=[1]), "no chip 2"),
        (lambda c: c.write_registers(0x01, b"\x06"), "CONFIG1 = 06h: bit 7 is reserved"),
        (lambda c: c.write_registers(0x05, b"\x71"), "CH1SET = 71h: GAINn .* 1, 2, 4, 6"),
        (lambda c: c.write_registers(0x17, b"\x00\x00"), "00h to 17h"),
        (lambda c: c.write_registers(0x18, b"\x00"), "00h to 17h"),
        (lambda c: c.write_registers(0x01, b""), "00h to 17h"),
    ],
)
def test_what_the_chip_cannot_do_is_refused_before_anything_is_sent(
    call: Call, message: str
) -> None:
    chip, (port,) = make()
    with pytest.raises(ValueError, match=message):
        call(chip)
    assert port.log == []


def test_power_down_shorts_the_channel_and_power_up_keeps_its_mux() -> None:
    chip, (port,) = make()
    chip.configure(channels=[2], gain=12, mux="normal")
    chip.configure(channels=[2], power_down=True)
    assert port.registers[0x06] == 0xD1
    assert chip.powered.tolist() == [True, False] + [True] * 6
    chip.configure(channels=[2], power_down=False)
    assert port.registers[0x06] == 0x51
    chip.configure(channels=[2], power_down=True, mux="test")
    assert port.registers[0x06] == 0xD5


def test_gpio_reads_inputs_and_does_not_compare_them() -> None:
    chip, (port,) = make()
    port.pins = 0b1010
    assert chip.gpio(outputs=[1], high=[1]) == {1, 2, 4}
    port.pins = 0b0100
    assert chip.gpio(high=[]) == {3}


def test_a_shorted_gpio_output_is_found_out() -> None:
    chip, (port,) = make()
    port.stuck[0x14] = (0x10, 0x00)
    with pytest.raises(ReadBackError, match=r"GPIO \(GPIOD1\)"):
        chip.gpio(outputs=[1], high=[1])


def test_the_reference_gets_its_time_once() -> None:
    clock = FakeClock()
    chip = Ads1299([FakePort()], clock=clock)
    chip.identify()
    chip.reference(internal=True)
    assert clock.slept_s == [0.150]
    chip.reference(internal=True)
    chip.bias(amplifier=True)
    assert clock.slept_s == [0.150]


def test_lead_off_status_says_only_what_is_sensed() -> None:
    chip, (port,) = make()
    port.registers[0x12:0x14] = b"\x81\x03"
    assert chip.lead_off_status() == LeadOffStatus(set(), set(), set(), set(), None)
    chip.lead_off(comparators=True, sense_p=[1, 2], sense_n=[2])
    chip.bias(lead_off_sense=True)
    port.registers[0x03] |= 0x01
    assert chip.lead_off_status() == LeadOffStatus({1}, {2}, {1, 2}, {2}, True)


# Several chips


def test_two_chips_are_one_board_of_sixteen_channels() -> None:
    chip, (first, second) = make(8, 8)
    assert chip.n_channels == 16
    chip.configure(channels=[8, 9, 16], gain=12)
    assert first.writes == [(0x0C, "51")]
    assert second.writes == [(0x05, "51"), (0x0C, "51")]
    assert chip.gains.tolist() == [24] * 7 + [12, 12] + [24] * 6 + [12]
    chip.bias(sense_p=[1, 8, 9, 10])
    assert (first.registers[0x0D], second.registers[0x0D]) == (0x81, 0x03)
    chip.set_rate(2000)
    assert (first.registers[0x01], second.registers[0x01]) == (0x93, 0x93)


def test_only_the_first_chip_drives_the_clock() -> None:
    chip, (first, second) = make(8, 8)
    chip.clock_output(True)
    assert (first.registers[0x01], second.registers[0x01]) == (0xB6, 0x96)


def test_lead_off_of_the_second_chip_has_the_boards_channel_numbers() -> None:
    chip, (_, second) = make(8, 8)
    chip.lead_off(comparators=True, sense_p=[8, 9, 16])
    second.registers[0x12] = 0x81
    assert chip.lead_off_status()[:3] == ({9, 16}, frozenset(), {8, 9, 16})


def test_a_fault_of_one_chip_restores_both() -> None:
    chip, (first, second) = make(8, 8)
    second.stuck[0x01] = (0x01, 0x00)
    with pytest.raises(ReadBackError, match="chip 2: CONFIG1"):
        chip.set_rate(500)
    assert (first.registers[0x01], second.registers[0x01]) == (0x96, 0x96)
    assert chip.rate_hz == 250


def test_chips_of_different_rates_have_no_common_rate() -> None:
    chip, _ = make(8, 8)
    chip.write_registers(0x01, b"\x94", chip=2)
    with pytest.raises(DeviceError, match="different rates"):
        _ = chip.rate_hz


def test_smaller_parts_mix_with_larger_ones() -> None:
    chip, (first, second) = make(4, 6)
    chip.configure(gain=8, mux="normal")
    assert chip.gains.tolist() == [8] * 10
    chip.lead_off(sense_n=[4, 5, 10])
    assert (first.registers[0x10], second.registers[0x10]) == (0x08, 0x21)
    with pytest.raises(ValueError, match="this board has 1 to 10"):
        chip.configure(channels=[11], gain=1)
