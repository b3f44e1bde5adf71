"""The register map and files, against the data sheet's numbers written down here by hand."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.chip.bits import Code, Register, bits, register
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import (
    PLACES,
    REGISTERS,
    BiasSenseP,
    CalAmplitude,
    CalFrequency,
    ChannelSettings,
    ComparatorThreshold,
    Config1,
    Config2,
    Config4,
    DataRate,
    Gain,
    Gpio,
    LeadOffControl,
    LeadOffCurrent,
    LeadOffFrequency,
    Mux,
    decode_status,
)
from emgrig.errors import DeviceError

RESET_DUMPS = {
    8: "3E 96 C0 60 00 61 61 61 61 61 61 61 61 00 00 00 00 00 00 00 0F 00 00 00",
    6: "3D 96 C0 60 00 61 61 61 61 61 61 00 00 00 00 00 00 00 00 00 0F 00 00 00",
    4: "3C 96 C0 60 00 61 61 61 61 00 00 00 00 00 00 00 00 00 00 00 0F 00 00 00",
}
NAMES = [
    "ID", "CONFIG1", "CONFIG2", "CONFIG3", "LOFF",
    "CH1SET", "CH2SET", "CH3SET", "CH4SET", "CH5SET", "CH6SET", "CH7SET", "CH8SET",
    "BIAS_SENSP", "BIAS_SENSN", "LOFF_SENSP", "LOFF_SENSN", "LOFF_FLIP", "LOFF_STATP", "LOFF_STATN",
    "GPIO", "MISC1", "MISC2", "CONFIG4",
]  # fmt: skip


def is_legal(address: int, byte: int) -> bool:
    """What the 8-channel part may hold, from SBAS499C table 11, apart from the code under test."""
    reserved = {0x00: (0x1C, 0x1C), 0x01: (0x98, 0x90), 0x02: (0xE8, 0xC0), 0x03: (0x60, 0x60)}
    reserved |= {0x04: (0x10, 0x00), 0x15: (0xDF, 0x00), 0x16: (0xFF, 0x00), 0x17: (0xF5, 0x00)}
    mask, value = reserved.get(address, (0, 0))
    unused_code = {0x00: (0x03, 0x03), 0x01: (0x07, 0x07), 0x02: (0x03, 0x02)}
    unused_code |= dict.fromkeys(range(0x05, 0x0D), (0x70, 0x70))
    code_mask, code = unused_code.get(address, (0, 1))
    return byte & mask == value and byte & code_mask != code


@pytest.mark.parametrize("n_channels", [4, 6, 8])
def test_reset_dumps_of_the_three_parts(n_channels: int) -> None:
    assert RegisterFile.reset(n_channels).raw.hex(" ").upper() == RESET_DUMPS[n_channels]


def test_names_are_those_of_the_data_sheet() -> None:
    assert [place.name for place in PLACES] == NAMES
    assert [row.name for row in RegisterFile.reset().render()] == NAMES


@pytest.mark.parametrize("address", range(24))
def test_every_legal_byte_round_trips_and_every_other_is_refused(address: int) -> None:
    cls = PLACES[address].register
    for byte in range(256):
        if is_legal(address, byte):
            assert cls.decode(byte).encode() == byte
            assert not PLACES[address].problems(byte, 8)
        else:
            assert PLACES[address].problems(byte, 8)
            with pytest.raises(DeviceError, match=f"{byte:02X}h"):
                cls.decode(byte)


@pytest.mark.parametrize(
    ("n_channels", "masks"),
    [  # by hand; ID, 12h, 13h and BIAS_STAT in CONFIG3 are read-only
        (8, "00 FF FF FE FF FF FF FF FF FF FF FF FF FF FF FF FF FF 00 00 FF FF FF FF"),
        (6, "00 FF FF FE FF FF FF FF FF FF FF 00 00 3F 3F 3F 3F 3F 00 00 FF FF FF FF"),
        (4, "00 FF FF FE FF FF FF FF FF 00 00 00 00 0F 0F 0F 0F 0F 00 00 FF FF FF FF"),
    ],
)
def test_writable_bits(n_channels: int, masks: str) -> None:
    assert bytes(place.writable(n_channels) for place in PLACES) == bytes.fromhex(masks)


@pytest.mark.parametrize("n_channels", [4, 6])
def test_smaller_parts_refuse_what_they_do_not_have(n_channels: int) -> None:
    for address in (0x05 + n_channels, 0x0D, 0x11):
        byte = 0x61 if address < 0x0D else 1 << n_channels
        assert "channels" in PLACES[address].problems(byte, n_channels)[0]
    assert not RegisterFile.reset(n_channels).problems()


FACT_SHEET_BYTES = [  # section 10.1 and the "handy" lists of the fact sheet
    (Config1(rate=DataRate.SPS_250), 0x96),
    (Config1(rate=DataRate.SPS_500), 0x95),
    (Config1(rate=DataRate.SPS_1000), 0x94),
    (Config1(rate=DataRate.SPS_2000), 0x93),
    (Config1(rate=DataRate.SPS_16000), 0x90),
    (Config1(rate=DataRate.SPS_1000, clock_output=True), 0xB4),
    (Config1(rate=DataRate.SPS_1000, multiple_read_back=True), 0xD4),
    (ChannelSettings(gain=Gain.X12, mux=Mux.NORMAL), 0x50),
    (ChannelSettings(gain=Gain.X1, mux=Mux.SHORTED, power_down=True), 0x81),
    (ChannelSettings(gain=Gain.X24, mux=Mux.NORMAL, srb2_closed=True), 0x68),
    (ChannelSettings(gain=Gain.X24, mux=Mux.TEST), 0x65),
    (ChannelSettings(gain=Gain.X1, mux=Mux.SUPPLY), 0x03),
    (ChannelSettings(gain=Gain.X1, mux=Mux.TEMPERATURE), 0x04),
    (BiasSenseP(channels=frozenset(range(1, 8))), 0x7F),
    (LeadOffControl(frequency=LeadOffFrequency.HZ_31), 0x02),
    (LeadOffControl(LeadOffControl().threshold.P70, LeadOffCurrent.NA_24), 0xE4),
    (
        LeadOffControl(frequency=LeadOffFrequency.QUARTER_RATE, current=LeadOffCurrent.NA_24),
        0x07,
    ),
    (Config2(internal=True), 0xD0),
    (Config4(comparators=True, single_shot=True), 0x0A),
    (Gpio(high=frozenset({2, 4}), inputs=frozenset()), 0xA0),
]


@pytest.mark.parametrize(("settings", "byte"), FACT_SHEET_BYTES)
def test_settings_have_the_bytes_of_the_fact_sheet(settings: Register, byte: int) -> None:
    assert settings.encode() == byte


@pytest.mark.parametrize(
    ("loff_p", "loff_n", "gpio", "word"),
    [
        (0x00, 0x00, 0x0, "C00000"), (0x00, 0x00, 0xF, "C0000F"), (0x01, 0x00, 0x0, "C01000"),
        (0x80, 0x00, 0x0, "C80000"), (0x00, 0x01, 0x0, "C00010"), (0x00, 0x80, 0x5, "C00805"),
        (0x40, 0x02, 0x0, "C40020"), (0x7F, 0x7F, 0x0, "C7F7F0"), (0xA5, 0x3C, 0x9, "CA53C9"),
        (0xFF, 0xFF, 0xF, "CFFFFF"),
    ],
)  # fmt: skip
def test_status_words(loff_p: int, loff_n: int, gpio: int, word: str) -> None:
    assert decode_status(int(word, 16)) == (loff_p, loff_n, gpio)


@pytest.mark.parametrize("word", [0x600000, 0x800000, 0x000000, 0xFFFFFF, 0x1C00000])
def test_a_status_word_that_does_not_begin_with_1100_is_refused(word: int) -> None:
    with pytest.raises(DeviceError, match="1100b"):
        decode_status(word)


@pytest.mark.parametrize(
    ("code_bytes", "gain", "microvolts"),
    [
        ("7FFFFF", 24, 187499.978), ("800000", 24, -187500), ("000001", 24, 0.0223517418),
        ("FFFFFF", 24, -0.0223517418), ("000000", 24, 0), ("7FFFFF", 1, 4499999.46),
        ("800000", 1, -4500000), ("000001", 1, 0.536441803), ("000001", 12, 0.0447034836),
        ("400000", 12, 187500), ("C00000", 12, -187500), ("0147AE", 24, 1874.99821),
        ("FEB852", 24, -1874.99821), ("123456", 6, 106666.625), ("EDCBAA", 6, -106666.625),
        ("00A000", 8, 2746.58203), ("FFFE0C", 4, -67.0552254), ("0001F4", 2, 134.110451),
        ("28F5C3", 24, 60000.0098), ("D70A3D", 24, -60000.0098), ("470F4D", 1, 2498194.99),
    ],
)  # fmt: skip
def test_codes_to_volts(code_bytes: str, gain: int, microvolts: float) -> None:
    channel = ChannelSettings(gain=Gain.parse(gain)).encode()
    file = RegisterFile(RegisterFile.reset().raw[:5] + bytes([channel] * 8) + bytes(11))
    code = int.from_bytes(bytes.fromhex(code_bytes), signed=True)
    assert code * file.scale_v()[7] * 1e6 == pytest.approx(microvolts, rel=5e-9, abs=1e-12)


def test_a_file_says_gain_mux_power_and_rate() -> None:
    file = RegisterFile.from_hex("3E B3 C0 E0 00 50 03 E5 81" + " 61" * 4 + " 00" * 11)
    assert file.gains.tolist() == [12, 1, 24, 1, 24, 24, 24, 24]
    assert file.mux[:4] == (Mux.NORMAL, Mux.SUPPLY, Mux.TEST, Mux.SHORTED)
    assert file.powered.tolist() == [True, True, False, False, True, True, True, True]
    assert file.rate_hz() == 2000
    assert file.rate_hz(2.25e6) == pytest.approx(2.25e6 / 1024)
    np.testing.assert_allclose(file.scale_v(4.096)[0], 4.096 / 12 / 2**23, rtol=1e-15)


@pytest.mark.parametrize(
    "text", ["3E96C060", "0x3E,0x96, 0xc0,0x60", "3Eh 96h C0h 60h", "3E:96:C0\n60"]
)
def test_dumps_are_read_as_people_write_them(text: str) -> None:
    assert RegisterFile.from_hex(text + " 00" * 20).raw[:4] == bytes.fromhex("3E96C060")


@pytest.mark.parametrize("text", ["3E 96", "3E 9", "nothing", "", "00 " * 25])
def test_what_is_not_a_dump_of_24_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        RegisterFile.from_hex(text)


@pytest.mark.slow
@given(raw=st.binary(min_size=24, max_size=24), n_channels=st.sampled_from([4, 6, 8]))
def test_any_bytes_can_be_shown(raw: bytes, n_channels: int) -> None:
    file = RegisterFile(raw, n_channels)
    rows = file.render()
    assert bytes(int(row.hex[:2], 16) for row in rows) == raw
    assert all(row.fields for row in rows)
    sick = {problem.split(" ")[0] for problem in file.problems()}
    if n_channels == 8:
        assert sick == {NAMES[n] for n in range(1, 24) if not is_legal(n, raw[n])}


@pytest.mark.slow
@given(
    old=st.binary(min_size=24, max_size=24),
    new=st.binary(min_size=24, max_size=24),
)
def test_differences_of_two_files_turn_one_into_the_other(old: bytes, new: bytes) -> None:
    a, b = RegisterFile(old), RegisterFile(new)
    differences = a.differences(b)
    assert a.patched(differences) == b
    assert {d.address for d in differences} == {n for n in range(24) if old[n] != new[n]}
    assert not b.differences(b)


def test_a_difference_says_register_field_and_words() -> None:
    old = RegisterFile.reset()
    new = RegisterFile(old.raw[:7] + b"\x55" + old.raw[8:13] + b"\x81" + old.raw[14:])
    assert [tuple(d[1:5]) for d in old.differences(new)] == [
        ("CH3SET", "GAIN3", "24", "12"),
        ("CH3SET", "MUX3", "shorted", "test"),
        ("BIAS_SENSP", "BIASP", "none", "1,8"),
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [  # the data sheet's tables: the word for code 0, 1, 2 ...; None is "do not use"
        (DataRate, [16000, 8000, 4000, 2000, 1000, 500, 250, None]),
        (Gain, [1, 2, 4, 6, 8, 12, 24, None]),
        (CalAmplitude, [1, 2]),
        (CalFrequency, ["slow", "fast", None, "dc"]),
        (ComparatorThreshold, [95, 92.5, 90, 87.5, 85, 80, 75, 70]),
        (LeadOffCurrent, ["6nA", "24nA", "6uA", "24uA"]),
        (LeadOffFrequency, ["dc", 7.8125, 31.25, "rate/4"]),
        (
            Mux,
            [
                "normal",
                "shorted",
                "bias_meas",
                "mvdd",
                "temperature",
                "test",
                "bias_drp",
                "bias_drn",
            ],
        ),
    ],
)
def test_words_have_the_codes_of_the_data_sheet(code: type[Code], words: list[object]) -> None:
    assert {word: code.parse(word).code for word in words if word is not None} == {
        word: n for n, word in enumerate(words) if word is not None
    }
    assert len(code) == len([word for word in words if word is not None])


@pytest.mark.parametrize("said", [24, "24", 24.0, " 24 ", Gain.X24])
def test_words_are_taken_as_people_say_them(said: object) -> None:
    assert Gain.parse(said) is Gain.X24


@pytest.mark.parametrize(
    ("code", "said", "member"),
    [
        (LeadOffCurrent, "6 nA", LeadOffCurrent.NA_6),
        (LeadOffCurrent, "24 µA", LeadOffCurrent.UA_24),
        (LeadOffFrequency, 31.2, LeadOffFrequency.HZ_31),
        (LeadOffFrequency, "DC", LeadOffFrequency.DC),
        (Mux, "bias-drive-p", Mux.BIAS_DRIVE_P),
        (Mux, "MVDD", Mux.SUPPLY),
    ],
)
def test_other_words_for_the_same_code(code: type[Code], said: object, member: Code) -> None:
    assert code.parse(said) is member


@pytest.mark.parametrize("said", [True, 3, 0, -1, None, "x24", "", [24], float("nan"), Mux.TEST])
def test_what_is_not_a_gain_is_refused_with_what_is(said: object) -> None:
    with pytest.raises(ValueError, match="1, 2, 4, 6, 8, 12, 24"):
        Gain.parse(said)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gain", 24), ("gain", 7), ("gain", Mux.TEST), ("mux", Gain.X24), ("srb2_closed", 1),
        ("power_down", None),
    ],
)  # fmt: skip
def test_a_register_refuses_values_of_the_wrong_kind(field: str, value: object) -> None:
    with pytest.raises(TypeError, match=field):
        dataclasses.replace(ChannelSettings(), **{field: value})


@pytest.mark.parametrize("channel", [9, 0, -1, True, "1", 1.0, 10**12])
def test_a_register_refuses_channels_that_do_not_fit(channel: object) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        BiasSenseP(frozenset([channel]))  # type: ignore[list-item]


def test_declarations_cover_the_map_once() -> None:
    assert sum(cls.COUNT for cls in REGISTERS) == len(PLACES) == 24


class Two(Code):
    A = 0, "a"
    B = 1, "b"


def declare(reset: int, fixed: str, **fields: object) -> None:
    """Declare a register of bool and Two fields, as a class statement does."""
    namespace: dict[str, object] = {"__annotations__": {}, **fields}
    for name in fields:
        namespace["__annotations__"][name] = Two if name.startswith("two") else bool  # type: ignore[index]
    cls = dataclass(frozen=True)(type("Odd", (Register,), namespace))
    register("ODD", address=0, reset=reset, fixed=fixed)(cls)


def test_a_sound_declaration_passes() -> None:
    declare(
        0x80, "1000----", a=bits(3, name="A", reset=False), two=bits(2, 0, name="T", reset=Two.A)
    )


@pytest.mark.parametrize(
    ("reset", "fixed", "fields", "problem"),
    [
        (0x60, "1000000-", {"a": bits(0, name="A", reset=False)}, "reset to 0x80, not 0x60"),
        (0x00, "0000000-", {}, "00000001 are not declared"),
        (0x00, "00000000", {"a": bits(0, name="A", reset=False)}, "overlaps"),
        (0x00, "000000--", {"a": bits(1, 0, name="A", reset=False)}, "width"),
        (0x00, "0000000-", {"two": bits(0, name="T", reset=False)}, "two must be Two"),
        (0x00, "0000000-", {"a": bits(8, name="A", reset=False)}, "not in a byte"),
        (0x00, "0000000-", {"a": bits(0, 1, name="A", reset=False)}, "not in a byte"),
        (0x00, "0000000", {"a": bits(0, name="A", reset=False)}, "eight bits"),
        (0x00, "0000000-", {"a": False}, "not declared with bits"),
    ],
)
def test_a_wrong_declaration_stops_the_import(
    reset: int, fixed: str, fields: dict[str, object], problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        declare(reset, fixed, **fields)


def test_a_code_wider_than_its_bits_stops_the_import() -> None:
    with pytest.raises(TypeError, match="width"):

        @register("ODD", address=0, reset=0, fixed="0000000-")
        @dataclass(frozen=True)
        class Odd(Register):
            gain: Gain = bits(0, name="GAIN", reset=Gain.X1)
