"""Transactions: what goes wrong in them, what is restored, and the stream around them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.settings import Settings
from emgrig.errors import (
    DeviceError,
    ReadBackError,
    RequestRefused,
    TransportError,
    TransportTimeout,
    WireError,
)
from fake_port import ELSEWHERE, RESET, FakeClock, FakePort, make, raw

# Transactions that go wrong


def test_a_stuck_bit_is_named_and_what_was_is_restored() -> None:
    chip, (port,) = make()
    chip.configure(gain=12, mux="normal")
    before = bytes(port.registers)
    port.stuck[0x07] = (0x10, 0x10)  # GAIN3, lowest bit; 12 has it set
    with pytest.raises(ReadBackError, match=r"CH3SET \(GAIN3\) reads 70h, expected 60h") as caught:
        chip.configure(gain=24)
    error = caught.value
    assert (error.chip, error.register, error.field) == (1, "CH3SET", "GAIN3")
    assert (error.expected, error.found) == (0x60, 0x70)
    assert "the former settings are back" in str(error)
    assert port.registers == before == chip.files[0].raw
    assert chip.gains.tolist() == [12] * 8


def test_writes_that_do_nothing_are_found_out() -> None:
    chip, (port,) = make()
    port.deaf = True
    with pytest.raises(ReadBackError, match=r"reads 96h, expected 94h; the writes had no effect"):
        chip.set_rate(1000)
    assert chip.rate_hz == 250


def test_several_wrong_registers_are_counted() -> None:
    chip, (port,) = make()
    port.deaf = True
    with pytest.raises(ReadBackError, match=r"CH1SET \(GAIN1, MUX1\).*7 more registers"):
        chip.configure(gain=12, mux="normal")


def test_a_brown_out_in_the_middle_is_told_and_undone() -> None:
    chip, (port,) = make()
    chip.configure(gain=12, mux="normal")
    before = bytes(port.registers)
    port.writes.clear()
    port.brown_out_at_write = 1
    with pytest.raises(ReadBackError, match=r"all registers read 00h.*former settings are back"):
        chip.set_rate(1000)
    assert port.registers == before == chip.files[0].raw


def test_a_brown_out_of_a_board_that_leaves_rdatac_by_itself_is_named() -> None:
    class Helpful(FakePort):
        def fall_back(self) -> None:
            super().fall_back()
            self.rdatac = False

    port = Helpful()
    chip = Ads1299([port], clock=FakeClock())
    chip.identify()
    chip.configure(gain=12)
    port.brown_out_at_write = 2
    with pytest.raises(ReadBackError, match="brown-out"):
        chip.set_rate(1000)
    assert chip.gains.tolist() == [12] * 8


def test_settings_that_cannot_be_restored_are_named() -> None:
    class Broken(FakePort):
        def write(self, address: int, data: bytes) -> None:
            super().write(address, data)
            self.registers[0x11] = 0x55

    chip = Ads1299([Broken()], clock=FakeClock())
    chip.identify()
    with pytest.raises(ReadBackError, match=r"LOFF_FLIP.*could not be restored: chip 1 LOFF_FLIP"):
        chip.set_rate(1000)
    assert chip.files[0].raw[0x11] == 0x55


def test_registers_that_changed_by_themselves_are_told(caplog: pytest.LogCaptureFixture) -> None:
    chip, (port,) = make()
    chip.configure(gain=12)
    port.fall_back()
    chip.set_rate(500)
    assert "changed by themselves: CH1SET" in caplog.text
    assert "brown-out" in caplog.text
    assert chip.gains.tolist() == [24] * 8
    caplog.clear()
    chip.set_rate(250)
    assert not caplog.records


def test_settings_for_more_chips_than_there_are_are_refused() -> None:
    chip, (port,) = make()
    with pytest.raises(ValueError, match="more chips"):
        chip.apply(Settings.of_files([RegisterFile.reset()] * 2))
    assert port.log == []


def test_a_sick_chip_is_not_written_to() -> None:
    chip, (port,) = make()
    port.registers[0x01] = 0x16
    with pytest.raises(DeviceError, match=r"chip 1 holds CONFIG1 = 16h.*nothing was written"):
        chip.configure(gain=1)
    assert port.writes == []


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (TransportError("link lost"), TransportError),
        (TransportTimeout("no answer"), TransportTimeout),
        (WireError("garbage"), WireError),
        (RequestRefused("WRITE_REGISTERS", 3, "busy"), DeviceError),
    ],
)
def test_a_link_that_fails_after_a_write_says_what_may_be_half_written(
    failure: Exception, kind: type[Exception]
) -> None:
    chip, (port,) = make()
    port.failure = failure
    port.fail_at = 5  # stop, SDATAC, read, first write, second write
    with pytest.raises(
        kind, match="half-written: chip 1 CH1SET to CH2SET, chip 1 CH4SET"
    ) as caught:
        chip.configure(channels=[1, 2, 4], gain=8)
    assert str(failure) in str(caught.value)
    with pytest.raises(DeviceError, match=r"read_registers\(\)"):
        _ = chip.scale_v
    assert chip.read_registers()[0].raw == port.registers
    chip.configure(channels=[1, 2, 4], gain=8)
    assert port.registers[0x05:0x09] == bytes.fromhex("41 41 61 41")


@given(fail_at=st.integers(1, 12))
def test_a_failure_at_any_exchange_leaves_nothing_assumed(fail_at: int) -> None:
    chip, (port,) = make()
    port.fail_at = fail_at
    try:
        chip.configure(channels=[1, 2, 4], gain=8)
    except TransportError:
        port.fail_at = 0
        if fail_at > 3:
            with pytest.raises(DeviceError):
                _ = chip.files
        chip.read_registers()
    assert chip.files[0].raw == port.registers


def test_a_link_that_fails_while_restoring_is_told() -> None:
    chip, (port,) = make()
    port.deaf = True
    port.fail_at = 6  # stop, SDATAC, read, write, read, SDATAC of the restoration
    with pytest.raises(ReadBackError, match="restoring the former settings failed: link lost"):
        chip.set_rate(1000)


# Whole files, raw bytes


def test_a_whole_file_can_be_put_back() -> None:
    chip, (port,) = make()
    wanted = RegisterFile.from_hex(ELSEWHERE)
    chip.apply(Settings.of_files([wanted]))
    assert port.registers[1:20] == wanted.raw[1:20]
    chip.apply(Settings.of_files([RegisterFile.reset()]))
    assert raw(chip) == RESET[8]


def test_raw_bytes_pass_over_read_only_registers() -> None:
    chip, (port,) = make()
    chip.write_registers(0x11, bytes.fromhex("07 FF FF 0F"))
    assert port.registers[0x11:0x15] == bytes.fromhex("07 00 00 0F")


def test_reserved_codes_can_be_forced() -> None:
    chip, (port,) = make()
    port.stuck[0x16] = (0x0F, 0x00)
    chip.write_registers(0x15, b"\x00\xff", force=True)
    assert port.registers[0x16] == 0xF0
    chip.write_registers(0x05, b"\x70", force=True)
    with pytest.raises(DeviceError, match="GAINn has the reserved code 7"):
        _ = chip.scale_v
    port.stuck[0x05] = (0x80, 0x80)
    with pytest.raises(ReadBackError):
        chip.write_registers(0x05, b"\x10", force=True)


@pytest.mark.slow
@given(
    a=st.lists(st.sampled_from(range(1, 9)), unique=True),
    gain=st.sampled_from([1, 2, 4, 6, 8, 12, 24]),
    mux=st.sampled_from(["normal", "shorted", "test", "supply"]),
)
def test_what_is_set_is_what_is_read(a: list[int], gain: int, mux: str) -> None:
    chip, _ = make()
    chip.configure(channels=a, gain=gain, mux=mux)
    for channel in range(1, 9):
        settings = chip.files[0].channel(channel)
        expected = (gain, mux) if channel in a else (24, "shorted")
        assert (settings.gain.word, settings.mux.word) == expected


# The stream, states, listeners


def test_the_stream_is_paused_around_a_change_and_goes_on() -> None:
    chip, (port,) = make()
    chip.start()
    chip.set_rate(500)
    assert port.log == ["C08", "C10", "C0A", "C11", "R00+24", "W01:95", "R00+24", "C08", "C10"]
    chip.stop()
    port.log.clear()
    chip.set_rate(250)
    assert port.log == ["C0A", "C11", "R00+24", "W01:96", "R00+24"]


def test_the_stream_goes_on_after_a_change_that_failed() -> None:
    chip, (port,) = make()
    chip.start()
    port.deaf = True
    with pytest.raises(ReadBackError):
        chip.set_rate(500)
    assert port.log[-2:] == ["C08", "C10"]


def test_nothing_more_is_sent_over_a_link_that_is_lost() -> None:
    chip, (port,) = make()
    chip.start()
    port.fail_at = port.n_exchanges + 4  # the write
    with pytest.raises(TransportError):
        chip.set_rate(500)
    assert port.log[-1] == "W01:95"


def test_a_board_brings_its_own_quiet() -> None:
    log: list[str] = []

    @contextmanager
    def quiet() -> Iterator[None]:
        log.append("pause")
        port.rdatac = False
        yield
        log.append("resume")

    port = FakePort(log=log)
    chip = Ads1299(
        [port], clock=FakeClock(), quiet=quiet, on_change=lambda files: log.append("change")
    )
    chip.identify()
    log.clear()
    chip.set_rate(500)
    assert log == ["pause", "R00+24", "W01:95", "R00+24", "change", "resume"]


def test_listeners_get_what_was_read_back_also_when_it_was_undone() -> None:
    chip, (port,) = make()
    seen: list[bytes] = []
    chip.on_change = lambda files: seen.append(files[0].raw)
    chip.set_rate(500)
    port.deaf = True
    with pytest.raises(ReadBackError):
        chip.set_rate(1000)
    assert [file[1] for file in seen] == [0x95, 0x95]


def test_reset_waits_and_is_proved() -> None:
    clock, port = FakeClock(), FakePort()
    chip = Ads1299([port], clock=clock)
    chip.identify()
    chip.configure(gain=1)
    port.log.clear()
    chip.reset()
    assert port.log == ["C0A", "C11", "C06", "C11", "R00+24"]
    assert clock.slept_s == [pytest.approx(18 / 2.048e6)]
    assert raw(chip) == RESET[8]
    port.reset_values = bytes.fromhex(RESET[8].replace("3E 96", "3E 95"))
    with pytest.raises(ReadBackError, match=r"CONFIG1 \(DR\) reads 95h, expected 96h after RESET"):
        chip.reset()


def test_in_standby_nothing_is_sent_but_wakeup() -> None:
    clock, port = FakeClock(), FakePort()
    chip = Ads1299([port], clock=clock)
    chip.identify()
    port.log.clear()
    chip.standby()
    calls = [chip.read_registers, chip.reset, chip.identify, chip.start, chip.stop, chip.standby]
    for call in [*calls, lambda: chip.set_rate(500)]:
        with pytest.raises(DeviceError, match=r"wakeup\(\)"):
            call()
    assert port.log == ["C0A", "C11", "C04"]
    chip.wakeup()
    assert clock.slept_s == [pytest.approx(31.25e-6)]
    chip.set_rate(500)
    assert chip.rate_hz == 500
