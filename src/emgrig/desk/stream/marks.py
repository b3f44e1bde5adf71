"""Markers where the traces show them."""

from collections import deque
from typing import NamedTuple

MOST_SHOWN = 300
MOST_CHARACTERS = 40


class Mark(NamedTuple):
    """A marker among the columns of the traces."""

    column: float  #: As `Views.column_of`.
    text: str


class Marks:
    """The last markers; `n` counts all that there were."""

    def __init__(self) -> None:
        self.n = 0
        self._last: deque[Mark] = deque(maxlen=MOST_SHOWN)

    def add(self, column: float, text: str) -> None:
        """Show a marker; of a long one the beginning."""
        line = " ".join(text.split())
        cut = line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
        self._last.append(Mark(column, cut))
        self.n += 1

    def since(self, number: int) -> list[Mark]:
        """Return those from number `number` on, of the last ones."""
        n_new = min(max(self.n - number, 0), len(self._last))
        return list(self._last)[len(self._last) - n_new :]

    def clear(self) -> None:
        """Forget them: the columns begin anew."""
        self._last.clear()
