"""The library of the Lab Streaming Layer (LSL), pylsl, with types: all that is untyped of it."""

import time
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.errors import RecordingError
from emgrig.extras import require

#: What was pushed last still has to leave: an outlet that is closed at once takes it along.
LINGER_S = 0.25


class Element(Protocol):
    """An XML element of a stream's description."""

    def append_child(self, name: str, /) -> "Element":
        """Add an element, and return it."""

    def append_child_value(self, name: str, value: str, /) -> "Element":
        """Add an element that holds a text."""


class StreamInfo(Protocol):
    """What a stream says of itself."""

    def name(self) -> str:
        """Name of the stream."""

    def source_id(self) -> str:
        """Name of its sender, the same when that starts anew; may be empty."""

    def hostname(self) -> str:
        """Machine that it comes from."""

    def uid(self) -> str:
        """Tell this outlet from the same stream opened anew."""

    def channel_count(self) -> int:
        """Channels."""

    def channel_format(self) -> int:
        """Code of the format."""

    def desc(self) -> Element:
        """Return the description."""


class _Outlet(Protocol):
    def push_chunk(self, x: object, timestamp: object, /) -> None: ...

    def have_consumers(self) -> bool: ...


class Inlet(Protocol):
    """A stream that comes in. liblsl raises TimeoutError or LostError of `library().util`."""

    def info(self, timeout: float) -> StreamInfo:
        """Return its whole description."""

    def open_stream(self, timeout: float) -> None:
        """Begin to receive."""

    def time_correction(self, timeout: float) -> float:
        """Our clock minus the sender's, s."""

    def pull_chunk(
        self, timeout: float, *, max_samples: int, as_numpy: bool
    ) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
        """Return values, shape (n_samples, n_channels), text as bytes, and the sender's times."""


class Resolver(Protocol):
    """Looks for streams in the background."""

    def results(self) -> list[StreamInfo]:
        """Return what is there now."""


def library() -> ModuleType:
    """Import pylsl.

    Raises
    ------
    MissingExtra
        If it is not installed.
    RecordingError
        If it has no liblsl for this machine.
    """
    try:
        return require("pylsl", "lsl", "the Lab Streaming Layer")
    except RuntimeError as error:  # pylsl is there, its library is not
        raise RecordingError(
            f"pylsl has no liblsl for this machine ({str(error).splitlines()[0].strip()}); "
            "install liblsl, or set PYLSL_LIB to its file"
        ) from error


def local_clock() -> float:
    """LSL's clock on this machine, s; raises as `library` does."""
    return float(library().local_clock())


def stream_info(
    name: str, kind: str, n_channels: int, rate_hz: float, channel_format: str, source_id: str
) -> StreamInfo:
    """Describe a stream; `rate_hz` is 0 for one without a rate. Raises as `library` does."""
    made: StreamInfo = library().StreamInfo(
        name, kind, n_channels, rate_hz, channel_format, source_id
    )
    return made


def describe_board(description: Element, identity: BoardIdentity) -> None:
    """Say in a stream's description which board it comes from, and if it is a simulated one."""
    acquisition = description.append_child("acquisition")
    for name, value in (
        ("manufacturer", "emgrig"),
        ("model", f"{identity.chip_count} x ADS1299"),
        ("serial_number", identity.serial_number),
        ("firmware", identity.firmware),
        ("precision", "24"),
        ("simulated", "yes" if identity.is_simulated else "no"),
    ):
        acquisition.append_child_value(name, value)


class Outlet:
    """A stream that is open. What is pushed goes to whoever listens.

    Raises
    ------
    RecordingError
        If it cannot be opened.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._name = info.name()
        self._outlet: _Outlet | None = None
        try:
            self._outlet = library().StreamOutlet(info)
        except RuntimeError as error:
            raise RecordingError(
                f"the LSL stream {self._name!r} cannot be opened ({error}); is there a network "
                "interface with multicast, and a free port from 16572 on?"
            ) from error

    def push(self, samples: NDArray[np.float32] | list[str], stamps_s: list[float]) -> None:
        """Send samples, each with its time by LSL's clock, s."""
        if self._outlet is None:
            raise ValueError(f"the LSL stream {self._name!r} is closed")
        self._outlet.push_chunk(samples, stamps_s)

    def close(self) -> None:
        """End the stream, once what was pushed has left; a second call does nothing."""
        if self._outlet is not None and self._outlet.have_consumers():
            time.sleep(LINGER_S)
        self._outlet = None
