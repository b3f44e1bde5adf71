"""`emgrig doctor`: what this machine has, in one page."""

from dataclasses import asdict, dataclass
from itertools import groupby

import typer

from emgrig.errors import ExitCode
from emgrig.tools.common.options import Printed, takes
from emgrig.tools.common.output import print_json, say


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(Printed):
    """What `emgrig doctor` takes."""


@takes
def doctor(given: DoctorOptions) -> None:
    """Say what this machine has: versions, extras, settings, ports and the right to open them.

    Nothing is opened, changed or sent; `emgrig ports --probe` asks boards. Paste it into a report;
    it has your user's name in paths. Exit code 1: something is not well.

    Example: emgrig doctor --json > machine.json
    """
    from emgrig.tools.doctor.facts import facts

    found = list(facts())
    if given.as_json:
        print_json([asdict(one) for one in found])
        return
    for group, those in groupby(found, key=lambda one: one.group):
        say(f"{group}:")
        for one in those:
            say(f"  {one.name}: {'; '.join(filter(None, (one.found, one.advice)))}")
    wrong = [one for one in found if not one.is_well]
    for one in wrong:
        say(f"not well: {one.name}: {one.found}; {one.advice}")
    if wrong:
        raise typer.Exit(int(ExitCode.VERDICT))
    say("nothing here stands in the way")
