"""The verdict in words, and the exit code that stands for it."""

from collections import Counter

from emgrig.errors import ExitCode
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.incident import IncidentKind
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.run import BringupRun


def exit_code(run: BringupRun) -> ExitCode:
    """Return 0 if the board is good, 3 if there is no talking to it, 1 if it is not good.

    A board of which nothing was measured is not good, nor is one of which not all was asked; 130 if
    a person ended the run.
    """
    if run.interrupted:
        return ExitCode.INTERRUPTED
    if run.outcome in (Outcome.PASS, Outcome.MARGINAL):
        return ExitCode.OK
    return ExitCode.LINK if run.failed_layer is Layer.LINK else ExitCode.VERDICT


def counted(run: BringupRun) -> str:
    """Return how many checks ended how: "18 pass, 1 fail, 4 blocked"."""
    counts = Counter(result.outcome for result in run.results)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])


def asked(run: BringupRun) -> str:
    """Return how much was asked, if it was not all: "incomplete: 7 of 25 asked"."""
    if run.is_complete:
        return ""
    why = ", interrupted" if run.interrupted else ""
    return f"incomplete: {run.n_asked} of {len(run.asked_for)} asked{why}"


def headline(run: BringupRun) -> str:
    """Return the first line: what is wrong, or that nothing is."""
    if run.diagnosis is not None:
        return run.diagnosis.line
    if run.problems:
        return f"The suite went wrong, and the board has no verdict: {'; '.join(run.problems)}"
    restored = run.restored
    if restored is not None and not restored.proved and run.results:
        return f"The board was not left as it was found: {restored.note}"
    if not run.is_complete:
        return f"The board has no verdict: {asked(run)}"
    if run.outcome is Outcome.MARGINAL:
        marginal = [r for r in run.results if r.outcome is Outcome.MARGINAL]
        return (
            f"Good, but near a limit: {'; '.join(f'{r.info.number} {r.message}' for r in marginal)}"
        )
    if run.outcome is Outcome.NOT_MEASURED:
        return "Nothing is known of the board: no check has measured anything"
    if run.n_beyond:
        return (
            f"What this board can tell is good: {run.n_asked} of {len(run.results)} checks; the "
            "others cannot be asked of it"
        )
    return "The board is good"


def last_line(run: BringupRun) -> str:
    """Return the last line: the verdict."""
    is_incomplete = run.outcome is Outcome.INCOMPLETE
    word = "INCOMPLETE" if is_incomplete else "FAIL" if exit_code(run) else "PASS"
    marginal = " (marginal)" if run.outcome is Outcome.MARGINAL else ""
    simulated = "SIMULATED " if run.is_simulated else ""
    board = run.facts().get("board", "a board in use" if _is_busy(run) else "no board")
    beyond = f"{run.n_beyond} not asked: this board cannot tell" if run.n_beyond else ""
    said = (str(run.options.level), counted(run), beyond, asked(run))
    return (
        f"bring-up: {word}{marginal} - {simulated}{board} at {run.options.address}, "
        f"{', '.join(filter(None, said))}"
    )


def _is_busy(run: BringupRun) -> bool:
    """Say if another program holds the board."""
    return any(i.kind is IncidentKind.BUSY for result in run.results for i in result.incidents)


def verdict_lines(run: BringupRun) -> list[str]:
    """Return what the last lines of a pytest run say."""
    lines = [f"diagnosis: {headline(run)}"] if run.diagnosis else []
    return [*lines, last_line(run)]
