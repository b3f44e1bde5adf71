"""From the words of the command to a viewer: recordings opened, events read or found."""

import threading
from contextlib import ExitStack

import numpy as np

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.errors import MissingExtra, RecordingError
from emgrig.extras import require
from emgrig.reading import Recording
from emgrig.tools.common.output import note
from emgrig.tools.common.progress import Bar
from emgrig.tools.view.options import ViewOptions
from emgrig.tools.view.viewer import Viewer
from emgrig.view.cache import Cache, default_folder
from emgrig.view.events import Event, Events, read_events
from emgrig.view.opening import open_screen


def made_viewer(given: ViewOptions, files: ExitStack) -> Viewer:
    """Open what was named; what is to be said about it is said on the standard error."""
    cache = _cache(given)
    screens = []
    with Bar("reading") as bar:
        for nth, path in enumerate(given.recordings):
            bar.follow(path.name, nth / len(given.recordings))
            screen = open_screen(
                path,
                files,
                rate_hz=given.rate,
                unit=given.unit,
                channels=given.names,
                cache=cache,
            )
            screens.append(screen)
    for screen in screens:
        for remark in (*screen.recording.remarks, *screen.recording.left_out):
            note(f"{screen.recording.path.name}: {remark}")
    offset = np.array([given.video_offset])
    clock = ClockMap(0.0, np.array([-np.inf]), offset, np.zeros(0))
    found: list[Event] = []
    for nth, path in enumerate(given.events or ()):
        found += read_events(path, nth, clock=clock)
    if given.find:
        found += [e for nth, one in enumerate(screens) for e in candidates(one.recording, nth)]
    recordings = [screen.recording for screen in screens]
    lengths_s = [screen.n_samples / screen.recording.rate_hz for screen in screens]
    return Viewer(
        screens,
        shifts_s(recordings, by_clock=given.by_clock),
        Events(lengths_s, found),
        given.output.resolve(),
        has_elan=_has_elan(given),
        video=given.video,
        clock=clock,
    )


def warm_up(after_s: float = 3.0) -> None:
    """Import what the first notch would wait for, 2 s, when the first page is likely there."""

    def load() -> None:
        import scipy.signal  # noqa: F401 - used by analysis.signal.cleaning

    timer = threading.Timer(after_s, load)
    timer.daemon = True
    timer.start()


def _cache(given: ViewOptions) -> Cache | None:
    if given.no_cache:
        return None
    try:
        return Cache(default_folder())
    except RecordingError as error:
        note(f"{error}; long recordings are kept in memory")
        return None


def _has_elan(given: ViewOptions) -> bool:
    try:
        require("pympi.Elan", "elan", "saving ELAN files")
    except MissingExtra as error:
        if given.video is not None:
            raise
        note(f"events are saved as .tsv alone: {error}")
        return False
    return True


def shifts_s(recordings: list[Recording], *, by_clock: bool) -> list[float]:
    """Return where each recording begins, s; by their date and time the earliest is at 0.

    Raises
    ------
    ValueError
        If one does not say when it began, or one says its zone and another does not.
    """
    if not by_clock:
        return [0.0] * len(recordings)
    starts = []
    for one in recordings:
        if one.start is None:
            raise ValueError(f"--by-clock: {one.path} does not say when it began")
        starts.append(one.start)
    try:
        first = min(starts)
        return [(start - first).total_seconds() for start in starts]
    except TypeError as error:
        raise ValueError("--by-clock: only some of the recordings say their time zone") from error


def candidates(recording: Recording, file: int) -> list[Event]:
    """Find candidate expressions as `emgrig analyse` does, one event each."""
    from emgrig.analysis.report.candidates import analyse
    from emgrig.analysis.report.events import events_tsv
    from emgrig.tools.analyse.results import Channels
    from emgrig.view.events import events_of_text

    limits = [one.limits for one in recording.signals]
    with Bar(f"finding candidates in {recording.path.name}"):
        analysis = analyse(
            Channels(recording),
            recording.rate_hz,
            labels=recording.labels,
            units=recording.units,
            limits=limits,
        )
    for remark in analysis.remarks:
        note(f"{recording.path.name}: {remark}")
    return events_of_text(events_tsv(analysis), recording.path, file)
