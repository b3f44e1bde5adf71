"""The page's own elements; their scripts lie beside."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui.element import Element

from emgrig.tools.view.viewer import Json
from emgrig.view.eye import Eye


class TraceView(Element, component="trace_view.js", esm={"emgrig-view": "scripts"}):
    """Traces of recordings under each other, with all that is done by mouse and keys.

    `files` are described by `page.described`; `acts` are told what the script emits: "told" (what
    is shown), "edit" (a change of events), "stretch" (one was chosen).
    """

    def __init__(self, files: Sequence[Json], acts: Mapping[str, Callable[[Any], object]]) -> None:
        super().__init__()
        self._props["files"] = list(files)
        self._props["query"] = ""
        self._props["scale"] = 0
        self._props["events"] = []
        self._props["chosen"] = 0
        self._props["shown"] = [list(range(len(one["channels"]))) for one in files]  # type: ignore[arg-type]
        for name, act in acts.items():
            self.on(name, lambda event, act=act: act(event.args))

    def set_eye(self, eye: Eye) -> None:
        """Choose the filter."""
        cells = {"low": eye.low_hz, "high": eye.high_hz, "mains": eye.mains_hz}
        query = "".join(f"&{key}={value:g}" for key, value in cells.items() if value is not None)
        self._props["query"] = query + ("&envelope=1" if eye.has_envelope else "")
        self.update()

    def set_scale(self, half: float) -> None:
        """Choose the half height of a row, in the channel's unit; 0 follows each trace."""
        self._props["scale"] = half
        self.update()

    def set_events(self, events: Sequence[Json], chosen: int) -> None:
        """Show events, and which is chosen (its id, 0 for none)."""
        self._props["events"] = list(events)
        self._props["chosen"] = chosen
        self.update()

    def set_shown(self, shown: Sequence[Sequence[int]]) -> None:
        """Choose the channels of each file that are shown, by index."""
        self._props["shown"] = [list(one) for one in shown]
        self.update()

    def span(self, seconds: float) -> None:
        """Show so much about the middle of what is shown, s; 0 shows all."""
        self.run_method("span", seconds)


class SpectrumView(Element, component="spectrum_view.js"):
    """The spectrum of a stretch."""

    def __init__(self) -> None:
        super().__init__()
        self._props["curve"] = {}

    def set_curve(self, hz: Sequence[float], density: Sequence[float], unit: str) -> None:
        """Show amplitude densities, in `unit` a root of Hz."""
        self._props["curve"] = {"hz": list(hz), "density": list(density), "unit": unit}
        self.update()

    def clear_curve(self) -> None:
        """Show nothing."""
        self._props["curve"] = {}
        self.update()
