"""Traces and meters, what the eye sees of them, and the spectrum of a channel."""

from nicegui import ui

from emgrig.analysis.signal.eye import Eye
from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Beat, Now
from emgrig.desk.pages.elements import ScopeView, SpectrumView

SECONDS = {5: "5 s", 10: "10 s", 20: "20 s"}
SCALES = {0: "auto", 20: "±20 µV", 50: "±50 µV", 100: "±100 µV", 200: "±200 µV", 500: "±500 µV",
          1000: "±1 mV"}  # fmt: skip
BANDS: dict[str, tuple[float | None, float | None]] = {
    "above 1 Hz": (None, None),
    "10–450 Hz": (10.0, 450.0),
    "20–450 Hz": (20.0, 450.0),
    "30–300 Hz": (30.0, 300.0),
    "70–450 Hz": (70.0, 450.0),
    "below 30 Hz": (None, 30.0),
}
NOTCHES = {0: "off", 50: "50 Hz", 60: "60 Hz"}
UPPER = {250: "250 Hz", 500: "500 Hz", 0: "half the rate"}
_DENSE = "dense options-dense"


def traces(desk: Desk, beat: Beat) -> None:
    """Lay out the traces and meters; they fill what they are put in."""
    hub = desk.hub
    n_layouts = hub.n_layouts
    with ui.row().classes("items-end w-full gap-x-3 gap-y-0"):
        seconds = ui.select(SECONDS, value=10, label="time").props(_DENSE)
        scale = ui.select(SCALES, value=0, label="scale").props(_DENSE)
        band = ui.select(list(BANDS), value=_band_of(hub.views.scope.eye), label="band")
        band.props(f'{_DENSE} data-testid="band"')
        notch = ui.select(NOTCHES, value=int(hub.views.scope.eye.mains_hz or 0), label="notch")
        notch.props(f'{_DENSE} data-testid="notch"').style("min-width:72px")
        opener = ui.button("Spectrum", on_click=lambda: toggle())
        opener.props('outline no-caps data-testid="open-spectrum" aria-expanded=false')
    words = ui.label("").classes("text-xs text-grey-9 w-full").props('data-testid="seen"')
    view = (
        ScopeView(hub.channels, hub.views.scope.column_s)
        .classes("w-full desk-scope")
        .style("flex:1;min-height:0")
    )
    panel = _spectrum(desk, beat)

    def see() -> None:
        low_hz, high_hz = BANDS[str(band.value)]
        try:
            with hub.lock:
                hub.views.see(Eye(low_hz, high_hz, float(notch.value) or None))
        except ValueError as error:
            ui.notify(str(error), type="negative", multi_line=True)
        refresh(None)

    def toggle() -> None:
        panel.is_open = not panel.is_open
        opener.props(f"aria-expanded={'true' if panel.is_open else 'false'}")

    def refresh(now: Now | None) -> None:
        if now is not None:
            view.set_quiet(now.status.quiet_words)
        scope = hub.views.scope
        if (str(band.value), float(notch.value)) != (_band_of(scope.eye), scope.eye.mains_hz or 0):
            band.set_value(_band_of(scope.eye))  # another page chose it
            notch.set_value(int(scope.eye.mains_hz or 0))
        words.set_text(
            f"for the eye: {scope.words}; the recording is unfiltered. Lowest and highest sample "
            f"of each {scope.column_s * 1e3:g} ms; orange: envelope"
        )

    seconds.on_value_change(lambda event: view.set_view(seconds=event.value))
    scale.on_value_change(lambda event: view.set_view(scale_uv=event.value))
    band.on("update:model-value", see)
    notch.on("update:model-value", see)
    beat.add_scope(view, n_layouts)
    beat.add_words(refresh)


class _Panel:
    """The spectrum's place; it can be open."""

    def __init__(self, box: ui.column, view: SpectrumView) -> None:
        self._box, self._view = box, view
        box.set_visibility(False)

    @property
    def is_open(self) -> bool:
        return self._view.is_open

    @is_open.setter
    def is_open(self, is_open: bool) -> None:
        self._view.is_open = is_open
        self._box.set_visibility(is_open)


def _spectrum(desk: Desk, beat: Beat) -> _Panel:
    hub = desk.hub
    with ui.column().classes("w-full gap-0 no-wrap").style("flex-shrink:0") as box:
        with ui.row().classes("items-end w-full gap-x-3 gap-y-0"):
            names = {number: f"c{number} {name}" for number, name in hub.channels}
            channel = ui.select(names, value=next(iter(names)), label="spectrum of")
            channel.props(f'{_DENSE} data-testid="spectrum-of"').style("max-width:220px")
            unit = ui.select({0: "µV²/Hz", 1: "µV/√Hz"}, value=0, label="unit").props(_DENSE)
            upper = ui.select(UPPER, value=500, label="up to").props(_DENSE)
            mains = "no mains marked (--mains 0)" if hub.mains_hz is None else "red: mains"
            ui.label(f"last 8 s as they came, without a filter (Welch, 1 s); {mains}").classes(
                "text-xs text-grey-9"
            )
        with ui.element("div").classes("w-full").style("height:190px"):
            view = SpectrumView(hub.mains_hz).classes("w-full h-full")
    view.channel, view.most_hz = int(channel.value), 500.0

    def choose() -> None:
        view.channel, view.most_hz = int(channel.value), float(upper.value) or None

    channel.on_value_change(choose)
    upper.on_value_change(choose)
    unit.on_value_change(lambda event: view.set_root(is_root=bool(event.value)))
    beat.add_spectrum(view)
    return _Panel(box, view)


def _band_of(eye: Eye) -> str:
    """Return the choice that was made, whatever the rate has left of its upper edge."""
    for name, (low_hz, high_hz) in BANDS.items():
        if low_hz == eye.low_hz and (low_hz is not None or high_hz == eye.high_hz):
            return name
    return next(iter(BANDS))
