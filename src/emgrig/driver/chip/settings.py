"""What a person says about a board, as register bits: one table for calls and for profiles.

`SECTIONS` maps each word (section and key) to its field. `say` and `say_channels` turn words into
`Settings`, which name only the bits they mean, so that any number of them can be put together and
written in one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from emgrig.driver.chip.bits import Bits, Register
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import (
    N_REGISTERS,
    PLACES,
    BiasSenseN,
    BiasSenseP,
    ChannelSettings,
    Config1,
    Config2,
    Config3,
    Config4,
    Gpio,
    LeadOffControl,
    LeadOffFlip,
    LeadOffSenseN,
    LeadOffSenseP,
    Misc1,
    Mux,
)


class Setting(NamedTuple):
    """Where a setting lives: a field of a register, on every chip or on the first alone."""

    register: type[Register]
    attribute: str
    first_chip_only: bool = False

    @property
    def field(self) -> Bits:
        """The field's declaration."""
        return self.register.field(self.attribute)


SECTIONS: dict[str, dict[str, Setting]] = {
    "board": {
        "rate": Setting(Config1, "rate"),
        "reference": Setting(Config3, "internal_reference"),
        "srb1": Setting(Misc1, "srb1_closed"),
        "single_shot": Setting(Config4, "single_shot"),
        "read_back": Setting(Config1, "multiple_read_back"),
        # The first chip drives the clock of the others; two outputs on one line would fight.
        "clock_output": Setting(Config1, "clock_output", first_chip_only=True),
    },
    "bias": {
        "sense_p": Setting(BiasSenseP, "channels"),
        "sense_n": Setting(BiasSenseN, "channels"),
        "amplifier": Setting(Config3, "bias_amplifier"),
        "measure": Setting(Config3, "bias_measure"),
        "internal_reference": Setting(Config3, "internal_bias_reference"),
        "lead_off_sense": Setting(Config3, "bias_lead_off_sense"),
    },
    "lead_off": {
        "current": Setting(LeadOffControl, "current"),
        "frequency": Setting(LeadOffControl, "frequency"),
        "threshold": Setting(LeadOffControl, "threshold"),
        "sense_p": Setting(LeadOffSenseP, "channels"),
        "sense_n": Setting(LeadOffSenseN, "channels"),
        "flip": Setting(LeadOffFlip, "channels"),
        "comparators": Setting(Config4, "comparators"),
    },
    "test_signal": {
        "on": Setting(Config2, "internal"),
        "amplitude": Setting(Config2, "amplitude"),
        "frequency": Setting(Config2, "frequency"),
    },
    "channel": {
        "gain": Setting(ChannelSettings, "gain"),
        "mux": Setting(ChannelSettings, "mux"),
        "power_down": Setting(ChannelSettings, "power_down"),
        "srb2": Setting(ChannelSettings, "srb2_closed"),
    },
}


class Edit(NamedTuple):
    """Bits of one register: those in `mask` become those of `bits`; chip_index 0 is the first."""

    chip_index: int
    address: int
    mask: int
    bits: int


@dataclass(frozen=True)
class Settings:
    """Bits to set, on one or more chips; where two say the same bit, the later one holds."""

    edits: tuple[Edit, ...] = ()  #: The bits, in order.
    force: bool = False  #: Let reserved codes and bits through, for work on the bench.

    def __add__(self, later: "Settings") -> "Settings":
        return Settings(self.edits + later.edits, self.force or later.force)

    def applied_to(self, file: RegisterFile, chip_index: int) -> RegisterFile:
        """Return what the chip is to hold if it now holds `file`."""
        raw = bytearray(file.raw)
        for edit in self.edits:
            if edit.chip_index == chip_index:
                raw[edit.address] = raw[edit.address] & ~edit.mask | edit.bits & edit.mask
        return replace(file, raw=bytes(raw))

    @classmethod
    def of_files(cls, files: Sequence[RegisterFile]) -> "Settings":
        """Return what brings chips to hold `files`, in all that can be written."""
        return cls(
            tuple(
                Edit(chip_index, place.address, place.writable(file.n_channels), byte)
                for chip_index, file in enumerate(files)
                for place, byte in zip(PLACES, file.raw, strict=True)
            )
        )

    @classmethod
    def of_bytes(
        cls, chip_index: int, address: int, data: bytes, n_channels: int, *, force: bool = False
    ) -> "Settings":
        """Return raw bytes from `address` on; read-only bits among them are not written.

        Raises
        ------
        ValueError
            If they reach past 17h, or (unless `force`) have a reserved code or bit in them.
        """
        if not data or not 0 <= address <= N_REGISTERS - len(data):
            raise ValueError(
                f"{len(data)} bytes from {address:02X}h on: the registers are 00h to 17h"
            )
        edits = []
        for place, byte in zip(PLACES[address:], data, strict=False):
            mask = place.writable(n_channels)
            problems = place.problems(byte, n_channels)
            if mask and problems and not force:
                raise ValueError(f"{place.name} = {byte:02X}h: {'; '.join(problems)}")
            edits.append(Edit(chip_index, place.address, mask, byte))
        return cls(tuple(edits), force)


def locate(channel: object, parts: Sequence[int]) -> tuple[int, int]:
    """Return the chip index and the chip's own number of a channel of the board.

    `parts` are the chips' numbers of channels; channel 9 is the first of the second of two of 8.
    A channel that the board does not have is a ValueError.
    """
    if isinstance(channel, bool) or not isinstance(channel, int) or not 1 <= channel <= sum(parts):
        raise ValueError(
            f"there is no channel {channel!r}: this board has 1 to {sum(parts)}; a profile for it "
            "must list its own channels (a TOML file, docs/profiles.md)"
        )
    chip_index = 0
    while channel > parts[chip_index]:
        channel -= parts[chip_index]
        chip_index += 1
    return chip_index, channel


def parse(section: str, key: str, said: object, *, where: str = "") -> object:
    """Check what is said for a setting, without a board; return its value.

    `where` is what a message calls the setting if that is not "section.key".

    Raises
    ------
    ValueError
        If it is not allowed; the message names the setting and what is.
    """
    setting = SECTIONS[section][key]
    try:
        if setting.register.CHANNEL_BITS:
            return _channel_list(said)
        return setting.field.parse(said)
    except ValueError as error:
        raise ValueError(f"{where or f'{section}.{key}'}: {error}") from error


def say(section: str, parts: Sequence[int], **words: object) -> Settings:
    """Turn words of a section other than "channel" into settings; None leaves a setting as it is.

    A list of channels is the whole list: those not in it are switched off, on every chip.

    Raises
    ------
    ValueError
        If a value is not allowed or a channel does not exist.
    """
    edits: list[Edit] = []
    for key, said in words.items():
        if said is None:
            continue
        setting, value = SECTIONS[section][key], parse(section, key, said)
        values = [value] * (1 if setting.first_chip_only else len(parts))
        if isinstance(value, frozenset):
            values = _per_chip(value, parts, f"{section}.{key}")
        edits += [_edit(setting, value, chip_index) for chip_index, value in enumerate(values)]
    return Settings(tuple(edits))


def say_channels(channels: Iterable[int] | None, parts: Sequence[int], **words: object) -> Settings:
    """Turn words of the section "channel" into settings of `channels`, or of all if that is None.

    A channel that is powered down is shorted too, as the data sheet asks (9.6.1.6), unless `mux`
    is said. One that is powered up keeps its mux.
    """
    said = {key: parse("channel", key, said) for key, said in words.items() if said is not None}
    if said.get("power_down") is True:
        said.setdefault("mux", Mux.SHORTED)
    which = range(1, sum(parts) + 1) if channels is None else sorted(_channel_list(channels))
    return Settings(
        tuple(
            _edit(SECTIONS["channel"][key], value, *locate(channel, parts))
            for channel in which
            for key, value in said.items()
        )
    )


def say_gpio(
    chip_index: int, *, outputs: Iterable[int] | None, high: Iterable[int] | None
) -> Settings:
    """Turn pin numbers, 1 to 4, into settings of one chip: its outputs, and those that are high."""
    edits = []
    if outputs is not None:
        pins = Gpio.field("inputs").parse(outputs)
        inputs = frozenset({1, 2, 3, 4}).difference(pins if isinstance(pins, frozenset) else ())
        edits.append(_edit(Setting(Gpio, "inputs"), inputs, chip_index))
    if high is not None:
        levels = Gpio.field("high").parse(high)
        edits.append(_edit(Setting(Gpio, "high"), levels, chip_index))
    return Settings(tuple(edits))


def _edit(setting: Setting, value: object, chip_index: int, n: int = 1) -> Edit:
    field = setting.field
    return Edit(chip_index, setting.register.ADDRESS + n - 1, field.mask, field.encode(value))


def _channel_list(said: object) -> frozenset[int]:
    channels = []
    for n in said if isinstance(said, Iterable) else [None]:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"{said!r} is not allowed; it is a list of channels, as [1, 2, 3]")
        channels.append(n)
    return frozenset(channels)


def _per_chip(channels: frozenset[int], parts: Sequence[int], what: str) -> list[object]:
    try:
        located = [locate(channel, parts) for channel in channels]
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    return [
        frozenset(n for index, n in located if index == chip_index)
        for chip_index in range(len(parts))
    ]
