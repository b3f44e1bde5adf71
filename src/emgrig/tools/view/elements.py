"""The page's own elements; their scripts lie beside."""

from collections.abc import Callable, Sequence

from nicegui.element import Element

from emgrig.view.eye import Eye

Json = dict[str, object]


class TraceView(Element, component="trace_view.js"):
    """Traces of recordings under each other, with all that is done by mouse and keys.

    `files` are described by `page.described`; `on_said` is told what the script emits: its name
    and what comes with it.
    """

    def __init__(self, files: Sequence[Json], on_said: Callable[[str, object], None]) -> None:
        super().__init__()
        self._props["files"] = list(files)
        self._props["query"] = ""
        self._props["scale"] = 0
        self._props["events"] = []
        self._props["chosen"] = 0
        self._props["shown"] = [list(range(len(one["channels"]))) for one in files]  # type: ignore[arg-type]
        for name in ("told", "edit", "stretch"):
            self.on(name, lambda event, name=name: on_said(name, event.args))

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

    def go(self, begin_s: float, end_s: float) -> None:
        """Show a stretch, s of the common time."""
        self.run_method("go", begin_s, end_s)
