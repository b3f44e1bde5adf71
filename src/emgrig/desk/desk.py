"""What all open pages share: the hub, the lights, the check that is on, where recordings go."""

import datetime as dt
import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.desk.stream.board_settings import Wish, why_not
from emgrig.desk.stream.contact import CheckState, Contact
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.status import LinkState, Status
from emgrig.desk.words import USUAL, MarkerWord, read_words
from emgrig.driver.board import Board
from emgrig.electrodes import (
    ContactCheck,
    ContactSettings,
    Electrode,
    check_contact,
    follow_electrode,
    save_check,
)
from emgrig.electrodes.procedure import FOLLOW_S
from emgrig.errors import BoardCannot, DeviceError, EmgrigError
from emgrig.names import check_code

log = logging.getLogger(__name__)

_NO_NAME = {*map(chr, range(32)), *'\\/:*?"<>|'}
"""Characters that lead elsewhere, or that a file's name on some system cannot have."""


REPLAY = (
    "this is a recording that is shown again: for this the desk needs a board, emgrig desk ADDRESS "
    "(emgrig ports says which are here)"
)
FOLLOW_MOST_S = 180.0
"""A current that was forgotten goes off by itself."""


@dataclass(frozen=True)
class Followed:
    """One electrode that is measured again and again, or was: how often, and the last value."""

    channel: int
    side: str
    is_on: bool = True
    n_values: int = 0
    electrode: Electrode | None = None
    problem: str = ""


@dataclass(frozen=True)
class Changing:
    """A change of the board's settings: what is being changed, and how the last one went."""

    is_on: bool = False
    said: str = ""
    problem: str = ""


@dataclass
class Desk:
    """One desk.

    Recordings go into `folder`; `digits` are the tube's; channels, names and limits of
    `check_settings` are the desk's. `recorded_by` begins and ends recordings, if it is not the
    person at the page. `words` are the markers with a button; `profiles` can be chosen beside the
    packaged ones. `followed` and `changing` say how these go.
    """

    hub: Hub
    contact: Contact
    folder: Path
    digits: int = 5
    check_settings: ContactSettings = field(default_factory=ContactSettings)
    recorded_by: str = ""
    words: tuple[MarkerWord, ...] = field(default_factory=lambda: read_words(USUAL))
    profiles: tuple[str, ...] = ()
    followed: Followed | None = None
    changing: Changing = field(default_factory=Changing)
    follow_most_s: float = FOLLOW_MOST_S

    def __post_init__(self) -> None:
        self._is_enough = threading.Event()
        self._cannot_check = ""
        try:
            self.check_settings.on(self.hub.board)
        except BoardCannot as error:
            self._cannot_check = str(error)

    @property
    def _is_replay(self) -> bool:
        return self.hub.board.address.startswith("replay:")

    def _refuse_replay(self) -> None:
        """Raise ValueError if this is no board, before a stream is stopped that cannot go on."""
        if self._is_replay:
            raise ValueError(REPLAY)

    # What cannot be done now, and why.

    def why_not_alone(self, status: Status) -> str:
        """Say why nobody can have the board alone now; empty if somebody can."""
        if status.recording is not None and status.recording.is_on:
            return "a recording is on: stop it first"
        if self.contact.state.is_on:
            return "the electrodes are being checked"
        if self.followed is not None and self.followed.is_on:
            return f"c{self.followed.channel}{self.followed.side} is being measured"
        if self.changing.is_on:
            return "settings are being changed"
        if self._is_replay:
            return REPLAY
        return "no samples come" if status.is_cut or status.link is LinkState.STOPPED else ""

    def why_not_check(self, status: Status) -> str:
        """Say why no impedance can be measured now."""
        return self._cannot_check or self.why_not_alone(status)

    def why_not_change(self, status: Status) -> dict[str, str]:
        """Say why profile, rate and gain cannot be changed now."""
        words = f"they are {self.recorded_by}'s" if self.recorded_by else self.why_not_alone(status)
        return {key: never or words for key, never in why_not(self.hub.board).items()}

    def why_not_record(self, status: Status) -> str:
        """Say why no recording can begin now."""
        if status.recording is not None and status.recording.is_on:
            return ""
        words = self.why_not_alone(status) if self.hub.is_taken else ""
        return words or ("the board is being set up" if self.hub.is_taken else "")

    # Recordings.

    def next_name(self) -> str:
        """Name a recording by date and time."""
        stem = dt.datetime.now().astimezone().strftime("emg-%Y%m%d-%H%M%S")
        return f"{stem}.bdf"

    def start_recording(self, name: str) -> Path:
        """Begin a recording in the folder.

        The name is a participant's code, or empty: then it is date and time. Raises ValueError if
        it is neither, or a recording is on; RecordingError if the file cannot be made.
        """
        name = name.strip()
        if Path(name).name != name or name.startswith(".") or set(name) & _NO_NAME:
            raise ValueError(f"{name!r} is no plain file name; recordings go to {self.folder}")
        if name:
            code = name[:-4] if name.lower().endswith(".bdf") else name
            check_code(code)
            name = f"{code}.bdf"
        path = self.folder / (name or self.next_name())
        if path.exists():
            raise ValueError(f"{path.name} exists; choose another name")
        self.hub.start_recording(path)
        return path

    # Settings.

    def change(self, wish: Wish) -> None:
        """Begin to change settings of the board; `changing` says how it goes.

        Raises ValueError if a recording or something else is on, this is no board but a recording,
        or nothing is to be changed.
        """
        self._refuse_replay()
        if self.recorded_by:
            raise ValueError(f"the settings are {self.recorded_by}'s")
        words = wish.words()
        if not words:
            raise ValueError("nothing is to be changed; choose a profile, a rate or a gain")
        self.changing = Changing(is_on=True, said=words)
        try:
            done = self.hub.change(wish.apply, words=f"setting {words}", profile=wish.profile)
        except ValueError:
            self.changing = Changing()
            raise
        done.add_done_callback(lambda done: self._end_change(done, words))

    def _end_change(self, done: "Future[None]", words: str) -> None:
        error = done.exception()
        if error is None:
            self.changing = Changing(said=f"{words}: set, and read back")
            return
        _log(error)
        said = f"{words}: not set, what was before is put back: {error}"
        self.changing = Changing(problem=said)

    # Electrodes.

    def follow(self, channel: int, side: str) -> None:
        """Begin to measure one electrode again and again; `followed` says what it shows.

        It ends by `stop_following`, or after `follow_most_s` seconds. Raises ValueError if a
        recording or something else is on, or this is no board but a recording.
        """
        self._refuse_replay()
        self._is_enough.clear()
        before, self.followed = self.followed, Followed(channel, side)
        words = f"measuring c{channel}{side}"
        try:
            done = self.hub.run_exclusive(
                lambda board: self._follow(board, channel, side), words=words
            )
        except ValueError:
            self.followed = before
            raise
        done.add_done_callback(self._end_follow)

    def stop_following(self) -> None:
        """Let the current go off soon; again does nothing."""
        self._is_enough.set()

    def _follow(self, board: Board, channel: int, side: str) -> None:
        until_s = board.clock.now_s() + self.follow_most_s

        def tell(electrode: Electrode) -> bool:
            n_values = 0 if self.followed is None else self.followed.n_values
            self.followed = Followed(channel, side, n_values=n_values + 1, electrode=electrode)
            is_over = self._is_enough.is_set() or self.hub.is_closing
            return not is_over and board.clock.now_s() < until_s

        names = dict(self.hub.channels)
        settings = ContactSettings(seconds=FOLLOW_S, names=names, limits=self.contact.limits)
        follow_electrode(
            board, channel, side, tell, settings=settings, calibration=self.hub.calibration
        )

    def _end_follow(self, done: "Future[None]") -> None:
        error, followed = done.exception(), self.followed
        if error is not None:
            _log(error)
        if followed is not None:
            problem = "" if error is None else f"it was not measured to the end: {error}"
            self.followed = replace(followed, is_on=False, problem=problem)

    def check_electrodes(self) -> None:
        """Begin a check of the impedances; `contact.state` says how it goes.

        Raises ValueError if one is on, or a recording, or this is no board but a recording.
        """
        self._refuse_replay()
        if self.contact.state.is_on:
            raise ValueError("the electrodes are being checked already")
        self.contact.state = CheckState(is_on=True, text="stopping the stream")
        try:
            checked = self.hub.run_exclusive(self._check, words="checking the electrodes")
        except ValueError:
            self.contact.state = CheckState()
            raise
        checked.add_done_callback(self._end_check)

    def _check(self, board: Board) -> ContactCheck:
        def tell(text: str, share: float) -> None:
            if self.hub.is_closing:
                raise DeviceError("the check was broken off: the desk is being closed")
            self.contact.state = CheckState(is_on=True, text=text, share=share)

        names = dict(self.hub.channels)
        settings = replace(
            self.check_settings, channels=tuple(names), names=names, limits=self.contact.limits
        )
        return check_contact(
            board,
            settings,
            calibration=self.hub.calibration,
            previous=self.contact.check,
            progress=tell,
        )

    def _end_check(self, checked: "Future[ContactCheck]") -> None:
        error = checked.exception()
        if error is not None:  # whatever it is, the page says it, and another check can begin
            _log(error)
            said = str(error) or type(error).__name__
            self.contact.state = CheckState(problem=f"the check failed: {said}")
            return
        self.contact.take(checked.result())
        try:
            save_check(checked.result())
            self.contact.state = CheckState()
        except EmgrigError as unsaved:
            log.warning("%s", unsaved)
            self.contact.state = CheckState(problem=f"the check was not kept on disk: {unsaved}")


def _log(error: BaseException) -> None:
    is_ours = isinstance(error, EmgrigError | OSError | ValueError)
    log.warning("%s", error, exc_info=None if is_ours else error)
