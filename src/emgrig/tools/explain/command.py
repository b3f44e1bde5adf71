"""`emgrig explain`: what a check, limit, cause, fault or register means."""

from dataclasses import asdict, dataclass
from itertools import groupby

from emgrig.tools.common.options import Printed, argument, takes
from emgrig.tools.common.output import print_json, print_table, say


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(Printed):
    """What `emgrig explain` takes."""

    topic: str = argument("B9, noise_over_typical, LOFF, packets-lost, exit-codes …", "")


@takes
def explain(given: ExplainOptions) -> None:
    """Say what a check, a limit, a cause, a fault, a register or an exit code means.

    Without a topic it lists what there is. All of it is made from what the program itself works
    by, so it is of this version.

    Example: emgrig explain B9

    Example: emgrig explain CH1SET
    """
    from emgrig.tools.explain.topics import find, topics

    if not given.topic:
        every = topics()
        if given.as_json:
            print_json([{"kind": one.kind, "name": one.name, "title": one.title} for one in every])
            return
        for kind, group in groupby(every, key=lambda one: one.kind):
            say(f"{kind}: {', '.join(one.name for one in group)}")
        return
    found = find(given.topic)
    if given.as_json:
        print_json([{**asdict(one), "facts": [list(fact) for fact in one.facts]} for one in found])
        return
    for one in found:
        say(f"{one.kind} {one.name}: {one.title}")
        print_table(("", ""), one.facts)
