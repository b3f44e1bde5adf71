"""From readings to lights and words, at the very edges: every limit is met from both sides.

The limits are those of `docs/electrodes.md`: 10 and 30 kohm, open from 1 Mohm on, a bridge above
500 ohm, no skin below 500 ohm, apart by more than 3 and more than 10 kohm, hysteresis 10 %.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from emgrig.calibration.figures.uncertainty import Result
from emgrig.calibration.procedures.acquire import Unusable
from emgrig.electrodes.check import Channel, Electrode, Finding
from emgrig.electrodes.impedance import Reading
from emgrig.electrodes.judge import (
    BIAS_OFF,
    NOTHING_MEASURED,
    NOTHING_ON,
    Seen,
    Where,
    judge_bias,
    judge_channels,
    judge_electrodes,
    kohm,
)
from emgrig.electrodes.lights import Light, Limits
from emgrig.electrodes.quiet import ChannelFigures

LIMITS = Limits()
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
NAMES = {1: "frontalis", 2: "corrugator", 3: "zygomaticus", 4: "masseter"}


def test_the_limits_are_those_of_the_document() -> None:
    written = Limits(10e3, 30e3, 1e6, 500.0, 500.0, 3.0, 10e3, 75, 90, 40, 150, 0.9, 0.1)
    assert written == LIMITS


def blank(channel: int, side: str) -> Electrode:
    return Electrode(
        electrode=f"c{channel}{side}", channel=channel, side=side, name=NAMES[channel],
        light=Light.GREY, impedance_ohm=None, impedance_u_ohm=None, k=None, at_hz=31.25,
        resistance_ohm=None, resistance_u_ohm=None, capacitance_f=None, capacitance_u_f=None,
        method="",
        series_ohm=2200.0, n_samples=0, finding=Finding.NONE, advice="", made_utc=NOW,
    )  # fmt: skip


#: A channel that cannot be read: at the rail, or every sample the same.
RAILED, FROZEN = Unusable(0.02), Unusable(0.0, 0)


def reads(
    ohm: float | None, u_ohm: float = 1.0, unusable: Unusable | None = None, **shared: float
) -> Reading:
    """An impedance with its expanded uncertainty, and what moves along (`c2n=501`), ohm."""
    moved = {(int(name[1]), name[2]): value for name, value in shared.items()}
    if ohm is None:
        return Reading(None, shared_ohm=moved, unusable=unusable)
    result = Result(ohm, "ohm", u_ohm / 4, 1600, k=4.0)
    return Reading(result, shared_ohm=moved)


def judge(
    readings: Mapping[str, Reading],
    *,
    off: tuple[str, ...] = (),
    before: tuple[Electrode, ...] = (),
    limits: Limits = LIMITS,
) -> dict[str, Electrode]:
    """Judge electrodes by name; those that are only `off` have no reading."""

    class Previous:
        electrodes = before

    names = sorted({*readings, *off}, key=lambda name: (name[1], name[2] != "p"))
    seen = Seen(
        readings={(int(name[1]), name[2]): one for name, one in readings.items()},
        off=frozenset((int(name[1]), name[2]) for name in off),
    )
    blanks = [blank(int(name[1]), name[2]) for name in names]
    made = judge_electrodes(blanks, seen, limits, Previous if before else None)  # type: ignore[arg-type]
    assert [one.electrode for one in made] == names
    return {one.electrode: one for one in made}


def found(judged: Mapping[str, Electrode]) -> dict[str, Finding]:
    return {name: one.finding for name, one in judged.items() if one.finding is not Finding.NONE}


# The bias electrode.

PAIR: tuple[Where, ...] = ((1, "p"), (1, "n"))


@pytest.mark.parametrize(
    ("off", "advice"),
    [((), BIAS_OFF), (PAIR[:1], BIAS_OFF), (PAIR, NOTHING_ON), ((*PAIR, (2, "p")), NOTHING_ON)],
)
def test_the_bias_electrode_alone_is_off_or_the_whole_cable(
    off: tuple[Where, ...], advice: str
) -> None:
    bias = judge_bias(Seen(off=frozenset(off), bias_off=True), PAIR)
    assert (bias.light, bias.is_off, bias.advice) == (Light.RED, True, advice)


@pytest.mark.parametrize(("bias_off", "light"), [(None, Light.GREY), (False, Light.GREEN)])
def test_a_bias_electrode_of_which_nothing_bad_is_known(
    bias_off: bool | None, light: Light
) -> None:
    bias = judge_bias(Seen(bias_off=bias_off, off=frozenset(PAIR)), PAIR)
    assert (bias.light, bias.is_off, bias.advice) == (light, bias_off, "")


@pytest.mark.parametrize(
    ("unread", "read", "off", "suspected"),
    [
        (3, 0, 0, True),
        (2, 0, 0, False),  # two are too few to say
        (3, 1, 0, False),
        (3, 0, 1, False),  # one of the three is open: that is why
        (4, 0, 1, True),
        (3, 1, 4, False),
    ],
)
def test_the_bias_electrode_is_suspected_if_of_three_or_more_none_can_be_read(
    unread: int, read: int, off: int, suspected: bool
) -> None:
    wheres = [(channel, side) for channel in (1, 2, 3, 4) for side in "pn"]
    ones = [reads(None, unusable=FROZEN)] * unread + [reads(5e3)] * read
    readings = dict(zip(wheres, ones, strict=False))
    seen = Seen(readings, frozenset(wheres[:off]), bias_off=False)
    bias = judge_bias(seen, wheres)
    assert (bias.light is Light.RED) == suspected
    assert bias.is_off == (None if suspected else False)
    assert bias.advice == (NOTHING_MEASURED if suspected else "")


# No current.


@pytest.mark.parametrize(
    ("ohm", "n_electrodes", "is_dead"),
    [(-2190.0, 6, True), (-1701.0, 6, True), (-1699.0, 6, False), (-2190.0, 4, False),
     (0.0, 8, False)],
)  # fmt: skip
def test_a_board_that_drives_no_current_is_told_from_gel(
    ohm: float, n_electrodes: int, is_dead: bool
) -> None:
    """2200 ohm in series are taken off each reading: less than 500 ohm of them are seen, or not."""
    names = [f"c{channel}{side}" for channel in (1, 2, 3, 4) for side in "pn"][:n_electrodes]
    judged = judge({name: reads(ohm) for name in names})
    finding = Finding.NO_CURRENT if is_dead else Finding.BRIDGED
    assert {one.finding for one in judged.values()} == {finding}
    assert (len({one.advice for one in judged.values()}) == 1) == is_dead


def test_one_electrode_with_a_current_is_enough_to_ask_for_gel() -> None:
    dead = {f"c{channel}{side}": reads(-2190.0) for channel in (2, 3, 4) for side in "pn"}
    judged = judge({"c1p": reads(5e3), **dead})
    assert judged["c2p"].finding is Finding.BRIDGED
    assert judged["c1p"].finding is Finding.NONE


# Open.


@pytest.mark.parametrize(
    ("ohm", "finding"), [(999_999.0, Finding.HIGH), (1e6, Finding.OPEN), (1.5e6, Finding.OPEN)]
)
def test_an_electrode_is_open_from_its_limit_on(ohm: float, finding: Finding) -> None:
    judged = judge({"c1p": reads(ohm), "c2p": reads(5e3)})
    assert found(judged) == {"c1p": finding}
    one = judged["c1p"]
    assert one.light is Light.RED
    if finding is Finding.OPEN:
        assert one.impedance_ohm is None
        assert one.advice == "c1 positive is open: press it on, check its lead and plug"
    else:
        assert one.impedance_ohm == ohm
        assert one.advice == "clean skin, new gel at c1 positive: 1000 kΩ"


def test_the_partner_of_an_open_one_is_not_known_and_nobody_else_is_concerned() -> None:
    judged = judge({"c1p": reads(5e3), "c1n": reads(5e3), "c2p": reads(5e3)}, off=("c1n",))
    assert found(judged) == {"c1n": Finding.OPEN, "c1p": Finding.UNKNOWN}
    assert judged["c1p"] == replace(blank(1, "p"), finding=Finding.UNKNOWN)
    assert judged["c2p"].light is Light.GREEN


def test_the_partner_that_was_not_measured_stays_blank() -> None:
    judged = judge({}, off=("c1n",))
    seen = Seen(off=frozenset({(1, "n")}))
    made = judge_electrodes([blank(1, "p"), blank(1, "n")], seen, LIMITS, None)
    assert made == (blank(1, "p"), judged["c1n"])


# Bridges.


@pytest.mark.parametrize(("ohm", "is_bridge"), [(500.0, False), (500.01, True)])
def test_two_electrodes_touch_if_more_than_the_limit_is_shared(ohm: float, is_bridge: bool) -> None:
    judged = judge({"c1p": reads(5e3, c2n=ohm), "c2n": reads(5e3), "c3p": reads(5e3)})
    assert found(judged) == ({"c1p": Finding.BRIDGED} if is_bridge else {})
    if is_bridge:
        one = judged["c1p"]
        assert (one.light, one.impedance_ohm) == (Light.RED, None)
        assert one.advice == (
            "c1 positive and c2 negative touch (bridge of gel): wipe between them"
        )


@pytest.mark.parametrize(
    ("where", "shared", "words"),
    [
        ("c2n", {"c1p": 900.0, "c3p": 900.0}, "c1 positive and c2 negative"),
        ("c2n", {"c3n": 900.0, "c3p": 700.0}, "c2 negative and c3 negative"),
        ("c1n", {"c3n": 900.0}, "c1 negative and c3 negative"),
    ],
)
def test_a_bridge_names_the_lower_channel_first(
    where: str, shared: dict[str, float], words: str
) -> None:
    others = {name: reads(5e3) for name in ("c1p", "c2p", "c3p", "c4p", "c4n")}
    judged = judge({**others, where: reads(5e3, **shared)})
    assert judged[where].advice == f"{words} touch (bridge of gel): wipe between them"


def test_an_electrode_that_seems_to_touch_an_open_channel_touches_nobody() -> None:
    """A channel with an open electrode shows the current of all others."""
    judged = judge({"c1p": reads(5e3, c2p=900.0), "c3p": reads(5e3)}, off=("c2n",))
    assert found(judged) == {"c2n": Finding.OPEN}
    judged = judge({"c1p": reads(5e3, c2p=900.0, c4p=900.0), "c3p": reads(5e3)}, off=("c2n",))
    assert "c4 positive" in judged["c1p"].advice


@pytest.mark.parametrize(
    ("n_drives", "n_moved", "is_on_bias"),
    [
        (1, 1, False),  # one alone may as well touch it
        (2, 1, False),
        (2, 2, True),
        (3, 2, False),  # two thirds: more are needed
        (3, 3, True),
        (6, 4, False),
        (6, 5, True),
    ],
)
@pytest.mark.parametrize(("moves", "held"), [("n", "p"), ("p", "n")])
def test_an_electrode_is_on_the_bias_if_its_channel_moves_with_most_others(
    n_drives: int, n_moved: int, is_on_bias: bool, moves: str, held: str
) -> None:
    names = ["c1p", "c1n", "c2p", "c2n", "c3p", "c3n"][:n_drives]
    readings = {
        name: reads(5e3, **({f"c4{moves}": 501.0} if k < n_moved else {}))
        for k, name in enumerate(names)
    }
    readings[f"c4{held}"] = readings[f"c4{moves}"] = reads(5e3)
    judged = judge(readings)
    if not is_on_bias:
        assert set(found(judged)) == set(names[:n_moved])
        return
    assert found(judged) == {f"c4{held}": Finding.BRIDGED, f"c4{moves}": Finding.UNKNOWN}
    side = {"p": "positive", "n": "negative"}[held]
    assert judged[f"c4{held}"].advice == (
        f"c4 {side} touches the bias electrode (bridge of gel): wipe between them"
    )
    assert judged[f"c4{held}"].light is Light.RED


def test_the_own_electrodes_of_a_channel_are_no_witnesses_of_it() -> None:
    """Three others of which two moved: were its own two counted, it would be two of five."""
    moved = reads(5e3, c4n=501.0)
    judged = judge({"c1p": moved, "c1n": moved, "c2p": moved, "c4p": reads(5e3), "c4n": reads(5e3)})
    assert found(judged) == {"c4p": Finding.BRIDGED, "c4n": Finding.UNKNOWN}


def test_what_moves_along_by_less_than_a_bridge_is_nothing() -> None:
    moved = reads(5e3, c4n=500.0)
    judged = judge({"c1p": moved, "c2p": moved, "c3p": moved, "c4p": reads(5e3)})
    assert found(judged) == {}


# Shorts.


@pytest.mark.parametrize(
    ("ohm", "u_ohm", "partner_ohm", "expected"),
    [
        (400.0, 99.0, 5e3, {"c1p": Finding.BRIDGED, "c1n": Finding.UNKNOWN}),
        (400.0, 100.0, 5e3, {}),  # it may be 500 ohm, which is skin
        (499.0, 0.5, 5e3, {"c1p": Finding.BRIDGED, "c1n": Finding.UNKNOWN}),
        (500.0, 0.0, 5e3, {}),
        (100.0, 0.0, 500.0, {"c1p": Finding.BRIDGED, "c1n": Finding.UNKNOWN}),
        (-50.0, 400.0, 600.0, {"c1p": Finding.BRIDGED, "c1n": Finding.UNKNOWN}),
        # Both below: they touch each other, however sure that is.
        (100.0, 0.0, 499.0, {"c1p": Finding.BRIDGED, "c1n": Finding.BRIDGED}),
        (499.0, 400.0, 499.0, {"c1p": Finding.BRIDGED, "c1n": Finding.BRIDGED}),
    ],
)
def test_a_contact_that_is_surely_no_skin_touches_the_bias_or_its_partner(
    ohm: float, u_ohm: float, partner_ohm: float, expected: dict[str, Finding]
) -> None:
    judged = judge({"c1p": reads(ohm, u_ohm), "c1n": reads(partner_ohm, 0.0)})
    assert found(judged) == expected
    swapped = judge({"c1n": reads(ohm, u_ohm), "c1p": reads(partner_ohm, 0.0)})
    other = {"c1p": "c1n", "c1n": "c1p"}
    assert found(swapped) == {other[name]: finding for name, finding in expected.items()}
    if expected.get("c1n") is Finding.BRIDGED:
        text = "c1 positive and c1 negative touch (bridge of gel): wipe between them"
        assert {one.advice for one in judged.values()} == {text}


def test_a_short_without_a_partner_that_was_read_is_only_a_low_value() -> None:
    assert found(judge({"c1p": reads(100.0, 0.0)})) == {}
    judged = judge({"c1p": reads(100.0, 0.0), "c1n": reads(None, unusable=FROZEN)})
    assert found(judged) == {"c1n": Finding.FLAT}


def test_the_graver_finding_wins() -> None:
    """Open before on the bias electrode before touching another."""
    many = {name: reads(5e3, c4n=900.0) for name in ("c1p", "c2p", "c3p")}
    judged = judge({**many, "c4p": reads(2e6)})
    assert judged["c4p"].finding is Finding.OPEN
    judged = judge({**many, "c4p": reads(5e3, c1n=900.0), "c4n": reads(5e3)})
    assert "bias" in judged["c4p"].advice


# What cannot be read.


@pytest.mark.parametrize(
    ("unusable", "finding", "advice"),
    [
        (
            RAILED,
            Finding.RAILED,
            (
                "c2 negative: channel at the rail in 2.0% of the samples: re-seat c2 negative, "
                "check its lead"
            ),
        ),
        (
            FROZEN,
            Finding.FLAT,
            "channel 2: every sample is code 0: powered down or frozen; see emgrig bringup",
        ),
    ],
)
def test_a_channel_that_cannot_be_read_says_why(
    unusable: Unusable, finding: Finding, advice: str
) -> None:
    one = judge({"c2n": reads(None, unusable=unusable)})["c2n"]
    assert (one.light, one.finding, one.advice) == (Light.RED, finding, advice)
    assert one.impedance_ohm is None


# Values.


def test_everything_that_was_measured_is_kept() -> None:
    resistance = Result(6100.0, "ohm", 30.0, 1600, k=3.0)
    impedance = Result(5000.0, "ohm", 20.0, 1500, k=2.5)
    capacitance = Result(22e-9, "F", 1e-9, 1600, k=2.0)
    reading = Reading(impedance, resistance, capacitance)
    one = judge({"c1p": reading})["c1p"]
    assert one == replace(
        blank(1, "p"), light=Light.GREEN, impedance_ohm=5000.0, impedance_u_ohm=50.0, k=2.5,
        resistance_ohm=6100.0, resistance_u_ohm=90.0, capacitance_f=22e-9, capacitance_u_f=2e-9,
        method="fit",
        n_samples=1500,
    )  # fmt: skip
    one = judge({"c1p": Reading(impedance)})["c1p"]
    assert (one.method, one.resistance_ohm, one.resistance_u_ohm) == ("magnitude", None, None)


@pytest.mark.parametrize(
    ("ohm", "light", "finding"),
    [
        (10e3, Light.GREEN, Finding.NONE),
        (10_001.0, Light.YELLOW, Finding.NONE),
        (30e3, Light.YELLOW, Finding.NONE),
        (30_001.0, Light.RED, Finding.HIGH),
    ],
)
def test_lights_change_at_their_limits(ohm: float, light: Light, finding: Finding) -> None:
    one = judge({"c1p": reads(ohm)})["c1p"]
    assert (one.light, one.finding) == (light, finding)
    assert one.advice == ("clean skin, new gel at c1 positive: 30 kΩ" if light is Light.RED else "")


@pytest.mark.parametrize(
    ("light", "finding", "ohm", "now"),
    [
        (Light.GREEN, Finding.NONE, 11_000.0, Light.GREEN),
        (Light.GREEN, Finding.NONE, 11_001.0, Light.YELLOW),
        (Light.YELLOW, Finding.NONE, 9_001.0, Light.YELLOW),
        (Light.YELLOW, Finding.NONE, 9_000.0, Light.GREEN),
        (Light.RED, Finding.HIGH, 27_001.0, Light.RED),
        (Light.RED, Finding.HIGH, 27_000.0, Light.YELLOW),
        # Red for another reason than its value: the past says nothing of the value.
        (Light.RED, Finding.OPEN, 27_001.0, Light.YELLOW),
        (Light.RED, Finding.APART, 9_500.0, Light.GREEN),
        (Light.GREY, Finding.NONE, 10_001.0, Light.YELLOW),
    ],
)
def test_a_light_that_is_on_stays_within_a_tenth_of_its_limit(
    light: Light, finding: Finding, ohm: float, now: Light
) -> None:
    before = (replace(blank(1, "p"), light=light, finding=finding),)
    assert judge({"c1p": reads(ohm)}, before=before)["c1p"].light is now
    # Another electrode has no such past.
    assert judge({"c1n": reads(10_500.0)}, before=before)["c1n"].light is Light.YELLOW


# P against N.


@pytest.mark.parametrize(
    ("larger", "smaller", "is_apart"),
    [
        (15_000.0, 5_000.0, False),  # 3 times, 10 kohm
        (15_001.0, 5_000.0, True),
        (14_999.0, 4_999.0, False),  # more than 3 times, but 10 kohm
        (18_000.0, 6_000.0, False),  # 12 kohm, but 3 times
        (18_001.0, 6_000.0, True),
        (10_001.0, 0.0, True),
        (9_999.0, -1.0, False),
        (9_999.5, -1.0, True),  # noise makes it negative: no more than 0 is taken for it
    ],
)
def test_p_and_n_are_apart_by_more_than_both_limits(
    larger: float, smaller: float, is_apart: bool
) -> None:
    limits = replace(LIMITS, short_ohm=0.0)
    for large, small in (("c1p", "c1n"), ("c1n", "c1p")):
        judged = judge({large: reads(larger), small: reads(smaller)}, limits=limits)
        assert found(judged) == ({large: Finding.APART} if is_apart else {})
        if is_apart:
            words = {"c1p": "c1 positive", "c1n": "c1 negative"}
            one = judged[large]
            assert one.light is Light.RED
            assert one.impedance_ohm == larger
            assert one.advice == (
                f"clean skin, new gel at {words[large]}: {larger / 1e3:.0f} kΩ against "
                f"{smaller / 1e3:.1f} kΩ of {words[small]}"
            )


@pytest.mark.parametrize(
    ("larger", "smaller", "stays"),
    [
        (12_001.0, 3_000.0, True),  # 9001 ohm and 4 times
        (12_000.0, 3_000.0, False),  # 9000 ohm is 10 % below 10 kohm
        (16_201.0, 6_000.0, True),  # 2.7001 times
        (16_200.0, 6_000.0, False),  # 2.7 times is 10 % below 3 times
    ],
)
def test_what_was_apart_stays_so_within_a_tenth_of_both(
    larger: float, smaller: float, stays: bool
) -> None:
    readings = {"c1p": reads(larger), "c1n": reads(smaller)}
    was = replace(blank(1, "p"), light=Light.RED, finding=Finding.APART)
    assert found(judge(readings, before=(was,))) == ({"c1p": Finding.APART} if stays else {})
    for other in (replace(was, finding=Finding.HIGH), replace(was, electrode="c1n", side="n")):
        assert found(judge(readings, before=(other,))) == {}


def test_beside_a_partner_of_nothing_only_the_difference_counts() -> None:
    limits = replace(LIMITS, short_ohm=0.0, apart_ohm=1.0)
    judged = judge({"c1p": reads(2.0), "c1n": reads(0.0)}, limits=limits)
    assert found(judged) == {"c1p": Finding.APART}


def test_one_that_is_high_anyway_is_not_apart_too() -> None:
    judged = judge({"c1p": reads(60e3), "c1n": reads(5e3)})
    assert found(judged) == {"c1p": Finding.HIGH}


def test_without_a_value_of_the_partner_nothing_is_apart() -> None:
    assert found(judge({"c1p": reads(25e3)})) == {}
    judged = judge({"c1p": reads(25e3), "c1n": reads(None, unusable=FROZEN)})
    assert found(judged) == {"c1n": Finding.FLAT}


@pytest.mark.parametrize(
    ("ohm", "text"),
    [
        (4_551.0, "4.6 kΩ"), (9_949.0, "9.9 kΩ"), (9_950.0, "10 kΩ"), (45_400.0, "45 kΩ"),
        (-200.0, "-0.2 kΩ"), (-9_950.0, "-10 kΩ"), (9_940.0, "9.9 kΩ"),
    ],
)  # fmt: skip
def test_ohms_are_said_with_two_figures(ohm: float, text: str) -> None:
    assert kohm(ohm) == text


# Channels.

GOOD = ChannelFigures(
    channel=2, rail_percent=10.0, offset_mv=1.0, headroom_percent=90.0, mains_hz=50.0,
    mains_uv_rms=5.0, mains_ratio=2.0, rest_uv_rms=2.5, band_hz=(20.0, 450.0), is_flat=False,
    same_as=(), n_samples=3000,
)  # fmt: skip


def channel(
    figures: ChannelFigures = GOOD,
    *,
    electrodes: tuple[Electrode, ...] = (),
    previous: tuple[Channel, ...] = (),
) -> Channel:
    names = {2: "corrugator", 3: "another"}
    (made,) = judge_channels([figures], names, LIMITS, electrodes=electrodes, previous=previous)
    return made


def test_a_channel_keeps_its_figures_and_has_its_name() -> None:
    made = channel()
    for name, value in vars(GOOD).items():
        assert getattr(made, name) == value
    assert made.name == "corrugator"
    assert (made.light, made.rail_light, made.mains_light) == (Light.GREEN,) * 3
    assert (made.imbalance, made.advice) == (None, "")
    assert channel(replace(GOOD, channel=5)).name == "channel 5"


@pytest.mark.parametrize(
    ("percent", "light"),
    [(75.0, Light.GREEN), (75.1, Light.YELLOW), (90.0, Light.YELLOW), (90.1, Light.RED)],
)
def test_the_rail_has_its_lights(percent: float, light: Light) -> None:
    made = channel(replace(GOOD, rail_percent=percent))
    assert (made.light, made.rail_light, made.mains_light) == (light, light, Light.GREEN)
    red = "c2 is at the rail (90 % of full scale): press its electrodes on, check their leads"
    assert made.advice == (red if light is Light.RED else "")


@pytest.mark.parametrize(
    ("uv", "light", "todo"),
    [
        (40.0, Light.GREEN, ""),
        (40.1, Light.YELLOW, ""),
        (150.0, Light.YELLOW, ""),
        (
            151.0,
            Light.RED,
            "c2: 151 µV of 50 Hz mains: clean skin, new gel at the worse of its electrodes",
        ),
        (
            1500.0,
            Light.RED,
            "c2: 1500 µV of 50 Hz mains: clean skin, new gel at the worse of its electrodes",
        ),
        (1501.0, Light.RED, "c2: 1501 µV of 50 Hz mains: is one of its electrodes off?"),
        (35508.0, Light.RED, "c2: 36 mV of 50 Hz mains: is one of its electrodes off?"),
    ],
)
def test_mains_has_its_lights_and_says_what_to_do(uv: float, light: Light, todo: str) -> None:
    made = channel(replace(GOOD, mains_uv_rms=uv))
    assert (made.light, made.mains_light, made.rail_light) == (light, light, Light.GREEN)
    assert made.advice == todo
    for hz, said in ((60.0, "60 Hz"), (None, "50 Hz")):
        made = channel(replace(GOOD, mains_uv_rms=uv, mains_hz=hz))
        assert made.advice == todo.replace("50 Hz", said)


def test_without_a_figure_of_mains_its_light_is_grey() -> None:
    made = channel(replace(GOOD, mains_uv_rms=None, mains_hz=None))
    assert (made.mains_light, made.light) == (Light.GREY, Light.GREEN)


@pytest.mark.parametrize(
    ("before", "rail", "mains"),
    [
        ((Light.GREEN, Light.GREEN), Light.GREEN, Light.GREEN),
        ((Light.YELLOW, Light.YELLOW), Light.YELLOW, Light.YELLOW),
        ((Light.GREY, Light.GREY), Light.YELLOW, Light.YELLOW),
        ((Light.GREEN, Light.YELLOW), Light.GREEN, Light.YELLOW),
    ],
)
def test_lights_of_a_channel_stay_within_a_tenth_of_their_limits(
    before: tuple[Light, Light], rail: Light, mains: Light
) -> None:
    """82 % and 43.9 uV are within 10 % above 75 % and 40 uV."""
    was = replace(channel(), rail_light=before[0], mains_light=before[1])
    other = replace(was, channel=3, rail_light=Light.RED, mains_light=Light.RED)
    figures = replace(GOOD, rail_percent=82.0, mains_uv_rms=43.9)
    made = channel(figures, previous=(other, was))
    assert (made.rail_light, made.mains_light) == (rail, mains)
    fresh = channel(figures, previous=(other,))
    assert (fresh.rail_light, fresh.mains_light) == (Light.YELLOW, Light.YELLOW)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"is_flat": True}, "c2 is flat (every sample the same): powered down, or broken"),
        (
            {"same_as": (4,)},
            "c2 and c4 show the same signal: a bridge of gel, or leads mixed up",
        ),
        (
            {"same_as": (4, 1)},
            "c1, c2 and c4 show the same signal: a bridge of gel, or leads mixed up",
        ),
    ],
)
def test_a_channel_that_shows_nothing_of_its_own_is_red(
    change: dict[str, object], advice: str
) -> None:
    made = channel(replace(GOOD, **change))  # type: ignore[arg-type]
    assert (made.light, made.advice) == (Light.RED, advice)


def test_the_worst_of_figures_and_electrodes_is_the_light() -> None:
    def electrode(side: str, light: Light, ohm: float | None, number: int = 2) -> Electrode:
        return replace(blank(number, side), light=light, impedance_ohm=ohm)

    p, n = electrode("p", Light.YELLOW, 20e3), electrode("n", Light.GREEN, 5e3)
    other = electrode("p", Light.RED, 1e5, 3)
    made = channel(electrodes=(p, n, other))
    assert (made.light, made.imbalance) == (Light.YELLOW, 4.0)
    assert channel(electrodes=(n, p)).imbalance == 4.0
    assert channel(electrodes=(p,)).imbalance is None
    assert channel(electrodes=(p, replace(n, impedance_ohm=None))).imbalance is None
    assert channel(electrodes=(p, replace(n, impedance_ohm=0.0))).imbalance is None
    assert channel(electrodes=(p, replace(n, impedance_ohm=0.5))).imbalance == 40e3
    assert channel(electrodes=(replace(p, light=Light.RED), n)).light is Light.RED


def test_what_an_electrode_explains_is_not_said_again() -> None:
    loud = replace(GOOD, mains_uv_rms=9000.0)
    open_one = replace(blank(2, "p"), light=Light.RED, finding=Finding.OPEN, advice="press it on")
    assert channel(loud, electrodes=(open_one,)).advice == ""
    assert channel(loud, electrodes=(blank(2, "p"),)).advice != ""
    assert channel(loud, electrodes=(replace(open_one, channel=3),)).advice != ""
