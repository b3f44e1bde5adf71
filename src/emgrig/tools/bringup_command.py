"""`emgrig bringup`: whether a board is good, and if not, what is wrong with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from emgrig.connect import look_at
from emgrig.filetext import parse_toml, read_text
from emgrig.tools.common.logs import quiet_driver
from emgrig.tools.common.options import BoardAddress, Overwrite, Printed, flag, option, takes
from emgrig.tools.common.output import note, out, print_json, print_table, say
from emgrig.tools.common.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from emgrig.hil_tests.judging.check import CheckResult
    from emgrig.hil_tests.run import BringupRun

_STYLES = {"pass": "green", "marginal": "yellow", "fail": "bold red", "error": "bold red"}


def _list(context: typer.Context, wanted: bool) -> None:
    """Print which checks there are, before an address is asked for."""
    if not wanted:
        return
    from emgrig.hil_tests.judging.declared import declared_checks

    checks = declared_checks()
    if context.params.get("as_json"):
        print_json(
            [{"check": i.number, "layer": i.layer.title, "question": i.title} for i in checks]
        )
        raise typer.Exit
    print_table(
        ("check", "layer", "question"),
        [(info.number, info.layer.title, info.title) for info in checks],
        whole=("check", "layer"),
    )
    raise typer.Exit


@dataclass(frozen=True, kw_only=True)
class BringupOptions(Printed):
    """What `emgrig bringup` takes."""

    address: BoardAddress
    level: str = option("quick (2.5 minutes on a real board) or full (about 10).", "quick")
    report: Path | None = option("Folder for index.html, record.json, junit.xml and raw data.")
    limits: Path | None = option("TOML that overrides limits; see docs/bringup.md.")
    inputs: str = option(
        "What is on the inputs: connected (electrodes, resistors) or open.", "connected"
    )
    soak: float | None = option("Length of the endurance check, seconds of board time.")
    instrument: list[str] | None = option("What else is connected, for the record; repeatable.")
    only: str = option("Make these checks alone, as B9,B11; the run is incomplete then.", "")
    keep_going: bool = flag("Ask on above a layer that failed, but for link and identity.")
    list_checks: Annotated[
        bool, typer.Option("--list", callback=_list, help="List the checks; --json too.")
    ] = False
    # Eager, so that --list knows of it; both are looked at before an address is missed.
    as_json: Annotated[
        bool, typer.Option("--json", is_eager=True, help="Print JSON for a machine.")
    ] = False
    history: Path | None = option("File that this run is added to; emgrig history reads it.")
    operator: str = option("Who measures, for the history.", "")
    overwrite: Overwrite = False


@takes
def bringup(given: BringupOptions) -> None:
    """Put all bring-up questions to the board at ADDRESS, and say what is wrong with it.

    Each check is told when it is made (standard error). Then come the results (standard output):
    of a failing run first the likely cause, last the verdict. Registers and stream are left as
    they were found, proved by reading.

    Exit code 0: good; 1: not good; 3: there is no talking to it; 130: interrupted, no verdict.

    Examples:

      emgrig bringup sim:

      emgrig bringup tcp://192.168.4.1:4299 --level full --report report/

      emgrig bringup "sim:fault=miso-high"

      emgrig bringup serial:///dev/ttyUSB0 --only B9,B11

    A run that makes some checks alone is incomplete, and its exit code never 0: it is to find a
    fault by, not to call a board good.
    """
    look_at(given.address)  # that nobody answers is a verdict, a wrong address is none
    if given.limits is not None:
        name = f"limits {given.limits}"
        parse_toml(read_text(given.limits, name), name)  # before all that it is held against
    if given.history is not None:
        from emgrig.hil_tests.history import add, check_history

        check_history(given.history)
    session = _run(given)
    if given.history is not None or given.as_json:
        from emgrig.hil_tests.record import make_record
    if given.history is not None:
        number = add(given.history, make_record(session), given.operator)
        note(f"run {number} of {given.history}")
    if given.as_json:
        print_json(make_record(session))
    else:
        _tell(session, given.report)
    from emgrig.hil_tests.verdict import exit_code

    raise typer.Exit(int(exit_code(session)))


def _run(given: BringupOptions) -> "BringupRun":
    """Put the questions; a run that a person broke off comes back as far as it came."""
    from emgrig.hil_tests.bringup import BringupInterrupted, run_bringup
    from emgrig.hil_tests.judging.check import numbers_of

    # The suite cuts power and resets on purpose: the driver need not warn of what it is shown.
    with quiet_driver(), Bar("connecting") as bar:
        try:
            return run_bringup(
                given.address,
                level=given.level,
                report=given.report,
                limits=given.limits,
                soak_s=given.soak,
                inputs=given.inputs,
                instruments=tuple(given.instrument or ()),
                overwrite=given.overwrite,
                only=numbers_of(given.only),
                keep_going=given.keep_going,
                observer=_follower(bar),
            )
        except BringupInterrupted as interrupted:
            return interrupted.run


def _follower(bar: Bar) -> "Callable[[CheckResult, bool, int], None]":
    from emgrig.hil_tests.judging.measurement import Outcome

    done = 0

    def follow(result: "CheckResult", is_done: bool, n_checks: int) -> None:
        nonlocal done
        done += is_done
        info = result.info
        if is_done and result.outcome is not Outcome.BLOCKED:
            note(f"{info.number:3}  {result.outcome:8}  {info.title}")
        bar.follow(f"{info.layer.title}: {info.number} {info.title}", done / n_checks)

    return follow


def _tell(session: "BringupRun", report: Path | None) -> None:
    """Print the cause, the checks, and the verdict."""
    from emgrig.hil_tests.judging.check import Layer
    from emgrig.hil_tests.judging.measurement import Outcome
    from emgrig.hil_tests.verdict import headline, last_line

    say(headline(session))
    if session.diagnosis is not None:
        for found in session.diagnosis.because[1:]:
            say(f"  found too: {found}")
        for other in session.diagnosis.others:
            say(f"  fits too, but is less likely: {other}")
    out.print()
    print_table(
        ("check", "outcome", "question", "what was found"),
        [
            _row(result)
            for result in session.results
            if result.outcome is not Outcome.BLOCKED and not result.is_beyond
        ],
        whole=("check", "outcome"),
        share={"question": 2, "what was found": 3},
    )
    blocked = [r.info.number for r in session.results if r.outcome is Outcome.BLOCKED]
    if blocked:
        numbers = ", ".join(blocked)
        can_ask = not session.options.keep_going and (session.failed_layer or 0) > Layer.IDENTITY
        hint = " (--keep-going asks)" if can_ask else ""
        say(f"not asked, since a layer below failed{hint}: {numbers}")
    if session.n_beyond:
        numbers = ", ".join(r.info.number for r in session.results if r.is_beyond)
        say(f"not asked, and no pass, since this board cannot tell: {numbers}")
        for limit in session.rig.identity.can.limits if session.rig.is_open else ():
            say(f"  {limit}")
    if session.restored is not None and not session.restored.proved and session.rig.is_open:
        say(f"not left as found: {session.restored.note}")
    elif session.restored is not None and session.restored.note:
        say(f"left as found: {session.restored.note}")
    if report is not None:
        note(f"report: {report / 'index.html'}")
    say(last_line(session))


def _row(result: "CheckResult") -> tuple[str, Text, str, str]:
    outcome = str(result.outcome)
    return (
        result.info.number,
        Text(outcome, style=_STYLES.get(outcome, "dim")),
        result.info.title,
        result.message or result.nearest,
    )
