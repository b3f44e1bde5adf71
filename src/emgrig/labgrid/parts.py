"""What labgrid's environment files name: `EmgrigBoard`, `EmgrigDriver`, `EmgrigStrategy`.

``imports: [emgrig.labgrid.parts]`` in an environment file registers them.
"""

import threading
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from emgrig.errors import EmgrigError, InfrastructureFailure, TransportError
from emgrig.extras import require

if TYPE_CHECKING:
    from emgrig.driver.board import Board
    from emgrig.recording.convert import Recording
    from emgrig.recording.levels import Progress

target_factory = require("labgrid", "labgrid", "a board in a laboratory").target_factory
import attr  # noqa: E402  # labgrid brings it, and says when it is missing
from labgrid.driver import Driver  # noqa: E402
from labgrid.exceptions import NoResourceFoundError  # noqa: E402
from labgrid.resource import Resource  # noqa: E402
from labgrid.strategy import Strategy  # noqa: E402

_AGAIN_S: Final = 1.0
_ATTEMPT_S: Final = 10.0


@target_factory.reg_resource
@attr.s(eq=False)
class EmgrigBoard(Resource):  # type: ignore[misc]
    """A board, by its address as `emgrig` takes it; an exporter hands it on as it is."""

    address: str = attr.ib(validator=attr.validators.instance_of(str))


@target_factory.reg_driver
@attr.s(eq=False)
class EmgrigDriver(Driver):  # type: ignore[misc]
    """An open board (`board`) while it is active, and one recording at a time.

    Attributes
    ----------
    wait_s : float
        The resource, and somebody who answers at the address, are waited for so long, s. What
        fails then is the laboratory: InfrastructureFailure. A board that answers and is wrong
        raises what `emgrig.connect` raises.
    profile : str
        Applied to it; "keep" leaves what is set.
    outage_s : float
        How long a recording may wait for a lost link, s.
    """

    bindings: ClassVar = {
        "port": {EmgrigBoard, "NetworkSerialPort", "RawSerialPort", "USBSerialPort"}
    }
    wait_s: float = attr.ib(default=30.0, converter=float)
    profile: str = attr.ib(default="facial-emg", validator=attr.validators.instance_of(str))
    outage_s: float = attr.ib(default=30.0, converter=float)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._board: Board | None = None
        self._run: _Run | None = None

    @property
    def board(self) -> "Board":
        """The open board; InfrastructureFailure if its exporter is gone."""
        self.check()
        if self._board is None:
            raise EmgrigError(f"{self.display_name} is not active: activate it first")
        return self._board

    def check(self) -> None:
        """Raise InfrastructureFailure if the resource is not there any more."""
        try:
            self.port.poll()
            is_there = bool(self.port.avail)
        except KeyError:  # of a resource whose exporter has gone, labgrid 26.0 has nothing left
            is_there = False
        if not is_there:
            raise InfrastructureFailure(
                f"{self.port.display_name} is gone: its exporter or the coordinator was lost; "
                "that says nothing of the board"
            )

    def on_activate(self) -> None:
        """Wait for the board, and connect to it."""
        import emgrig
        from emgrig.driver.recovery import ReconnectPolicy

        end_s = time.monotonic() + self.wait_s
        self._await_resource()
        address = address_of(self.port)
        policy = ReconnectPolicy(total_s=self.outage_s)
        while True:
            left_s = end_s - time.monotonic()
            try:
                board = emgrig.connect(
                    address, timeout_s=min(max(left_s, 0.1), _ATTEMPT_S), reconnect=policy
                )
                break
            except TransportError as error:
                self.check()
                if left_s <= _AGAIN_S:
                    raise InfrastructureFailure(
                        f"nobody answered at {address} in {self.wait_s:g} s ({error}); that says "
                        "nothing of the board: is it switched on and in the network?"
                    ) from error
                time.sleep(_AGAIN_S)
        try:
            if self.profile != "keep":
                board.apply(self.profile)
        except BaseException:
            board.close()
            raise
        self._board = board

    def _await_resource(self) -> None:
        try:
            if not self.port.avail and self.port.get_managed_parent() is not None:
                self.target.await_resources([self.port], timeout=self.wait_s)
        except NoResourceFoundError as error:
            raise InfrastructureFailure(
                f"{self.port.display_name} did not come in {self.wait_s:g} s: is its exporter on?"
            ) from error
        self.check()

    def on_deactivate(self) -> None:
        """End a recording, and leave the board stopped."""
        try:
            if self._run is not None:
                self.end_recording()
        finally:
            board, self._board = self._board, None
            if board is not None:
                board.close()

    # Recording.

    @property
    def n_samples(self) -> int:
        """Samples of the recording that is on, as of the last half second; 0 without one."""
        return 0 if self._run is None else self._run.n_samples

    def record(self, path: str, duration_s: float) -> "Recording":
        """Record for so long; raises as `emgrig.recording.recorder.record`, and as `check`."""
        self.begin_recording(path, duration_s)
        return self.end_recording(wait=True)

    def begin_recording(self, path: str, duration_s: float | None = None) -> None:
        """Begin to record in the background, to ``path`` and what belongs to it."""
        if self._run is not None:
            raise ValueError(f"{self.display_name} records already")
        self._run = _Run(self.board, Path(path), duration_s)

    def end_recording(self, *, wait: bool = False) -> "Recording":
        """End the recording, or wait until its time is over; return what became of it.

        InfrastructureFailure if the exporter is gone then, also where files could be made: they are
        short for a reason that is not the board's.
        """
        run, self._run = self._run, None
        if run is None:
            raise ValueError(f"{self.display_name} does not record")
        try:
            return run.end(wait=wait)
        finally:
            self.check()


class _Run:
    """A recording in a thread of its own."""

    def __init__(self, board: "Board", path: Path, duration_s: float | None) -> None:
        self.n_samples = 0  #: So far, each half second.
        self._stop = threading.Event()
        self._made: Recording | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._record, args=(board, path, duration_s))
        self._thread.start()

    def _record(self, board: "Board", path: Path, duration_s: float | None) -> None:
        from emgrig.recording.recorder import record

        try:
            self._made = record(board, path, duration_s, progress=self._follow, stop=self._stop)
        except BaseException as error:  # raised again where the end is asked for
            self._error = error

    def _follow(self, progress: "Progress") -> None:
        self.n_samples = progress.n_samples

    def end(self, *, wait: bool) -> "Recording":
        if not wait:
            self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._made is not None
        return self._made


class Status(Enum):
    """States of `EmgrigStrategy`."""

    unknown = 0
    off = 1  #: Not connected; the board is somebody else's if they want it.
    connected = 2
    recording = 3


def _status(said: Any) -> Status:
    """Return a state by its name; ValueError if there is none."""
    if isinstance(said, Status):
        return said
    if said not in Status.__members__:
        raise ValueError(f"there is no state {said!r}; there are {', '.join(Status.__members__)}")
    return Status[said]


@target_factory.reg_driver
@attr.s(eq=False)
class EmgrigStrategy(Strategy):  # type: ignore[misc]
    """Bring a board to a state: off, connected, recording.

    Attributes
    ----------
    folder : str
        Recordings go here, as ``TARGET-1.bdf`` and so on; one that exists is not overwritten.
    """

    bindings: ClassVar = {"driver": EmgrigDriver}
    folder: str = attr.ib(default=".", validator=attr.validators.instance_of(str))
    status: Status = attr.ib(default=Status.unknown, converter=_status)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.recordings: list[Recording] = []  #: What was recorded, in order.

    def transition(self, status: Any) -> None:
        """Go to a state, by its name or as `Status`; raises as the driver does.

        After an error it is not known where the board is: go to ``off`` first.
        """
        wanted = _status(status)
        if wanted is Status.unknown:
            raise ValueError("nobody can go to 'unknown'")
        if wanted is self.status:
            return
        was, self.status = self.status, Status.unknown
        if wanted is Status.off:
            self.target.deactivate(self.driver)
        else:
            self.target.activate(self.driver)
            if was is Status.recording:
                self.recordings.append(self.driver.end_recording())
            if wanted is Status.recording:
                self.driver.begin_recording(str(self._next_path()))
        self.status = wanted

    def force(self, status: Any) -> None:
        """Take a state for given (`--lg-initial-state`)."""
        self.status = _status(status)

    def _next_path(self) -> Path:
        number = 1
        while (path := Path(self.folder) / f"{self.target.name}-{number}.bdf").exists():
            number += 1
        return path


def address_of(port: Any) -> str:
    """Return the address of a resource: a board's own, or that of a serial port of labgrid's."""
    if isinstance(port, EmgrigBoard):
        return str(port.address)
    if hasattr(port, "host"):
        scheme = "rfc2217" if port.protocol == "rfc2217" else "socket"
        return f"{scheme}://{port.host}:{port.port}?baud={port.speed}"
    return f"serial://{port.port}?baud={port.speed}"
