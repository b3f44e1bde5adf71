"""What a session notes down is read back from JSON, or refused if it is not that."""

import json
from dataclasses import replace

import numpy as np
import pytest

from emgrig.driver.captures.journal import (
    Entry,
    epoch_entry,
    identity_entry,
    read_epoch,
    read_identity,
)
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import make_epoch
from emgrig.errors import DeviceError, RecordingError
from emgrig.protocol.packets import Capability
from fake_board import RESET

IDENTITY = BoardIdentity(
    "E-7", "1.2", "abc", 1, 8, 2.048e6, 4.5, (1, 3), (2200,), Capability.SIMULATED, 64, 1, (0x3E,)
)
EPOCH = make_epoch(3, [RegisterFile(RESET)], f_clk_hz=2.048e6, vref_v=4.5)


def through_json(entry: Entry) -> Entry:
    read: Entry = json.loads(json.dumps({**entry, "unix_s": 1.5}))
    return read


def test_an_identity_comes_back_from_json() -> None:
    entry = identity_entry(IDENTITY, "sim:")
    assert (entry["kind"], entry["address"]) == ("identity", "sim:")
    assert read_identity(through_json(entry)) == IDENTITY


def test_an_epoch_comes_back_from_json_with_its_scale_worked_out_anew() -> None:
    entry = through_json(epoch_entry(EPOCH, IDENTITY, ["left", "right"]))
    assert entry["channel_names"] == ["left", "right"]
    assert entry["rate_hz"] == 250.0  # CONFIG1 resets to 96h
    read = read_epoch({**entry, "gains": [1.0], "rate_hz": 1.0})  # for people only
    assert (read.number, read.registers, read.rate_hz) == (3, (RESET,), 250.0)
    np.testing.assert_allclose(read.scale_v, np.full(8, 4.5 / 24 / 2**23))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chip_ids": 62}, "chip_ids is 62; a list was expected"),
        ({"capabilities": "all"}, "capabilities is 'all'; a whole number was expected"),
        ({"series_ohm": None}, "series_ohm is None; a list was expected"),
        (
            {"channels_wired": [1, 10**15]},
            r"channels_wired.* is 1000000000000000; a whole number from 1 to 32",
        ),
        ({"vref_v": float("inf")}, "vref_v is inf; a number"),
        ({"chip_count": 5}, "chip_count is 5; a whole number from 1 to 4"),
        ({"channels_per_chip": 7}, "channels_per_chip is 7; one of 0, 4, 6, 8"),
        ({"series_ohm": [-1]}, "series_ohm.* is -1; a whole number from 0 to"),
    ],
)
def test_what_is_no_identity_is_refused(change: Entry, words: str) -> None:
    entry = {**through_json(identity_entry(IDENTITY, "sim:")), **change}
    with pytest.raises(RecordingError, match=f"identity note of the capture: {words}"):
        read_identity(entry)


@pytest.mark.parametrize("lacking", ["serial_number", "channels_wired", "capabilities"])
def test_an_identity_that_lacks_something_is_refused(lacking: str) -> None:
    entry = through_json(identity_entry(IDENTITY, "sim:"))
    del entry[lacking]
    with pytest.raises(
        RecordingError, match=f"identity note of the capture: {lacking} is missing; "
    ):
        read_identity(entry)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "3"}, "number is '3'; a whole number was expected"),
        ({"channels_per_chip": 8.5}, "channels_per_chip is 8.5; a whole number was expected"),
        ({"vref_v": "4.5"}, "vref_v is '4.5'; a number from 0 to 1000"),
        ({"vref_v": 0.0}, "f_clk_hz is 2.048e\\+06, vref_v 0; numbers above 0"),
        ({"registers": RESET.hex()}, "registers is '3e96.*'; a list was expected"),
        ({"registers": ["no hex"]}, "non-hexadecimal"),
        ({"registers": ["00"]}, "24"),
    ],
)
def test_what_is_no_epoch_is_refused(change: Entry, words: str) -> None:
    entry = {**through_json(epoch_entry(EPOCH, IDENTITY, [])), **change}
    with pytest.raises(RecordingError, match=f"epoch note of the capture: .*{words}"):
        read_epoch(entry)


def test_an_epoch_without_its_clock_is_refused() -> None:
    entry = through_json(epoch_entry(EPOCH, IDENTITY, []))
    del entry["f_clk_hz"]
    with pytest.raises(RecordingError, match="f_clk_hz is missing; a number"):
        read_epoch(entry)


def test_registers_that_mean_nothing_are_the_chips_fault() -> None:
    raw = bytearray(RESET)
    raw[5] = 0x71  # gain 111b: do not use
    entry = {**epoch_entry(EPOCH, IDENTITY, []), "registers": [raw.hex()]}
    with pytest.raises(DeviceError, match="reserved code 7"):
        read_epoch(through_json(entry))


def test_two_chips_are_read_back_in_their_order() -> None:
    second = bytearray(RESET)
    second[5] = 0x01  # gain 1
    epoch = make_epoch(
        1, [RegisterFile(RESET), RegisterFile(bytes(second))], f_clk_hz=2.048e6, vref_v=4.5
    )
    identity = replace(IDENTITY, chip_count=2)
    read = read_epoch(through_json(epoch_entry(epoch, identity, [])))
    assert read.registers == (RESET, bytes(second))
    assert read.gain.tolist() == [24.0] * 8 + [1.0] + [24.0] * 7
