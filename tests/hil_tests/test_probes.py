"""Probes after a failure, each on a simulated board of which the answer is known."""

from collections.abc import Callable, Iterator

import pytest

from emgrig.errors import TransportTimeout
from emgrig.hil_tests.diagnosis import probes
from emgrig.hil_tests.diagnosis.evidence import Evidence
from emgrig.hil_tests.diagnosis.probes import Facts, ask_all
from emgrig.hil_tests.judging.check import CheckInfo, CheckResult, Layer
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.measuring.rig import Rig

Open = Callable[..., Rig]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open a board, with its chips known or not."""
    made: list[Rig] = []

    def open_rig(address: str, *, identify: bool = True) -> Rig:
        rig = Rig(address)
        made.append(rig)
        rig.open()
        if identify:
            rig.identify()
        return rig

    yield open_rig
    for rig in made:
        rig.close()


def failed_in(layer: Layer) -> Evidence:
    result = CheckResult(CheckInfo("B1", layer, "a question"), Outcome.FAIL, "it failed")
    return Evidence([result], n_channels=8)


def found(rig: Rig, probe: Callable[[Rig, Evidence], Facts]) -> Facts:
    return probe(rig, failed_in(Layer.NOISE))


@pytest.mark.slow
def test_a_healthy_board_answers_every_echo(opened: Open) -> None:
    facts = found(opened("sim:seed=1"), probes.echoes)
    assert (facts["echo.repeats"], facts["echo.stray_bytes"]) == (0, 0)
    assert 0 <= float(facts["echo.slowest_s"]) < 0.5


def test_registers_are_read_as_they_are(opened: Open) -> None:
    rig = opened("sim:seed=1")
    assert found(rig, probes.registers) == {
        "registers.stable": True,
        "registers.at_reset": False,
        "registers.canary_held": True,
        "registers.silent": False,
    }
    rig.command(0x06)  # RESET (SBAS499C, table 11)
    facts = found(rig, probes.registers)
    assert (facts["registers.at_reset"], facts["registers.canary_held"]) == (True, False)


@pytest.mark.parametrize(
    ("first", "again", "stable", "silent"),
    [
        (bytes(24), bytes(24), True, True),
        (b"\xff" * 24, b"\xff" * 24, True, True),
        (bytes(24), b"\xff" * 24, False, True),
        (b"\xff" + bytes(23), b"\xff" + bytes(23), True, False),
        (b"\x3e" * 24, b"\x3e" * 24, True, False),
    ],
)
def test_a_chip_that_reads_all_zeros_or_ones_is_silent(
    first: bytes, again: bytes, stable: bool, silent: bool, opened: Open
) -> None:
    rig, reads = opened("sim:"), iter([(first,), (again,)])
    rig.read_raw = lambda: next(reads)  # type: ignore[method-assign]
    facts = found(rig, probes.registers)
    assert (facts["registers.stable"], facts["registers.silent"]) == (stable, silent)


@pytest.mark.parametrize(
    ("fault", "byte"), [("", "01h"), ("miso-high", "FFh"), ("miso-low", "00h")]
)
def test_a_pattern_comes_back_through_the_wires(fault: str, byte: str, opened: Open) -> None:
    address = f"sim:fault={fault}" if fault else "sim:"
    facts = found(opened(address, identify=False), probes.wires)
    assert facts["wires.reads_01h_as"] == byte
    # 0.3 s at 250 a second, the rate after power-on.
    assert 60 <= int(facts["wires.conversions"]) <= 90


def test_a_chip_without_data_ready_converts_nothing(opened: Open) -> None:
    facts = found(opened("sim:fault=drdy-dead", identify=False), probes.wires)
    assert facts["wires.conversions"] == 0


@pytest.mark.slow
def test_the_test_signal_has_its_period_whatever_the_clock_is(opened: Open) -> None:
    """Its period is in clock periods, and so are the samples."""
    for address in ("sim:seed=1", "sim:fault=clock-wrong"):
        facts = found(opened(address), probes.signal_period)
        assert facts["test_period.found"] is True
        assert facts["test_period.ratio"] == pytest.approx(1.0, abs=0.002)


def test_supplies_and_the_reference_are_guessed(opened: Open) -> None:
    facts = found(opened("sim:seed=1"), probes.supplies)
    assert facts["supplies.avdd_v"] == pytest.approx(5.0, rel=0.03)
    assert facts["supplies.dvdd_v"] == pytest.approx(3.3, rel=0.03)
    assert facts["supplies.reference_v"] == pytest.approx(4.5, rel=0.03)


@pytest.mark.slow
def test_the_bias_electrode_is_asked_for(opened: Open) -> None:
    assert found(opened("sim:"), probes.bias) == {"bias.electrode_off": False}
    off = found(opened("sim:fault=bias-off"), probes.bias)
    assert off == {"bias.electrode_off": True}


# Which are asked.


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the probes that were asked; they find their own name."""
    names: list[str] = []

    def stand_in(name: str, *, fails: bool) -> Callable[[Rig, Evidence], Facts]:
        def probe(_rig: Rig, _evidence: Evidence) -> Facts:
            names.append(name)
            if fails:
                raise TransportTimeout("nothing came")
            return {f"{name}.asked": True}

        probe.__name__ = name
        return probe

    monkeypatch.setattr(probes, "PROBES", {})
    probes.probe(Layer.NOISE, needs_chip=False)(stand_in("broken", fails=True))
    probes.probe(Layer.NOISE)(stand_in("chips", fails=False))
    probes.probe(Layer.NOISE, needs_chip=False)(stand_in("free", fails=False))
    return names


def test_a_probe_that_fails_says_so_and_the_others_are_asked(
    opened: Open, asked: list[str]
) -> None:
    evidence = failed_in(Layer.NOISE)
    ask_all(opened("sim:"), evidence)
    assert asked == ["broken", "chips", "free"]
    assert evidence.probes == {
        "broken.failed": "nothing came",
        "chips.asked": True,
        "free.asked": True,
    }


def test_of_chips_that_are_not_known_nothing_is_asked(opened: Open, asked: list[str]) -> None:
    evidence = failed_in(Layer.NOISE)
    ask_all(opened("sim:", identify=False), evidence)
    assert asked == ["broken", "free"]


def test_without_a_failure_or_a_board_nothing_is_asked(opened: Open, asked: list[str]) -> None:
    for rig, evidence in (
        (opened("sim:"), Evidence([], n_channels=8)),
        (Rig("sim:"), failed_in(Layer.NOISE)),
    ):
        ask_all(rig, evidence)
        assert evidence.probes == {}
    assert asked == []


def test_every_layer_has_probes() -> None:
    assert {layer for _, layers, _, _ in probes.PROBES.values() for layer in layers} == set(Layer)
