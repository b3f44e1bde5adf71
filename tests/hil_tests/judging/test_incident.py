import errno

import pytest

from emgrig.errors import (
    DeviceError,
    EmgrigError,
    ReadBackError,
    RequestRefused,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.hil_tests.judging.incident import Trouble, trouble_of
from emgrig.protocol.packets import ErrorCode


def caused_by(number: int) -> TransportError:
    error = TransportError("the port")
    error.__cause__ = OSError(number, "whatever")
    return error


@pytest.mark.parametrize(
    ("error", "is_linked", "n_packets", "trouble"),
    [
        (TransportError("refused"), False, 0, Trouble.NO_LINK),
        (TransportTimeout("no connection"), False, 0, Trouble.NO_LINK),
        (caused_by(errno.EBUSY), False, 0, Trouble.BUSY),
        (caused_by(errno.EADDRINUSE), False, 0, Trouble.BUSY),
        (caused_by(errno.ENOENT), False, 0, Trouble.NO_LINK),
        (RequestRefused("HELLO", ErrorCode.BUSY, "later"), True, 1, Trouble.BUSY),
        (RequestRefused("START", ErrorCode.BAD_ARGUMENT, "no"), True, 1, Trouble.DEVICE),
        (WireError("what"), True, 0, Trouble.OTHER_PROTOCOL),
        (TransportTimeout("nothing"), True, 0, Trouble.SILENT),
        (TransportTimeout("nothing"), True, 3, Trouble.NO_ANSWER),
        (TransportError("took nothing"), True, 0, Trouble.NO_ANSWER),
        (ReadBackError("CONFIG1", "DR", 1, 2, had_no_effect=True), True, 9, Trouble.WRITES_IGNORED),
        (ReadBackError("CONFIG1", "DR", 1, 2), True, 9, Trouble.DEVICE),
        (DeviceError("the board is on fire"), True, 9, Trouble.DEVICE),
    ],
)
def test_an_error_is_sorted_by_its_class_and_values(
    error: EmgrigError, is_linked: bool, n_packets: int, trouble: Trouble
) -> None:
    assert trouble_of(error, is_linked=is_linked, n_packets=n_packets) is trouble
