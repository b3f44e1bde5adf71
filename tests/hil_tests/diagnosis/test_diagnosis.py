"""The table of causes, read with facts that no board was needed for."""

import re
from collections.abc import Iterator

import pytest

from emgrig.connect import connect
from emgrig.errors import IdentityError
from emgrig.hil_tests.diagnosis.causes import RULES, cause
from emgrig.hil_tests.diagnosis.diagnose import conclude
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact
from emgrig.hil_tests.diagnosis.symptoms import Rule
from emgrig.hil_tests.judging.check import CheckInfo, CheckResult, Layer
from emgrig.hil_tests.judging.incident import Incident, IncidentKind
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Measure, Outcome


def facts(
    number: str,
    layer: Layer,
    *measured: tuple[str, Fact, str, int | None],
    probes: dict[str, Fact] | None = None,
    happened: tuple[IncidentKind, ...] = (),
) -> Evidence:
    measure = Measure(load_limits())
    for name, value, unit, channel in measured:
        measure(name, value, unit, channel=channel)
    made = list(measure.measurements.values())
    said = "; ".join(m.describe_worst() for m in made if m.outcome is Outcome.FAIL)
    info = CheckInfo(number, layer, "a question")
    incidents = [Incident(kind, "whatever") for kind in happened]
    result = CheckResult(info, Outcome.FAIL, said, made, incidents=incidents)
    return Evidence([result], n_channels=8, probes=probes or {})


@pytest.mark.parametrize(
    ("byte", "key"),
    [
        ("FFh", "miso-high"),
        ("00h", "miso-low"),
        ("1Fh", "bit-shift"),  # 3Eh one bit late; 9Fh with a one from the side
        ("9Fh", "bit-shift"),
        ("7Ch", "bit-shift"),  # 3Eh one bit early; 7Dh with a one from the side
        ("7Dh", "bit-shift"),
        ("1Eh", "bit-shift"),  # 3Dh and 3Ch, the ADS1299-6 and -4, one bit late
        ("9Eh", "bit-shift"),
        ("7Ah", "bit-shift"),  # 3Dh one bit early
        ("7Bh", "bit-shift"),
        ("78h", "bit-shift"),  # 3Ch
        ("79h", "bit-shift"),
        ("C1h", "inverted"),
        ("C2h", "inverted"),
        ("C3h", "inverted"),
        ("92h", "other-part"),
        ("DFh", "unusual-id"),
        ("20h", "unusual-id"),
    ],
)
def test_the_id_is_a_key_to_what_is_wrong(byte: str, key: str) -> None:
    assert conclude(facts("B2", Layer.IDENTITY, ("chip_id", byte, "", None))).key == key


@pytest.mark.parametrize(("channels", "own_id"), [(8, "3Eh"), (6, "3Dh"), (4, "3Ch")])
def test_a_shifted_id_is_known_of_every_part(channels: int, own_id: str) -> None:
    """What the simulated chip of that many channels answers over a line that is off by a bit."""
    address = f"sim:bench&channels={channels}&fault=bit-shift"
    said = f"{own_id}.* shifted by one bit"
    with (
        connect(address, identify=False) as board,
        pytest.raises(IdentityError, match=said) as caught,
    ):
        board.identify_chips()
    read = re.findall("ID reads ([0-9A-F]{2}h)", str(caught.value))[0]
    assert conclude(facts("B2", Layer.IDENTITY, ("chip_id", read, "", None))).key == "bit-shift"


@pytest.mark.parametrize(("too_noisy", "key"), [((1,), "noisy-gain"), ((24, 12, 1), "all-noisy")])
def test_one_noisy_gain_alone_is_not_the_reference(too_noisy: tuple[int, ...], key: str) -> None:
    measure = Measure(load_limits())
    for gain in (24, 12, 1):
        for channel in range(1, 9):
            name, value = f"noise_gain_{gain}_at_1000", 9.0 if gain in too_noisy else 1.0
            measure(name, value, "uV", high=2, channel=channel, limit="noise_over_typical")
    made = list(measure.measurements.values())
    failed = CheckResult(CheckInfo("B9", Layer.NOISE, "noise"), Outcome.FAIL, "too noisy", made)
    found = conclude(Evidence([failed], n_channels=8))
    assert found.key == key
    assert ("reference" in found.cause) == (key == "all-noisy")


def test_a_wrong_rate_with_an_exact_period_is_the_clock() -> None:
    rate: tuple[str, Fact, str, int | None] = ("rate_error", 9.0, "%", None)
    clock = facts("B6", Layer.CLOCK, rate, probes={"test_period.ratio": 1.0})
    edges = facts("B6", Layer.CLOCK, rate, probes={"test_period.ratio": 0.5})
    assert conclude(clock).key == "clock-wrong"
    assert conclude(edges).key == "drdy-slow"


def test_what_happened_to_the_board_comes_before_what_it_caused() -> None:
    noisy = [("offset_gain_1", 9e3, "uV", 1)]
    evidence = facts("B10", Layer.NOISE, *noisy, happened=(IncidentKind.CHIP_LOST,))
    assert conclude(evidence).key == "brown-out"


def test_a_symptom_that_no_row_knows_is_told_as_it_is() -> None:
    said = conclude(facts("B13", Layer.SUPPLIES, ("die_temperature", 90.0, "°C", 2)))
    assert said.key == "unknown"
    assert "B13" in said.cause
    assert "die temperature on channel 2 is 90 °C; limit 10 to 60 °C" in said.cause


def test_other_causes_that_fit_are_told_too() -> None:
    probes: dict[str, Fact] = {"bias.electrode_off": True}
    said = conclude(facts("B17", Layer.LEAD_OFF, ("impedance", 900.0, "kohm", 3), probes=probes))
    assert said.key == "bias-off"
    assert any("Poor contact of electrode 3" in other for other in said.others)


@pytest.mark.parametrize(
    ("kind", "layer", "key"),
    [
        (IncidentKind.NO_LINK, Layer.LINK, "no-board"),
        (IncidentKind.BUSY, Layer.LINK, "busy"),
        (IncidentKind.OTHER_PROTOCOL, Layer.LINK, "other-protocol"),
        (IncidentKind.SILENT, Layer.LINK, "silent"),
        (IncidentKind.SILENT, Layer.RECOVERY, "board-hangs"),
        (IncidentKind.NO_ANSWER, Layer.NOISE, "board-hangs"),
        (IncidentKind.LINK_LOST, Layer.FRAMES, "link-cut"),
        (IncidentKind.BOARD_STARTED, Layer.NOISE, "board-restart"),
        (IncidentKind.WRITES_IGNORED, Layer.IDENTITY, "writes-ignored"),
    ],
)
def test_what_happened_is_read_as_a_value(kind: IncidentKind, layer: Layer, key: str) -> None:
    assert conclude(facts("B0", layer, happened=(kind,))).key == key


@pytest.fixture
def rules() -> Iterator[list[Rule]]:
    kept = list(RULES)
    yield RULES
    RULES[:] = kept


def test_a_row_can_be_added_before_another_and_replaced(rules: list[Rule]) -> None:
    hot = facts("B13", Layer.SUPPLIES, ("die_temperature", 90.0, "°C", 2))

    @cause("hot", "The chip is hot", "let it cool", before="scale")
    def is_hot(e: Evidence) -> bool:
        return e.has_failed("die_temperature")

    keys = [rule.key for rule in rules]
    assert keys.index("hot") == keys.index("scale") - 1
    assert conclude(hot).line == "The chip is hot. Next: let it cool"
    cause("hot", "The chip burns", "run")(is_hot)
    assert conclude(hot).line == "The chip burns. Next: run"
    assert [rule.key for rule in rules] == keys
    with pytest.raises(ValueError, match="nosuch"):
        cause("cold", "It is cold", "warm it", before="nosuch")(is_hot)


def test_every_row_says_a_cause_and_a_next_step_and_has_its_own_name() -> None:
    assert len({rule.key for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.cause
        assert rule.next_step
        assert ("{channels}" in rule.cause) == (rule.channels is not None), rule.key
