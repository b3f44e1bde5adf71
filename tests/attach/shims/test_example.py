"""Our own example: a spidev script with one planted fault, and without it."""

import itertools
import os

import numpy as np
import pytest

from attach.shims.test_scripts import bench_of
from emgrig.attach.shims.run import run_python
from emgrig.attach.shims.wiring import find_wiring
from emgrig.simulator.chip.violations import Rule, Severity
from places import ROOT

pytestmark = pytest.mark.slow

FOLDER = ROOT / "examples/attach/spidev_script"


def test_the_planted_fault_is_the_first_thing_that_is_told(
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = bench_of(source="sine:1mV,80Hz")
    code = run_python(
        bench, [str(FOLDER / "read_emg.py")], find_wiring(str(FOLDER / "wiring.toml"))
    )
    assert code == 0  # the script itself sees nothing wrong
    assert len(capfd.readouterr().out.splitlines()) == 100
    (chip,) = bench.facts().chips
    first = chip.breaches[0]
    assert (first.rule, first.severity) == (Rule.IN_RDATAC, Severity.LOST)
    assert first.sent[0] == 0x43  # CONFIG3
    assert chip.registers[5] == 0x61  # as after power-on: shorted


def test_mended_it_reads_what_is_there_and_the_chip_has_nothing_to_say(
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = bench_of(source="sine:1mV,80Hz")
    argv = ["python3", str(FOLDER / "read_emg.py"), "--mended"]
    assert run_python(bench, argv, find_wiring(os.fspath(FOLDER / "wiring.toml"))) == 0
    said = capfd.readouterr()
    assert said.err == ""
    (chip,) = bench.facts().chips
    assert chip.counts == {}
    assert (chip.n_missed, chip.n_torn) == (0, 0)
    rows = [[float(word) for word in line.split()] for line in said.out.splitlines()]
    times = [row[0] for row in rows]
    assert all(
        after - before == pytest.approx(0.001, abs=2e-6)
        for before, after in itertools.pairwise(times)
    )
    swing_uv = max(row[1] for row in rows[10:]) - min(row[1] for row in rows[10:])
    # 1 mV up and down, less what sinc³ takes; of 12.5 samples a period one is within 1 % of the top
    assert swing_uv == pytest.approx(2000 * np.sinc(80 / 1000) ** 3, rel=0.03)
