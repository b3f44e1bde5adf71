"""What many runs say: which boards are good, and how values moved from run to run."""

from collections.abc import Sequence
from dataclasses import dataclass

from emgrig.hil_tests.history import GOOD, Run, Value
from emgrig.sentences import counted


@dataclass(frozen=True)
class BoardSum:
    """The runs of one board."""

    board: str
    simulated: bool
    n_runs: int
    n_good: int
    first: Run
    last: Run

    @property
    def name(self) -> str:
        """Its serial number, and whether it is simulated."""
        return f"{self.board} (simulated)" if self.simulated else self.board

    @property
    def is_good(self) -> bool:
        """True if its last run passed."""
        return self.last.outcome in GOOD


@dataclass(frozen=True)
class Trend:
    """A quantity of one board, or one of its channels, from run to run."""

    board: str
    check: str
    quantity: str
    unit: str
    channel: int | None
    runs: tuple[int, ...]
    values: tuple[float, ...]
    low: float | None  #: The limits of the last run.
    high: float | None

    @property
    def change(self) -> float:
        """Last value less the first, in `unit`."""
        return self.values[-1] - self.values[0]

    @property
    def share(self) -> float:
        """The change as a share of the way from the first value to the limit that it went to.

        Of a quantity without limits on that side it is 0.
        """
        limit = self.high if self.change > 0 else self.low
        room = 0.0 if limit is None else abs(limit - self.values[0])
        return abs(self.change) / room if room else 0.0


def boards(runs: Sequence[Run]) -> list[BoardSum]:
    """Return the boards that answered, by serial number; simulated ones apart."""
    found: dict[tuple[str, bool], list[Run]] = {}
    for run in runs:
        if run.board:
            found.setdefault((run.board, run.simulated), []).append(run)
    return [
        BoardSum(board, simulated, len(own), sum(r.outcome in GOOD for r in own), own[0], own[-1])
        for (board, simulated), own in sorted(found.items())
    ]


def line(runs: Sequence[Run]) -> str:
    """Say in a line how many runs and boards there are, and how many are good.

    First-pass yield: boards whose first run was good; yield: those whose last one was. A run that
    was not complete counts as not good.
    """
    real = [one for one in boards(runs) if not one.simulated]
    shown, word = (real, "") if real else (boards(runs), "SIMULATED ")
    n_first = sum(one.first.outcome in GOOD for one in shown)
    n_last = sum(one.is_good for one in shown)
    n_silent = sum(not run.board for run in runs)
    n_simulated = len(runs) - n_silent - sum(one.n_runs for one in shown)
    n_runs = sum(one.n_runs for one in shown)
    said = [f"{counted(n_runs, 'run')} of {counted(len(shown), f'{word}board')}"]
    if shown:
        said.append(f"good at the first run {n_first} of {len(shown)}")
        said.append(f"good at the last {n_last} of {len(shown)}")
    if n_simulated:
        said.append(f"{counted(n_simulated, 'simulated run')} not counted")
    if n_silent:
        said.append(f"{counted(n_silent, 'run')} without an answer")
    return f"history: {', '.join(said)}"


def trends(runs: Sequence[Run], values: Sequence[Value]) -> list[Trend]:
    """Return how each quantity of each board moved; those that went farthest to a limit first.

    Only quantities with a value in two runs or more. Quick and full runs use other lengths, so only
    runs of one level are set beside each other: the level of the board's last run.
    """
    last = {one.board: one.last.level for one in boards(runs)}
    of_run = {run.run: run for run in runs if run.board and run.level == last[run.board]}
    found: dict[tuple[str, str, str, str, int | None], list[Value]] = {}
    for one in values:
        if one.run in of_run:
            key = (of_run[one.run].board, one.check, one.quantity, one.unit, one.channel)
            found.setdefault(key, []).append(one)
    made = [
        Trend(
            *key,
            tuple(one.run for one in group),
            tuple(one.value for one in group),
            group[-1].low,
            group[-1].high,
        )
        for key, group in found.items()
        if len(group) > 1
    ]
    return sorted(made, key=lambda one: -one.share)
