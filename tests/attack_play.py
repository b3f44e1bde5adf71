"""One play of a bad board or line: what came is held against what the board made."""

from dataclasses import dataclass, field

import numpy as np

from attack_kinds import CANNOT_BE_KNOWN, KINDS, Line
from emgrig.driver.board import Board
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.driver.samples.block import Block
from emgrig.driver.stream import Stream
from emgrig.errors import EmgrigError
from fake_board import FakeTransport, true_codes

DURATION_S = 6.0
N_CONVERSIONS = 1500
#: Board time in which everything must be over: the stream, an outage, connecting, stopping.
MOST_S = DURATION_S + 30.0 + 20.0 + 30.0 + 20.0


@dataclass
class Outcome:
    """What one play showed."""

    wrong: int = 0  #: Samples that no conversion of the board made, or not in their place.
    twice: int = 0  #: Samples that were delivered before.
    delivered: int = 0
    produced: int = 0  #: By the board.
    accounted: int = 0  #: Received and lost, by the account.
    is_known: bool = True  #: Whether both can be compared.
    took_s: float = 0.0  #: Time of the board.
    error: str = ""  #: What ended it, if not its duration.
    seen: set[tuple[int, int]] = field(default_factory=set)

    @property
    def faults(self) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.wrong:
            found.append(f"{self.wrong} wrong samples")
        if self.twice:
            found.append(f"{self.twice} samples twice")
        if self.is_known and self.produced != self.accounted:
            found.append(f"{self.accounted} accounted for of {self.produced} made")
        if self.took_s > MOST_S:
            found.append(f"took {self.took_s:.1f} s")
        return found


def _origin(code: int, n_runs: int) -> tuple[int, int] | None:
    """Find run and conversion of a code of channel 1, as `true_codes` makes it."""
    for run in range(1, n_runs + 1):
        conversion, rest = divmod((code + (1 << 22) - 1 - run * 1_000_003) % (1 << 23), 64)
        if not rest and conversion < 20_000:
            return run, conversion
    return None


def _check(
    blocks: list[Block], outcome: Outcome, n_runs: int = 40, *, runs_repeat: bool = False
) -> None:
    """Hold blocks against what the board made; `runs_repeat` if it counted its runs anew."""
    base: dict[int, int] = {}
    for block in blocks:
        if not block.n_samples:
            continue
        origin = _origin(int(block.codes[0, 0]), n_runs)
        if origin is None:
            outcome.wrong += block.n_samples
            continue
        run, first = origin
        expected = true_codes(run, range(first, first + block.n_samples))
        outcome.wrong += int((expected != block.codes).any(axis=1).sum())
        outcome.delivered += block.n_samples
        if runs_repeat:
            continue
        if base.setdefault(run, block.first_conversion - first) != block.first_conversion - first:
            outcome.wrong += block.n_samples  # not in its place
        places = {(run, first + k) for k in range(block.n_samples)}
        outcome.twice += len(places & outcome.seen)
        outcome.seen |= places


def play(kind: str, seed: int) -> Outcome:
    """Play one kind with one seed."""
    transport, outcome = FakeTransport(), Outcome()
    line = Line(transport, np.random.default_rng([seed, len(kind), ord(kind[0])]))
    began_s = transport.clock.now
    n_booted: list[int] = []
    restart = transport.board.restart
    transport.board.restart = lambda: n_booted.append(transport.board.run) or restart()  # type: ignore[method-assign, func-returns-value]
    KINDS[kind](line)
    blocks: list[Block] = []
    stream: Stream | None = None
    try:
        with Board(transport, reconnect=ReconnectPolicy(total_s=30.0)) as board:
            stream = board.stream(DURATION_S)
            with stream:
                blocks += stream
    except EmgrigError as error:
        outcome.error = f"{type(error).__name__}: {error}"
    outcome.took_s = transport.clock.now - began_s
    outcome.produced = sum(transport.board.produced)
    outcome.is_known = kind not in CANNOT_BE_KNOWN and not outcome.error
    if stream is not None:
        outcome.accounted = stream.totals.produced
    _check(blocks, outcome, runs_repeat=bool(n_booted))
    return outcome
