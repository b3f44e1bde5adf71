"""`emgrig control`: change a simulator that runs, through its control port."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from emgrig.tools.common.options import Printed, Served, argument, flag, takes
from emgrig.tools.common.output import note, print_json, print_table, say

_KOHM: Final = {"kohm": 1.0, "ohm": 1e-3, "Mohm": 1e3, "": 1.0}
Request = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class ControlOptions(Printed, Served):
    """What `emgrig control` takes."""

    address: str = argument("[HOST]:PORT, as the simulator said it.")
    words: list[str] | None = argument(
        "status, lift 3P, contact 3P 10kohm, fault NAME, source TEXT, speed 2, pause or resume.",
        None,
        metavar="WORD...",
    )
    page: bool = flag("Serve a page with all of these; needs the extra desk, see emgrig doctor.")
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8399


@takes
def control(given: ControlOptions) -> None:
    """Change a simulator that runs, while somebody else's program streams.

    It needs `--control PORT` there. The state afterwards is printed.

    Examples:

      emgrig control :4399 lift 3P

      emgrig control :4399 contact 3P 10kohm

      emgrig control :4399 fault packets-lost:rate=0.01

      emgrig control :4399 pause

      emgrig control :4399 --page
    """
    from emgrig.simulator.control.client import ask

    if given.page == bool(given.words):
        raise typer.BadParameter("say what to do, as status or lift 3P; or --page")
    if given.page:
        _serve_page(given)
        return
    status = ask(given.address, request_of(given.words or []))
    if given.as_json:
        print_json(status)
        return
    print_table(["what", "now"], [(key, _shown(value)) for key, value in status.items()])


def _serve_page(given: ControlOptions) -> None:
    from emgrig.simulator.control.client import ask
    from emgrig.tools.desk_command import page_server

    ask(given.address, {"do": "status"})  # is anybody there?
    with page_server(given, "emgrig control") as server:
        from emgrig.tools.control.page import build

        build(given.address)
        say(server.url)
        if not server.is_local:
            note("the address above is a key to the page: give it to nobody else")
        note("Ctrl-C ends the page; the simulator stays as it is")
        server.run()


def request_of(words: list[str]) -> Request:
    """Return the request that words on the command line are; BadParameter if they are none."""
    word, rest = words[0], words[1:]
    if word not in _FORMS:
        raise typer.BadParameter(f"{word!r}; expected one of {', '.join(_FORMS)}")
    names, make = _FORMS[word]
    if len(rest) != len(names.split()):
        raise typer.BadParameter(f"{word} {' '.join(rest)}: expected {word} {names}".rstrip())
    return {"do": word, **make(*rest)}


def _contact(electrode: str, text: str) -> Request:
    from emgrig.simulator.quantities import parse_quantity

    return {"electrode": electrode, "kohm": parse_quantity(text, _KOHM)}


_FORMS: Final[dict[str, tuple[str, Callable[..., Request]]]] = {
    "status": ("", dict),
    "lift": ("ELECTRODE", lambda electrode: {"electrode": electrode}),
    "contact": ("ELECTRODE KOHM", _contact),
    "fault": ("NAME", lambda fault: {"fault": fault}),
    "source": ("TEXT", lambda source: {"source": source}),
    "speed": ("real|max|FACTOR", lambda speed: {"speed": speed}),
    "pause": ("", dict),
    "resume": ("", dict),
}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {kohm:g}" for key, kohm in value.items()) or "-"
    return str(value)
