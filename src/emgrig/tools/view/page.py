"""The viewer's page: traces, filters, scale, events that can be corrected, a spectrum."""

from dataclasses import dataclass
from pathlib import Path

from fastapi import Response
from nicegui import app, ui

from emgrig.errors import EmgrigError
from emgrig.names import one_line
from emgrig.tools.view.answers import Asked, columns_body
from emgrig.tools.view.elements import Json, TraceView
from emgrig.view.eye import Eye
from emgrig.view.screen import Screen


@dataclass
class Viewer:
    """What all open pages share."""

    screens: list[Screen]
    shifts_s: list[float]  #: Where each recording begins on the common time.
    folder: Path  #: For what is saved.


def described(viewer: Viewer) -> list[Json]:
    """Describe the recordings for the page's script."""
    return [
        {
            "name": one_line(screen.recording.path.name),
            "rate": screen.recording.rate_hz,
            "seconds": screen.n_samples / screen.recording.rate_hz,
            "shift": shift,
            "isSimulated": screen.recording.is_simulated,
            "channels": [
                {"number": i, "name": one_line(one.name), "unit": one_line(one.unit)}
                for i, one in enumerate(screen.recording.signals, 1)
            ],
        }
        for screen, shift in zip(viewer.screens, viewer.shifts_s, strict=True)
    ]


def build(viewer: Viewer) -> None:
    """Register page and answers with NiceGUI."""

    @app.get("/view/columns")
    def columns(
        file: int,
        begin: float,
        end: float,
        n: int,
        channels: str,
        low: float | None = None,
        high: float | None = None,
        mains: float | None = None,
        envelope: bool = False,
    ) -> Response:
        def made() -> bytes:
            asked = Asked(begin, end, n, _numbers(channels), Eye(low, high, mains, envelope))
            return columns_body(_one(viewer, file), asked)

        try:
            return Response(made(), media_type="application/octet-stream")
        except ValueError as error:
            return Response(f"{error}\n", 400, media_type="text/plain")
        except EmgrigError as error:
            return Response(f"{error}\n", 500, media_type="text/plain")

    @ui.page("/", title="emgrig view")
    def page() -> None:
        _lay_out(viewer)


def _one(viewer: Viewer, file: int) -> Screen:
    if not 0 <= file < len(viewer.screens):
        raise ValueError(f"recording {file}; there are {len(viewer.screens)}")
    return viewer.screens[file]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def _lay_out(viewer: Viewer) -> None:
    ui.query(".nicegui-content").classes("p-2 gap-2 w-full no-wrap").style("height:100vh")
    with ui.row().classes("items-center w-full gap-x-3"):
        ui.label("emgrig view").classes("text-lg text-weight-bold")
        if any(one.recording.is_simulated for one in viewer.screens):
            ui.badge("SIMULATED", color="deep-purple").props('data-testid="simulated"')
    with ui.card().tight().classes("w-full p-1").style("flex:1;min-height:0"):
        TraceView(described(viewer), lambda name, args: None).classes("w-full h-full")
