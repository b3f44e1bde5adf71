"""What the fakes do at the edges: as the real modules are documented, or refused in a line."""

import errno
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from attach.shims.scripts import SET_UP
from attach.shims.test_scripts import GENERIC, bench_of, run_here
from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, ChipOptions
from emgrig.attach.shims import run
from emgrig.attach.shims.edges import Watch
from emgrig.attach.shims.fakes import lgpio, rpi_gpio, spidev
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.seams import TimeIsUp
from emgrig.attach.shims.wiring import HEADER, PRESETS, Line, Wiring, find_wiring
from emgrig.errors import UnreadableFile
from emgrig.simulator.chip.violations import Rule

BEGIN = """
import time, spidev
time.sleep(0.2)
spi = spidev.SpiDev(0, 0)
spi.mode = 1
spi.max_speed_hz = 1_000_000
"""


def host_of(bench: Bench | None = None, wiring: Wiring = GENERIC) -> Host:
    return Host(bench or bench_of(), wiring, call_s=5e-6)


def test_a_wait_that_ends_between_two_steps_of_the_bench_ends() -> None:
    """The bench counts picoseconds; this end is a fraction of one behind one of them."""
    host = host_of()
    host.sleep(0.9046403608520001 - host.now_s - 1e-4)
    watch = Watch(25, 0, wants_rising=False, wants_falling=True)
    host.watch(watch)
    for n in range(200):
        assert not host.wait([watch], 1e-6 + n * 1.7e-13)


# ---- spidev -------------------------------------------------------------------------------------


def test_a_device_whose_speed_was_not_set_runs_at_125_mhz_and_the_chip_says_so() -> None:
    bench = bench_of()
    script = "import time, spidev\nspi = spidev.SpiDev(0, 0)\nspi.mode = 1\n"
    run_here(script + "time.sleep(.2)\nspi.xfer2([0x11])", bench)
    assert Rule.SCLK_LIMIT in bench.facts().chips[0].counts
    assert spidev.make(host_of()).SpiDev(0, 0).mode == 0


def test_chip_select_can_be_left_alone_or_turned_round() -> None:
    bench = bench_of()
    read_id = "spi.xfer2([0x11]); time.sleep(.001); print(spi.xfer2([0x20, 0, 0]))\n"
    assert run_here(BEGIN + read_id, bench) == "[0, 0, 62]\n"
    assert run_here(BEGIN + "spi.no_cs = True\n" + read_id, bench_of()) == "[0, 0, 0]\n"
    turned = bench_of()
    run_here(BEGIN + "spi.cshigh = True\n", turned)
    assert turned.pin("CS") == 0  # idle, and selected all the time
    run_here(BEGIN + "spi.cshigh = True\nspi.cshigh = False\n", turned)
    assert turned.pin("CS") == 1


def test_a_delay_is_between_the_last_bit_and_chip_select() -> None:
    bench = bench_of()
    run_here(BEGIN + "spi.xfer2([0x11], 500_000, 100)\n", bench)
    last = bench.facts().transfers[-1]
    # 16 us for a byte at 500 kHz, 100 us of delay, and what the calls of `linux` cost
    assert 116 <= (last.end_ps - last.begin_ps) / 1e6 < 140


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("spidev.SpiDev(1, 0)", FileNotFoundError),
        ("spidev.SpiDev().open_path('/dev/null')", FileNotFoundError),
        ("spidev.SpiDev().xfer([1])", OSError),
        ("spi.close(); spi.readbytes(1)", OSError),
        ("spi.mode = 4", TypeError),
        ("spi.lsbfirst = True", OSError),
        ("spi.threewire = True", OSError),
        ("spi.bits_per_word = 16", OSError),
        ("spi.max_speed_hz = 0", OSError),
        ("spi.xfer2([])", TypeError),
        ("spi.xfer2(5)", TypeError),
        ("spi.xfer2([0] * 4097)", OverflowError),
        ("spi.readbytes(0)", OverflowError),
    ],
)
def test_spidev_refuses(action: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_here(BEGIN + action, bench_of())


def test_long_lists_go_in_pieces_and_bytes_wrap() -> None:
    host = host_of()
    device = spidev.make(host).SpiDev(0, 0)
    device.mode = 1
    device.max_speed_hz = 10_000_000
    assert len(device.xfer3([0] * 5000)) == 5000
    device.writebytes2(bytes(4097))
    sizes = [one.n_bytes for one in host.bench.facts().transfers]  # type: ignore[attr-defined]
    assert sizes == [4096, 904, 4096, 1]
    device.writebytes([0x111, -1])
    assert host.bench.facts().transfers[-1].mosi == b"\x11\xff"  # type: ignore[attr-defined]


# ---- lines --------------------------------------------------------------------------------------


def test_the_header_of_a_raspberry_pi_has_28_gpios_each_once() -> None:
    assert sorted(HEADER.values()) == list(range(28))
    assert set(HEADER) <= set(range(3, 41))
    assert (HEADER[37], HEADER[33], HEADER[35]) == (26, 13, 19)  # as PiEEG's pages name them


def test_edges_that_nobody_takes_are_counted_by_their_numbers() -> None:
    script = (
        SET_UP
        + BEGIN
        + """
import gpiod
from gpiod.line import Edge, Direction
request = gpiod.request_lines("/dev/gpiochip4", {25: gpiod.LineSettings(
    direction=Direction.INPUT, edge_detection=Edge.FALLING)}, event_buffer_size=4)
set_up(spi.xfer2, time.sleep)
time.sleep(0.0415)
print([(event.line_seqno, event.global_seqno) for event in request.read_edge_events()])
"""
    )
    # 10 falls: the first 4 periods and 9 clocks after START, 250 a second; the last four are kept
    numbers = [int(n) for n in re.findall(r"\d+", run_here(script, bench_of()))]
    assert len(numbers) == 8
    assert numbers[::2] == numbers[1::2] == list(range(numbers[0], numbers[0] + 4))
    assert numbers[-1] in (7, 8)


def test_both_edges_come_in_turn_and_a_flipped_line_turns_them_round() -> None:
    script = (
        SET_UP
        + BEGIN
        + """
import gpiod
from gpiod.line import Edge, Direction, Value
settings = gpiod.LineSettings(edge_detection=Edge.BOTH, active_low=FLIP)
with gpiod.Chip("/dev/gpiochip0") as chip, chip.request_lines({"GPIO25": settings}) as request:
    set_up(spi.xfer2, time.sleep)
    events = []
    while len(events) < 8:
        assert request.wait_edge_events(1.0)
        events += request.read_edge_events()
        if request.get_value("GPIO25") is (Value.ACTIVE if FLIP else Value.INACTIVE):
            spi.readbytes(27)
    print([event.event_type.name[:4] for event in events])
"""
    )
    plain = run_here(f"FLIP = False\n{script}", bench_of())
    flipped = run_here(f"FLIP = True\n{script}", bench_of())
    words = re.findall(r"RISI|FALL", plain)
    assert len(words) > 3
    assert all(one != other for one, other in itertools.pairwise(words))
    assert flipped == plain.replace("RISI", "?").replace("FALL", "RISI").replace("?", "FALL")


def test_a_line_that_the_chip_drives_cannot_be_driven_and_a_free_one_keeps_its_level() -> None:
    host = host_of()
    with pytest.raises(ValueError, match="GPIO 25 is DRDY, which the chip drives"):
        host.write(25, 1)
    host.write(5, 1)
    assert (host.read(5), host.read(6)) == (1, 0)


def test_rpi_gpio_refuses_in_its_own_way() -> None:
    gpio = rpi_gpio.RpiGpio(host_of())
    with pytest.raises(RuntimeError, match="setmode"):
        gpio.setup(25, rpi_gpio.IN)
    gpio.setmode(rpi_gpio.BOARD)
    with pytest.raises(ValueError, match="does not exist"):
        gpio.setup(1, rpi_gpio.IN)  # 3.3 V
    with pytest.raises(RuntimeError, match="not set up"):
        gpio.input(22)
    gpio.setup(22, rpi_gpio.IN)
    with pytest.raises(RuntimeError, match="no output"):
        gpio.output(22, 1)
    gpio.add_event_detect(22, rpi_gpio.FALLING)
    with pytest.raises(RuntimeError, match="already"):
        gpio.wait_for_edge(22, rpi_gpio.FALLING)
    with pytest.raises(ValueError, match="another numbering"):
        gpio.setmode(rpi_gpio.BCM)
    gpio.cleanup()
    gpio.setmode(rpi_gpio.BCM)


def test_lgpio_alerts_need_a_claim_and_handles_are_checked() -> None:
    fake = lgpio.Lgpio(host_of())
    with pytest.raises(lgpio.error, match="gpiochip 7"):
        fake.gpiochip_open(7)
    with pytest.raises(lgpio.error, match="unknown handle"):
        fake.gpio_read(99, 1)
    chip = fake.gpiochip_open(0)
    assert fake.callback(chip, 25, lgpio.FALLING_EDGE).tally() == 0
    with pytest.raises(lgpio.error, match=r"SPI device 3\.0"):
        fake.spi_open(3, 0, 1000)


GPIO_25 = "import RPi.GPIO as GPIO\nGPIO.setmode(GPIO.BCM)\nGPIO.setup(25, GPIO.IN)\n"


# ---- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            f"{GPIO_25}GPIO.wait_for_edge(25, GPIO.FALLING)",
            "waits for an edge on GPIO 25 for ever, and no conversions run",
        ),
        (
            f"{GPIO_25}GPIO.setup(23, GPIO.OUT)\nGPIO.output(23, 0)\nwhile GPIO.input(25): pass",
            "looked at lines or clocks",
        ),
        ("import signal\nsignal.pause()", r"signal\.pause\(\) for ever"),
    ],
)
def test_a_script_that_can_never_go_on_is_stopped(
    script: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emgrig.attach.shims.host.LONGEST_STARE_S", 0.05)
    with pytest.raises(TimeIsUp, match=says):
        run_here(f"{BEGIN}{script}", bench_of(), limit_s=float("inf"))


def test_an_endless_script_ends_at_its_limit_as_by_ctrl_c() -> None:
    script = (
        "import time\ntry:\n    while True:\n        time.sleep(0.1)\n"
        "except KeyboardInterrupt:\n    print('bye', round(time.time() % 60, 3))\n"
    )
    with pytest.raises(TimeIsUp):  # looking at the clock is over the limit, too
        run_here(script, bench_of(), limit_s=3.0)


def test_clocks_agree_and_a_look_at_one_costs_a_call() -> None:
    script = """
import time
begin = time.monotonic()
assert abs(time.perf_counter() - begin - 5e-6) < 1e-12
assert time.monotonic_ns() == round((begin + 1e-5) * 1e9)
time.sleep(1.5)
assert abs(time.monotonic() - begin - 1.5) < 1e-4
print(time.gmtime(time.time()).tm_year)
"""
    assert run_here(script, bench_of()) == "2026\n"


@pytest.mark.slow
def test_time_of_the_wall_is_followed_as_fast_as_is_said(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench = bench_of(speed=200.0)
    with pytest.raises(ValueError, match="virtual"):
        run.run_python(bench_of(), ["x.py"], follows_time=False)
    file = tmp_path / "script.py"
    file.write_text(
        SET_UP
        + BEGIN
        + """
import RPi.GPIO as GPIO
seen = []
GPIO.setmode(GPIO.BCM)
GPIO.setup(25, GPIO.IN)
GPIO.add_event_detect(25, GPIO.FALLING, callback=seen.append)
set_up(spi.xfer2, time.sleep)
begin = time.monotonic()
time.sleep(0.5)
assert time.monotonic() - begin >= 0.5
while len(seen) < 3:
    time.sleep(0.5)
print(set(seen))
"""
    )
    assert run.run_python(bench, [str(file)]) == 0
    assert capfd.readouterr().out == "{25}\n"


@pytest.mark.parametrize(
    "waiting",
    [
        "while not request.wait_edge_events(0): pass",
        "while GPIO.input(25): pass",
        "while time.monotonic() < 1: pass",
        "while not alert.tally(): pass",
    ],
)
def test_a_loop_that_only_looks_lets_time_pass(waiting: str) -> None:
    script = (
        SET_UP
        + BEGIN
        + GPIO_25
        + """
import gpiod, lgpio
from gpiod.line import Edge
settings = gpiod.LineSettings(edge_detection=Edge.FALLING)
request = gpiod.request_lines("/dev/gpiochip0", {25: settings})
chip = lgpio.gpiochip_open(0)
lgpio.gpio_claim_alert(chip, 25, lgpio.FALLING_EDGE)
alert = lgpio.callback(chip, 25, lgpio.FALLING_EDGE)
set_up(spi.xfer2, time.sleep)
"""
        + waiting
    )
    for processor in ("none", "linux"):
        bench = bench_of(processor=PROCESSORS[processor])
        run_here(script, bench, limit_s=2.0)
        assert 0.415 < bench.now_s < 1.01


# ---- running ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["-c", "import sys; sys.exit(7)"], 7, ""),
        (["python", "-c", "1 / 0"], 1, "ZeroDivisionError"),
        (["python3", "-m", "timeit", "-h"], 0, ""),
        (["-c", "import signal; signal.pause()"], 124, "emgrig: stopped at"),
        (["-c", "import time\nwhile True: time.sleep(1)"], 0, "emgrig: stopped at 30 s"),
    ],
)
def test_the_exit_code_is_the_script_s(
    argv: list[str], code: int, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    limit_s = None if code == 124 else 30.0
    assert run.run_python(bench_of(), argv, limit_s=limit_s) == code
    assert says in capfd.readouterr().err


def test_a_script_that_is_not_there_is_refused_in_a_line() -> None:
    with pytest.raises(UnreadableFile, match=r"there is no script /nowhere/x\.py"):
        run.run_python(bench_of(), ["/nowhere/x.py"])


@pytest.mark.parametrize(
    "argv", [[], ["python"], ["python3", "-u"], ["python3", "-m"], ["python3", "-i", "x.py"]]
)
def test_nothing_to_run_is_refused_in_a_line(argv: list[str]) -> None:
    with pytest.raises(ValueError, match="expected a script"):
        run.run_python(bench_of(), argv)


# ---- wiring -------------------------------------------------------------------------------------


def test_a_wiring_is_read_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(
        'gpiod = 1\n[spi]\n"0.0" = 0\n"0.1" = "none"\n'
        '[lines]\n26 = "DRDY"\n13 = { pin = "DRDY", chip = 1 }\n19 = { pin = "CS", chip = 1 }\n'
    )
    assert find_wiring(str(path)) == replace(
        PRESETS["pieeg-16"], gpiod=1, lines={**PRESETS["pieeg-16"].lines}
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[spi]\n"0" = 0', '"BUS.DEVICE"'),
        ('[spi]\n"0.0" = "one"', "spi"),
        ('[lines]\nDRDY = "26"', "no number of a GPIO"),
        ('[lines]\n26 = "DRDZ"', "no pin 'DRDZ'; there are START"),
        ('[line]\n26 = "DRDY"', "line"),
        ("gpiod = 3", "gpiod"),
    ],
)
def test_a_wrong_wiring_is_an_error_in_a_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        find_wiring(str(path))
    assert "\n" not in str(caught.value)


def test_a_wiring_needs_the_chips_that_it_names() -> None:
    with pytest.raises(ValueError, match=r"names chip 1 .* and the bench has 1"):
        host_of(wiring=PRESETS["pieeg-16"])
    with pytest.raises(ValueError, match="no wiring 'pi'; there are generic"):
        find_wiring("pi")
    two = bench_of(chips=(ChipOptions(), ChipOptions()))
    host = host_of(two, PRESETS["pieeg-16"])
    host.write(19, 0)
    assert (two.pin("CS", 0), two.pin("CS", 1)) == (1, 0)
    assert Line("DRDY", 1).own_chip == 1


def test_gpio_files_answer_what_they_can_and_refuse_the_rest() -> None:
    fcntl = pytest.importorskip("fcntl", reason="there are no ioctls on this system")
    script = """
import fcntl, os, struct
chip = os.open("/dev/gpiochip0", os.O_RDWR)
info = bytearray(68)
fcntl.ioctl(chip, 0x8044B401, info)
assert struct.unpack_from("I", info, 64)[0] == 54
try:
    fcntl.ioctl(chip, 0xC250B407, bytearray(592))
except OSError as error:
    print(error.errno)
os.close(chip)
try:
    os.open("/dev/gpiochip9", os.O_RDWR)
except FileNotFoundError as error:
    print(error.filename)
with open("/dev/null") as other:
    fcntl.fcntl(other, fcntl.F_GETFD)
"""
    assert fcntl is not None
    assert run_here(script, bench_of()) == f"{errno.EINVAL}\n/dev/gpiochip9\n"
