"""A server that waits for sockets in a thread of its own."""

import contextlib
import selectors
import socket
import threading
from typing import Self


class BackgroundServer:
    """Serves from `_begin` on until it is closed; a context manager.

    What is derived from it says what is done in each round (`_round`) and what is closed at the end
    (`_clean_up`).
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._is_stopping = False
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, name: str) -> None:
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and close all connections; a second call does nothing.

        Raises
        ------
        Exception
            What ended the server, if it did not end by itself.
        """
        self._is_stopping = True
        with contextlib.suppress(OSError):
            self._wake_in.send(b"x")
        self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _serve(self) -> None:
        try:
            while not self._is_stopping:
                self._round()
        except BaseException as error:  # handed to whoever closes the server
            self._failure = error
        finally:
            self._clean_up()

    def _round(self) -> None:
        raise NotImplementedError

    def _clean_up(self) -> None:
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
