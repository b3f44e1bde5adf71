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
from emgrig.hil_tests.judging.incident import IncidentKind, kind_of
from emgrig.protocol.packets import ErrorCode


def caused_by(number: int) -> TransportError:
    error = TransportError("the port")
    error.__cause__ = OSError(number, "whatever")
    return error


@pytest.mark.parametrize(
    ("error", "is_linked", "n_packets", "kind"),
    [
        (TransportError("refused"), False, 0, IncidentKind.NO_LINK),
        (TransportTimeout("no connection"), False, 0, IncidentKind.NO_LINK),
        (caused_by(errno.EBUSY), False, 0, IncidentKind.BUSY),
        (caused_by(errno.EADDRINUSE), False, 0, IncidentKind.BUSY),
        (caused_by(errno.ENOENT), False, 0, IncidentKind.NO_LINK),
        (RequestRefused("HELLO", ErrorCode.BUSY, "later"), True, 1, IncidentKind.BUSY),
        (RequestRefused("START", ErrorCode.BAD_ARGUMENT, "no"), True, 1, IncidentKind.DEVICE),
        (WireError("what"), True, 0, IncidentKind.OTHER_PROTOCOL),
        (TransportTimeout("nothing"), True, 0, IncidentKind.SILENT),
        (TransportTimeout("nothing"), True, 3, IncidentKind.NO_ANSWER),
        (TransportError("took nothing"), True, 0, IncidentKind.NO_ANSWER),
        (
            ReadBackError("CONFIG1", "DR", 1, 2, had_no_effect=True),
            True,
            9,
            IncidentKind.WRITES_IGNORED,
        ),
        (ReadBackError("CONFIG1", "DR", 1, 2), True, 9, IncidentKind.DEVICE),
        (DeviceError("the board is on fire"), True, 9, IncidentKind.DEVICE),
    ],
)
def test_an_error_is_sorted_by_its_class_and_values(
    error: EmgrigError, is_linked: bool, n_packets: int, kind: IncidentKind
) -> None:
    assert kind_of(error, is_linked=is_linked, n_packets=n_packets) is kind
