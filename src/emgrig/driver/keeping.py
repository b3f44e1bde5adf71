"""Leave a board as it was found, and prove it by reading."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from emgrig.driver.board import Board
from emgrig.driver.chip.transaction import Restored
from emgrig.errors import DeviceError, EmgrigError, TransportError

log = logging.getLogger(__name__)


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
        """Put them back; over a new link if the old one is lost.

        Raises
        ------
        EmgrigError
            If the link stays lost or a register does not hold.
        """
        try:
            self._restored = self._board.chip.restore(self._before)
        except TransportError as error:
            log.warning("%s; connecting anew to put the registers back", error)
            self._board.reconnect()
            self._restored = self._board.chip.restore(self._before)
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
            keeping.restore()
        except EmgrigError as second:
            first = str(error) or type(error).__name__
            text = f"{first}; nor could the registers be put back: {second}"
            raise DeviceError(text) from error
        raise
    keeping.restore()
