"""Leave a board as it was found, and prove it by reading."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from emgrig.driver.board import Board
from emgrig.driver.chip.settings import Settings
from emgrig.driver.chip.transaction import Files
from emgrig.errors import DeviceError, EmgrigError, TransportError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Restored:
    """Registers before and after, hex, one a chip.

    Attributes
    ----------
    before, after : tuple of str
        As read; empty if they could not be.
    is_proved : bool
        Every bit that can be written is what it was.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    is_proved: bool


class Keeping:
    """Holds what the registers were; `restored` is known when the context is left."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._before = board.chip.read_registers()
        self._restored: Restored | None = None

    @property
    def restored(self) -> Restored:
        """The proof; RuntimeError while the context is not left."""
        if self._restored is None:
            raise RuntimeError("the registers are put back when the context is left")
        return self._restored

    def restore(self) -> None:
        """Write back what differs, read everything, and compare.

        Raises
        ------
        EmgrigError
            If the link is lost or a register does not hold.
        """
        chip = self._board.chip
        chip.apply(replace(Settings.of_files(self._before), force=True))
        after = chip.read_registers()
        self._restored = Restored(
            tuple(file.raw.hex() for file in self._before),
            tuple(file.raw.hex() for file in after),
            is_proved=_is_same(self._before, after),
        )
        if not self._restored.is_proved:
            raise DeviceError("the registers are not what they were before the procedure")


@contextmanager
def kept(board: Board) -> Iterator[Keeping]:
    """Do what is inside, and then put the registers back, whatever happened.

    A stream that is still on is stopped by whoever began it.

    Raises
    ------
    EmgrigError
        What was raised inside; or, if the registers could not be put back, of the same family and
        saying both.
    """
    keeping = Keeping(board)
    try:
        yield keeping
    except BaseException as error:
        try:
            _restore(board, keeping)
        except EmgrigError as second:
            first = str(error) or type(error).__name__
            text = f"{first}; nor could the registers be put back: {second}"
            raise DeviceError(text) from error
        raise
    _restore(board, keeping)


def _restore(board: Board, keeping: Keeping) -> None:
    try:
        keeping.restore()
    except TransportError as error:
        log.warning("%s; connecting anew to put the registers back", error)
        board.reconnect()
        keeping.restore()


def _is_same(before: Files, after: Files) -> bool:
    return not any(want.wrong_bits(have) for want, have in zip(before, after, strict=True))
