"""Leave a board as it was found, and prove it by reading."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from emgrig.driver.board import Board
from emgrig.driver.chip.transaction import Restored
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.errors import DeviceError, EmgrigError, LinkGone, TransportError

log = logging.getLogger(__name__)

AS_BEFORE = "the registers are as before, proved by reading"
IN_DOUBT = "it is not proved that the registers are as before: putting them back was interrupted"


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

    def restore(self, policy: ReconnectPolicy | None = None) -> None:
        """Put them back; over a new link if the old one is lost, see `Board.reconnect`.

        Raises
        ------
        EmgrigError
            If the link stays lost or a register does not hold.
        KeyboardInterrupt
            If a person does not wait for it; its note says that nothing is proved.
        """
        try:
            self._restored = self._put_back(policy)
        except KeyboardInterrupt as broken:
            broken.add_note(IN_DOUBT)
            raise
        if not self._restored.is_proved:
            raise DeviceError("the registers are not what they were before the procedure")

    def _put_back(self, policy: ReconnectPolicy | None) -> Restored:
        try:
            return self._board.chip.restore(self._before)
        except TransportError as error:
            log.warning("%s; connecting anew to put the registers back", error)
            self._board.reconnect(policy)
            return self._board.chip.restore(self._before)


@contextmanager
def kept(board: Board) -> Iterator[Keeping]:
    """Do what is inside, and then put the registers back, whatever happened.

    A stream that is still on is stopped by whoever began it.

    Raises
    ------
    EmgrigError
        What was raised inside; or, if the registers could not be put back, of the same family and
        saying both.
    KeyboardInterrupt
        With a note that says what is known of the registers.
    """
    keeping = Keeping(board)
    try:
        yield keeping
    except BaseException as error:
        try:
            # For who is not back it was waited already, as long as it was meant to be.
            keeping.restore(ReconnectPolicy(total_s=0.0) if isinstance(error, LinkGone) else None)
        except EmgrigError as second:
            is_person = isinstance(error, KeyboardInterrupt)
            first = "interrupted" if is_person else str(error) or type(error).__name__
            text = f"{first}; nor could the registers be put back: {second}"
            raise DeviceError(text) from error
        if isinstance(error, KeyboardInterrupt):
            error.add_note(AS_BEFORE)
        raise
    keeping.restore()
