"""One run of the suite: its board, its results, and which layer stopped it."""

import logging
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from emgrig.errors import EmgrigError, TransportError
from emgrig.files import check_report
from emgrig.hil_tests.diagnosis.diagnose import Diagnosis, diagnose
from emgrig.hil_tests.judging.check import (
    BeyondBoard,
    CannotMeasure,
    CheckInfo,
    CheckResult,
    Layer,
    Level,
)
from emgrig.hil_tests.judging.declared import package_checks
from emgrig.hil_tests.judging.incident import Incident, IncidentKind, kind_of
from emgrig.hil_tests.judging.limits import LimitTable
from emgrig.hil_tests.judging.measurement import Attachment, Measure, Measurement, Outcome, worst
from emgrig.hil_tests.measuring.contact import canary
from emgrig.hil_tests.measuring.restore import Restored, restore
from emgrig.version import __version__

if TYPE_CHECKING:
    from emgrig.hil_tests.measuring.rig import Rig

log = logging.getLogger(__name__)

STALL_LIMIT = "delivery_lateness"
SOAK_S = {Level.QUICK: 4.0, Level.FULL: 60.0}
"""Length of the endurance check unless told otherwise, board time, s."""

Observer = Callable[[CheckResult, bool, int], None]
"""Told of a check: its result, whether it is done, and how many there are."""


@dataclass
class RunOptions:
    """What was asked for.

    `soak_s` is the length of the endurance check, s of board time; raw data are kept for `report`.
    `inputs` are "connected" (electrodes, or resistors in their place) or "open"; `instruments` are
    what else was connected, as the user says; `overwrite` replaces an earlier run's report. `only`
    are the numbers of the checks to make, all if empty; with `keep_going` a failed layer does not
    block those above it, but for link and identity.
    """

    address: str
    level: Level
    limits: LimitTable
    soak_s: float
    report: Path | None = None
    inputs: str = "connected"
    instruments: tuple[str, ...] = ()
    overwrite: bool = False
    only: tuple[str, ...] = ()
    keep_going: bool = False


REPORT_FILES = ("record.json", "index.html", "junit.xml")
"""What a report is made of, in its folder, beside raw data."""


def refuse_report(folder: Path | None, *, overwrite: bool) -> None:
    """Raise RecordingError if a report cannot go there, or an earlier one is to stay there."""
    if folder is not None:
        check_report(folder, REPORT_FILES, overwrite=overwrite)


def refuse_replay(address: str) -> None:
    """Raise ValueError if an address is a raw capture, which takes nothing that checks write."""
    if address.partition(":")[0].lower() == "replay":
        raise ValueError(
            f"{address}: a replay answers with what it recorded; bring-up needs a board, or sim:"
        )


@dataclass
class BringupRun:
    """The state of a run; checks get at it through fixtures.

    Results are in the order in which they were made; `measure` is of the check that is on;
    `n_checks` are to be made. `observer` is told of each check: with its result so far when it
    begins (outcome NOT_MEASURED), and with the result when it ended.

    `asked_for` are the numbers of all checks that belong to a run, made or not; `interrupted` says
    that a person ended it, `problems` what went wrong with the suite itself, in words.
    """

    options: RunOptions
    rig: "Rig"
    results: list[CheckResult] = field(default_factory=list)
    observer: Observer | None = None
    n_checks: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    restored: Restored | None = None
    diagnosis: Diagnosis | None = None
    aborted: BaseException | None = None
    asked_for: tuple[str, ...] = ()
    interrupted: bool = False
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.measure = Measure(self.options.limits)
        self._attachments: list[Attachment] = []
        self._result: CheckResult | None = None
        self._began_s = 0.0
        self._latest = (0.0, "")  # lateness that no check has judged yet, s, and in which it was

    @property
    def failed_layer(self) -> Layer | None:
        """The layer that stops those above it."""
        return next((r.info.layer for r in self.results if _stops_others(r)), None)

    @property
    def n_asked(self) -> int:
        """How many checks were put to the board; not those blocked, or beyond what it can tell."""
        return sum(r.outcome is not Outcome.BLOCKED and not r.is_beyond for r in self.results)

    @property
    def n_beyond(self) -> int:
        """How many checks this board cannot answer: they were not asked, and are no pass."""
        return sum(r.is_beyond for r in self.results)

    @property
    def is_complete(self) -> bool:
        """True if each check that belongs to a run has its result, and nobody broke it off."""
        made = {r.info.number for r in self.results}
        return not self.interrupted and bool(made) and made.issuperset(self.asked_for)

    @property
    def outcome(self) -> Outcome:
        """The verdict of the run: fail, marginal or pass; error if the suite itself went wrong.

        A run that is not complete, and in which nothing failed, is incomplete.
        """
        made = [r.outcome for r in self.results]
        if self.problems:
            made.append(Outcome.ERROR)
        if not self.is_complete:
            made.append(Outcome.INCOMPLETE)
        if self.restored is not None and not self.restored.proved and Outcome.FAIL not in made:
            made.append(Outcome.FAIL)
        undecided = (Outcome.BLOCKED, Outcome.SKIPPED, Outcome.NOT_MEASURED)
        return worst(outcome for outcome in made if outcome not in undecided)

    @property
    def duration_s(self) -> float:
        """Wall time since the run began, s."""
        return (datetime.now(UTC) - self.began).total_seconds()

    def finish(self) -> None:
        """Find the cause, and leave the board as it was; a second call does nothing."""
        if self.restored is not None:
            return
        try:
            is_open = self.options.inputs == "open"
            self.diagnosis = diagnose(self.rig, self.results, is_open=is_open)
        except KeyboardInterrupt:  # a person waits no longer: what is known is told all the same
            self.interrupted = True
        except Exception as error:  # whatever it is, the board is given back, and the run says so
            log.warning("looking for the cause went wrong", exc_info=error)
            self.problems.append(f"looking for the cause: {type(error).__name__}: {error}")
        finally:
            self.restored = self._restore()
        if unused := self._unused_limits():
            origin = self.options.limits.origin
            self.problems.append(f"no check measured {', '.join(unused)} of {origin}: misspelt?")

    def _restore(self) -> Restored:
        rig = self.rig
        before, streamed = (rig.before, rig.streamed_before) if rig.is_open else ((), False)
        try:
            return restore(rig)
        except KeyboardInterrupt:
            self.interrupted = True
            found, words = tuple(raw.hex() for raw in before), "putting it back was interrupted"
            return Restored(found, (), streamed, False, proved=False, note=words)
        except Exception as error:
            log.warning("giving the board back went wrong", exc_info=error)
            words = f"{type(error).__name__}: {error}"
            self.problems.append(f"giving the board back: {words}")
            return Restored((), (), False, False, proved=False, note=words)

    def _unused_limits(self) -> list[str]:
        """Return the user's new limits that judged nothing, in a run in which all could."""
        could_not = (Outcome.BLOCKED, Outcome.SKIPPED, Outcome.ERROR)
        if not self.is_complete or any(r.outcome in could_not for r in self.results):
            return []
        used = {m.key for result in self.results for m in result.measurements}
        return sorted(self.options.limits.own - used)

    def facts(self) -> dict[str, str]:
        """Return which board this is and what was asked, in words."""
        known = {"address": self.options.address, "level": str(self.options.level)}
        if self.rig.is_open:
            identity = self.rig.identity
            known |= {
                "board": identity.serial_number,
                "firmware": f"{identity.firmware} ({identity.git_revision})",
                "simulated": "yes" if identity.is_simulated else "no",
            }
        return known

    @property
    def is_simulated(self) -> bool:
        """True if the board said that it is; where none answered, what the address says."""
        return (
            self.rig.identity.is_simulated
            if self.rig.is_open
            else self.options.address.lower().partition(":")[0].endswith("sim")
        )

    def blocked_by(self, info: CheckInfo) -> CheckResult | None:
        """Return the failed check of a layer below that blocks this one, if there is any."""
        top = Layer.REGISTERS if self.options.keep_going else info.layer
        for result in self.results:
            if _stops_others(result) and result.info.layer < min(info.layer, top):
                return result
        return None

    # One check.

    def begin(self, info: CheckInfo, since_s: float | None = None) -> None:
        """Begin a check: nothing is measured, nothing has happened.

        `since_s` is the time of `time.perf_counter` at which it began, if it was before.
        """
        about = "" if info.number in package_checks() else info.about
        self.measure = Measure(self.options.limits, about)
        self._attachments = []
        self._result = CheckResult(info)
        self._began_s = time.perf_counter() if since_s is None else since_s
        self.rig.forget()
        if self.observer is not None:
            self.observer(self._result, False, self.n_checks)

    def block(self, info: CheckInfo, by: CheckResult) -> str:
        """Note that a check was not made; return why."""
        self.begin(info)
        message = f"blocked by {by.info.number} ({by.info.layer.title})"
        self._finish(Outcome.BLOCKED, message)
        return message

    def run(self, body: Callable[[], None]) -> CheckResult:
        """Run the body of the check that was begun, and judge what it measured."""
        assert self._result is not None, "begin() comes first"
        error: EmgrigError | None = None
        try:
            self._make_ready(self._result.info)
            body()
            self._look_around()
        except CannotMeasure as reason:
            self._result.is_beyond = isinstance(reason, BeyondBoard)
            return self._finish(Outcome.SKIPPED, str(reason))
        except Exception as raised:
            if raised is self.rig.no_address:
                self.aborted = raised  # the address makes no sense: nothing was asked
            elif isinstance(raised, EmgrigError):
                error = raised
            if error is None:
                self._finish(Outcome.ERROR, f"{type(raised).__name__}: {raised}")
                raise
        return self._judge(error)

    def _make_ready(self, info: CheckInfo) -> None:
        """Set the board up for a check; a check that was picked out alone has to find it first."""
        layer = info.layer
        if layer > Layer.LINK and not self.rig.is_open:
            self.rig.open()
        for need in info.needs if layer > Layer.LINK else ():
            if why := need.lacks(self.rig.identity.can):
                raise BeyondBoard(f"this board cannot tell: {why}")
        if layer > Layer.IDENTITY and not self.rig.is_identified:
            self.rig.identify()
        elif layer > Layer.IDENTITY:
            self.rig.prepare()

    def attach(self, attachment: Attachment) -> None:
        """Keep raw data or a picture with the check that is on."""
        self._attachments.append(attachment)

    def _look_around(self) -> None:
        """See what happened beside the check: a stalled link, registers that fell back."""
        info = self._result.info if self._result else None
        if self.rig.stalls_s and info is not None:
            self._measure_lateness(info, max(self.rig.stalls_s))
        if info is None or info.layer <= Layer.IDENTITY or not self.rig.is_identified:
            return
        if not self.rig.has_registers:
            return
        from emgrig.driver.chip.registers import LeadOffFlip

        held = self.rig.read_raw()
        if not self.rig.identity.can.writes(LeadOffFlip.ADDRESS):
            return  # there is no canary: whoever answers for the chip says if it was lost
        found = {raw[LeadOffFlip.ADDRESS] for raw in held}
        expected = {canary(parts) for parts in self.rig.chip.parts}
        if found != expected:
            shown = ", ".join(f"{byte:02X}h" for byte in sorted(found))
            words = f"the chip lost its registers (LOFF_FLIP reads {shown})"
            self.rig.incidents.append(Incident(IncidentKind.CHIP_LOST, words))

    def _measure_lateness(self, info: CheckInfo, late_s: float) -> None:
        """Note how late samples came; it is judged where that is the question, or a loss hides.

        A busy computer makes samples come late, too: where each loss is known, that spoils none.
        """
        if not self.rig.identity.can.is_loss_known:
            self.measure(STALL_LIMIT, late_s, "s")
            return
        self._latest = max(self._latest, (late_s, info.number))
        if not info.judges_delivery:
            self.measure(STALL_LIMIT, late_s, "s", informs=True)
            return
        late_s, number = self._latest
        self.measure(STALL_LIMIT, late_s, "s", note=f"in {number}")
        self._latest = (0.0, "")

    def _judge(self, error: EmgrigError | None) -> CheckResult:
        happened = self.rig.incidents
        if n_frames := self.rig.n_thrown_away:
            words = f"the board threw away {n_frames} frames"
            happened.append(Incident(IncidentKind.FRAMES_DROPPED, words, value=n_frames))
        if error is not None:
            happened.append(self._incident_of(error))
            return self._finish(Outcome.FAIL, str(error))
        if happened:
            said = dict.fromkeys(incident.words for incident in happened)
            return self._finish(Outcome.FAIL, "; ".join(said))
        outcome = self.measure.outcome
        if all(not m.is_judged or m.name == STALL_LIMIT for m in self._measured):
            return self._finish(Outcome.ERROR, "it measured nothing against a limit")
        words = self._worst_words(outcome)
        if self._is_only_late(outcome):
            assert self._result is not None
            self._result.is_only_late = True
            words = f"{words}; none is missing"
        return self._finish(Outcome.ERROR if outcome is Outcome.NOT_MEASURED else outcome, words)

    def _is_only_late(self, outcome: Outcome) -> bool:
        """Say if nothing failed but the time of samples, none of which is missing."""
        failed = [m.name for m in self._measured if m.outcome is Outcome.FAIL]
        is_known = self.rig.is_open and self.rig.identity.can.is_loss_known
        return outcome is Outcome.FAIL and failed == [STALL_LIMIT] and is_known

    def _worst_words(self, outcome: Outcome) -> str:
        if outcome is Outcome.PASS:
            return ""
        bad = [m for m in self._measured if m.is_judged and m.outcome is outcome]
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        return bad[0].describe_worst() + more

    @property
    def _measured(self) -> list[Measurement]:
        return list(self.measure.measurements.values())

    def _incident_of(self, error: EmgrigError) -> Incident:
        """Say what an error is; open a lost link anew, to tell how long it was and to go on."""
        rig = self.rig
        lost = rig.is_open and isinstance(error, TransportError) and rig.link.failure is not None
        if not lost:
            n_packets = rig.link.counts.packets if rig.is_linked else 0
            kind = kind_of(error, is_linked=rig.is_linked, n_packets=n_packets)
            return Incident(kind, str(error))
        try:
            down_s = rig.reopen()
        except EmgrigError as still:
            words = f"the link was lost and did not come back: {still}"
            return Incident(IncidentKind.LINK_LOST, words)
        words = f"the link was lost and came back after {down_s:.1f} s"
        return Incident(IncidentKind.LINK_LOST, words, value=down_s)

    def _finish(self, outcome: Outcome, message: str) -> CheckResult:
        assert self._result is not None
        result = self._result
        result.outcome, result.message = outcome, message
        result.measurements = self._measured
        result.samples = self.rig.samples
        result.incidents = list(dict.fromkeys(self.rig.incidents))
        result.attachments = self._attachments
        result.duration_s = time.perf_counter() - self._began_s
        self.results.append(result)
        self._result = None
        if self.observer is not None and self.aborted is None:
            self.observer(result, True, self.n_checks)
        return result


def _stops_others(result: CheckResult) -> bool:
    """Say if what rests on a check is not asked: not for samples that only came late."""
    return result.outcome in (Outcome.FAIL, Outcome.ERROR) and not result.is_only_late


def software_versions() -> dict[str, str]:
    """Return the versions of what makes verdicts, whether it was imported for this one or not."""
    return {
        "emgrig": __version__,
        "python": sys.version.split()[0],
        **{name: version(name) for name in ("numpy", "scipy", "pytest")},
        "platform": platform.platform(),
    }
