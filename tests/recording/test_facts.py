"""Facts of annotations: what is written is read, and is what the schema says."""

import json
from dataclasses import fields
from typing import get_args

import jsonschema
import pytest

from emgrig.driver.chip.transaction import Mended
from emgrig.driver.interruption import Happened, Interruption
from emgrig.protocol.account import Cause
from emgrig.recording import facts
from emgrig.recording.facts import Annotation, Kind, PlacedText, read_annotations
from emgrig.recording.sidecar import schema

ALL = (
    facts.Gap(16, Cause.LINK, False, True),
    facts.Padding(),
    facts.BadFrames(3),
    facts.SettingsChanged((facts.FieldChange(1, "CH3SET", "GAIN3", "12", "24"),), 2),
    facts.ElectrodeChanged(True, 3, "p", "zygomaticus major"),
    facts.Recovered(
        Interruption(Happened.BOARD_STARTED, reset_cause=4),
        1.5,
        (Mended(1, "CONFIG1", 0x96, 0x94),),
    ),
    facts.Recovered(Interruption(Happened.LINK_LOST, link_said="cut")),
    facts.Marker("smile µ", "stimuli"),
    facts.BoardStarted(9),
    facts.ChipLost(2, 1, 0x96, 0),
    facts.Overflow(7),
    facts.Trigger(1, False),
    facts.Counter(12),
    facts.OtherEvent(99),
)
SENTENCES = (
    "BAD_gap 16 conversions: lost on the link",
    "BAD_padding fills the last record",
    "BAD_frame 3 frames out of step: the status word does not begin 1100b",
    "settings: chip 1 CH3SET GAIN3 12 to 24",
    "electrode off: 3P zygomaticus major",
    (
        "going on after 1.50 s: the board started anew (reset cause 4); "
        "chip 1 CONFIG1 was 96h, is 94h again"
    ),
    "going on: cut; registers unchanged",
    "smile µ",
    "board started: cause 9",
    "chip 2 lost its registers: 01h reads 00h, expected 96h",
    "board overflow: 7 frames thrown away",
    "trigger 1 low",
    "counter 12",
    "event 99",
)


def entries() -> list[dict[str, object]]:
    placed = [Annotation.of(10 * i, fact, i) for i, fact in enumerate(ALL)]
    read: list[dict[str, object]] = json.loads(json.dumps([one.to_json(250.0) for one in placed]))
    return read


def test_every_kind_is_here() -> None:
    assert {fact.kind for fact in ALL} == set(Kind)
    assert {type(fact) for fact in ALL} == set(get_args(facts.Fact))


def test_a_fact_is_read_as_it_was_written() -> None:
    read = read_annotations(entries())
    assert read == tuple(Annotation.of(10 * i, fact, i) for i, fact in enumerate(ALL))
    assert [one["onset_s"] for one in entries()][:3] == [0.0, 0.04, 0.08]
    assert [one["duration_s"] for one in entries()][:3] == [0.0, 0.004, 0.008]


@pytest.mark.parametrize(("fact", "words"), [*zip(ALL, SENTENCES, strict=True)])
def test_a_fact_has_its_sentence(fact: facts.Fact, words: str) -> None:
    assert Annotation.of(0, fact).text == words


def test_only_the_first_changes_of_settings_are_said() -> None:
    changes = tuple(facts.FieldChange(1, f"CH{n}SET", "MUX", "normal", "test") for n in range(1, 9))
    text = facts.text_of(facts.SettingsChanged(changes))
    assert text.startswith("settings: CH1SET MUX normal to test, CH2SET")
    assert text.endswith("CH6SET MUX normal to test, and 2 more")


def test_what_cannot_be_printed_is_blank() -> None:
    assert Annotation.of(0, facts.Marker("a\tb\x14c")).text == "a b c"


@pytest.mark.slow
def test_the_schema_is_that_of_the_facts() -> None:
    whole = schema()
    named = {fact["properties"]["kind"]["const"]: fact for fact in whole["$defs"].values()
             if "kind" in fact.get("properties", {})}  # fmt: skip
    assert set(named) == set(Kind)
    place = {one.name for one in fields(PlacedText)} | {"onset_s", "duration_s"}
    assert set(whole["$defs"]["place"]["properties"]) == place
    for fact in ALL:
        assert set(named[fact.kind]["required"]) == {one.name for one in fields(fact)}
    listed = {"$defs": whole["$defs"], **whole["properties"]["annotations"]}
    jsonschema.validate(entries(), listed)
    validator = jsonschema.Draft202012Validator(listed)
    for change in ({"cause": "weather"}, {"n_lost": None}, {"sample": -1}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate([{**entries()[0], **change}])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "earthquake"}, "annotations.0: Input tag 'earthquake'"),
        ({"cause": "weather"}, "annotations.0.gap.cause: Input should be"),
        ({"sample": "x"}, "annotations.0.sample: Input should be a valid integer"),
    ],
)
def test_an_entry_that_makes_no_sense_is_one_line(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        read_annotations([{**entries()[0], **change}])
    assert "\n" not in str(caught.value)


def test_what_must_be_there_is_asked_for() -> None:
    entry = entries()[0]
    del entry["n_lost"]
    with pytest.raises(ValueError, match=r"annotations\.0\.gap\.n_lost: "):
        read_annotations([entry])
