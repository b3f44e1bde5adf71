"""After a lost link, a board that started anew or a chip that lost its registers: go on, proved."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from emgrig.driver.chip.transaction import Files, Mended, mended_words
from emgrig.driver.connection import Connection
from emgrig.driver.interruption import Interruption
from emgrig.errors import EmgrigError, LinkGone, RequestRefused, TransportError, WireError
from emgrig.protocol.packets import ErrorCode
from emgrig.sentences import counted

log = logging.getLogger(__name__)

LEAST_S = 5.0  #: A board that is there has so long to answer, however late it came.


@dataclass(frozen=True)
class ReconnectPolicy:
    """How long to try."""

    #: ≥ 0; Give up after so long, s; 0 never tries. An attempt that is on ends by itself: after
    #: the time that opening the link may take, and 5 s.
    total_s: float = 30.0
    #: > 0; Wait after the first failed attempt; twice as long after each, up to the longest.
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0
    #: Asked between attempts; True ends them, as when a person closes the program.
    is_given_up: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        """Refuse what would never end or never wait."""
        if not (self.total_s >= 0 and 0 < self.first_wait_s <= self.longest_wait_s):
            raise ValueError(f"{self}: expected total_s ≥ 0 and 0 < first_wait_s ≤ longest_wait_s")


@dataclass(frozen=True)
class Recovery:
    """How the stream came to go on."""

    reason: Interruption  #: What had happened.
    down_s: float  #: From noticing it to the new START, s.
    attempts: int  #: How many were needed.
    #: Registers that had to be restored; empty if all held what was believed.
    restored: tuple[Mended, ...]


def recover(
    connection: Connection, policy: ReconnectPolicy, reason: Interruption, *, restart: bool = True
) -> Recovery:
    """Open the link if it is lost, prove the board and its registers, and start a new run.

    Parameters
    ----------
    connection : Connection
        The connection that was on.
    policy : ReconnectPolicy
        How long to try.
    reason : Interruption
        What happened.
    restart : bool
        False only stops the board, and learns how many conversions its run had.

    Raises
    ------
    IdentityError
        If another board answers.
    ReadBackError
        If the registers cannot be restored.
    LinkGone
        If the link does not come back in time.
    """
    clock = connection.link.transport.clock
    began_s, wait_s, attempts = clock.now_s(), policy.first_wait_s, 0
    believed = connection.believed
    frames, connection.frames_per_packet = connection.frames_per_packet, None
    log.warning("%s; trying to go on", reason.words)
    while True:
        attempts += 1
        left_s = max(policy.total_s - (clock.now_s() - began_s), LEAST_S)
        try:
            if connection.link.failure is not None or attempts > 1:
                connection.link.reopen()
            with connection.link.within(left_s):
                restored = _prove(connection, believed, frames if restart else None)
            break
        except RequestRefused as error:
            if error.code != ErrorCode.BUSY:
                raise
            last: EmgrigError = error
        except (TransportError, WireError) as error:
            last = error
        log.info("attempt %d: %s", attempts, last)
        gone_s = clock.now_s() - began_s
        if gone_s + wait_s > policy.total_s or policy.is_given_up():
            connection.frames_per_packet = frames
            tried = counted(attempts, "attempt")
            raise LinkGone(
                f"{reason.words}; not back after {gone_s:.1f} s ({tried}): {last}"
            ) from last
        clock.sleep(wait_s)
        wait_s = min(2 * wait_s, policy.longest_wait_s)
    recovery = Recovery(reason, clock.now_s() - began_s, attempts, restored)
    log.warning("going on after %.1f s; %s", recovery.down_s, mended_words(restored))
    connection.note({"kind": "recovery", **asdict(recovery)})
    return recovery


def _prove(
    connection: Connection, believed: Files, frames_per_packet: int | None
) -> tuple[Mended, ...]:
    """Make sure that it is the same board with the same registers, and start it."""
    connection.trouble = None
    connection.hello_again()
    connection.stop_run()
    connection.stats()  # tells how the run ended if it was not by STOP
    connection.forget()
    if frames_per_packet is None:
        return ()
    restored = connection.restore(believed)
    connection.same_chips(believed)
    connection.start_run(frames_per_packet)
    return restored
