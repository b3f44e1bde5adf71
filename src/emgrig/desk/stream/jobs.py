"""What is done to a board while it does not stream."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from emgrig.driver.board import Board
from emgrig.driver.chip.transaction import Files

T = TypeVar("T")


class Jobs:
    """Jobs that wait for the stream to stop, or are on; whoever streams does them."""

    def __init__(self) -> None:
        self.n_open = 0
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Callable[[Board, Callable[[str], None]], None]]
        self._waiting = queue.SimpleQueue()
        self._to_restore: Files | None = None

    def put(self, job: Callable[[Board], T], words: str) -> "Future[T]":
        """Let a job wait; `words` say what it is."""
        future: Future[T] = Future()
        with self._lock:
            self.n_open += 1
        self._waiting.put(lambda board, begin: self._do(board, begin, job, future, words))
        return future

    def do(self, board: Board, begin: Callable[[str], None]) -> bool:
        """Do all that wait, `begin` before each with its words; False if there were none."""
        is_any = False
        while not self._waiting.empty():
            is_any = True
            self._waiting.get()(board, begin)
        return is_any

    def restore(self, board: Board) -> None:
        """Put back the registers of a job that failed and may have left its own; proved."""
        if self._to_restore is not None:
            board.chip.restore(self._to_restore)
            self._to_restore = None

    def _do(
        self,
        board: Board,
        begin: Callable[[str], None],
        job: Callable[[Board], T],
        future: "Future[T]",
        words: str,
    ) -> None:
        tell: Callable[[], None]
        try:
            before = board.chip.files
            begin(words)
            try:
                tell = partial(future.set_result, job(board))
            except Exception:
                self._to_restore = self._to_restore or before
                raise
        except Exception as error:  # for whoever asked
            tell = partial(future.set_exception, error)
        with self._lock:
            self.n_open -= 1
        tell()
