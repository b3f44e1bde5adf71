"""The one tree of errors: whose fault it is, what was expected, what was found.

A wrong argument is a `ValueError` or `TypeError`, raised before anything is sent. What the world
does wrong is one of these::

    EmgrigError
      AddressError              an address makes no sense (also a ValueError)
      TransportError            the link is closed, refused or lost
        TransportTimeout        nothing came in time (also a TimeoutError)
        LinkGone                it was lost, and did not come back for as long as was tried
        TransportEnd            a recording that is played back has come to its end
      WireError                 bytes came that are not this protocol, or not this version of it
      DeviceError               the board answered, and something is wrong with what it is or did
        RequestRefused          the board answered ERROR; `code` and `text` say why
          BoardBusy             another program holds the board: no talking to it
        BoardCannot             it is beyond what this board can do; nothing was sent
        IdentityError           it is not the chip or the board that was expected
        ReadBackError           a register does not hold what was written
      RecordingError            a file cannot be written, read or understood
      InfrastructureFailure     the laboratory did not do its part; that is no verdict on a board
      MissingExtra              a library that was asked for is not installed (also an ImportError)

Each has its exit code (`exit_code_for`), the same for all commands, and for a script that runs
within `plain_errors`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from emgrig.names import one_line


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    VERDICT = 1  # the command ran, and its answer is no: FAIL, or there are differences
    USAGE = 2
    LINK = 3
    DEVICE = 4
    FILE = 5
    INFRASTRUCTURE = 6
    INTERRUPTED = 130


class EmgrigError(Exception):
    """Base of every error this package raises about the world outside it."""


class AddressError(EmgrigError, ValueError):
    """An address makes no sense, or there is none; nothing was opened."""


class TransportError(EmgrigError):
    """The link to the board is closed, was refused, or got lost."""


class TransportTimeout(TransportError, TimeoutError):
    """Nothing arrived in time; the link itself may be well."""


class LinkGone(TransportError):
    """The link was lost, and did not come back for as long as was tried."""


class TransportEnd(TransportError):
    """What is played back has come to its end; nothing went wrong, and nothing more will come."""


class WireError(EmgrigError):
    """The other side does not speak this protocol, or another version of it."""


class DeviceError(EmgrigError):
    """The board or its chip is not, or did not do, what was expected."""


class RequestRefused(DeviceError):
    """The board answered a request with ERROR."""

    def __init__(self, request: str, code: int, text: str, hint: str = "") -> None:
        super().__init__(f"the board refused {request}: {text} (code {code}){hint}")
        self.request = request  #: Name of the request that was refused.
        self.code = code  #: Error code of the board (`emgrig.protocol.packets.ErrorCode`).
        self.text = text  #: What the board said about it.


class BoardBusy(RequestRefused):
    """Another program holds the board, and it talks to one alone."""


class BoardCannot(DeviceError):
    """It is beyond what the board can do or tell; nothing was sent."""


class IdentityError(DeviceError):
    """The chip or the board is another one than expected."""


class ReadBackError(DeviceError):
    """A register does not hold what was written to it."""

    def __init__(
        self,
        register: str,
        field: str,
        expected: int,
        found: int,
        *,
        chip: int = 1,
        note: str = "",
        had_no_effect: bool = False,
    ) -> None:
        super().__init__(
            f"chip {chip}: {register} ({field}) reads {found:02X}h, expected {expected:02X}h{note}"
        )
        #: Names as in the data sheet; `field` may name several, comma separated.
        self.register = register
        self.field = field
        self.expected = expected  #: The whole register bytes.
        self.found = found
        self.chip = chip  #: Chip number on the board, 1 is the first.
        #: True if the chip holds all that it held before, as if nothing had been written.
        self.had_no_effect = had_no_effect


class RecordingError(EmgrigError):
    """A recording cannot be written, read or understood."""


class UnreadableFile(RecordingError, ValueError):
    """A file that was named, a plan, a profile or the like, cannot be opened or understood."""


class InfrastructureFailure(EmgrigError):
    """A place, an exporter or a lock did not come in the time that was stated.

    It says nothing of the board or of what was tested: `emgrig.labgrid` raises it.
    """


class MissingExtra(EmgrigError, ImportError):
    """A library that only some need is not installed; the message says what installs it."""


_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (AddressError, ExitCode.USAGE),
    (MissingExtra, ExitCode.FILE),
    (RecordingError, ExitCode.FILE),
    (InfrastructureFailure, ExitCode.INFRASTRUCTURE),
    (TransportError, ExitCode.LINK),
    (WireError, ExitCode.LINK),
    (BoardBusy, ExitCode.LINK),
    (EmgrigError, ExitCode.DEVICE),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (OSError, ExitCode.FILE),
)


def exit_code_for(error: BaseException) -> ExitCode:
    """Return the exit code that an error stands for."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.USAGE)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Let a script end as the commands do: what the world does wrong is one line, and no traceback.

    Within the context an `EmgrigError`, an `OSError` and Ctrl-C end the script: a line on the
    standard error, and the exit code of `exit_code_for`. Anything else is a mistake of the program,
    and passes; with EMGRIG_TRACEBACK set everything does.

    Raises
    ------
    SystemExit
        In place of what is told.

    Examples
    --------
    >>> import emgrig
    >>> with emgrig.plain_errors(), emgrig.connect("sim:") as board:
    ...     print(board.identity.serial_number)
    SIM-0000
    """
    try:
        yield
    except (EmgrigError, OSError, KeyboardInterrupt) as error:
        if os.environ.get("EMGRIG_TRACEBACK"):
            raise
        text = f"error: {error}" if isinstance(error, Exception) else "interrupted"
        sys.stderr.write(f"{one_line(text)}\n")
        sys.exit(int(exit_code_for(error)))
