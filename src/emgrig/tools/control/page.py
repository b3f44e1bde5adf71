"""The page of a control port: electrodes to lift, faults, source, speed, pause.

It is a client of the port, as `emgrig control` is; the simulator knows nothing of it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from nicegui import run, ui

from emgrig.errors import EmgrigError
from emgrig.simulator.control.client import ask
from emgrig.simulator.faults.named import describe_faults

EVERY_S: Final = 1.0
PUT_BACK_KOHM: Final = 10.0  #: Contact of an electrode that is put back: gelled, prepared skin.
SPEEDS: Final = {"real": "real", "0.1": "1/10", "2": "2 x", "10": "10 x", "max": "max"}


class Panel:
    """What one browser shows of a control port."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._status: dict[str, Any] = {}
        self._buttons: dict[str, ui.button] = {}

    def build(self) -> None:
        """Lay out the page."""
        ui.query("body").style("background:#f1f3f5")
        ui.label(f"Simulator at {self._address}").classes("text-lg text-weight-medium")
        self._alert = ui.label("").classes("w-full p-2 rounded text-white bg-negative")
        self._alert.props('data-testid="alert" role="alert"').set_visibility(False)
        self._state = ui.label("").props('data-testid="state" role="status"')
        with ui.card().classes("p-3 gap-2"):
            ui.label("Electrodes: press to lift, press again to put back").classes("text-sm")
            self._electrodes = ui.grid(columns=8).classes("gap-1")
        with ui.card().classes("p-3 gap-2"):
            self._build_words()
        with ui.card().classes("p-3 gap-2"):
            self._build_time()
        ui.timer(EVERY_S, partial(self._do, do="status"))

    def _build_words(self) -> None:
        names = {one.name: f"{one.name}: {one.effect}" for one in describe_faults()}
        with ui.row().classes("items-end"):
            fault = ui.select(names, label="Fault", with_input=True).classes("w-96")
            fault.props('data-testid="fault"')
            values = ui.input("Parameters", placeholder="rate=0.01").props("dense")

            async def put() -> None:
                if fault.value:
                    text = f"{fault.value}:{values.value}" if values.value else str(fault.value)
                    await self._do(do="fault", fault=text)

            ui.button("Put in", on_click=put).props('dense no-caps data-testid="put"')
        with ui.row().classes("items-end"):
            source = ui.input("Source", placeholder="face, silence, sine:1mV,80Hz")
            source.props('data-testid="source"').classes("w-96")

            async def change() -> None:
                await self._do(do="source", source=source.value or "")

            ui.button("Change", on_click=change).props('dense no-caps data-testid="change"')

    def _build_time(self) -> None:
        with ui.row().classes("items-center"):
            for speed, words in SPEEDS.items():
                button = ui.button(words, on_click=partial(self._do, do="speed", speed=speed))
                button.props(f'dense no-caps outline data-testid="speed-{speed}"')
            self._pause = ui.button("Pause", on_click=self._toggle_pause)
            self._pause.props('dense no-caps data-testid="pause"')

    async def _toggle_pause(self) -> None:
        await self._do(do="resume" if self._status.get("is_paused") else "pause")

    async def _toggle(self, electrode: str) -> None:
        if electrode in self._status.get("lifted", ()):
            await self._do(do="contact", electrode=electrode, kohm=PUT_BACK_KOHM)
        else:
            await self._do(do="lift", electrode=electrode)

    async def _do(self, **request: object) -> None:
        """Ask the port, and show what it answers."""
        try:
            status: dict[str, Any] | None = await run.io_bound(ask, self._address, request)
        except ValueError as error:  # refused: nothing has changed
            ui.notify(str(error), type="negative")
            return
        except EmgrigError as error:
            self._alert.set_text(str(error))
            self._alert.set_visibility(True)
            return
        if status is None:  # the page is being closed
            return
        self._status = status
        self._alert.set_visibility(False)
        self._show(status)

    def _show(self, status: Mapping[str, Any]) -> None:
        self._state.set_text(words_of(status))
        self._pause.set_text("Go on" if status["is_paused"] else "Pause")
        if not self._buttons:
            with self._electrodes:
                for side in ("P", "N"):
                    for channel in range(1, int(status["channels"]) + 1):
                        name = f"{channel}{side}"
                        button = ui.button(name, on_click=partial(self._toggle, name))
                        button.props(f'dense no-caps data-testid="electrode-{name}"')
                        self._buttons[name] = button
        for name, button in self._buttons.items():
            is_lifted = name in status["lifted"]
            button.props(f"color={'negative' if is_lifted else 'positive'}")
            button.props(f"aria-pressed={'true' if is_lifted else 'false'}")


def words_of(status: Mapping[str, Any]) -> str:
    """Return a status in a line.

    Examples
    --------
    >>> words_of({"time_s": 2.5, "is_paused": True, "speed": 2.0, "source": "face",
    ...           "faults": ["miso-high"]})
    '2.5 s, paused, speed 2; source face; faults: miso-high'
    """
    speed = status["speed"]
    shown = f"{speed:g}" if isinstance(speed, float | int) else str(speed)
    said = f"{status['time_s']:.1f} s, {'paused, ' if status['is_paused'] else ''}speed {shown}"
    faults = ", ".join(status["faults"]) or "none"
    return f"{said}; source {status['source']}; faults: {faults}"


def build(address: str) -> None:
    """Register the page with NiceGUI."""

    @ui.page("/", title="emgrig control")
    def page() -> None:
        Panel(address).build()
