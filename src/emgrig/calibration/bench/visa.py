"""One instrument behind pyvisa; the only module that imports it."""

import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from emgrig.errors import DeviceError, EmgrigError, TransportError, TransportTimeout, WireError
from emgrig.extras import require
from emgrig.names import plain_line

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
_MOST_ERRORS = 20  # what the error queues of these instruments hold


class Instrument:
    """Lines of text to and from one instrument, each line ended by a line feed.

    An answer that did not come in time, or was not waited for, may come later and be taken for the
    next one's. So nothing is asked then any more; commands are still sent, to leave the instrument
    safe.

    `resource` is VISA's word for it, such as ``TCPIP::192.168.1.20::5025::SOCKET`` or
    ``USB0::0x0957::0x0407::MY44000001::INSTR``, `timeout_s` how long to wait for an answer,
    `identity` what it answered to ``*IDN?``. Raises TransportError if pyvisa is not installed, or
    there is no such resource; TransportTimeout if it does not say who it is.
    """

    def __init__(self, resource: str, *, timeout_s: float = TIMEOUT_S) -> None:
        if not 0 < timeout_s < float("inf"):
            raise ValueError(f"timeout_s is {timeout_s}; expected more than 0")
        self.resource = self.name = resource
        self._timeout_s = timeout_s
        self.identity = self._lost = ""
        self._session = _open(resource, timeout_s)
        try:
            self.identity = self.query("*IDN?")
        except EmgrigError:
            self.close()
            raise

    def write(self, command: str) -> None:
        """Send one command; TransportError if the instrument is gone."""
        log.debug("%s < %s", self.name, command)
        try:
            self._session.write(command)
        except Exception as error:  # pyvisa lets the errors of its backends through, of any class
            raise self._gone(command, error) from error

    def query(self, command: str, *, timeout_s: float | None = None) -> str:
        """Ask, and return the answer without its line end.

        Raises TransportTimeout if nothing comes within `timeout_s`; TransportError if the
        instrument is gone, or an earlier answer is still owed; WireError if the answer is not ASCII
        text.
        """
        if self._lost:
            raise TransportError(f"{self.name} is not asked again: {self._lost}")
        self.write(command)
        patience_s = self._timeout_s if timeout_s is None else timeout_s
        self._lost = f"its answer to {command} was not waited for"  # in case of a Ctrl-C
        try:
            self._session.timeout = 1e3 * patience_s
            answer = self._session.read().strip()
        except UnicodeDecodeError as error:
            self._lost = "its answers are not text"
            raise WireError(
                f"{self.name} answered {command} with bytes that are no text"
            ) from error
        except Exception as error:  # as in `write`
            if _is_timeout(error):
                self._lost = f"it did not answer {command} within {patience_s:g} s"
                raise TransportTimeout(
                    f"{self.name} did not answer {command} within {patience_s:g} s: it is "
                    "unplugged, off or busy; check it, and open the bench anew"
                ) from error
            raise self._gone(command, error) from error
        self._lost = ""
        log.debug("%s > %s", self.name, answer)
        return answer

    def query_number(self, command: str, *, timeout_s: float | None = None) -> float:
        """Ask for a number.

        Raises WireError if the answer is not one; otherwise as `query`.
        """
        answer = self.query(command, timeout_s=timeout_s)
        try:
            number = float(answer)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise WireError(f"{self.name} answered {command} with {answer!r}; expected a number")
        return number

    def set(self, command: str) -> None:
        """Send one command, and read the instrument's error queue until it is empty.

        Raises DeviceError if there was an error in it.
        """
        self.write(command)
        errors = self.errors()
        if errors:
            raise DeviceError(f"{self.name} refused {command!r}: {'; '.join(errors)}")

    def errors(self) -> list[str]:
        """Take what is in the error queue, oldest first."""
        found: list[str] = []
        while len(found) < _MOST_ERRORS:
            answer = self.query("SYST:ERR?")
            if answer.partition(",")[0].strip() in ("0", "+0"):
                break
            found.append(answer)
        return found

    def close(self) -> None:
        """Close the session; a second call does nothing."""
        with suppress(Exception):  # whatever a backend says about a link that is gone already
            self._session.close()

    def _gone(self, command: str, error: Exception) -> TransportError:
        self._lost = f"it was lost at {command}"
        if not self.identity:  # pyvisa-py finds out at the first command that nobody listens
            return TransportError(f"no instrument at {self.resource}: {_words(error)}")
        return TransportError(
            f"{self.name} is gone, at {command} ({_words(error)}): check cable and power, and "
            "open the bench anew"
        )


def _open(resource: str, timeout_s: float) -> "MessageBasedResource":
    pyvisa = require("pyvisa", "bench", "the bench")
    try:
        # A vendor's VISA if there is one, else pyvisa-py; PYVISA_LIBRARY decides otherwise.
        session: MessageBasedResource = pyvisa.ResourceManager().open_resource(
            resource, open_timeout=round(1e3 * timeout_s)
        )
    except Exception as error:  # as in `Instrument.write`
        raise TransportError(f"no instrument at {resource}: {_words(error)}") from error
    if not hasattr(session, "read_termination"):
        session.close()
        raise TransportError(f"no instrument at {resource}: it does not exchange messages")
    session.read_termination = session.write_termination = "\n"
    return session


def _is_timeout(error: Exception) -> bool:
    from pyvisa.constants import StatusCode
    from pyvisa.errors import VisaIOError

    return isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout


def _words(error: Exception) -> str:
    return plain_line(str(error)) or type(error).__name__
