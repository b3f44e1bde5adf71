"""Where a participant's files are: one folder a code, one recording a run, one record."""

import logging
from collections.abc import Callable
from pathlib import Path

from emgrig.errors import EmgrigError, RecordingError
from emgrig.experiment.course.order import clip_order
from emgrig.experiment.files.plan import Plan
from emgrig.experiment.files.record import SessionRecord, differences, read_record
from emgrig.files import attempt
from emgrig.recording.convert import convert
from emgrig.recording.paths import BDF_SUFFIX, CAPTURE_SUFFIX

log = logging.getLogger(__name__)


REHEARSAL = "rehearsal"
"""The folder of rehearsals; a data set that a rehearsal goes into lies in one of that name."""


class SessionFolder:
    """The files of one participant, in a folder of their own inside `output`.

    Those of a rehearsal are in ``output/rehearsal``, so that no code is taken by one. Raises
    ValueError if a participant is there whose code differs by capitals only.
    """

    def __init__(self, output: Path, code: str, *, is_rehearsal: bool = False) -> None:
        output = output / REHEARSAL if is_rehearsal else output
        self.path = output / code
        self.is_rehearsal = is_rehearsal
        self._code = code
        for other in output.iterdir() if output.is_dir() else ():
            if other.name.casefold() == code.casefold() and other.name != code:
                raise ValueError(
                    f"there is a participant {other.name} in {output}: {code} differs by capitals "
                    "only, and many file systems do not tell them apart; take another code"
                )

    @property
    def record_path(self) -> Path:
        """What was done."""
        return self.path / f"{self._code}_session.json"

    def bdf_path(self, run: int) -> Path:
        """Return the recording of a run, from 1."""
        stem = self._code if run == 1 else f"{self._code}_run-{run}"
        return self.path / f"{stem}{BDF_SUFFIX}"

    def set_aside(self) -> Path | None:
        """Give the folder another name, and return it; None if there was none.

        Raises RecordingError if that is not possible.
        """
        if not self.path.exists():
            return None
        number = 1
        while (kept := self.path.with_name(f"{self._code}_before-{number}")).exists():
            number += 1
        with attempt("rename", self.path):
            return self.path.rename(kept)

    def open_record(self, plan: Plan) -> SessionRecord:
        """Return the record to go on with, or a new one.

        Raises ValueError if the session is complete, or was begun with another plan; RecordingError
        if the record cannot be read.
        """
        if not self.record_path.exists():
            order = clip_order(plan.part_b.clips, plan.part_b.seed, plan.participant.number)
            ids = tuple(clip.id for clip in order)
            return SessionRecord(plan.participant.code, plan.content(), ids, False, "")
        try:
            record = read_record(self.record_path)
        except RecordingError as error:
            raise RecordingError(f"{error}; --restart begins anew") from error
        changed = differences(record.plan, plan.content())
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise ValueError(
                f"the session of {plan.participant.code} was begun with another plan: "
                f"{'; '.join(changed[:3])}{more}; use the old plan, or --restart to begin anew"
            )
        if record.is_complete:
            how = ", on a simulated board," if record.is_simulated else ""
            raise ValueError(
                f"the session of {plan.participant.code} is complete{how} ({self.record_path}); "
                "--restart begins anew and keeps the old files"
            )
        return record

    def convert_left_behind(self, record: SessionRecord, tell: Callable[[str], None]) -> None:
        """Make the BDF+ files of runs that ended in a crash."""
        for run in record.runs:
            bdf_path = self.bdf_path(run.number)
            capture_path = bdf_path.with_suffix(CAPTURE_SUFFIX)
            if bdf_path.exists() or not capture_path.exists():
                continue
            tell(f"run {run.number} ended without its files: converting {capture_path}")
            try:
                convert(capture_path, bdf_path)
            except EmgrigError as error:
                log.warning("%s", error)
