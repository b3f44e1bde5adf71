"""Which cause a breach is put under, in cases made by hand, and which are no mistakes at all."""

from collections.abc import Callable

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions, ChipOptions
from emgrig.attach.report.make import make_report
from emgrig.attach.report.model import Report

SDATAC, RDATAC, START, STANDBY, WAKEUP = b"\x11", b"\x10", b"\x08", b"\x04", b"\x02"
REFERENCE, INPUTS = b"\x43\x00\xe0", b"\x45\x07" + b"\x60" * 8


class Host:
    """Sends commands in time, but for those that it is told to cut short."""

    def __init__(self, *chips: ChipOptions, lost: bytes = b"") -> None:
        self.bench = Bench(BenchOptions(chips=chips or (ChipOptions(),), source="silence"))
        self.lost = lost
        self.bench.advance(0.2)

    def send(self, *commands: bytes) -> None:
        bench = self.bench
        for sent in commands:
            bench.select()
            bench.exchange(sent)
            bench.advance(0.0 if sent == self.lost else 3e-6)
            bench.deselect()
            bench.advance(1e-4)

    def read(self, n_frames: int, n_bytes: int = 27) -> None:
        for _ in range(n_frames):
            self.bench.wait_drdy(timeout_s=0.05)
            self.send(bytes(n_bytes))

    def report(self) -> Report:
        return make_report(self.bench.facts())


def came(report: Report) -> dict[str, list[str]]:
    return {one.cause: [two.what for two in one.consequences] for one in report.findings}


@pytest.mark.parametrize(
    ("lost", "consequences"),
    [
        (SDATAC, ["not in RDATAC", "no reference", "inputs shorted"]),
        (REFERENCE, ["no reference"]),
        (INPUTS, []),  # its last byte alone was lost: channel 8 stays shorted
        (START, ["no result yet", "no START"]),
        (RDATAC, ["no data in SDATAC"]),
    ],
)
def test_one_lost_command_explains_what_is_missing(lost: bytes, consequences: list[str]) -> None:
    host = Host(lost=lost)
    host.send(SDATAC, REFERENCE, INPUTS, START, RDATAC)
    host.read(5)
    made = came(host.report())
    assert list(made) == ["tSCCS"]
    assert sorted(set(made["tSCCS"]) - {"DRDY never read"}) == sorted(consequences)


def test_a_lost_wakeup_explains_what_standby_ignores() -> None:
    host = Host(lost=WAKEUP)
    host.send(SDATAC, REFERENCE, STANDBY, WAKEUP, INPUTS, START, RDATAC)
    made = came(host.report())
    assert list(made) == ["tSCCS"]
    assert "not in STANDBY" in made["tSCCS"]


def test_what_was_sent_too_soon_after_reset_explains_what_the_chip_ignores() -> None:
    host = Host()
    bench = host.bench
    bench.transfer(b"\x06", sclk_hz=4e6)
    bench.transfer(SDATAC, sclk_hz=4e6)
    host.send(REFERENCE, INPUTS, START, RDATAC)
    host.read(3)
    made = came(host.report())
    assert list(made) == ["RESET busy"]
    assert {"not in RDATAC", "no reference"} <= set(made["RESET busy"])


def test_a_config3_that_was_written_without_the_reference_is_a_cause_of_its_own() -> None:
    host = Host(lost=b"\x57\x00\x02")
    host.send(SDATAC, b"\x57\x00\x02", b"\x43\x00\x60", INPUTS, START, RDATAC)
    host.read(3)
    assert came(host.report()) == {"tSCCS": [], "no reference": []}


def test_breaches_that_are_no_longer_kept_are_counted() -> None:
    host = Host()
    for _ in range(250):
        host.send(b"\x20\x00\x00")
    report = host.report()
    (found,) = report.findings
    assert (found.cause, found.count) == ("no SDATAC", 250)
    assert report.chips[0].rules == {"not in RDATAC": 250}


def test_the_bus_and_its_chips_do_not_tell_one_thing_twice() -> None:
    bench = Bench(BenchOptions(chips=(ChipOptions(), ChipOptions()), source="silence"))
    report = make_report(bench.facts())
    assert [(one.cause, one.chip) for one in report.findings] == [("nothing attached", 0)]


def daisy_chain() -> Host:
    host = Host(ChipOptions(), ChipOptions(daisy_from=0))
    for sent in (SDATAC, REFERENCE, INPUTS, START, RDATAC):
        host.bench.transfer(sent, chip=1)
        host.bench.advance(1e-4)
    for _ in range(20):
        host.bench.wait_drdy(1)
        host.bench.transfer(bytes(54), chip=1)
    return host


def multiple_readback() -> Host:
    host = Host()
    host.send(SDATAC, REFERENCE, b"\x41\x00\xd6", INPUTS, START, RDATAC)
    host.read(20, 54)
    return host


def single_shots() -> Host:
    host = Host()
    host.send(SDATAC, REFERENCE, b"\x57\x00\x08", INPUTS)
    for _ in range(5):
        host.send(START)
        host.bench.wait_drdy(timeout_s=0.1)
        host.send(b"\x12" + bytes(27))
    return host


def pauses() -> Host:
    """Streams, stops to look at registers, and goes on; three times."""
    host = Host()
    host.send(SDATAC, REFERENCE, INPUTS)
    for _ in range(3):
        host.send(START, RDATAC)
        host.read(10)
        host.send(SDATAC)
        host.bench.advance(0.05)
        host.send(b"\x20\x17" + bytes(24), b"\x0a")
    return host


def looks_at_the_status_first() -> Host:
    """Now and then clocks three bytes, and begins the frame anew."""
    host = Host()
    host.send(SDATAC, REFERENCE, INPUTS, START, RDATAC)
    host.read(60)
    host.bench.wait_drdy(timeout_s=0.05)
    host.send(bytes(3), bytes(27))
    host.read(20)
    return host


@pytest.mark.parametrize(
    "make", [daisy_chain, multiple_readback, single_shots, pauses, looks_at_the_status_first]
)
def test_what_is_unusual_and_allowed_gets_no_finding(make: Callable[[], Host]) -> None:
    report = make().report()
    assert [(one.cause, one.text) for one in report.findings] == []
    assert max(chip.read for chip in report.chips) >= 5


def test_who_looks_at_drdy_before_start_has_forgotten_nothing() -> None:
    host = Host()
    host.send(SDATAC, REFERENCE)
    assert all(host.bench.pin("DRDY") for _ in range(5))
    assert came(host.report()) == {}
    for _ in range(5):
        assert not host.bench.wait_drdy(timeout_s=0.1)
    assert came(host.report()) == {"no START": []}


def test_a_chip_whose_master_gives_no_clock_is_dead() -> None:
    host = Host(ChipOptions(), ChipOptions(clock_from=0))
    host.send(SDATAC, REFERENCE, INPUTS, START, RDATAC)
    host.read(5)
    report = host.report()
    assert [(one.cause, one.chip) for one in report.findings] == [("no clock", 2)]


def test_a_chip_that_is_held_in_reset_is_told() -> None:
    host = Host()
    host.bench.set_pin("RESET", 0)
    host.send(SDATAC, b"\x20\x00\x00")
    assert came(host.report()) == {"chip held down": []}
