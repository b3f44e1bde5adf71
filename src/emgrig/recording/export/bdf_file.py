"""A BDF+ file read in pieces: edfio would take eight times its size in memory.

edfio reads the header and the annotations; samples are mapped and decoded where they are wanted.
Only files of `emgrig.recording.bdf` are read: channels of one rate, then one of annotations.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edfio import Bdf

#: Width of each field of a signal's header, characters (EDF).
_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_FILE_HEAD, _SAMPLE_BYTES = 256, 3
_HEADER_BYTES_AT, _N_RECORDS_AT, _RECORD_S_AT, _N_SIGNALS_AT = 184, 236, 244, 252
_SAMPLES_FIELD = 8


class BdfFile:
    """One file, its header read.

    Attributes
    ----------
    head : edfio.Bdf
        The file with its first data record only: signals and start.
    n_records, record_samples, n_channels : int
        Data records, samples of a channel in each, and channels without that of annotations.

    Raises
    ------
    ValueError
        If it is no BDF+ file, is cut short, or has channels of several rates.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import edfio

        with path.open("rb") as file:
            first = file.read(_FILE_HEAD)
            if len(first) < _FILE_HEAD or first[0] != 0xFF:
                raise ValueError("it does not begin as one")
            n_signals = int(first[_N_SIGNALS_AT:_FILE_HEAD])
            self._header = first + file.read(_FILE_HEAD * n_signals)
            samples = [int(self._field(i, _SAMPLES_FIELD)) for i in range(n_signals)]
            n_bytes = _SAMPLE_BYTES * sum(samples)
            record = file.read(n_bytes)
        if len(record) < n_bytes or len(set(samples[:-1])) != 1:
            raise ValueError("a data record and channels of one rate were expected")
        self.record_samples, self.n_channels = samples[0], n_signals - 1
        self.n_records = int(self._header[_N_RECORDS_AT:][:8])
        n_there = (path.stat().st_size - len(self._header)) // n_bytes
        if n_there != self.n_records:
            raise ValueError(f"it has {n_there} data records, its header says {self.n_records}")
        self._records = np.memmap(path, np.uint8, "r", len(self._header), (self.n_records, n_bytes))
        self.head: Bdf = edfio.read_bdf(io.BytesIO(_count_records(self._header, 1) + record))

    def codes(self, first_record: int, n_records: int) -> NDArray[np.int32]:
        """Decode data records; int32, shape (n_samples, n_channels)."""
        wanted = self._records[first_record : first_record + n_records]
        shape = len(wanted), self.n_channels, self.record_samples, _SAMPLE_BYTES
        octets = wanted[:, : _SAMPLE_BYTES * self.n_channels * self.record_samples].reshape(shape)
        high = octets[..., 2].view(np.int8).astype(np.int32)  # holds the sign
        codes = high << 16 | octets[..., 1].astype(np.int32) << 8 | octets[..., 0]
        return codes.transpose(0, 2, 1).reshape(-1, self.n_channels)

    def annotations(self) -> list[tuple[float, float, str]]:
        """Return onset and duration (0 for a point in time), s, and text, by time.

        edfio reads them from a file that has only the channel of annotations. Their times do not
        depend on the length of a data record; it is called 1 s there, since edfio 0.4 trips over
        its own rounding of others (28 691 records of 0.1 s are longer than they are).
        """
        import edfio

        fields = b"".join(self._field(self.n_channels, i) for i in range(len(_FIELDS)))
        header = bytearray(self._header[:_FILE_HEAD] + fields)
        header[_HEADER_BYTES_AT : _HEADER_BYTES_AT + 8] = str(len(header)).encode().ljust(8)
        header[_RECORD_S_AT:_N_SIGNALS_AT] = b"1       "
        header[_N_SIGNALS_AT:_FILE_HEAD] = b"1   "
        begin = _SAMPLE_BYTES * self.n_channels * self.record_samples
        alone = edfio.read_bdf(io.BytesIO(bytes(header) + self._records[:, begin:].tobytes()))
        return [(note.onset, note.duration or 0.0, note.text) for note in alone.annotations]

    def _field(self, signal: int, field: int) -> bytes:
        """Return a field of a signal's header: they lie field by field, signal by signal."""
        n_signals = int(self._header[_N_SIGNALS_AT:_FILE_HEAD])
        begin = _FILE_HEAD + n_signals * sum(_FIELDS[:field]) + signal * _FIELDS[field]
        return self._header[begin : begin + _FIELDS[field]]


def _count_records(header: bytes, n_records: int) -> bytes:
    """Return a header that says so many data records."""
    said = str(n_records).encode().ljust(8)
    return header[:_N_RECORDS_AT] + said + header[_N_RECORDS_AT + 8 :]
