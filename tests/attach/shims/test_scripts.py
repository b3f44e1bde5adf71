"""The same frames come by every library, and the chip has nothing to complain of."""

import contextlib
import io
from pathlib import Path

import pytest

from attach.shims import scripts
from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.run import run_python
from emgrig.attach.shims.wiring import PRESETS, Wiring

GENERIC = PRESETS["generic"]
BY_LIBRARY = {
    "RPi.GPIO, polled": (scripts.POLLING, GENERIC),
    "RPi.GPIO, wait_for_edge": (scripts.WAITING, GENERIC),
    "RPi.GPIO, callback": (scripts.CALLING, GENERIC),
    "gpiod 2": (scripts.GPIOD_2, GENERIC),
    "gpiod 1": (scripts.GPIOD_1, Wiring(GENERIC.spi, GENERIC.lines, gpiod=1)),
    "lgpio": (scripts.LGPIO, GENERIC),
    "machine": (scripts.MACHINE, PRESETS["pico"]),
    "device files": (scripts.DEVICE_FILES, GENERIC),
}
#: Twice VREF/2400 at gain 24, in codes of VREF / (24 · 2^23): SBAS499C, 9.3.1.4.2 and equation 8.
LEVEL = -2 * 24 * 2**23 / 2400


def bench_of(**options: object) -> Bench:
    given: dict[str, object] = {"source": "silence", "is_wired": True}
    return Bench(BenchOptions(**given | {"processor": PROCESSORS["linux"]} | options))  # type: ignore[arg-type]


def run_here(script: str, bench: Bench, wiring: Wiring = GENERIC, **about: float) -> str:
    """Run a script in this process; return what it printed."""
    host = Host(bench, wiring, call_s=bench.options.processor.call_s, **{"limit_s": 10.0} | about)
    out = io.StringIO()
    with in_front(host), contextlib.redirect_stdout(out):
        exec(compile(script, "script", "exec"), {"__name__": "__main__"})
    return out.getvalue()


def check(printed: str, bench: Bench) -> None:
    frames = [bytes.fromhex(line) for line in printed.split()]
    assert len(frames) == 20
    (chip,) = bench.facts().chips
    assert chip.counts == {}
    assert (chip.n_missed, chip.n_torn) == (0, 0)
    assert chip.n_read in (20, 21, 22)  # those that call may read on until they are told to stop
    put_out = [one.miso for one in bench.facts().transfers if one.n_bytes == 27]
    assert frames == put_out[:20]
    for frame in frames:
        codes = [int.from_bytes(frame[at : at + 3], "big", signed=True) for at in range(3, 27, 3)]
        # ±2 % of the test signal, and ±1 % for the offset
        assert all(abs(code - LEVEL) < 0.03 * -LEVEL for code in codes)


@pytest.mark.parametrize("library", BY_LIBRARY)
def test_a_script_reads_every_frame(library: str) -> None:
    script, wiring = BY_LIBRARY[library]
    bench = bench_of()
    check(run_here(script, bench, wiring), bench)


@pytest.mark.parametrize("library", ["gpiod 2", "RPi.GPIO, callback"])
def test_a_processor_that_costs_nothing_does_not_make_it_hang(library: str) -> None:
    script, wiring = BY_LIBRARY[library]
    bench = bench_of(processor=PROCESSORS["none"])
    check(run_here(script, bench, wiring), bench)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["RPi.GPIO, polled", "gpiod 2", "machine"])
def test_in_a_process_of_its_own_it_is_the_same(
    library: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script, wiring = BY_LIBRARY[library]
    file = tmp_path / "script.py"
    file.write_text(script, "utf-8")
    here, there = bench_of(), bench_of()
    assert run_python(there, ["python3", str(file)], wiring, limit_s=10) == 0
    printed = capfd.readouterr().out
    check(printed, there)
    assert printed == run_here(script, here, wiring)
    assert here.now_s == there.now_s


def test_the_real_modules_come_back() -> None:
    import sys
    import time

    before = (time.sleep, time.monotonic, dict(sys.modules).get("spidev"))
    run_here("import spidev, time; time.sleep(5)", bench_of())
    assert (time.sleep, time.monotonic, sys.modules.get("spidev")) == before
    assert "RPi" not in sys.modules
    assert not hasattr(time, "ticks_ms")
