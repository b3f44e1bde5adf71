"""The page's own elements: traces with meters, spectrum, digital tube. Their scripts lie beside."""

from collections.abc import Callable, Sequence

from nicegui.element import Element
from nicegui.events import GenericEventArguments

Json = dict[str, object]
Shown = list[tuple[int, float]]


class ScopeView(Element, component="scope_view.js"):
    """Live traces and level meters of channels (number and name), in columns of `column_s`."""

    def __init__(self, channels: Sequence[tuple[int, str]], column_s: float) -> None:
        super().__init__()
        self._props["channels"] = [{"number": n, "name": name} for n, name in channels]
        self._props["columnS"] = column_s
        self._props["seconds"] = 10
        self._props["scaleUv"] = 0
        self._props["quiet"] = None

    def set_view(self, *, seconds: int | None = None, scale_uv: int | None = None) -> None:
        """Choose how much time is shown, s, and the scale, µV; 0 follows each trace."""
        if seconds is not None:
            self._props["seconds"] = seconds
        if scale_uv is not None:
            self._props["scaleUv"] = scale_uv
        self.update()

    def set_quiet(self, words: str | None) -> None:
        """Say why nothing comes; empty if that is said elsewhere, None if nobody knows of it."""
        if words != self._props["quiet"]:
            self._props["quiet"] = words
            self.update()

    def push(self, said: str) -> None:
        """Add columns and set the meters: JSON of the script's `push`, the same for all pages.

        `Element.run_method` would do it too, with a task, an id and JSON of its own for each page.
        """
        code = f'runMethod({self.id}, "push", [{said}])'
        self.client.outbox.enqueue_message("run_javascript", {"code": code}, self.client.id)

    def reload(self) -> None:
        """Load the page anew."""
        told = {"code": "location.reload()"}
        self.client.outbox.enqueue_message("run_javascript", told, self.client.id)


class SpectrumView(Element, component="desk_spectrum.js"):
    """The spectrum of one channel, with the mains marked; it is made while `is_open`."""

    def __init__(self, mains_hz: float | None) -> None:
        super().__init__()
        self.is_open = False
        self.channel = 0
        self.most_hz: float | None = None
        self._props["mainsHz"] = mains_hz or 0
        self._props["isRoot"] = False

    def set_root(self, *, is_root: bool) -> None:
        """Show µV/√Hz in place of µV²/Hz."""
        self._props["isRoot"] = is_root
        self.update()

    def push(self, said: str) -> None:
        """Draw another one: JSON of the script's `push`; see `ScopeView.push`."""
        code = f'runMethod({self.id}, "push", [{said}])'
        self.client.outbox.enqueue_message("run_javascript", {"code": code}, self.client.id)


class TubeView(Element, component="tube_view.js"):
    """The digital tube, over the whole window.

    It shows `number` first. `on_shown` is told which counts were drawn and when: (count, Unix time
    of the browser's clock in s).
    """

    def __init__(self, number: int, digits: int, on_shown: Callable[[Shown], None]) -> None:
        super().__init__()
        self._props["number"] = number
        self._props["digits"] = digits
        self.on("shown", lambda event: on_shown(_read_shown(event)))

    def show(self, number: int) -> None:
        """Show the next number."""
        self.run_method("show", number)


def _read_shown(event: GenericEventArguments) -> Shown:
    """Take what a browser says for numbers, or for nothing."""
    rows: Shown = []
    for row in event.args if isinstance(event.args, list) else []:
        try:
            number, unix_s = row
            rows.append((int(number), float(unix_s)))
        except (TypeError, ValueError):
            continue
    return rows
