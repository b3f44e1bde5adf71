"""What is said to a Cyton: it reaches what it should on the twin, or is refused before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.errors import WireError
from emgrig.gateways.cyton.words import (
    WRITABLE,
    Unreachable,
    needs_rescue,
    plan,
    read_registers,
    read_version,
    rescue,
)
from emgrig.simulator.transport import SimTransport
from gateways.cyton.cytons import asked, firmware_of, transport_of
from gateways.cyton.test_twin import FRESH, packets
from properties import examples

TWO = (b"\x3e\xb6" + FRESH[2:], FRESH)


def held(transport: SimTransport) -> tuple[bytes, ...]:
    chips = firmware_of(transport).chips
    return tuple(chips.rreg(chip, 0, 24) for chip in chips.present)


def changed(raw: bytes, **changes: int) -> bytes:
    """Return registers with some of them changed: r05=0x08."""
    out = bytearray(raw)
    for name, value in changes.items():
        out[int(name[1:], 16)] = value
    return bytes(out)


chip_targets = st.fixed_dictionaries(
    {
        "channels": st.lists(
            st.tuples(st.booleans(), st.integers(0, 6), st.booleans(), st.integers(0, 7)),
            min_size=8,
            max_size=8,
        ),
        "bias": st.integers(0, 255),
        "p": st.integers(0, 255),
        "n": st.integers(0, 255),
        "srb1": st.sampled_from([0x00, 0x20]),
    }
)


@pytest.mark.slow
@examples(20)
@given(
    st.tuples(chip_targets, chip_targets),
    st.sampled_from([0xC0, 0xD0, 0xD1, 0xD4, 0xD5, 0xD7]),
)
def test_what_is_said_reaches_every_setting_that_there_is(
    targets: tuple[dict[str, object], ...], config2: int
) -> None:
    transport = TRANSPORT
    before = held(transport)
    target = tuple(_target(raw, want, config2) for raw, want in zip(before, targets, strict=True))
    for _ in range(3):
        steps = plan(held(transport), target)
        for step in steps:
            assert step.answer.decode() in asked(transport, step.say)
            packets(transport, 0.05)
        if not any(step.is_reset for step in steps):
            break
    assert held(transport) == target


def _target(raw: bytes, want: dict[str, object], config2: int) -> bytes:
    out = bytearray(changed(raw, r02=config2))
    for index, (off, gain, srb2, mux) in enumerate(want["channels"]):
        out[5 + index] = off << 7 | gain << 4 | srb2 << 3 | mux
    out[0x0D] = out[0x0E] = want["bias"]
    out[0x0F], out[0x10], out[0x15] = want["p"], want["n"], want["srb1"]
    return bytes(out)


TRANSPORT = transport_of("cyton-daisy")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"r01": 0x95}, "register 01h"),
        ({"r03": 0x60}, "register 03h"),
        ({"r04": 0x06}, "register 04h"),
        ({"r11": 0x01}, "register 11h"),
        ({"r17": 0x02}, "register 17h"),
        ({"r02": 0xC5}, "CONFIG2 of a Cyton"),
        ({"r0D": 0x01}, "P and N of a channel"),
        ({"r15": 0x10}, "MISC1"),
        ({"r05": 0x70}, "gain code 7 of channel 9"),
    ],
)
def test_what_no_letter_reaches_is_refused(changes: dict[str, int], words: str) -> None:
    target = (
        (TWO[0], changed(TWO[1], **changes))
        if "r02" not in changes
        else tuple(changed(raw, **changes) for raw in TWO)
    )
    with pytest.raises(Unreachable, match=words):
        plan(TWO, target)


def test_one_letter_sets_the_test_signal_of_both_chips() -> None:
    with pytest.raises(Unreachable, match="and of its Daisy with it"):
        plan(TWO, (changed(TWO[0], r02=0xD0), TWO[1]))


def test_a_change_of_one_channel_is_one_word() -> None:
    (step,) = plan(TWO, (TWO[0], changed(TWO[1], r06=0x50)))
    assert step.say == b"xW0501" + b"00X"
    assert plan(TWO, TWO) == ()
    assert set(WRITABLE) == {2, *range(5, 0x11), 0x15}


def test_a_rate_of_before_and_a_lost_lead_off_are_brought_back() -> None:
    """~ leaves LOFF at 0, and v leaves the rate: it takes both, in this order."""
    assert not needs_rescue(TWO)
    at_1000 = tuple(changed(raw, r01=raw[1] & 0xF8 | 4, r04=0) for raw in TWO)
    assert needs_rescue(at_1000)
    assert [step.say for step in rescue(at_1000)] == [b"~6", b"v"]
    assert [step.say for step in rescue((changed(FRESH, r04=0),))] == [b"v"]


# ---- reading ------------------------------------------------------------------------------------

TEXT = asked(transport_of("cyton-daisy"), b"?").encode()


def test_the_answer_to_a_question_mark_is_read() -> None:
    assert read_registers(TEXT) == TWO
    assert read_registers(b"stale" + TEXT) == TWO
    assert read_registers(TEXT.replace(b"b6", b"B6").replace(b"\n", b"\r\n")) == TWO


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 7), st.booleans())
def test_a_damaged_answer_is_no_register(at: int, bit: int, is_lost: bool) -> None:
    """A register stands there twice: what is read is right, or nothing is."""
    harmed = bytearray(TEXT)
    if is_lost:
        del harmed[at]
    else:
        harmed[at] ^= 1 << bit
    try:
        found = read_registers(bytes(harmed))
    except WireError:
        return
    assert found in (TWO, TWO[:1], TWO[1:])  # a title may be lost: a chip then, or none


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (b"v3.1.5$$$", (3, 1, 5)),
        (b"Firmware: v3.1.2\n$$$", (3, 1, 2)),
        (b"OpenBCI V3 16 channel\nFirmware: v2.0.1\n$$$", (2, 0, 1)),
        (b"no", None),
        (b"", None),
    ],
)
def test_a_version_is_read(text: bytes, version: tuple[int, int, int] | None) -> None:
    assert read_version(text) == version
