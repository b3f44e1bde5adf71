"""Other people's drivers, unmodified, of pinned versions, on the bench.

They are installed from the registry into a folder of their own; where it cannot be reached these
tests are skipped, and say so. `SECONDS=60 pytest tests/attach/shims/test_peers.py -k pieeg_server`
is the long run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.shims.run import run_python
from emgrig.attach.shims.wiring import PRESETS

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("SECONDS", "1"))  #: Of the bench.
#: pieeg-server's own hardware class and its own acquisition loop, in one thread.
PIEEG = """
import json, sys, time
from pieeg_server.acquisition import AcquisitionLoop
from pieeg_server.hardware import PiEEGHardware

channels, seconds, profile = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
frames = []

class EventLoop:
    def call_soon_threadsafe(self, function, frame):
        frames.append(frame)
        if time.monotonic() > end:
            acquisition._stop_event.set()

time.sleep(1.0)  # long after power-on
with PiEEGHardware(num_channels=channels, profile=profile) as hardware:
    acquisition = AcquisitionLoop(hardware, EventLoop())
    end = time.monotonic() + seconds
    acquisition._run_hardware()
print(json.dumps(frames))
"""
#: EmBCI's class; gpio4 stands for a package that wants /sys.
EMBCI = """
import sys, types

gpio4 = types.ModuleType("gpio4")
gpio4.SysfsGPIO = lambda pin: types.SimpleNamespace(value=1, fileno=lambda: 0)
sys.modules["gpio4"] = gpio4
import select
select.epoll = lambda: types.SimpleNamespace(register=lambda *_: None)

# the module alone: its package cannot be imported since Python 3.10
import importlib.util
spec = importlib.util.spec_from_file_location("ads1299_api", sys.argv[1])
ads1299_api = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ads1299_api)

ads = ads1299_api.ADS1299_API()
ads.open((0, 0))
ads.start(250)
"""


def installed(folder: Path, *requirements: str) -> Path:
    """Install packages, without what they ask for, into a folder; skip if there is no registry."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--target", str(folder), *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "pip failed").splitlines()[-1]
        pytest.skip(f"cannot be installed here: {said}")
    return folder


@pytest.fixture(scope="module")
def pieeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("pieeg"), "pieeg-server==0.49.0")


def run(bench: Bench, folder: Path, script: str, *arguments: str, wiring: str = "pieeg") -> int:
    file = folder / "script.py"
    file.write_text(script, "utf-8")
    environment = {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    argv = [str(file), *arguments]
    return run_python(
        bench, argv, PRESETS[wiring], limit_s=30 + 2 * SECONDS, environment=environment
    )


def bench_of(*ppm: float, source: str = "silence") -> Bench:
    chips = tuple(ChipOptions(oscillator_ppm=error) for error in ppm)
    linux = PROCESSORS["linux"]
    return Bench(BenchOptions(chips=chips, source=source, is_wired=True, processor=linux))


def test_pieeg_server_reads_every_frame_of_one_chip_and_says_half_of_what_is_there(
    pieeg: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = bench_of(0, source="sine:10mV,10Hz")
    assert run(bench, pieeg, PIEEG, "8", f"{SECONDS:g}", "pi5") == 0
    frames = json.loads(capfd.readouterr().out)
    (chip,) = bench.facts().chips
    assert (chip.n_missed, chip.n_torn, chip.counts) == (0, 0, {})
    assert chip.n_read == len(frames) == pytest.approx(250 * SECONDS, abs=5)
    for channel in range(8):
        uv = [frame["channels"][channel] for frame in frames[10:]]
        swing_mv = (max(uv) - min(uv)) / 1000
        assert swing_mv == pytest.approx(20 / 2, rel=0.02)  # 10 mV up and 10 mV down


def test_pieeg_server_with_two_oscillators_loses_frames_and_numbers_on(
    pieeg: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = bench_of(-2500, 2500)  # 0.5 % apart: each within the data sheet's tolerance
    assert run(bench, pieeg, PIEEG, "16", f"{2 * SECONDS:g}", "pi4", wiring="pieeg-16") == 0
    frames = json.loads(capfd.readouterr().out)
    first, second = bench.facts().chips
    assert first.n_read == second.n_read == len(frames)
    assert first.n_torn == second.n_torn == 0
    lost = first.n_missed / first.n_produced
    assert lost > 0.05
    assert [frame["n"] for frame in frames] == list(range(1, len(frames) + 1))


def test_pieeg_core_scales_as_pieeg_server_does(tmp_path: Path) -> None:
    folder = installed(tmp_path, "pieeg-core==0.3.0")
    frame = [0xC0, 0, 8] + [0x40, 0, 0] + [0xFF, 0xFF, 0xFF] * 7
    code = f"import pieeg_core; print(pieeg_core.decode_channels({frame}))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(folder)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    uv = json.loads(done.stdout)
    lsb_uv = 4.5e6 / 2**23
    assert uv[0] == pytest.approx(0x400000 * lsb_uv / 2, rel=1e-5)
    assert uv[1] == pytest.approx(+1 * lsb_uv / 2, abs=0.01)  # the code is -1


def test_embci_cannot_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = installed(tmp_path, "EmBCI==0.1.2", "decorator==5.2.1")
    bench = bench_of(0)
    assert run(bench, folder, EMBCI, str(folder / "embci/utils/ads1299_api.py")) == 1
    assert "TypeError: 'int' object is not iterable" in capfd.readouterr().err
    assert bench.facts().n_transfers == 0
