"""Raw data and pictures that go with a check, known by their hash."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.hil_tests.judging.measurement import Attachment


def of_arrays(name: str, arrays: Mapping[str, NDArray[np.generic] | float]) -> Attachment:
    """Pack arrays as an .npz file, the same bytes for the same values."""
    buffer = io.BytesIO()
    packed: dict[str, Any] = {key: np.asarray(value) for key, value in arrays.items()}
    np.savez_compressed(buffer, **packed)
    return _made(f"{name}.npz", "application/x-npz", buffer.getvalue())


def of_picture(name: str, svg: str) -> Attachment:
    """Keep a picture."""
    return _made(f"{name}.svg", "image/svg+xml", svg.encode())


def arrays_of(attachment: Attachment) -> dict[str, NDArray[np.generic]]:
    """Unpack what `of_arrays` packed."""
    with np.load(io.BytesIO(attachment.data)) as packed:
        return {key: packed[key] for key in packed.files}


def _made(name: str, media_type: str, data: bytes) -> Attachment:
    return Attachment(name, media_type, hashlib.sha256(data).hexdigest(), data)
