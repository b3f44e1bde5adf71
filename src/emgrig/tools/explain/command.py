"""`emgrig explain`: what a check, limit, cause, fault or register means."""

from dataclasses import asdict, dataclass
from itertools import groupby

from rich.text import Text

from emgrig.tools.common.options import Printed, argument, takes
from emgrig.tools.common.output import out, print_json, print_table, say


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(Printed):
    """What `emgrig explain` takes."""

    topic: str = argument(
        "B9, noise_over_typical, LOFF, packets-lost, faults, exit-codes, faq.md …", ""
    )


@takes
def explain(given: ExplainOptions) -> None:
    """Say what a check, a limit, a cause, a fault, a register or an exit code means.

    Without a topic it lists what there is. All of it is made from what the program itself works
    by, so it is of this version; a page of the documentation, as docs/bringup.md, is printed.

    Example: emgrig explain B9

    Example: emgrig explain faults
    """
    from emgrig.tools.explain.kept import find, names_something, topics
    from emgrig.tools.explain.pages import find_page, pages, title_of

    if not given.topic:
        every = topics()
        if given.as_json:
            listed = [{"kind": one.kind, "name": one.name, "title": one.title} for one in every]
            written = [
                {"kind": "page", "name": name, "title": title_of(page)}
                for name, page in pages().items()
            ]
            print_json([*listed, *written])
            return
        for kind, group in groupby(every, key=lambda one: one.kind):
            say(f"{kind}: {', '.join(one.name for one in group)}")
        if pages():
            say(f"page: {', '.join(pages())}")
        return
    page = None if names_something(given.topic) else find_page(given.topic)
    if page is not None:
        text = page.read_text("utf-8")
        if given.as_json:
            print_json([{"kind": "page", "name": page.name, "title": title_of(page), "text": text}])
        else:
            out.print(Text(text.rstrip()))
        return
    found = find(given.topic)
    if given.as_json:
        print_json([{**asdict(one), "facts": [list(fact) for fact in one.facts]} for one in found])
        return
    for one in found:
        say(f"{one.kind} {one.name}: {one.title}")
        print_table(("", ""), one.facts)
