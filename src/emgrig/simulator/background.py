"""A server that waits for sockets in a thread of its own."""

import contextlib
import errno
import selectors
import socket
import threading
import time
from typing import Final, Self

NO_ROOM_S: Final = 1.0  #: Time until the next look when there were no file descriptors left.
_NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class BackgroundServer:
    """Serves from `_begin` on until it is closed; a context manager.

    What is derived from it says what is done in each round (`_round`) and what is closed at the end
    (`_clean_up`).
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._deaf: list[tuple[float, socket.socket, object]] = []
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

    def _accepted(self, listener: socket.socket) -> socket.socket | None:
        """Take who waits at a listener; None if he gave up, or there is no room for him now.

        Without room he goes on waiting, and would wake us all the time: so nobody is listened to
        for a while.
        """
        try:
            return listener.accept()[0]
        except OSError as error:
            if error.errno in _NO_ROOM:
                key = self._selector.unregister(listener)
                self._deaf.append((time.monotonic() + NO_ROOM_S, listener, key.data))
            return None

    def _listen_again(self) -> None:
        """Listen again where it is time to; called in each round."""
        while self._deaf and time.monotonic() >= self._deaf[0][0]:
            _, listener, what = self._deaf.pop(0)
            self._selector.register(listener, selectors.EVENT_READ, what)

    @property
    def _patience_to_listen_s(self) -> float | None:
        """How long a round may wait, s; None if no listener is deaf."""
        return max(self._deaf[0][0] - time.monotonic(), 0.0) if self._deaf else None

    def _clean_up(self) -> None:
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
