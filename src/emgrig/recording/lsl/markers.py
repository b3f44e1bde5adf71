"""Markers over the Lab Streaming Layer (LSL), out and in."""

import logging
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.errors import RecordingError
from emgrig.names import plain_line
from emgrig.recording.lsl.library import (
    Inlet,
    Outlet,
    Resolver,
    StreamInfo,
    describe_board,
    library,
    local_clock,
    stream_info,
)
from emgrig.recording.lsl.stamps import SessionTime

log = logging.getLogger(__name__)

PATIENCE_S = 3.0  #: A marker waits so long for its sender's clock to be compared with ours.
#: A stream without a source id that was lost is not asked again for so long, s.
IGNORE_LOST_S = 6.0
_FORGET_S = 5.0  # the resolver's: a stream that is gone is not listed any more then
_MOST_MARKERS = 1024


class LslMarkerOutlet:
    """Markers out: one text channel without a rate.

    Parameters
    ----------
    identity : BoardIdentity
        The board that they belong to.
    session_time : SessionTime
        From session time to LSL's.
    """

    def __init__(self, identity: BoardIdentity, session_time: SessionTime) -> None:
        #: Stays the same when the program starts anew, so that listeners find it again.
        self.source_id = f"emgrig-{identity.serial_number}-markers"
        self._time = session_time
        name = f"emgrig {identity.serial_number} markers"
        info = stream_info(name, "Markers", 1, 0.0, "string", self.source_id)
        describe_board(info.desc(), identity)
        self._outlet = Outlet(info)

    def mark(self, text: str, unix_s: float) -> None:
        """Send a marker, at a Unix time of the session; ValueError if there is no text."""
        said = plain_line(text)
        if not said:
            raise ValueError("a marker needs a text")
        self._outlet.push([said], [self._time.to_lsl(unix_s)])

    def close(self) -> None:
        """End the stream; a second call does nothing."""
        self._outlet.close()


@dataclass(frozen=True)
class Marker:
    """A marker that came in."""

    text: str  #: One line; several channels are joined by spaces.
    unix_s: float  #: Host time of the session, s.
    source: str  #: Name of the stream.
    #: True if the sender's clock could not be compared with ours: `unix_s` is when it came.
    is_by_arrival: bool = False


@dataclass
class _Source:
    """One stream of markers; no call waits."""

    name: str
    inlet: Inlet
    is_open: bool = False
    held: list[tuple[str, float, float]] = field(default_factory=list)  # text, stamp, came

    def take(self, timeout: type[Exception]) -> list[tuple[str, float, bool]]:
        """Return text, LSL time here and if that is by arrival, of what came and can be placed."""
        if not self.is_open and not self._open(timeout):
            return []
        came_s = local_clock()
        values, stamps = self.inlet.pull_chunk(0.0, max_samples=_MOST_MARKERS, as_numpy=True)
        self.held += [
            (_text(row), float(stamp), came_s) for row, stamp in zip(values, stamps, strict=True)
        ]
        if not self.held:
            return []
        try:
            ahead_s = self.inlet.time_correction(0.0)
        except timeout:  # the clocks were not compared yet
            if came_s - self.held[0][2] < PATIENCE_S:
                return []
            return self.by_arrival()
        taken, self.held = self.held, []
        return [(text, stamp_s + ahead_s, False) for text, stamp_s, _ in taken]

    def by_arrival(self) -> list[tuple[str, float, bool]]:
        """Return what is held, placed by when it came."""
        taken, self.held = self.held, []
        return [(text, came_s, True) for text, _, came_s in taken]

    def _open(self, timeout: type[Exception]) -> bool:
        """Begin to listen. liblsl pulls nothing before it has the description: it would wait."""
        for begin in (self.inlet.open_stream, self.inlet.time_correction):
            try:
                begin(0.0)
            except timeout:
                log.debug("%s: %s goes on in the background", self.name, begin.__name__)
        try:
            self.inlet.info(0.0)
        except timeout:
            return False
        self.is_open = True
        log.info("listening to the markers of %s", self.name)
        return True


class LslMarkerInlet:
    """Markers in: every stream of type "Markers", or those of one name, as they come and go.

    Parameters
    ----------
    session_time : SessionTime
        From LSL's clock to session time.
    name : str, optional
        Listen to streams of this name only.
    not_from : str
        Source that is our own.

    Raises
    ------
    RecordingError
        If pylsl is missing, or cannot look for streams.
    """

    def __init__(
        self, session_time: SessionTime, *, name: str | None = None, not_from: str = ""
    ) -> None:
        self._lsl = library()
        self._time, self._name, self._not_from = session_time, name, not_from
        try:
            self._resolver: Resolver | None = self._lsl.ContinuousResolver(
                prop="type", value="Markers", forget_after=_FORGET_S
            )
        except RuntimeError as error:
            raise RecordingError(f"LSL cannot look for marker streams: {error}") from error
        self._sources: dict[tuple[str, ...], _Source] = {}
        self._lost: dict[tuple[str, ...], float] = {}  # when, by LSL's clock

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the streams that are listened to, those that are away for now too."""
        return tuple(source.name for source in self._sources.values() if source.is_open)

    def poll(self) -> list[Marker]:
        """Return the markers that came since the last call, in the order of time; never waits.

        The first ones of a source come up to a second late: its clock is compared with ours first.
        """
        if self._resolver is None:
            raise ValueError("the marker inlet is closed")
        for info in self._resolver.results():
            self._listen_to(info)
        markers: list[Marker] = []
        for key, source in tuple(self._sources.items()):
            try:
                taken = source.take(self._lsl.util.TimeoutError)
            except self._lsl.util.LostError:  # one without a source id: it comes back as another
                log.info("%s is gone", source.name)
                taken = source.by_arrival()
                del self._sources[key]
                self._lost[key] = local_clock()
            markers += [
                Marker(text, self._time.to_unix(lsl_s), source.name, is_late)
                for text, lsl_s, is_late in taken
            ]
        return sorted(markers, key=lambda marker: marker.unix_s)

    def close(self) -> None:
        """Listen no more; a second call does nothing."""
        self._sources.clear()
        self._resolver = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen_to(self, info: StreamInfo) -> None:
        """Listen to a stream that is not known. liblsl itself finds a source again by its id."""
        source_id, name = info.source_id(), info.name()
        if (self._name is not None and name != self._name) or (
            self._not_from and source_id == self._not_from
        ):
            return
        shape = (str(info.channel_count()), str(info.channel_format()))
        key = (source_id or info.uid(), name, info.hostname(), *shape)
        is_lost = local_clock() - self._lost.get(key, -np.inf) < IGNORE_LOST_S
        if key not in self._sources and not is_lost:
            self._sources[key] = _Source(name, self._lsl.StreamInlet(info))


def _text(values: NDArray[np.generic]) -> str:
    """Join the channels of one sample: text as it is, numbers as short as they can be."""
    words = [
        value.decode("utf-8", errors="replace")
        if isinstance(value, bytes)
        else np.format_float_positional(value, trim="-")
        if isinstance(value, np.floating)
        else str(value)
        for value in values
    ]
    return plain_line(" ".join(words)) or "(no text)"
