"""Whatever a host does, there is a report: it counts every breach once, and every form holds it."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attach.report.test_forms import Wave
from emgrig.attach.bench import INPUTS, Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.report.blame import ChipBlame
from emgrig.attach.report.junit import junit
from emgrig.attach.report.make import make_report
from emgrig.attach.report.model import Report
from emgrig.attach.report.page import page
from emgrig.attach.report.text import lines
from emgrig.attach.report.vcd import vcd
from emgrig.filemodel import plain
from file_schemas import schema
from properties import examples

SCHEMA = schema(Report)
OPCODES = [0x00, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x11, 0x12, 0x20, 0x23, 0x41, 0x43, 0x45, 0x57]
BYTES = st.lists(st.one_of(st.sampled_from(OPCODES), st.integers(0, 255)), max_size=30).map(bytes)
CHIP = st.integers(0, 1)
MODE = st.sampled_from([1, 1, 1, 1, 0, 2, 3])
VERBS = st.one_of(
    st.tuples(st.just("transfer"), BYTES, CHIP, MODE, st.sampled_from([5e5, 2e6, 8e6, 25e6])),
    st.tuples(st.just("frame"), st.integers(1, 60), CHIP),
    st.tuples(st.just("advance"), st.floats(0, 0.2)),
    st.tuples(st.just("select"), CHIP),
    st.tuples(st.just("deselect"), CHIP),
    st.tuples(st.just("exchange"), BYTES),
    st.tuples(st.just("wait"), CHIP, st.booleans()),
    st.tuples(st.just("pin"), st.sampled_from([*INPUTS, "SCLK", "DIN"]), st.booleans()),
    st.tuples(st.just("claim"), st.integers(1, 8), st.floats(allow_nan=True)),
    st.tuples(st.just("power"), st.floats(0, 0.1)),
)
CHIPS = st.sampled_from(
    [
        (ChipOptions(), ChipOptions()),
        (ChipOptions(6), ChipOptions(6, oscillator_ppm=900.0)),
        (ChipOptions(4), ChipOptions(4, daisy_from=0)),
        (ChipOptions(), ChipOptions(clock_from=0)),
    ]
)


def do(bench: Bench, verb: tuple[Any, ...]) -> None:
    what, *given = verb
    if what == "transfer":
        mosi, chip, mode, sclk_hz = given
        bench.transfer(mosi, chip=chip, mode=mode, sclk_hz=sclk_hz)
    elif what == "frame":
        bench.transfer(bytes(given[0]), chip=given[1])
    elif what == "wait":
        bench.wait_drdy(given[0], timeout_s=0.05, edge=given[1])
    elif what == "power":
        bench.power_cycle(given[0])
    elif what == "pin":
        bench.set_pin(*given)
    else:
        getattr(bench, what)(*given)


@pytest.mark.slow
@examples(40)
@given(st.lists(VERBS, max_size=25), CHIPS, st.sampled_from(sorted(PROCESSORS)), st.booleans())
def test_there_is_always_a_report(
    verbs: list[tuple[Any, ...]], chips: tuple[ChipOptions, ...], processor: str, is_booted: bool
) -> None:
    bench = Bench(BenchOptions(chips=chips, source="silence", processor=PROCESSORS[processor]))
    if is_booted:
        bench.advance(0.2)
        for chip in (0, 1):
            for sent in (b"\x11", b"\x43\x00\xe0", b"\x08", b"\x10"):
                bench.transfer(sent, chip=chip)
                bench.advance(1e-5)
    for verb in verbs:
        do(bench, verb)
    facts = bench.facts()
    report = make_report(facts)

    for chip_facts in facts.chips:
        roots = ChipBlame(1, chip_facts).roots.values()
        told = sum(event.count for root in roots for event in (*root.own, *root.consequences))
        assert told == sum(chip_facts.counts.values())
    failing = any(finding.weight.is_failing for finding in report.findings)
    assert report.verdict.exit_code == int(failing)

    jsonschema.validate(json.loads(json.dumps(plain(report), allow_nan=False)), SCHEMA)
    assert lines(report)[-1].startswith("attach: ")
    ET.fromstring(junit(report))
    assert "SIMULATED" in page(report)
    wave = Wave(vcd(facts))
    assert wave.end_ps <= round(facts.duration_s * 1e12)
