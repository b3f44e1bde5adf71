"""The chip's own frames: 24-bit status word and 24-bit codes, big-endian (SBAS499C, 9.4.4.2)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

STATUS_BYTES = 3
CODE_BYTES = 3
_I4, _U4 = np.dtype(">i4"), np.dtype(">u4")
_HERE, _BYTE = np.dtype(np.int32), np.array(8, np.int32)
_STATUS_SHIFT = np.uint32(8)  # the byte behind a status word

Places = tuple[int, ...]


@dataclass(frozen=True)
class FrameLayout:
    """How many chips and channels a frame holds."""

    n_chips: int = 1  #: ≥ 1
    channels_per_chip: int = 8  #: 8, 6 or 4.

    def __post_init__(self) -> None:
        """Refuse what no board can be."""
        if self.channels_per_chip not in (4, 6, 8):
            raise ValueError(f"{self.channels_per_chip} channels a chip; expected 4, 6 or 8")
        if not 1 <= self.n_chips <= 4:
            raise ValueError(f"{self.n_chips} chips; expected 1 to 4")

    @cached_property
    def chip_bytes(self) -> int:
        """Bytes of one chip's part: 27, 21 or 15."""
        return STATUS_BYTES + CODE_BYTES * self.channels_per_chip

    @cached_property
    def frame_bytes(self) -> int:
        """Bytes of the whole frame."""
        return self.n_chips * self.chip_bytes

    @cached_property
    def n_channels(self) -> int:
        """Channels of the whole frame."""
        return self.n_chips * self.channels_per_chip

    def codes(self, frames: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Take the codes out of frames.

        Parameters
        ----------
        frames : ndarray of uint8, shape (n_samples, frame_bytes) or (n_packets, n_frames, \
frame_bytes)
            The bytes of a frame lie side by side; frames may lie apart, as they do on the wire.

        Returns
        -------
        ndarray of int32, shape (n_samples, n_channels)
            -2**23 to 2**23 - 1.
        """
        self._check(frames)
        n_samples = frames.size // self.frame_bytes
        if n_samples == 0:
            return np.empty((0, self.n_channels), np.int32)
        # Each code is read as four bytes that begin one byte early; two shifts drop that byte and
        # extend the sign. The status word lies before the first code, so the byte is always there.
        shape = (*frames.shape[:-1], self.n_chips, self.channels_per_chip)
        strides = (*frames.strides[:-1], self.chip_bytes, CODE_BYTES)
        if frames.flags.c_contiguous:  # for few frames `as_strided` costs more than all else
            wide = np.ndarray(shape, ">i4", frames, STATUS_BYTES - 1, strides)
        else:
            first = frames[..., STATUS_BYTES - 1 : STATUS_BYTES + CODE_BYTES].view(">i4")
            wide = as_strided(first, shape, strides, writeable=False)
        codes: NDArray[np.int32] = np.empty(wide.shape, np.int32)
        codes[...] = wide
        np.left_shift(codes, 8, out=codes)
        np.right_shift(codes, 8, out=codes)
        return codes.reshape(n_samples, self.n_channels)

    def status(self, frames: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """Take the status words out of frames (shapes as in `codes`).

        Returns
        -------
        ndarray of uint32, shape (n_samples, n_chips)
            24 bits are used.
        """
        self._check(frames)
        n_samples = frames.size // self.frame_bytes
        if n_samples == 0:
            return np.empty((0, self.n_chips), np.uint32)
        # As in `codes`, but with the byte behind: after each status word comes a code.
        first = frames[..., : STATUS_BYTES + 1].view(_U4)
        shape = (*frames.shape[:-1], self.n_chips)
        wide = as_strided(first, shape, (*frames.strides[:-1], self.chip_bytes), writeable=False)
        words: NDArray[np.uint32] = wide >> _STATUS_SHIFT
        return words.reshape(n_samples, self.n_chips)

    def codes_in(
        self, data: bytes, begin: int, n_frames: int, n_packets: int = 1, packet_bytes: int = 0
    ) -> NDArray[np.int32]:
        """Take the codes out of frames that lie side by side in each of some packets.

        Parameters
        ----------
        data : bytes
            The frames of the first packet are from byte `begin` on, `n_frames` of them; one byte
            more lies behind them.
        n_packets, packet_bytes : int
            So many packets, the next one so many bytes behind.

        Returns
        -------
        ndarray of int32, shape (n_packets * n_frames, n_channels)
        """
        shape, strides = self.places(n_frames, self.frame_bytes, self.chip_bytes)
        if n_packets > 1:
            shape, strides = (n_packets, *shape), (packet_bytes, *strides)
        return self.codes_at(data, begin + STATUS_BYTES, shape, strides)

    def places(self, n_frames: int, frame_stride: int, chip_stride: int) -> tuple[Places, Places]:
        """Return shape and strides of the codes of frames, so many bytes apart; see `codes_at`."""
        if self.n_chips == 1:
            return (n_frames, self.channels_per_chip), (frame_stride, CODE_BYTES)
        shape = n_frames, self.n_chips, self.channels_per_chip
        return shape, (frame_stride, chip_stride, CODE_BYTES)

    def codes_at(
        self, data: bytes, begin: int, shape: Places, strides: Places
    ) -> NDArray[np.int32]:
        """Take the codes at such places, the first from byte `begin` on; as `codes_in`."""
        # Each code is read with the byte behind it, which one shift drops as it extends the sign.
        # Two steps, since numpy takes longer over one with another byte order inside.
        wide: NDArray[np.int32] = np.ndarray(shape, _I4, data, begin, strides)
        codes = wide.astype(_HERE)
        np.right_shift(codes, _BYTE, codes)
        return codes if codes.ndim == 2 else codes.reshape(-1, self.n_channels)

    def status_in(
        self, data: bytes, begin: int, n_frames: int, n_packets: int = 1, packet_bytes: int = 0
    ) -> NDArray[np.uint32]:
        """Take the status words out of such frames; shape (n_packets * n_frames, n_chips)."""
        shape, strides = (n_packets, n_frames), (packet_bytes, self.frame_bytes)
        wide: NDArray[np.uint32] = np.ndarray(
            (*shape, self.n_chips), _U4, data, begin, (*strides, self.chip_bytes)
        )
        return (wide >> _STATUS_SHIFT).reshape(-1, self.n_chips)

    def _check(self, frames: NDArray[np.uint8]) -> None:
        if frames.ndim not in (2, 3) or frames.shape[-1] != self.frame_bytes:
            raise ValueError(f"frames of shape {frames.shape}; expected (…, {self.frame_bytes})")
        if frames.dtype != np.uint8 or (frames.size and frames.strides[-1] != 1):
            raise ValueError(f"frames of {frames.dtype}; expected uint8, the bytes side by side")


def pack_codes(codes: NDArray[np.int32], status: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Build frames as a chip sends them; the inverse of `FrameLayout.codes` and `status`.

    Parameters
    ----------
    codes : ndarray of int32, shape (n_samples, n_channels)
    status : ndarray of uint32, shape (n_samples, n_chips)

    Returns
    -------
    ndarray of uint8, shape (n_samples, frame_bytes)
    """
    n_samples, n_chips = status.shape
    words = np.concatenate(
        [status[:, :, None], codes.astype(np.uint32).reshape(n_samples, n_chips, -1)], axis=2
    )
    octets = words.astype(">u4").view(np.uint8).reshape(n_samples, -1, 4)[:, :, 1:]
    return np.ascontiguousarray(octets).reshape(n_samples, -1)
