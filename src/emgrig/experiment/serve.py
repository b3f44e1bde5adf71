"""A session led by people in front of browsers."""

from collections.abc import Callable
from pathlib import Path

from emgrig.desk.desk import Desk
from emgrig.desk.pages.page import build
from emgrig.desk.server import Server
from emgrig.desk.stream.contact import Contact
from emgrig.desk.stream.hub import Hub
from emgrig.electrodes import ContactCheck, Limits
from emgrig.experiment.files.plan import Plan
from emgrig.experiment.page import SessionPages
from emgrig.experiment.runner import Running


def lead_by_pages(
    hub: Hub, plan: Plan, server: Server, folder: Path, check: ContactCheck | None
) -> Callable[[Running], None]:
    """Make what leads through a session: it serves the pages until the session is over.

    The participant's screen is ``/``, the operator's ``/operator``; ``/desk`` and ``/tube`` are as
    in `emgrig desk`. Raises KeyboardInterrupt if it was stopped before its end.
    """
    desk = Desk(hub, Contact(hub, Limits(), check), folder, recorded_by="the session")

    def lead(running: Running) -> None:
        beat = build(desk, "/desk")
        SessionPages(desk, beat, plan, running.driver, server.stop).build()
        server.run()
        if not running.driver.is_over:
            raise KeyboardInterrupt

    return lead
