"""The table of causes, read with facts that no board was needed for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from emgrig.connect import connect
from emgrig.errors import IdentityError
from emgrig.hil_tests.diagnosis import probes as probes_module
from emgrig.hil_tests.diagnosis.causes import RULES, cause
from emgrig.hil_tests.diagnosis.diagnose import conclude
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact
from emgrig.hil_tests.diagnosis.fact_words import told
from emgrig.hil_tests.diagnosis.medium import Medium, medium_of
from emgrig.hil_tests.diagnosis.symptoms import Rule
from emgrig.hil_tests.judging.check import CheckInfo, CheckResult, Layer
from emgrig.hil_tests.judging.incident import Incident, IncidentKind
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Measure, Outcome
from emgrig.hil_tests.measuring.procedures import reference_v, unexplained_by_reference


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
        (IncidentKind.LINK_LOST, Layer.FRAMES, "link-gone"),
        (IncidentKind.BOARD_STARTED, Layer.NOISE, "board-restart"),
        (IncidentKind.WRITES_IGNORED, Layer.IDENTITY, "writes-ignored"),
    ],
)
def test_what_happened_is_read_as_a_value(kind: IncidentKind, layer: Layer, key: str) -> None:
    assert conclude(facts("B0", layer, happened=(kind,))).key == key


def test_a_link_that_came_back_is_another_cause_than_one_that_did_not() -> None:
    came_back = Incident(IncidentKind.LINK_LOST, "whatever", value=0.8)
    result = CheckResult(
        CheckInfo("B8", Layer.FRAMES, "a question"), Outcome.FAIL, "", [], incidents=[came_back]
    )
    assert conclude(Evidence([result], n_channels=8, probes={})).key == "link-cut"
    result.incidents.append(Incident(IncidentKind.LINK_LOST, "whatever"))
    gone = conclude(Evidence([result], n_channels=8, probes={}))
    assert (gone.key, gone.others) == ("link-gone", ())


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


RATE: tuple[str, Fact, str, int | None] = ("rate_error", -100.0, "%", None)


def test_what_was_not_measured_is_no_evidence() -> None:
    """No sample came, so the test signal's period was never measured: it says nothing of edges."""
    dead = facts(
        "B6",
        Layer.CLOCK,
        RATE,
        probes={"registers.canary_held": True, "test_period.found": False},
        happened=(IncidentKind.NO_SAMPLES,),
    )
    said = conclude(dead)
    assert (said.key, said.others) == ("drdy-dead", ())


def test_without_any_probe_nothing_is_concluded_from_zeros() -> None:
    stray: tuple[str, Fact, str, int | None] = ("link_damaged_bytes", 9, "1", None)
    assert conclude(facts("B6", Layer.CLOCK, RATE)).key == "unknown"
    assert conclude(facts("B0", Layer.LINK, stray, RATE)).key != "link-garbage"


@pytest.mark.parametrize(
    ("avdd", "vref", "dvdd", "key"),
    [
        (4.0, 4.0, 3.3, "supply-low"),  # the reference cannot be above its supply
        (3.0, 3.0, 3.3, "supply-low"),
        (3.0, 3.0, 1.8, "supply-or-reference"),  # reads as a reference of 5 V and DVDD of 3 V do
        (4.6, 4.5, 3.3, "supply-low"),
        (5.0, 4.0, 3.3, "reference-wrong"),
        (5.0, 5.0, 3.3, "reference-wrong"),
        (5.0, 4.0, 1.8, "reference-wrong"),
    ],
)
def test_a_low_supply_and_a_wrong_reference_are_told_apart(
    avdd: float, vref: float, dvdd: float, key: str
) -> None:
    """All readings are 4.5 V / VREF times what is there (SBAS499C, 9.3.1.4)."""
    read_avdd, read_dvdd = {1: avdd * 4.5 / vref}, {3: dvdd * 4.5 / vref}
    hot: tuple[str, Fact, str, int | None] = ("die_temperature", 90.0, "°C", 1)
    probes: dict[str, Fact] = {
        "supplies.avdd_v": read_avdd[1],
        "supplies.dvdd_v": read_dvdd[3],
        "supplies.reference_v": reference_v(read_avdd, read_dvdd, 4.5),
        "supplies.unexplained": unexplained_by_reference(read_avdd, read_dvdd),
    }
    said = conclude(facts("B13", Layer.SUPPLIES, hot, probes=probes))
    assert said.key == key
    assert f"AVDD {read_avdd[1]:.2f} V" in said.because[-1]


def test_open_inputs_get_advice_of_their_own() -> None:
    seen: tuple[str, Fact, str, int | None] = ("open_input_seen", False, "", 2)
    evidence = facts("B16", Layer.LEAD_OFF, seen, probes={"bias.electrode_off": True})
    evidence.is_open = True
    said = conclude(evidence)
    assert (said.key, said.channels, said.others) == ("inputs-not-open", (2,), ())
    assert "electrode 2" in said.cause


@pytest.mark.parametrize(
    ("address", "medium"),
    [
        ("sim:fault=link-stall", Medium.INSIDE),
        ("tcp://127.0.0.1:4299", Medium.INSIDE),
        ("tcp://[::1]:4299", Medium.INSIDE),
        ("tcp://192.168.4.1:4299", Medium.NETWORK),
        ("tcp-listen://0.0.0.0:4299", Medium.NETWORK),
        ("frames+udp://0.0.0.0:5000?template=ardeeg", Medium.NETWORK),
        ("cyton+sim:face", Medium.INSIDE),
        ("cyton:///dev/ttyUSB0", Medium.SERIAL),
        ("hackeeg+tcp://10.0.0.2:9", Medium.NETWORK),
        ("serial:///dev/ttyUSB0?baud=921600", Medium.SERIAL),
        ("spi:pieeg", Medium.BUS),
        ("other:thing", Medium.UNKNOWN),
    ],
)
def test_advice_on_the_link_is_by_what_the_link_is(address: str, medium: Medium) -> None:
    late: tuple[str, Fact, str, int | None] = ("delivery_lateness", 0.9, "s", None)
    evidence = facts("B8", Layer.FRAMES, late)
    evidence.medium = medium_of(address)
    assert evidence.medium is medium
    said = conclude(evidence)
    assert said.key == "link-stall"
    assert ("Wi-Fi" in said.next) == (medium in (Medium.NETWORK, Medium.UNKNOWN))


def test_a_cause_that_harms_no_other_check_gives_way() -> None:
    """A busy computer makes samples late; the channel that is dead is what has to be said first."""
    late: tuple[str, Fact, str, int | None] = ("delivery_lateness", 0.9, "s", None)
    evidence = facts("B8", Layer.FRAMES, late)
    evidence.results[0].is_only_late = True
    other = facts("B9", Layer.NOISE, ("offset_gain_1", 9e3, "uV", 1), probes={"codes.dead": (1,)})
    both = Evidence([*evidence.results, *other.results], n_channels=8, probes=other.probes)
    assert both.failed is other.results[0]
    said = conclude(both)
    assert said.key == "channel-dead"
    assert [words[:15] for words in said.others] == ["The link stalls"]


def test_every_fact_that_a_probe_finds_has_words() -> None:
    named = set(re.findall(r'"([a-z_]+\.[a-z0-9_]+)"', Path(probes_module.__file__).read_text()))
    assert len(named) > 30
    shown = [about for about, _ in told(dict.fromkeys(sorted(named), 1))]
    assert not [about for about in shown if "." in about.split()[0] or re.match(r"\w+: ", about)]
    assert told({"bias.failed": "refused"}) == [("could not be asked (bias)", "refused")]
    assert told({"sides.poor": ("3P", 4), "codes.dead": ()})[0][1] == "3P, 4"
