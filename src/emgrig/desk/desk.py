"""What all open pages share: the hub, the lights, the check that is on, where recordings go."""

import datetime as dt
import logging
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.desk.stream.contact import CheckState, Contact
from emgrig.desk.stream.hub import Hub
from emgrig.driver.board import Board
from emgrig.electrodes import ContactCheck, ContactSettings, check_contact, save_check
from emgrig.errors import DeviceError, EmgrigError

log = logging.getLogger(__name__)

_NO_NAME = {*map(chr, range(32)), *'\\/:*?"<>|'}
"""Characters that lead elsewhere, or that a file's name on some system cannot have."""


@dataclass
class Desk:
    """One desk.

    Recordings go into `folder`; `digits` are the tube's; channels, names and limits of
    `check_settings` are the desk's. `recorded_by` begins and ends recordings, if it is not the
    person at the page.
    """

    hub: Hub
    contact: Contact
    folder: Path
    digits: int = 5
    check_settings: ContactSettings = field(default_factory=ContactSettings)
    recorded_by: str = ""

    def next_name(self) -> str:
        """Name a recording by date and time."""
        stem = dt.datetime.now().astimezone().strftime("emg-%Y%m%d-%H%M%S")
        return f"{stem}.bdf"

    def start_recording(self, name: str) -> Path:
        """Begin a recording in the folder.

        Raises ValueError if the name is no plain file name, or a recording is on; RecordingError if
        the file cannot be made.
        """
        name = name.strip() or self.next_name()
        if Path(name).name != name or name.startswith(".") or set(name) & _NO_NAME:
            raise ValueError(f"{name!r} is no plain file name; recordings go to {self.folder}")
        path = self.folder / (name if name.lower().endswith(".bdf") else f"{name}.bdf")
        self.hub.start_recording(path)
        return path

    def check_electrodes(self) -> None:
        """Begin a check of the impedances; `contact.state` says how it goes.

        Raises ValueError if one is on, or a recording.
        """
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
            is_ours = isinstance(error, EmgrigError | OSError | ValueError)
            log.warning("%s", error, exc_info=None if is_ours else error)
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
