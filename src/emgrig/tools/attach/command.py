"""`emgrig attach`: run firmware on simulated chips, and say what is wrong with it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from emgrig.errors import ExitCode
from emgrig.files import check_report
from emgrig.names import one_line
from emgrig.tools.common.options import (
    Overwrite,
    Printed,
    argument,
    flag,
    host_port,
    option,
    takes,
)
from emgrig.tools.common.output import note, out, print_json, say

if TYPE_CHECKING:
    from emgrig.attach.bench import Bench
    from emgrig.attach.options import BenchOptions
    from emgrig.attach.remote.server import BenchServer
    from emgrig.attach.report.model import Report
    from emgrig.tools.attach.run import Ended

_BENCH = "The bench"
_RUN = "The firmware"


@dataclass(frozen=True, kw_only=True)
class AttachOptions(Printed):
    """What `emgrig attach` takes."""

    command: list[str] | None = argument(
        "Your firmware and its arguments, after --.", None, metavar="-- FIRMWARE …"
    )
    python: bool = flag("It is a Python script; so is what begins with python.", panel=_RUN)
    wiring: str = option(
        "For Python: generic, pieeg, pieeg-16, pico, or a TOML file.", "generic", panel=_RUN
    )
    c: Path | None = option("Write the C library and its shims into this folder.", panel=_RUN)
    serve: str | None = option(
        "Serve the bench at tcp://127.0.0.1:PORT or unix:/PATH, until Ctrl-C.", panel=_RUN
    )
    control: str | None = option(
        "Serve a control port on [127.0.0.1:]PORT, for `emgrig control`; 0 takes a free one.",
        panel=_RUN,
    )
    duration: float | None = option("Stop it after so many seconds of bench time.", panel=_RUN)
    source: str = option(
        "What the electrodes see: face, silence, sine:…, file:…", "face", panel=_BENCH
    )
    fault: list[str] | None = option("A fault of chip or electrodes; repeatable.", panel=_BENCH)
    chips: int = option("ADS1299 on the bus.", 1, min=1, max=8, panel=_BENCH)
    channels: int = option("Channels a chip: 8, 6 or 4.", 8, panel=_BENCH)
    processor: str | None = option(
        "How long calls take: none, mcu, avr, linux; assumptions. Else mcu, for Python linux.",
        panel=_BENCH,
    )
    seed: int = option("Which chips, oscillators, electrodes, noise.", 0, min=0, panel=_BENCH)
    speed: str | None = option(
        "real, or a factor: time is the wall's; else it passes by calls alone.", panel=_BENCH
    )
    reference: bool = flag("4.5 V are on VREFP: CONFIG3 bit 7 may be 0.", panel=_BENCH)
    wired: bool = flag("Wires instead of electrodes, and no mains.", panel=_BENCH)
    no_enforce: bool = flag("tSCCS and tSDECODE are told and cost nothing.", panel=_BENCH)
    report: Path | None = option("Folder for index.html, report.json, junit.xml and bus.vcd.")
    overwrite: Overwrite = False


@takes
def attach(given: AttachOptions) -> None:
    """Run your firmware on simulated ADS1299, and say what is wrong with it.

    The first line of the report is the cause, with the fix under it; the last is the verdict with
    what it rests on. The firmware is yours, unchanged: C and C++ that is built for this machine
    with the files that --c writes, a Python script with spidev, gpiod and their like, or whatever
    speaks the socket whose address it finds in EMGRIG_ATTACH.

    Exit code 0: nothing was lost, torn or wrong; 1: something was, or the firmware itself failed;
    2: wrong arguments; 3: the socket; 5: files. See docs/attach.md.

    Examples:

      emgrig attach --c emgrig-c/

      emgrig attach --report report/ -- ./firmware

      emgrig attach --wiring pieeg --duration 10 -- python stream.py

      emgrig attach --serve tcp://127.0.0.1:4300
    """
    _check(given)
    if given.c is not None:
        from emgrig.attach.c.files import write_c_library

        written = write_c_library(given.c)
        note(f"written: {len(written)} files in {given.c}; see docs/attach-c.md")
        return
    from emgrig.attach.bench import Bench
    from emgrig.attach.report.make import make_report
    from emgrig.attach.report.write import FILES, write_report

    if given.report is not None:
        check_report(given.report, FILES, overwrite=given.overwrite)
    bench = Bench(_options(given))
    ended = _run(given, bench)
    facts = bench.facts()
    report = make_report(
        facts, firmware=_name(given), remark=ended.remark, has_failed=ended.has_failed
    )
    if given.report is not None:
        write_report(report, facts, given.report)
    if given.as_json:
        from emgrig.filemodel import plain

        print_json(plain(report))
    else:
        _tell(report, given.report)
    if report.verdict.exit_code:
        raise typer.Exit(int(ExitCode.VERDICT))


def _check(given: AttachOptions) -> None:
    ways = [bool(given.command), given.c is not None, given.serve is not None]
    if sum(ways) != 1:
        raise typer.BadParameter(
            "say one of: -- FIRMWARE and its arguments, --c FOLDER, --serve ADDRESS"
        )
    if given.control is not None:
        from emgrig.simulator.control.port import check_host

        check_host(host_port(given.control, "--control")[0])
    if given.duration is not None and not 0 < given.duration < float("inf"):
        raise typer.BadParameter(f"--duration {given.duration:g}: expected more than 0")


def _options(given: AttachOptions) -> "BenchOptions":
    from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions

    processor = given.processor or ("linux" if _is_python(given) else "mcu")
    if processor not in PROCESSORS:
        raise typer.BadParameter(f"--processor {processor}: there are {', '.join(PROCESSORS)}")
    return BenchOptions(
        chips=(ChipOptions(given.channels, oscillator_ppm=None),) * given.chips,
        source=given.source,
        faults=tuple(given.fault or ()),
        seed=given.seed,
        is_wired=given.wired,
        has_reference=given.reference,
        enforce=not given.no_enforce,
        processor=PROCESSORS[processor],
        speed=None if given.speed is None else _speed(given.speed),
    )


def _speed(text: str) -> float:
    from emgrig.simulator.options import MAX_SPEED, parse_speed

    speed = parse_speed(text)
    if speed == MAX_SPEED:
        raise typer.BadParameter("--speed max: leave --speed out, and time passes by calls alone")
    return speed


def _run(given: AttachOptions, bench: "Bench") -> "Ended":
    """Run what is to be run, and return how it ended."""
    from emgrig.tools.attach.run import child_output_apart, run_command, run_script
    from emgrig.tools.attach.run import serve_until_stopped as serve_it

    command, seconds = given.command or [], given.duration
    beside = partial(_controlled, given.control)
    with ExitStack() as stack:
        if given.as_json:
            stack.enter_context(child_output_apart())
        if given.serve is not None:
            tell = partial(say_address, given)
            return serve_it(bench, given.serve, seconds, tell, beside)
        if _is_python(given):
            return run_script(bench, command, given.wiring, seconds, beside)
        return run_command(bench, command, seconds, beside)


@contextmanager
def _controlled(where: str | None, server: "BenchServer") -> Iterator[None]:
    """Serve a control port for the bench, if one is wanted."""
    if where is None:
        yield
        return
    from emgrig.attach.control import serve_control

    with serve_control(server, *host_port(where, "--control")) as port:
        note(f"control port: emgrig control {port.address} status")
        yield


def _is_python(given: AttachOptions) -> bool:
    from emgrig.tools.attach.run import is_python

    return given.python or is_python(given.command or [])


def say_address(given: AttachOptions, address: str) -> None:
    """Print where the bench is; with --json apart from the results."""
    if given.as_json:
        note(address)
    else:
        say(address)
    note("EMGRIG_ATTACH of your firmware; Ctrl-C ends it, and prints the report")


def _name(given: AttachOptions) -> str:
    return " ".join(given.command) if given.command else "over the socket"


def _tell(report: "Report", folder: Path | None) -> None:
    """Print the report."""
    from emgrig.attach.report.text import lines

    style = "bold red" if report.verdict.exit_code else "green"
    if report.findings and not report.verdict.exit_code:
        style = "yellow"
    said = lines(report)
    out.print()  # the firmware may have ended in the middle of a line
    for number, line in enumerate(said):
        is_marked = number in (0, len(said) - 1)
        is_fix = line.startswith("  fix:")
        out.print(Text(one_line(line), style=style if is_marked else "bold" if is_fix else ""))
    if folder is not None:
        note(f"report: {folder / 'index.html'}")
