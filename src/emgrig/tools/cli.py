"""The command line: one typer application, one module a group of commands.

A command's module is imported when it is called, and what its work needs inside of it, when its
words, files and link have been looked at: an error or a help is there at once.
"""

import importlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from emgrig.errors import EmgrigError, ExitCode, exit_code_for
from emgrig.files import why
from emgrig.names import PLAIN_ERRORS, one_line
from emgrig.tools.common import defaults, light_help, logs, plain_words
from emgrig.tools.common.interrupted import words_of
from emgrig.tools.common.output import EXIT_CODES_HELP, err, note, say

log = logging.getLogger(__name__)


class Later(NamedTuple):
    """A command whose module is imported only when it is called.

    `attribute` is the command's function, or a typer application that holds it or is it.
    """

    module: str
    attribute: str
    help: str

    def load(self, name: str) -> Any:
        """Import the command."""
        found = getattr(importlib.import_module(f"emgrig.tools.{self.module}"), self.attribute)
        if isinstance(found, typer.Typer):
            group: Any = typer.main.get_command(found)
            return group.commands.get(name, group)
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        return typer.main.get_command(alone)


LATER = {
    "demo": Later(
        "demo.command",
        "demo",
        "Show the whole way of the data on a simulated board; needs no hardware.",
    ),
    "info": Later(
        "board_commands",
        "info",
        "Say who is at ADDRESS: board, firmware, chip, settings, clock, counters.",
    ),
    "record": Later(
        "record_commands",
        "record",
        "Record to BDF+ (24 bit), with every gap marked, and a JSON file beside it.",
    ),
    "convert": Later(
        "record_commands",
        "convert",
        "Make the BDF+ file from a raw capture, also one that a crash cut short.",
    ),
    "simulate": Later(
        "simulate_command",
        "simulate",
        "Serve a simulated ADS1299 board, true to the chip down to the SPI byte.",
    ),
    "registers": Later(
        "register_commands", "app", "Look at and change the 24 registers of each ADS1299."
    ),
    "profiles": Later(
        "profile_commands", "app", "Look at profiles: the settings of a whole board, as TOML."
    ),
    "attach": Later("attach.command", "attach", "Run your firmware on the simulated chip."),
    "firmware": Later("firmware_command", "app", "Write firmware for a board, to start from."),
    "bringup": Later("bringup_command", "bringup", "Say whether a board is good; if not, why."),
    "calibrate": Later(
        "calibrate.command", "app", "Measure noise, gain, clock …, with uncertainty."
    ),
    "desk": Later("desk_command", "desk", "Serve the page: contact, traces, recording, tube."),
    "electrodes": Later("electrodes.command", "electrodes", "Say whether the electrodes are on."),
    "session": Later("session_command", "session", "Run an experiment: MVC, clips, ratings."),
    "ports": Later("ports.command", "ports", "List where boards may be, and which are there."),
    "gateway": Later("gateway.command", "gateway", "Serve a board of this machine on TCP."),
    "config": Later("config_command", "config", "Say what is set once, and where."),
    "doctor": Later("doctor.command", "doctor", "Say what this machine has, to paste in a report."),
    "history": Later("history.command", "history", "Say which boards are good, and what drifts."),
    "sync": Later("sync.command", "sync", "Map readings of the filmed tube to samples."),
    "control": Later("control.command", "control", "Change a simulator that runs (--control)."),
    "explain": Later("explain.command", "explain", "Say what B9, LOFF or a fault means."),
    "export": Later("export_command", "export", "Hand over: BIDS, MATLAB, Parquet, CSV."),
    "compare": Later("compare.command", "compare", "Hold a recording against another amplifier's."),
    "reproduce": Later("analyse.commands", "app", "Set every number the paper prints beside ours."),
    "view": Later("view.command", "view", "Look at recordings in the browser."),
    "plot": Later("view.plot", "plot", "Draw a stretch of a recording, for a paper."),
    "analyse": Later("analyse.commands", "app", "Find candidate expressions in a recording."),
    "clock-report": Later(
        "analyse.commands", "app", "Report video against EMG time, per recording."
    ),
    "grid": Later("analyse.commands", "app", "Search the published 4500 parameter sets."),
    "indicators": Later("analyse.commands", "app", "Hold the authors' MVC% and iEMG against ours."),
    "study": Later("study.command", "app", "The paper's study on your own BIDS data set."),
    "synthetic": Later("analyse.commands", "app", "Write a synthetic CASMEMG in its layout."),
}


class LazyGroup(TyperGroup):
    """Lists the commands in `LATER` without importing them.

    `ctx` is the Context of click or of the click inside typer, by typer's version.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, later in LATER.items():
            self.commands[name] = TyperCommand(name, help=later.help)
        plain_words.take_for(self)

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words before the command."""
        with _light_errors(args):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Find the command, read its words, and call it; typer says nothing of a Ctrl-C."""
        try:
            with _light_errors(ctx.args):
                return super().invoke(ctx)
        except KeyboardInterrupt as broken:
            if os.environ.get("EMGRIG_TRACEBACK"):
                raise
            note(words_of(broken))
            raise typer.Exit(ExitCode.INTERRUPTED) from broken

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command to call, and import it."""
        name, found, rest = super().resolve_command(ctx, args)
        if name is None:  # while a shell asks how a word may go on
            return name, found, rest
        command: Any = LATER[name].load(name)
        _rewrap(command)
        if name not in _NO_LOG:
            logs.add_to(command)
        plain_words.take_for(command)
        if name not in _NO_DEFAULTS:
            ctx.default_map = {name: defaults.default_map(command, name, defaults.read_defaults())}
        return name, command, rest


@contextmanager
def _light_errors(args: list[str]) -> Iterator[None]:
    """Import typer's help at low cost, if these words ask for it or turn out wrong."""
    if {"-h", "--help"} & set(args):
        light_help.load()
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message"):  # of click's, or of the click inside typer
            light_help.load()
        raise


_NO_LOG = ("control", "explain")
_NO_DEFAULTS = ("config", "doctor", "explain")


def _rewrap(command: Any) -> None:
    """Let the help of a command be wrapped by the terminal alone, its brackets be brackets."""
    if command.help:
        paragraphs = command.help.split("\n\n")
        command.help = escape("\n\n".join(" ".join(one.split()) for one in paragraphs))
    for one in command.params:
        one.help = one.help and escape(one.help)
        _without_types(one)
    _without_type_of_help(command)
    for inner in getattr(command, "commands", {}).values():
        _rewrap(inner)


def _without_types(parameter: Any) -> None:
    """Have the help say what is meant, and not Python's types: ADDRESS ..., --chip N."""
    if parameter.param_type_name == "argument":
        if parameter.metavar is None:
            parameter.metavar = (parameter.name or "").upper()
        kind = None
        if parameter.nargs != 1:
            parameter.metavar, kind = parameter.metavar.rstrip(" .…"), "..."
        parameter.display_type_rich = lambda **_: kind  # older typers do not ask for it
    elif parameter.metavar is None:
        given = parameter.default
        is_flag = parameter.is_flag or parameter.count
        parameter.metavar = "" if is_flag else "N" if isinstance(given, int) else "TEXT"


def _without_type_of_help(command: Any) -> None:
    make = command.get_help_option

    def made(ctx: Any) -> Any:
        option = make(ctx)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = made


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES_HELP,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from emgrig import __version__

        say(f"emgrig {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version."),
    ] = False,
    verbose: logs.Verbose = 0,
    log_file: logs.LogFile = None,
) -> None:
    """Bring up, check and record an ADS1299 EMG board, real or simulated.

    ADDRESS is one of:

    [bold]sim:[/bold]  a simulated board in this process, as in sim:face or "sim:fault=miso-high"

    [bold]tcp://HOST:PORT[/bold]  a board, or `emgrig simulate`, that listens

    [bold]tcp-listen://HOST:PORT[/bold]  wait here, 10 s, until the board connects

    [bold]serial:///dev/ttyUSB0?baud=921600[/bold]  serial or USB-CDC; pyserial's own URLs too

    [bold]cyton:///dev/ttyUSB0[/bold]  an OpenBCI Cyton, alone or with its Daisy; cyton+tcp://

    [bold]hackeeg:///dev/ttyACM0[/bold]  a HackEEG; hackeeg+tcp://

    [bold]meower://HOST[/bold]  a Meower in the network; meower://: the first that calls

    [bold]frames:///dev/ttyUSB0?template=NAME[/bold]  cerelog, ardeeg, knight or eegfrontier

    [bold]spi:pieeg[/bold]  chips on this machine's SPI bus; or spi:///dev/spidev0.0?drdy=26

    [bold]auto[/bold]  the one board that answers: USB, SPI, a network board that says where it is

    [bold]replay:FILE[/bold]  a raw capture, byte for byte as it came
    """


def _in_words(error: Exception) -> str:
    """Say an error in a line; an `OSError` that nobody put into words, with its file."""
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return where + why(error)


def _end_as_by_ctrl_c() -> None:
    """Have what ends a service or closes a terminal end a command as Ctrl-C does, once."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, stop)


def main() -> None:
    """Run the command line; an error is one line on the standard error and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=PLAIN_ERRORS)  # a pipe on Windows knows no Ω
    logs.set_up()
    _end_as_by_ctrl_c()
    try:
        app()
    except BrokenPipeError:  # whoever reads, as `head`, has had enough
        sys.stdout = None  # or Python complains at its end
        sys.exit(int(ExitCode.OK))
    except (EmgrigError, ValueError, OSError, KeyboardInterrupt) as error:
        if os.environ.get("EMGRIG_TRACEBACK"):
            raise
        log.debug("ended by", exc_info=error)
        text = words_of(error) if isinstance(error, KeyboardInterrupt) else _in_words(error)
        err.print(Text(f"error: {one_line(text)}", style="red"))
        sys.exit(int(exit_code_for(error)))
