"""What goes to other programs and comes from them while a board streams."""

import logging
from collections.abc import Sequence
from typing import Protocol

from emgrig.driver.samples.block import Block
from emgrig.errors import RecordingError

log = logging.getLogger(__name__)


class Incoming(Protocol):
    """A marker from another program."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def unix_s(self) -> float:
        """When, Unix time of the session, s."""
        ...

    @property
    def source(self) -> str:
        """Name of the stream that it came from."""
        ...


class Outlet(Protocol):
    """Who hands samples and markers on to others and takes theirs, as `LslLink` does."""

    def feed(self, block: Block) -> None:
        """Take the next block."""
        ...

    def mark(self, text: str, unix_s: float) -> None:
        """Take a marker."""
        ...

    def poll(self) -> Sequence[Incoming]:
        """Return what came from others since the last call; never waits."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Exchange:
    """An outlet, or none; one that fails is closed, and nothing else ends with it.

    `problem` says why nothing is handed on any more; it is empty while all is well.
    """

    def __init__(self, outlet: Outlet | None) -> None:
        self.problem = ""
        self._outlet = outlet

    @property
    def is_on(self) -> bool:
        """True while blocks are handed on."""
        return self._outlet is not None

    def feed(self, block: Block) -> Sequence[Incoming]:
        """Hand a block on; return the markers that came from others."""
        outlet = self._outlet
        if outlet is None:
            return ()
        try:
            outlet.feed(block)
            return outlet.poll()
        except RecordingError as error:
            self._end(error)
            return ()

    def mark(self, text: str, unix_s: float) -> None:
        """Hand a marker on."""
        outlet = self._outlet
        if outlet is None:
            return
        try:
            outlet.mark(text, unix_s)
        except RecordingError as error:
            self._end(error)

    def close(self) -> None:
        """End it; a second call does nothing."""
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.close()

    def _end(self, error: RecordingError) -> None:
        self.problem = f"{error}; nothing more goes to other programs"
        log.warning("%s", self.problem)
        self.close()
