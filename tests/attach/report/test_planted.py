"""Mistakes that people make: the first line of the report names the right one, and a right
firmware gets none.
"""

from dataclasses import replace
from functools import cache

import pytest

from attach.report.firmwares import LOUD, PLANTED, Firmware, Planted, facts_of_planted
from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.report.make import make_report
from emgrig.attach.report.model import Report

HARMLESS = {
    "tPOR", "START pin", "reserved bits", "inputs shorted", "START pulse", "RESET pulse",
    "wait after RDATAC", "RDATAC at DRDY",
}  # fmt: skip


def report_of(firmware: Firmware, options: BenchOptions) -> Report:
    bench = Bench(options)
    firmware.run(bench)
    return make_report(bench.facts())


@cache
def report_of_planted(name: str) -> Report:
    return make_report(facts_of_planted(name))


def is_named(planted: Planted, report: Report) -> bool:
    if not report.findings:
        return False
    first = report.findings[0]
    return first.cause == planted.cause and all(word in first.text for word in planted.says)


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_the_first_line_names_the_mistake(planted: Planted) -> None:
    report = report_of_planted(planted.name)
    assert is_named(planted, report), [(one.cause, one.text) for one in report.findings]
    assert report.verdict.headline.find(planted.cause) >= 0
    is_long = planted.name == "a byte too many for each"
    is_harmless = planted.cause in HARMLESS or is_long
    assert report.verdict.exit_code == int(not is_harmless)


@pytest.mark.slow
def test_how_many_of_the_mistakes_are_named() -> None:
    asked = [one for one in PLANTED if one.is_asked_for]
    named = [one.name for one in asked if is_named(one, report_of_planted(one.name))]
    assert (len(named), len(asked)) == (28, 28)  # the issue wants 23 of 25


def right_options(channels: int, seed: int, processor: str) -> BenchOptions:
    return BenchOptions(
        chips=(ChipOptions(channels, oscillator_ppm=None),),
        source=LOUD,
        seed=seed,
        processor=PROCESSORS[processor],
    )


def faults_of(firmware: Firmware, options: BenchOptions) -> list[tuple[str, str]]:
    report = report_of(firmware, options)
    (chip,) = report.chips
    assert chip.read == firmware.n_frames
    assert report.verdict.exit_code == 0
    return [(one.cause, one.text) for one in report.findings]


WAYS = ("opcode", "pin")
RATES = range(7)
RIGHT_ONES = [
    (channels, rate_code, is_continuous, way)
    for channels in (8, 6, 4)
    for rate_code in RATES
    for is_continuous in (True, False)
    for way in WAYS
]


@pytest.mark.parametrize(("channels", "rate_code", "is_continuous", "way"), RIGHT_ONES)
def test_a_right_firmware_gets_no_finding(
    channels: int, rate_code: int, is_continuous: bool, way: str
) -> None:
    """Each with another seed, 84 of them; the processors by turns."""
    seed = RIGHT_ONES.index((channels, rate_code, is_continuous, way))
    processor = ("none", "mcu", "linux", "avr")[seed % 4]
    firmware = Firmware(
        rate_code=rate_code, is_continuous=is_continuous, starts_by=(way,), n_frames=20
    )
    assert faults_of(firmware, right_options(channels, seed, processor)) == []


@pytest.mark.parametrize("processor", sorted(PROCESSORS))
@pytest.mark.parametrize("seed", range(20))
def test_a_right_firmware_gets_no_finding_on_any_processor(seed: int, processor: str) -> None:
    firmware = Firmware(
        rate_code=seed % 7, gain_code=seed % 7, resets_by=("opcode", "pin")[seed % 2]
    )
    assert faults_of(firmware, right_options(8, seed, processor)) == []


@pytest.mark.parametrize("standby", ["", "and wakeup"])
def test_right_firmware_with_more_chips_and_standby_gets_no_finding(standby: str) -> None:
    firmware = Firmware(standby=standby)
    options = BenchOptions(chips=(ChipOptions(), ChipOptions(oscillator_ppm=150.0)), source=LOUD)
    report = report_of(firmware, options)
    assert report.findings == ()
    assert [chip.read for chip in report.chips] == [40, 40]


def test_a_firmware_that_only_looks_at_registers_is_clean() -> None:
    bench = Bench(BenchOptions(source="silence"))
    bench.advance(0.2)
    bench.transfer(b"\x11")
    bench.transfer(b"\x20\x00\x00")
    assert make_report(bench.facts()).verdict.exit_code == 0


def test_nothing_is_no_success() -> None:
    bench = Bench(BenchOptions(source="silence"))
    bench.advance(1.0)
    report = make_report(bench.facts())
    assert report.verdict.exit_code == 1
    assert report.findings[0].cause == "nothing attached"
    assert "0 transfers" in report.verdict.rests_on


def test_one_lost_sdatac_is_one_finding_with_all_that_came_of_it() -> None:
    """13 to 70 lines of people's logs had one cause."""
    report = report_of_planted("CS rises at once")
    first = report.findings[0]
    came = {one.what: one.count for one in first.consequences}
    assert came["not in RDATAC"] >= 3
    assert sum(one.count for one in report.findings) + sum(came.values()) >= sum(
        report.chips[0].rules.values()
    )
    assert [one.cause for one in report.findings] == ["tSCCS"]


def test_without_enforcing_the_same_breach_is_harmless() -> None:
    planted = next(one for one in PLANTED if one.name == "CS rises at once")
    report = report_of(planted.firmware, replace(planted.options(), enforce=False))
    assert (report.findings[0].cause, report.verdict.exit_code) == ("tSCCS", 0)
    assert report.findings[0].consequences == ()
