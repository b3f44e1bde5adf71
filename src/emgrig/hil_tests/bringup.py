"""Run the suite from a program: `emgrig bringup` is this with a progress bar."""

from collections.abc import Collection
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from emgrig.connect import link_first
from emgrig.errors import EmgrigError, RecordingError
from emgrig.hil_tests.judging.check import Layer, Level
from emgrig.hil_tests.judging.declared import declared_checks, package_checks
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.refusal import run_of_refusal
from emgrig.hil_tests.run import (
    SOAK_S,
    BringupRun,
    Observer,
    RunOptions,
    refuse_replay,
    refuse_report,
)

_FLOW_CONTROLLED: Final = ("tcp", "socket")


class BringupInterrupted(KeyboardInterrupt):
    """A person ended the run; `run` holds what came out until then, and its verdict."""

    def __init__(self, run: BringupRun) -> None:
        super().__init__("interrupted")
        self.run = run


def run_bringup(
    address: str,
    *,
    level: Level | str = Level.QUICK,
    report: Path | str | None = None,
    limits: Path | str | None = None,
    soak_s: float | None = None,
    inputs: str = "connected",
    instruments: tuple[str, ...] = (),
    overwrite: bool = False,
    only: Collection[str] = (),
    keep_going: bool = False,
    observer: Observer | None = None,
) -> BringupRun:
    """Put all questions to a board; return the run with results, diagnosis and record.

    Record, page, JUnit file and raw data are written into the folder `report`; `limits` is TOML
    that overrides limits. `soak_s` is the length of the endurance check, s of board time; `inputs`
    says what is on them, "connected" or "open"; `instruments` what else is connected, for the
    record. `only` are the numbers of the checks to make, as ("B9", "B11"): such a run is
    incomplete, whatever comes out. With `keep_going` a failed layer does not block those above it,
    but for link and identity. `observer` is told of each check; see `BringupRun`.

    Raises ValueError if an argument makes no sense or `address` is a replay, and nothing was sent;
    RecordingError if `limits` cannot be read, the folder holds the report of an earlier run and
    `overwrite` does not say that it goes (nothing was sent), or the report cannot be written;
    BringupInterrupted if it was interrupted: the board is left as it was found, and what is known
    is in the report.
    """
    refuse_replay(address)
    if inputs not in ("connected", "open"):
        raise ValueError(f"inputs is {inputs!r}; expected connected or open")
    if soak_s is not None and not 0 < soak_s < float("inf"):
        raise ValueError(f"soak_s is {soak_s}; expected more than 0")
    if unknown := sorted(set(only) - package_checks()):
        raise ValueError(f"there is no check {unknown[0]!r}; emgrig bringup --list says which")
    level = Level(level)
    options = RunOptions(
        address=address,
        level=level,
        limits=load_limits(limits),
        soak_s=soak_s or SOAK_S[level],
        report=Path(report) if report else None,
        inputs=inputs,
        instruments=instruments,
        overwrite=overwrite,
        only=tuple(only),
        keep_going=keep_going,
    )
    refuse_report(options.report, overwrite=overwrite)
    run = _made(options, observer)
    if run.aborted is not None:
        raise run.aborted
    if run.interrupted:
        raise BringupInterrupted(run)
    return run


def _made(options: RunOptions, observer: Observer | None) -> BringupRun:
    """Run the suite, unless the link is refused: then there is nobody to put its questions to."""
    began = datetime.now(UTC)
    with ExitStack() as stack:
        try:
            if _can_be_told_first(options):
                stack.enter_context(link_first(options.address))
        except (ValueError, RecordingError):
            pass  # the suite says what is wrong with it
        except (EmgrigError, KeyboardInterrupt) as refusal:
            return run_of_refusal(options, observer, began, refusal)
        from emgrig.hil_tests.suite_run import run_suite

        return run_suite(options, observer, began)


def _can_be_told_first(options: RunOptions) -> bool:
    """Say if the link may be opened before the suite, which a refused one does not need.

    JUnit files are pytest's, B0 is to be asked, and nothing may be lost while the suite is
    imported and nobody reads: of a serial port only a missing one is told.
    """
    first = {info.number for info in declared_checks() if info.layer is Layer.LINK}
    is_asked = not options.only or bool(first & set(options.only))
    address = urlsplit(options.address)
    device = address.path if address.path.startswith("/dev/") else ""
    nothing_is_lost = address.scheme in _FLOW_CONTROLLED or (device and not Path(device).exists())
    return options.report is None and is_asked and bool(nothing_is_lost)
