"""`emgrig demo`: the whole way of the data, on a simulated board in another process."""

from pathlib import Path
from typing import Annotated

import typer

from emgrig.errors import ExitCode
from emgrig.files import make_folder
from emgrig.tools.common.output import note, print_json, say

RECORDINGS = Path("../shared/data/recordings")


def demo(
    report: Annotated[
        Path, typer.Option(help="Folder for the page and the recording; made if it is not there.")
    ] = Path("demo-report"),
    seconds: Annotated[float, typer.Option(help="How long to record.", min=8.0, max=600.0)] = 14.0,
    source: Annotated[
        str | None, typer.Option(help="What the electrodes see; else a real recording, or a face.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which of all simulated boards.")] = 1,
    speed: Annotated[float, typer.Option(help="Board time a second.", min=1.0, max=20.0)] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Show the whole way of the data on a simulated board; needs no hardware.

    A simulated board is served over TCP by a process of its own. The driver identifies the chip,
    applies the profile facial-emg, proves every register and records. The link is cut once and
    comes back. The recording is converted to BDF+ and compared with what the electrodes saw. The
    page in the report folder shows all of it; the last line says PASS or FAIL.
    """
    from emgrig.tools.demo import page as demo_page
    from emgrig.tools.demo import run as demo_run

    make_folder(report)
    result = demo_run.run(
        report, seconds=seconds, source=source or _source(), seed=seed, speed=speed, tell=note
    )
    page = demo_page.write(report / "index.html", result)
    if as_json:
        print_json(result.as_json())
    else:
        for line in result.lines():
            say(line)
        say(f"page: {page}")
    say_verdict = note if as_json else say
    say_verdict(f"demo: {'PASS' if result.is_good else 'FAIL: ' + '; '.join(result.problems)}")
    if not result.is_good:
        raise typer.Exit(ExitCode.VERDICT)


def _source() -> str:
    """Return the facial EMG among the shared recordings if that folder is there."""
    path = RECORDINGS / "countenance_facial" / "femg_raw_exported_sample.txt.gz"
    if not path.is_file():
        return "face"
    return f"file:{path}?rate=1000&unit=mV&columns=-,1,-,-,2"
