"""`emgrig demo`: the whole way of the data, on a simulated board in another process."""

from dataclasses import dataclass
from pathlib import Path

import typer

from emgrig.errors import ExitCode
from emgrig.files import check_report, make_folder
from emgrig.tools.common.options import Overwrite, Printed, option, takes
from emgrig.tools.common.output import note, print_json, say

REPORT_FILES = ("index.html", "signals.png", "demo.bdf", "demo.capture", "demo.json")


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Printed):
    """What `emgrig demo` takes."""

    report: Path = option(
        "Folder for the page and the recording; made if it is not there.", Path("demo-report")
    )
    seconds: float = option("How long to record.", 14.0, min=8.0, max=600.0)
    source: str = option("What the electrodes see, as of emgrig simulate.", "face")
    seed: int = option("Which of all simulated boards.", 1)
    speed: float = option("Board time a second.", 1.0, min=1.0, max=20.0)
    overwrite: Overwrite = False


@takes
def demo(given: DemoOptions) -> None:
    """Show the whole way of the data on a simulated board; needs no hardware.

    A simulated board is served over TCP by a process of its own. The driver identifies the chip,
    applies the profile facial-emg, proves every register and records. The link is cut once and
    comes back. The recording is converted to BDF+ and compared with what the electrodes saw. The
    page in the report folder shows all of it; the first and the last line say PASS or FAIL. The
    report of an earlier demo stays unless --overwrite says that it goes.
    """
    check_report(given.report, REPORT_FILES, overwrite=given.overwrite)
    from emgrig.tools.demo import page as demo_page
    from emgrig.tools.demo import run as demo_run

    make_folder(given.report)
    result = demo_run.run(
        given.report,
        seconds=given.seconds,
        source=given.source,
        seed=given.seed,
        speed=given.speed,
        tell=note,
    )
    page = demo_page.write(given.report / "index.html", result)
    if given.as_json:
        print_json(result.as_json())
        note(result.verdict)
    else:
        for line in (result.verdict, *result.lines(), f"page: {page}", result.verdict):
            say(line)
    if not result.is_good:
        raise typer.Exit(ExitCode.VERDICT)
