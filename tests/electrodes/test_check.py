"""The contact check on simulated boards: what is wrong is named, registers are as before."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

import emgrig
from emgrig.calibration.certificate.certificate import Certificate, NamedBoard
from emgrig.driver.board import Board
from emgrig.electrodes import (
    ContactCheck,
    ContactSettings,
    Finding,
    Light,
    Limits,
    check_contact,
)
from emgrig.electrodes.judge import BIAS_OFF, NOTHING_MEASURED, NOTHING_ON
from emgrig.errors import EmgrigError, IdentityError
from emgrig.simulator.analog.world import OPEN, Bridge, Electrode, World
from emgrig.simulator.transport import SimTransport
from properties import runs

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
QUICK = ContactSettings(is_quick=True)


@pytest.fixture
def transport() -> SimTransport:
    return SimTransport("seed=3")


@pytest.fixture
def board(transport: SimTransport) -> Iterator[Board]:
    with Board(transport) as board:
        yield board


def change(transport: SimTransport, how: Callable[[World], World], chip: int = 0) -> None:
    part = transport.board.front_ends[chip]
    part.set_world(transport.board.bank.buses[chip].tick, how(part.world))


def check(
    query: str,
    *changes: Callable[[World], World],
    quick: bool = False,
    channels: tuple[int, ...] | None = None,
) -> ContactCheck:
    transport = SimTransport(query)
    asked = ContactSettings(is_quick=quick, channels=channels)
    with Board(transport) as board:
        for how in changes:
            change(transport, how)
        return check_contact(board, asked, now=NOW)


def off(pin: str) -> Callable[[World], World]:
    return lambda world: world.with_electrode(pin, OPEN)


def skin(pin: str, r_ohm: float) -> Callable[[World], World]:
    return lambda world: world.with_electrode(pin, Electrode(r_ohm))


def bridge(first: str, second: str, ohm: float = 100.0) -> Callable[[World], World]:
    return lambda world: replace(world, bridges=(*world.bridges, Bridge(first, second, ohm)))


def found(result: ContactCheck) -> dict[str, Finding]:
    return {
        one.electrode: one.finding
        for one in result.electrodes
        if one.finding not in (Finding.NONE, Finding.UNKNOWN)
    }


@pytest.mark.slow
def test_good_electrodes_are_green_or_yellow_and_nothing_is_said(board: Board) -> None:
    told: list[tuple[str, float]] = []
    result = check_contact(board, now=NOW, progress=lambda text, share: told.append((text, share)))
    assert [one.electrode for one in result.electrodes[:3]] == ["c1p", "c1n", "c2p"]
    assert len(result.electrodes) == 14  # channel 8 has no electrodes
    assert {one.light for one in result.electrodes} <= {Light.GREEN, Light.YELLOW}
    assert result.findings == ()
    assert result.is_good
    assert (result.bias.light, result.bias.is_off) == (Light.GREEN, False)
    assert result.electrodes[0].name == "frontalis"
    assert result.board.is_simulated
    assert result.electrodes[0].n_samples == 1600
    assert ("c7n, depressor anguli oris", 1.0) in [(text, round(share, 1)) for text, share in told]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(runs(1, nightly=2)))
@pytest.mark.parametrize("quick", [False, True])
def test_an_open_electrode_is_named_and_no_other(seed: int, quick: bool) -> None:
    for pin, name, words in (("IN3P", "c3p", "c3 positive"), ("IN5N", "c5n", "c5 negative")):
        result = check(f"seed={seed}", off(pin), quick=quick)
        assert found(result) == {name: Finding.OPEN}
        assert result.findings == (f"{words} is open: press it on, check its lead and plug",)
        assert not result.is_good
        (one,) = [one for one in result.electrodes if one.electrode == name]
        assert (one.light, one.impedance_ohm) == (Light.RED, None)


@pytest.mark.slow
def test_the_partner_of_an_open_electrode_is_not_given_a_number() -> None:
    """Its channel floats and shows the bias electrode's drop as well."""
    (partner,) = [
        one for one in check("", off("IN3P"), channels=(2, 3)).electrodes if one.electrode == "c3n"
    ]
    assert (partner.light, partner.finding) == (Light.GREY, Finding.UNKNOWN)
    assert partner.impedance_ohm is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "names", "words"),
    [
        ("IN1P", "IN2P", {"c1p", "c2p"}, "c1 positive and c2 positive"),
        ("IN4N", "IN5N", {"c4n", "c5n"}, "c4 negative and c5 negative"),
        ("IN6N", "IN2P", {"c2p", "c6n"}, "c2 positive and c6 negative"),
        ("IN3P", "IN3N", {"c3p", "c3n"}, "c3 positive and c3 negative"),
    ],
)
@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(runs(1, nightly=2)))
def test_a_bridged_pair_is_named(
    first: str, second: str, names: set[str], words: str, seed: int
) -> None:
    result = check(f"seed={seed}", bridge(first, second))
    assert found(result) == dict.fromkeys(names, Finding.BRIDGED)
    assert result.findings == (f"{words} touch (bridge of gel): wipe between them",)
    touched = [one for one in result.electrodes if one.electrode in names]
    assert all(one.light is Light.RED and one.impedance_ohm is None for one in touched)


@pytest.mark.long
@pytest.mark.slow
def test_a_wet_path_of_some_kohm_between_two_channels_is_a_bridge_too() -> None:
    result = check("seed=1", bridge("IN1P", "IN2P", 20e3))
    assert set(found(result)) == {"c1p", "c2p"}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(runs(1, nightly=3)))
def test_an_electrode_that_touches_the_bias_electrode_is_named(seed: int) -> None:
    """All currents are seen on its channel then, which are no bridges to all others."""
    result = check(f"seed={seed}", bridge("IN4P", "BIAS"))
    assert result.findings == (
        "c4 positive touches the bias electrode (bridge of gel): wipe between them",
    )
    (partner,) = [one for one in result.electrodes if one.electrode == "c4n"]
    assert partner.impedance_ohm is None


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(runs(1, nightly=3)))
@pytest.mark.parametrize("quick", [False, True])
def test_a_missing_bias_electrode_is_named_and_no_impedance_is_given(
    seed: int, quick: bool
) -> None:
    result = check(f"seed={seed}", off("BIAS"), quick=quick)
    assert (result.bias.light, result.bias.is_off) == (Light.RED, True)
    assert result.findings == (BIAS_OFF,)
    assert all(one.impedance_ohm is None for one in result.electrodes)
    assert {one.light for one in result.electrodes} == {Light.GREY}
    assert not result.is_good


@pytest.mark.slow
def test_what_is_open_is_named_without_the_bias_electrode_too() -> None:
    """A plug that is out, and nothing holds the body: all N currents together take it to a rail."""
    result = check("seed=2", off("BIAS"), *(off(f"IN{n}P") for n in range(1, 8)))
    assert found(result) == {f"c{n}p": Finding.OPEN for n in range(1, 8)}
    assert result.findings[0] == BIAS_OFF


@pytest.mark.slow
def test_a_cable_that_is_not_plugged_in_is_one_finding_more() -> None:
    def nothing(world: World) -> World:
        return replace(world, p=(OPEN,) * 8, n=(OPEN,) * 8, bias=OPEN)

    result = check("seed=2", nothing, quick=True)
    assert result.findings[0] == NOTHING_ON
    assert len(found(result)) == 14


@pytest.mark.slow
def test_a_high_electrode_is_to_be_prepared_again() -> None:
    result = check("source=silence&seed=1", skin("IN2N", 60e3), channels=(1, 2))
    assert found(result) == {"c2n": Finding.HIGH}
    (text,) = result.findings
    assert text.startswith("clean skin, new gel at c2 negative: ")
    assert text.endswith(" kΩ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p_ohm", "n_ohm", "is_apart"),
    [(1e3, 4e3, False), (12e3, 25e3, False), (3e3, 25e3, True)],
)
def test_p_and_n_are_apart_by_ratio_and_by_difference(
    p_ohm: float, n_ohm: float, is_apart: bool
) -> None:
    """1 and 4 kohm are both good, though four times apart; so both must be exceeded."""
    skins = skin("IN1P", p_ohm), skin("IN1N", n_ohm)
    result = check("source=silence&seed=1", *skins, channels=(1, 2))
    assert (result.channels[0].imbalance or 0) > 1.5
    if is_apart:
        assert found(result) == {"c1n": Finding.APART}
        assert result.findings[0].startswith("clean skin, new gel at c1 negative: ")
        assert "of c1 positive" in result.findings[0]
    else:
        assert result.is_good


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "finding"),
    [("channel-railed:channel=2", Finding.RAILED), ("channel-dead:channel=2", Finding.FLAT)],
)
def test_a_sick_channel_is_no_open_electrode(fault: str, finding: Finding) -> None:
    result = check(f"fault={fault}", channels=(1, 2, 3))
    assert set(found(result).values()) == {finding}
    assert set(found(result)) == {"c2p", "c2n"}
    assert "2" in result.findings[0]


@pytest.mark.slow
def test_if_nothing_can_be_measured_the_bias_electrode_is_suspected() -> None:
    """Its comparator says nothing here: all channels are at the rail for another reason."""
    faults = "&".join(f"fault=channel-railed:channel={n}" for n in range(1, 8))
    result = check(faults)
    assert result.bias.light is Light.RED
    assert result.findings[0] == NOTHING_MEASURED


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("query", ["channels=4", "channels=6", "chips=2", "chips=2&channels=4"])
def test_boards_of_other_sizes(query: str) -> None:
    transport = SimTransport(f"{query}&source=silence&seed=2")
    with Board(transport) as board:
        last = board.identity.channels_wired[-1]
        chip, own = divmod(last - 1, board.chip.parts[0])
        change(transport, off(f"IN{own + 1}N"), chip=chip)
        result = check_contact(board, now=NOW)
    assert len(result.electrodes) == 2 * last
    assert found(result) == {f"c{last}n": Finding.OPEN}


@pytest.mark.long
@pytest.mark.slow
def test_registers_are_as_before_also_with_a_profile_and_lead_off_set(board: Board) -> None:
    board.apply("facial-emg")
    board.chip.lead_off(current="6nA", frequency=31.25, sense_p=[2], sense_n=[2])
    before = [file.raw for file in board.chip.read_registers()]
    for settings in (ContactSettings(), QUICK, ContactSettings(channels=(2,))):
        assert check_contact(board, settings, now=NOW).registers_proved
        assert [file.raw for file in board.chip.read_registers()] == before


@pytest.mark.slow
def test_registers_are_put_back_when_it_is_interrupted(board: Board) -> None:
    board.apply("facial-emg")
    before = [file.raw for file in board.chip.read_registers()]

    def stop(text: str, _share: float) -> None:
        if text.startswith("c3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_contact(board, progress=stop)
    assert [file.raw for file in board.chip.read_registers()] == before


def test_a_board_that_sends_no_samples_is_one_line() -> None:
    with (
        Board(SimTransport("fault=drdy-dead"), silence_s=0.1) as board,
        pytest.raises(EmgrigError) as caught,
    ):
        check_contact(board)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_few_channels_only_but_a_bridge_to_another_is_seen() -> None:
    transport = SimTransport("seed=1")
    with Board(transport) as board:
        change(transport, bridge("IN1P", "IN2P"))
        change(transport, off("IN5P"))  # which would look like a bridge on channel 5
        result = check_contact(board, ContactSettings(channels=(1, 3)), now=NOW)
    assert [one.channel for one in result.channels] == [1, 3]
    assert found(result) == {"c1p": Finding.BRIDGED}


@pytest.mark.slow
def test_gaps_are_counted_and_not_used() -> None:
    result = check("source=silence&seed=1&fault=packets-lost:rate=0.005")
    assert result.conditions.n_lost > 0
    assert result.conditions.n_rejected > 3100  # more than the settling
    assert result.is_good


@pytest.mark.slow
def test_names_come_from_the_board_or_as_told() -> None:
    names = ContactSettings(is_quick=True, channels=(1,), names={1: "masseter"})
    with emgrig.connect("sim:") as board:
        assert check_contact(board, names).electrodes[0].name == "masseter"
    with emgrig.connect("sim:channels=4") as board:
        assert check_contact(board, QUICK).electrodes[0].name == "channel 1"


@pytest.mark.long
@pytest.mark.slow
def test_lights_do_not_flicker_between_two_checks() -> None:
    """c1p reads 10.3 kohm here, between the limit and 10 % above it."""
    query, change_to = "source=silence&seed=1", skin("IN1P", 10.3e3)
    at_limit = check(query, change_to)
    value = at_limit.electrodes[0].impedance_ohm
    assert value is not None
    limits = Limits(green_ohm=value / 1.05)
    transport = SimTransport(query)
    with Board(transport) as board:
        change(transport, change_to)
        settings = ContactSettings(channels=(1,), limits=limits)
        fresh = check_contact(board, settings, now=NOW)
        was_green = replace(
            fresh, electrodes=tuple(replace(one, light=Light.GREEN) for one in fresh.electrodes)
        )
        again = check_contact(board, settings, now=NOW, previous=was_green)
    assert fresh.electrodes[0].light is Light.YELLOW
    assert again.electrodes[0].light is Light.GREEN


@pytest.mark.slow
def test_what_was_far_apart_stays_so_within_the_margin() -> None:
    transport = SimTransport("source=silence&seed=1")
    with Board(transport) as board:
        change(transport, skin("IN1N", 45e3))
        fresh = check_contact(board, ContactSettings(channels=(1,)), now=NOW)
        p_ohm, n_ohm = (one.impedance_ohm or 0.0 for one in fresh.electrodes)
        limits = Limits(apart_ohm=1.05 * (n_ohm - p_ohm), yellow_ohm=1e5)
        settings = ContactSettings(channels=(1,), limits=limits)
        was_apart = replace(
            fresh, electrodes=tuple(replace(e, finding=Finding.APART) for e in fresh.electrodes)
        )
        assert found(check_contact(board, settings, now=NOW)) == {}
        again = check_contact(board, settings, now=NOW, previous=was_apart)
    assert found(again) == {"c1n": Finding.APART}


def test_a_calibration_of_another_board_is_refused(board: Board) -> None:
    other = Certificate(NamedBoard("OTHER", True), NOW, NOW + dt.timedelta(days=9), "test")
    with pytest.raises(IdentityError, match="OTHER"):
        check_contact(board, calibration=other, now=NOW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"current": "6uA"}, "24nA or 6nA"),
        ({"frequency_hz": 250.0}, "31.25 or 7.8125"),
        ({"seconds": 0.0}, "more than 0"),
        ({"seconds": float("nan")}, "more than 0"),
        ({"quiet_s": 0.5}, "1 to 60"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ContactSettings(**settings)  # type: ignore[arg-type]


def test_a_channel_that_is_not_there_is_refused_before_anything_is_sent(board: Board) -> None:
    sent: list[bytes] = []
    board.tap = lambda direction, data, at: sent.append(data)
    with pytest.raises(ValueError, match="1 to 8"):
        check_contact(board, ContactSettings(channels=(9,)))
    assert sent == []
