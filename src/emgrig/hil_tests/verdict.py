"""The verdict in words, and the exit code that stands for it."""

from collections import Counter

from emgrig.hil_tests.check import Layer
from emgrig.hil_tests.measurement import Outcome
from emgrig.hil_tests.session import BringupSession

EXIT_PASS, EXIT_FAIL, EXIT_LINK = 0, 1, 3
_COUNTED = (
    Outcome.PASS,
    Outcome.MARGINAL,
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.BLOCKED,
    Outcome.SKIPPED,
    Outcome.NOT_MEASURED,
)


def exit_code(session: BringupSession) -> int:
    """Return 0 if the board is good, 3 if there is no talking to it, 1 if it is not good.

    A board of which nothing was measured is not good.
    """
    if session.outcome in (Outcome.PASS, Outcome.MARGINAL):
        return EXIT_PASS
    return EXIT_LINK if session.failed_layer is Layer.LINK else EXIT_FAIL


def counted(session: BringupSession) -> str:
    """Return how many checks ended how: "18 pass, 1 fail, 4 blocked"."""
    counts = Counter(result.outcome for result in session.results)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in _COUNTED if counts[outcome])


def headline(session: BringupSession) -> str:
    """Return the first line: what is wrong, or that nothing is."""
    if session.diagnosis is not None:
        return session.diagnosis.line
    restored = session.restored
    if restored is not None and not restored.proved:
        return f"The board was not left as it was found: {restored.note}"
    if session.outcome is Outcome.MARGINAL:
        marginal = [r for r in session.results if r.outcome is Outcome.MARGINAL]
        return (
            f"Good, but near a limit: {'; '.join(f'{r.info.number} {r.message}' for r in marginal)}"
        )
    if session.outcome is Outcome.NOT_MEASURED:
        return "Nothing is known of the board: no check has measured anything"
    return "The board is good"


def last_line(session: BringupSession) -> str:
    """Return the last line: the verdict."""
    word = "FAIL" if exit_code(session) else "PASS"
    marginal = " (marginal)" if session.outcome is Outcome.MARGINAL else ""
    board = session.facts().get("board", "no board")
    return (
        f"bring-up: {word}{marginal} - {board} at {session.options.address}, "
        f"{session.options.level}, {counted(session)}"
    )


def verdict_lines(session: BringupSession) -> list[str]:
    """Return what the last lines of a pytest run say."""
    lines = [f"diagnosis: {headline(session)}"] if session.diagnosis else []
    return [*lines, last_line(session)]
