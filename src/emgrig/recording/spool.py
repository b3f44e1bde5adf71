"""What files are made of, kept on the disk between finding out what they need and writing them."""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from struct import Struct

import numpy as np

from emgrig.errors import RecordingError
from emgrig.files import attempt
from emgrig.recording.facts import Annotation
from emgrig.recording.part import PartBegin, Samples, Step

_HEAD = Struct("<BQ")  # what follows, and its length
_BEGIN, _SAMPLES, _ANNOTATION = range(3)


class Spool(AbstractContextManager["Spool"]):
    """Parts, samples and annotations of a timeline, in their order, read back as often as wanted.

    They lie in a file without a name, which is gone with this program, however it ends; in memory
    there is one of them.

    Parameters
    ----------
    target : Path
        What is to be written; the spool lies in its folder.
    advice : str
        What else to say if it cannot be.

    Raises
    ------
    RecordingError
        If the file system refuses; so does `add`.
    """

    def __init__(self, target: Path, advice: str = "") -> None:
        self._target, self._advice = target, advice
        self._n_bytes, self._done = 0, 0
        with attempt("write", target, advice):
            self._file = tempfile.TemporaryFile(dir=target.parent, prefix=".emgrig-")  # noqa: SIM115

    def __exit__(self, *_: object) -> None:
        """Give the room back."""
        self._file.close()

    @property
    def share(self) -> float:
        """How much of it has been read, 0 to 1."""
        return self._done / max(self._n_bytes, 1)

    def add(self, step: Step) -> None:
        """Take a step, if it stands in a file: not a change of settings, nor rows of the tube."""
        match step:
            case PartBegin():
                self._put(_BEGIN, len(step.channel_indices).to_bytes(2, "little"))
            case Samples():
                self._put(_SAMPLES, np.ascontiguousarray(step.codes, "<i4").data.cast("B"))
            case Annotation():
                self._put(_ANNOTATION, pickle.dumps(step, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Samples | Annotation | None]:
        """Give them back; None is where a part begins. Fills are not told from samples."""
        self._file.seek(0)
        n_columns = self._done = 0
        while head := self._file.read(_HEAD.size):
            kind, n_bytes = _HEAD.unpack(head)
            payload = self._file.read(n_bytes)
            self._done += _HEAD.size + n_bytes
            if len(payload) < n_bytes:
                raise RecordingError("a temporary file was cut; convert again")
            if kind == _SAMPLES:
                yield Samples(np.frombuffer(payload, "<i4").reshape(-1, n_columns))
            elif kind == _ANNOTATION:
                yield pickle.loads(payload)  # noqa: S301 - made above, in a file without a name
            else:
                n_columns = int.from_bytes(payload, "little")
                yield None

    def _put(self, kind: int, payload: bytes | memoryview) -> None:
        with attempt("write", self._target, self._advice):
            self._file.write(_HEAD.pack(kind, len(payload)))
            self._file.write(payload)
        self._n_bytes += _HEAD.size + len(payload)
