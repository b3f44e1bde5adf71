"""The run of a board whose link is refused: the first check fails by it, and blocks all others.

It is what the suite makes of such a link, by the same code, without pytest, numpy and the driver:
a person who mistyped an address does not wait for them.
"""

import time
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn, cast

from emgrig.errors import EmgrigError
from emgrig.hil_tests.judging.declared import declared_checks, package_checks
from emgrig.hil_tests.measuring.contact import Contact
from emgrig.hil_tests.run import BringupRun, Observer, RunOptions

if TYPE_CHECKING:
    from emgrig.hil_tests.measuring.rig import Rig


class Refused(Contact):
    """A board that was not reached; it is not tried again."""

    def __init__(self, address: str, refusal: EmgrigError | KeyboardInterrupt) -> None:
        super().__init__(address)
        self._refusal = refusal

    def open(self) -> NoReturn:
        """Raise what opening the link raised."""
        raise self._refusal


def run_of_refusal(
    options: RunOptions,
    observer: Observer | None,
    began: datetime,
    refusal: EmgrigError | KeyboardInterrupt,
) -> BringupRun:
    """Return the run that has ended with a link that was refused, or not waited for.

    `began` is when the link was asked for. The check of the link is among those to be made.
    """
    waited_s = (datetime.now(began.tzinfo) - began).total_seconds()
    # No check but that of the link is made, and nothing of it but `open`: the rest is a contact's.
    refused = Refused(options.address, refusal)
    run = BringupRun(options, cast("Rig", refused), observer=observer, began=began)
    run.asked_for = tuple(sorted(package_checks()))
    checks = [i for i in declared_checks() if not options.only or i.number in options.only]
    run.n_checks = len(checks)
    try:
        for info in checks:
            if by := run.blocked_by(info):
                run.block(info, by)
            else:
                run.begin(info, time.perf_counter() - waited_s)
                run.run(refused.open)
    except KeyboardInterrupt:
        run.interrupted = True
    run.finish()
    return run
