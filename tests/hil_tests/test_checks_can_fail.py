"""Each check is put to a board that was tampered with, and must fail by the right measurement.

The simulator's faults are in test_matrix and in benchmarks/diagnosis.py; here are the checks that
none of them reaches.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emgrig.hil_tests.judging.check import CheckResult, Level, info_of
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import BringupRun, RunOptions
from emgrig.hil_tests.suite import (
    test_00_link,
    test_02_registers,
    test_03_clock,
    test_04_frames,
    test_06_test_signal,
    test_07_supplies,
    test_08_lead_off,
    test_09_bias,
    test_10_crosstalk,
    test_11_recovery,
    test_12_endurance,
)


@pytest.fixture
def run() -> Iterator[BringupRun]:
    options = RunOptions("sim:", Level.QUICK, load_limits(), soak_s=1.0)
    made = BringupRun(options, Rig("sim:"))
    made.rig.open()
    made.rig.identify()
    yield made
    made.rig.close()


def ask(run: BringupRun, check: Callable[..., None]) -> CheckResult:
    info = info_of(check)
    assert info is not None
    names = inspect.signature(check).parameters
    run.begin(info)
    given: dict[str, Any] = {
        "rig": run.rig,
        "measure": run.measure,
        "bringup": run,
        "is_full": False,
        "keep": lambda *_, **__: None,
    }
    return run.run(lambda: check(**{name: given[name] for name in names}))


def failed(result: CheckResult) -> set[str]:
    assert result.outcome is Outcome.FAIL, result
    return {m.name for m in result.measurements if m.outcome is Outcome.FAIL}


def tamper(rig: Rig, change: Callable[[Capture], Capture]) -> None:
    """Let every run of the board be changed before a check sees it."""
    true_capture = rig.capture
    rig.capture = lambda *a, **k: change(true_capture(*a, **k))  # type: ignore[method-assign]


def test_b0_fails_on_bytes_that_belong_to_no_packet(run: BringupRun) -> None:
    run.rig.close()
    fresh = run.rig.__class__("sim:fault=link-garbage:rate=0.5")
    run.rig = fresh
    assert "link_damaged_bytes" in failed(ask(run, test_00_link.test_link))


def test_b3_fails_on_a_register_that_is_not_at_its_reset_value(run: BringupRun) -> None:
    true_raw = run.rig.read_raw

    def one_differs() -> tuple[bytes, ...]:
        raw = bytearray(true_raw()[0])
        raw[0x05] = 0x60
        return (bytes(raw),)

    run.rig.read_raw = one_differs  # type: ignore[method-assign]
    info = ask(run, test_02_registers.test_reset_values)
    assert [r.note for m in info.measurements for r in m.readings if r.note] == [
        "CH1SET 60h, expected 61h"
    ]
    assert "registers_not_at_reset" in {m.name for m in info.measurements}
    assert info.outcome is Outcome.FAIL


def test_b4_fails_on_a_bit_that_does_not_hold(run: BringupRun) -> None:
    port = run.rig.ports[0]
    true_write = port.write

    def stuck(address: int, data: bytes) -> None:
        true_write(address, bytes(byte & 0xFB if address == 0x0E else byte for byte in data))

    port.write = stuck  # type: ignore[method-assign]
    run.rig.prepare = lambda: None  # type: ignore[method-assign]
    assert failed(ask(run, test_02_registers.test_read_back)) >= {"single_byte_errors"}


def test_b5_fails_if_the_board_reads_in_rdatac(run: BringupRun) -> None:
    run.rig.command = lambda opcode: None  # type: ignore[method-assign]
    assert "rdatac_read_refused" in failed(ask(run, test_02_registers.test_rdatac_guard))


@pytest.mark.slow
def test_b6_fails_on_a_late_first_conversion(run: BringupRun) -> None:
    def late(capture: Capture) -> Capture:
        started = replace(capture.started, board_time_us=capture.started.board_time_us - 5000)
        return replace(capture, started=started)

    tamper(run.rig, late)
    names = failed(ask(run, test_03_clock.test_data_rate))
    assert {name for name in names if name.startswith("first_data_ready")}
    assert not {name for name in names if name.startswith("rate_error")}


def test_b7_fails_on_repeated_frames(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, codes=np.repeat(c.codes[::2], 2, axis=0)))
    assert failed(ask(run, test_04_frames.test_frame_format)) == {"repeated_frames"}


@pytest.mark.slow
def test_b8_fails_on_a_loss_that_the_board_hides(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, totals=replace(c.totals, hidden=3)))
    assert failed(ask(run, test_04_frames.test_loss)) == {"hidden_loss"}


@pytest.mark.slow
def test_b12_fails_if_samples_are_missing_without_a_trace(run: BringupRun) -> None:
    def drop(capture: Capture) -> Capture:
        kept = np.arange(len(capture.codes)) % 100 != 7
        return replace(capture, codes=capture.codes[kept])

    tamper(run.rig, drop)
    names = failed(ask(run, test_06_test_signal.test_period_in_samples))
    assert names == {"test_period_error_at_250", "test_period_error_at_1000"}


@pytest.mark.slow
def test_b21_fails_on_the_gain_codes_of_an_ads1298(run: BringupRun) -> None:
    # Its code 000 is a gain of 6; a table of that chip scales gain 1 six times too small.
    def scaled(capture: Capture) -> Capture:
        is_gain_1 = capture.scale_v[0] > 5e-7
        return replace(capture, scale_v=capture.scale_v / (6 if is_gain_1 else 1))

    tamper(run.rig, scaled)
    names = failed(ask(run, test_06_test_signal.test_gain_steps))
    assert names == {"gain_step_error_1"}


def test_b11_fails_on_half_the_scale(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, scale_v=c.scale_v / 2))
    names = failed(ask(run, test_06_test_signal.test_test_signal))
    assert names == {"test_amplitude_error_1x"}


def test_b15_fails_on_a_reference_of_4_096_v(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, scale_v=c.scale_v * 4.5 / 4.096))
    result = ask(run, test_07_supplies.test_reference)
    assert failed(result) == {"reference_voltage"}
    assert result.measurements[0].values[None] == pytest.approx(4.096, rel=0.03)


def test_b16_fails_if_frame_and_registers_disagree(run: BringupRun) -> None:
    # One bit late: the slip that moves lead-off bits by a place.
    tamper(run.rig, lambda c: replace(c, status=c.status | np.uint32(1 << 13)))
    names = failed(ask(run, test_08_lead_off.test_comparators))
    assert "status_agrees" in names


@pytest.mark.slow
def test_b18_fails_without_headroom(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, codes=c.codes + np.int32(7_000_000)))
    assert failed(ask(run, test_08_lead_off.test_contact)) == {"headroom"}


@pytest.mark.slow
def test_b19_fails_at_the_rail(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, codes=np.full_like(c.codes, 4_660_338)))
    assert failed(ask(run, test_09_bias.test_bias)) == {"bias_level"}


@pytest.mark.slow
def test_b20_fails_if_another_channel_answers(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, codes=np.roll(c.codes, 1, axis=1)))
    assert failed(ask(run, test_10_crosstalk.test_crosstalk)) == {
        "answering_channel_offset",
        "crosstalk",
    }


def test_b22_fails_if_a_channel_that_is_off_speaks(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, codes=np.roll(c.codes, 1, axis=1)))
    names = failed(ask(run, test_10_crosstalk.test_power_down))
    assert names == {"code_when_off", "others_alive"}


def test_b1_fails_if_the_chip_does_not_come_back_at_its_reset_values(
    run: BringupRun,
) -> None:
    run.rig.set_line = lambda line, *, high: None  # type: ignore[method-assign]
    assert failed(ask(run, test_11_recovery.test_power_up)) == {"power_up_failures"}


def test_b23_fails_if_the_board_does_not_notice_a_reset(run: BringupRun) -> None:
    run.rig.command = lambda opcode: None  # type: ignore[method-assign]
    assert "reset_noticed" in failed(ask(run, test_11_recovery.test_recovery))


@pytest.mark.slow
def test_b24_fails_on_a_single_lost_conversion(run: BringupRun) -> None:
    tamper(run.rig, lambda c: replace(c, totals=replace(c.totals, lost_on_link=1)))
    assert failed(ask(run, test_12_endurance.test_endurance)) == {"lost_in_soak"}
