"""The C library: it compiles anywhere, and its calls are the bench's verbs."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from c_programs import POSIX, PROGRAMS, needs_compiler, run
from emgrig.attach.bench import Bench
from emgrig.attach.c.build import SHIMS, BuildFailed, build, compiler
from emgrig.attach.c.files import LIBRARY, c_files, write_c_library
from emgrig.attach.c.in_process import Firmware
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.errors import MissingExtra, RecordingError

pytestmark = pytest.mark.slow

OPTIONS = BenchOptions(
    chips=(ChipOptions(oscillator_ppm=-200), ChipOptions()), processor=PROCESSORS["mcu"]
)
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("c") / "verbs", [PROGRAMS / "verbs.c"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    return build(folder / "verbs.so", [PROGRAMS / "verbs.c"], is_library=True)


@pytest.fixture
def library(built: Path, tmp_path: Path) -> Path:
    """One with variables of its own."""
    return Path(shutil.copy(built, tmp_path))


def words(bench: Bench) -> list[str]:
    """Do in Python what `go_through` of verbs.c does."""
    said: list[str] = []

    def say(what: str, value: float | bytes | None) -> None:
        text = value.hex() if isinstance(value, bytes) else f"{value or 0:.3f}"
        said.append(f"{what}={text}")

    say("advance", bench.advance(0.15))
    bench.transfer(b"\x11")
    say("transfer", 0)
    bench.transfer(b"\x11", chip=1)
    bench.transfer(bytes([0x43, 0, 0xE0]))
    say("pin_set", bench.set_pin("START", 1))
    say("start", bench.pin("START", 1))
    say("select", bench.select(0))
    say("byte", bench.byte(0x20, sclk_hz=2e6))
    got = bench.exchange(bytes(2), sclk_hz=2e6)
    say("exchange", 0)
    say("id", got)
    say("cs", bench.pin("CS"))
    bench.advance(2e-6)
    say("deselect", bench.deselect(0))
    bench.transfer(bytes([0x43, 0, 0xE0]), mode=2)
    bench.advance(1e-6)
    bench.transfer(b"\x10", sclk_hz=4e6)
    say("wait", bench.wait_drdy(edge=True))
    say("frame", bench.transfer(bytes(27), sclk_hz=4e6))
    say("claim", bench.claim(1, 12.5))
    for _ in range(2):
        say("wait_transfer", bench.wait_drdy(edge=True))
        say("frame", bench.transfer(bytes(27), sclk_hz=4e6))
    say("count", bench.drdy_count(0))
    say("falls", bench.drdy_count(0) + bench.drdy_count(1))
    bench.set_pin("START", 0)
    bench.advance(70.0)
    say("wait", bench.wait_drdy(edge=True, timeout_s=61.0))
    say("wait_transfer", bench.wait_drdy(edge=True, timeout_s=10e-6))
    say("now", bench.now_s * 1e6)
    return said


@needs_compiler
def test_in_process_every_call_is_the_bench_s_verb(library: Path) -> None:
    there, own = Bench(OPTIONS), Bench(OPTIONS)
    with Firmware(there, library) as firmware:
        function = firmware.library.go_through
        function.restype = ctypes.c_char_p
        assert function().decode().split() == words(own)
    assert there.facts().chips == own.facts().chips
    assert there.facts().claims == own.facts().claims


@needs_compiler
@POSIX
@pytest.mark.parametrize("address", [None, "tcp://127.0.0.1:0"])
def test_over_the_socket_every_call_is_the_bench_s_verb(program: Path, address: str | None) -> None:
    # a wait of 61 s is two messages, and each costs a call
    options = BenchOptions(chips=OPTIONS.chips)
    there, own = Bench(options), Bench(options)
    ran = run(program, there, address=address)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split() == words(own)
    assert there.facts().chips == own.facts().chips
    assert there.facts().claims == own.facts().claims


@needs_compiler
@pytest.mark.parametrize("processor", ["none", "mcu"])
def test_a_loop_that_polls_sees_each_fall_when_it_falls(library: Path, processor: str) -> None:
    options = BenchOptions(processor=PROCESSORS[processor])
    with Firmware(Bench(options), library) as firmware:
        firmware.library.poll_drdy.restype = ctypes.c_char_p
        lines = firmware.library.poll_drdy(3).decode().split()
    seen = [float(line.removeprefix("fall=")) for line in lines]
    own = Bench(options)
    own.advance(0.15)
    own.transfer(b"\x11")
    own.set_pin("START", 1)
    for time_us in seen:
        own.wait_drdy(edge=True)
        assert 0 <= time_us - own.now_s * 1e6 < 10 * own.options.processor.call_s * 1e6 + 1e-3


@needs_compiler
def test_a_loop_that_waits_by_the_clock_comes_to_an_end(library: Path) -> None:
    with Firmware(Bench(BenchOptions()), library) as firmware:
        wait = firmware.library.wait_by_looking
        wait.restype, wait.argtypes = ctypes.c_double, [ctypes.c_double]
        for us in (10.0, 500.0, 20e3):
            assert us <= wait(us) < us + 200


@needs_compiler
def test_a_refusal_in_process_is_raised_when_the_firmware_returns(library: Path) -> None:
    with Firmware(Bench(BenchOptions()), library) as firmware:
        with pytest.raises(ValueError, match="no input pin 'BUSY'"):
            firmware.call("do_nonsense")
        firmware.library.last_error.restype = ctypes.c_char_p
        assert b"no input pin 'BUSY'" in firmware.library.last_error()
        with pytest.raises(AttributeError):
            firmware.call("no_such_function")


@needs_compiler
@POSIX
def test_a_refusal_over_the_socket_ends_the_program_with_one_line(program: Path) -> None:
    ran = run(program, Bench(BenchOptions()), "nonsense")
    assert ran.returncode == 2
    assert ran.stderr.startswith("emgrig_chip: no input pin 'BUSY'; there are START")
    assert ran.stderr.count("\n") == 1


@needs_compiler
@POSIX
@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "run this program under `emgrig attach`"),
        ("unix:/no/such/socket", "no bench at unix socket"),
        ("tcp://127.0.0.1:1", "no bench there"),
        ("tcp://127.0.0.1", "expected tcp://HOST:PORT"),
        ("sim:", "expected unix:/path or tcp://HOST:PORT"),
    ],
)
def test_no_bench_is_said_in_one_line(program: Path, address: str, says: str) -> None:
    told = {**os.environ, "EMGRIG_ATTACH": address}
    ran = subprocess.run([program], env=told, capture_output=True, text=True, check=False)
    assert ran.returncode == (2 if "expected" in says else 3)
    assert says in ran.stderr
    assert ran.stderr.count("\n") == 1


@needs_compiler
@POSIX
def test_a_program_ends_when_its_time_on_the_bench_is_over(program: Path) -> None:
    bench = Bench(BenchOptions())
    assert run(program, bench, "for-ever", seconds="0.75").returncode == 0
    assert bench.now_s == pytest.approx(0.75, abs=0.0011)


@needs_compiler
@pytest.mark.parametrize("is_cpp", [False, True], ids=["C99", "C++11"])
@pytest.mark.parametrize("shim", [None, *SHIMS])
def test_the_files_compile_without_a_warning(
    tmp_path: Path, shim: str | None, is_cpp: bool
) -> None:
    write_c_library(tmp_path)
    own = sorted((tmp_path / shim).glob("*.c*")) if shim else [
        tmp_path / "emgrig_chip.c", tmp_path / "emgrig_shim.c"
    ]  # fmt: skip
    standard = ["-x", "c++", "-std=c++11"] if is_cpp else ["-std=c99", "-pedantic"]
    if shim == "esp_idf" and not is_cpp:
        standard = ["-std=c11"]  # its headers have unnamed unions, as ESP-IDF's
    for source in own:
        if source.suffix == ".cpp" and not is_cpp:
            continue
        words = [compiler(is_cpp), *standard, *STRICT, f"-I{tmp_path}"]
        words += [f"-I{tmp_path / shim}"] if shim else []
        ran = subprocess.run(
            [*words, "-c", source, "-o", tmp_path / "out.o"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, ""), source


def test_the_files_are_written_as_they_are(tmp_path: Path) -> None:
    written = write_c_library(tmp_path / "new" / "folder")
    names = {path.relative_to(tmp_path / "new" / "folder").as_posix() for path in written}
    assert names == set(c_files())
    assert {*LIBRARY, "emgrig_shim.c", "arduino/SPI.h", "esp_idf/driver/gpio.h"} <= names
    assert write_c_library(tmp_path / "new" / "folder") == written


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot write"):
        write_c_library(tmp_path / "file" / "folder")


@needs_compiler
def test_what_the_compiler_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.c"
    wrong.write_text("int main(void) { return no_such_thing; }\n")
    with pytest.raises(BuildFailed, match="no_such_thing"):
        build(tmp_path / "wrong", [wrong])


def test_no_compiler_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(MissingExtra, match="no C compiler"):
        build(tmp_path / "x", [PROGRAMS / "verbs.c"])


def test_no_library_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(RecordingError, match=r"emgrig_chip\.c"):
        Firmware(Bench(BenchOptions()), tmp_path / "text.so")
