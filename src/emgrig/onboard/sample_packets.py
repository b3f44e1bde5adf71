"""Many sample packets at once: heads and frames by numpy, one CRC a packet."""

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emgrig.protocol.framing import CRC_BYTES, SYNC, VERSION, PacketType
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES
from emgrig.protocol.sample_packets import SAMPLES_HEAD, SAMPLES_HEAD_BYTES


def packet_bytes(n_frames: int, frame_bytes: int) -> int:
    """Length of a whole sample packet."""
    return SAMPLES_HEAD_BYTES + n_frames * frame_bytes + CRC_BYTES


@lru_cache(maxsize=16)
def _usual_head(n_frames: int, frame_bytes: int, settings: int) -> NDArray[np.void]:
    """Return what all packets of one shape and one epoch begin with, and zeros; shape ()."""
    head = np.zeros((), SAMPLES_HEAD)
    head["sync"] = SYNC
    head["version"] = VERSION
    head["type"] = PacketType.SAMPLES
    head["length"] = SAMPLES_HEADER_BYTES + n_frames * frame_bytes
    head["n_frames"] = n_frames
    head["frame_bytes"] = frame_bytes
    head["settings"] = settings
    return head


@lru_cache(maxsize=16)
def _covered(n_packets: int, stride: int) -> tuple[slice, ...]:
    """Return what the CRC of each packet is of."""
    begins = range(0, n_packets * stride, stride)
    return tuple(slice(at + len(SYNC), at + stride - CRC_BYTES) for at in begins)


def encode_sample_packets(
    frames: NDArray[np.uint8],
    first_conversion: NDArray[np.int64],
    board_time_us: NDArray[np.int64],
    flags: NDArray[np.int64],
    settings: int,
    first_sequence: int,
) -> bytes:
    """Frame packets of one shape, with consecutive sequence numbers.

    Parameters
    ----------
    frames : ndarray of uint8, shape (n_packets, n_frames, frame_bytes)
    first_conversion, board_time_us, flags : ndarray of int64, shape (n_packets,)
        Conversion numbers are taken modulo 2**32.
    settings : int
        Epoch, modulo 2**16.
    first_sequence : int
        Sequence number of the first packet, modulo 2**16.

    Returns
    -------
    bytes
        Whole packets, one behind the other, of `packet_bytes` each.
    """
    n_packets, n_frames, frame_bytes = frames.shape
    stride = packet_bytes(n_frames, frame_bytes)
    octets = np.empty((n_packets, stride), np.uint8)
    head = np.ndarray((n_packets,), SAMPLES_HEAD, octets, 0, (stride,))
    head[:] = _usual_head(n_frames, frame_bytes, settings & 0xFFFF)
    head["sequence"] = (first_sequence + np.arange(n_packets)) & 0xFFFF
    head["first_conversion"] = first_conversion & 0xFFFFFFFF
    head["board_time_us"] = board_time_us
    head["flags"] = flags
    octets[:, SAMPLES_HEAD_BYTES:-CRC_BYTES] = frames.reshape(n_packets, -1)
    whole = octets.reshape(-1).data
    covered = map(whole.__getitem__, _covered(n_packets, stride))
    crc = np.fromiter(map(zlib.crc32, covered), "<u4", n_packets)
    octets[:, -CRC_BYTES:] = crc.view(np.uint8).reshape(n_packets, CRC_BYTES)
    return octets.tobytes()
