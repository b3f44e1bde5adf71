"""Callbacks in real time."""

import contextlib
import threading
import time
from typing import Final

from emgrig.attach.shims.host import Host
from emgrig.attach.shims.seams import TimeIsUp

_LOOK_S: Final = 0.0005


class Pump:
    """Lets callbacks come in real time, without the script's doing; a context manager."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sleep = time.sleep  # the real one
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="edges", daemon=True)

    def __enter__(self) -> None:
        if not self._host.is_virtual:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_stopping = True
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(TimeIsUp):  # told to the script's own thread
            while not self._is_stopping:
                self._host.poll()
                self._sleep(_LOOK_S)
