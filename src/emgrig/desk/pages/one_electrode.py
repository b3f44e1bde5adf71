"""One electrode, measured while somebody works at it."""

from collections.abc import Callable

from nicegui import ui

from emgrig.desk.desk import Desk, Followed
from emgrig.desk.pages.beat import Now
from emgrig.desk.pages.face import FILL, SIGN
from emgrig.desk.pages.off import set_off
from emgrig.electrodes import Light
from emgrig.electrodes.check import electrode_id
from emgrig.sentences import sentence


def follow_row(desk: Desk) -> Callable[[Now], None]:
    """Offer to measure one electrode again and again; its value is large, to be seen from afar."""
    names = [electrode_id(number, side) for number, _ in desk.hub.channels for side in "pn"]
    with ui.row().classes("w-full items-center gap-2 no-wrap"):
        which = ui.select(names, value=names[0], label="one electrode")
        which.props('dense options-dense data-testid="which"').classes("grow")
        button = ui.button("Watch", on_click=lambda: toggle())
        button.props('no-caps outline data-testid="follow"')
    with ui.row().classes("w-full items-center gap-2 no-wrap") as row:
        light = ui.label("").classes("text-center text-white rounded-full text-weight-bold")
        light.style("width:26px;height:26px;line-height:26px;flex-shrink:0")
        value = ui.label("").classes("text-h6").props('data-testid="followed" role="status"')
    words = ui.label("").classes("text-xs text-grey-9")

    def toggle() -> None:
        if desk.followed is not None and desk.followed.is_on:
            desk.stop_following()
            return
        name = str(which.value)
        try:
            desk.follow(int(name[1:-1]), name[-1])
        except ValueError as error:
            ui.notify(str(error), type="negative")

    def refresh(now: Now) -> None:
        followed = desk.followed
        is_on = followed is not None and followed.is_on
        button.set_text("Stop" if is_on else "Watch")
        set_off("" if is_on else desk.why_not_check(now.status), None, button)
        set_off("it is on" if is_on else "", None, which)
        row.set_visibility(followed is not None)
        words.set_visibility(followed is not None)
        if followed is None:
            return
        shown = Light.GREY if followed.electrode is None else followed.electrode.light
        light.set_text(SIGN[shown])
        ink = "#212529" if shown in (Light.YELLOW, Light.GREY) else "#fff"
        light.style(f"background:{FILL[shown]};color:{ink}")
        value.set_text(value_words(followed))
        words.set_text(more_words(followed))

    return refresh


@sentence
def value_words(followed: Followed) -> str:
    """Return the value of an electrode, large."""
    name = electrode_id(followed.channel, followed.side)
    one = followed.electrode
    if one is None:
        return f"{name} …"
    if one.impedance_ohm is None:
        return f"{name} {one.finding.value}"
    return f"{name} {one.impedance_ohm / 1e3:.1f} kΩ"


@sentence
def more_words(followed: Followed) -> str:
    """Say how good the value is, what to do, and how it goes."""
    one, said = followed.electrode, []
    if one is not None and one.impedance_u_ohm is not None:
        said.append(
            f"± {one.impedance_u_ohm / 1e3:.1f} kΩ at {one.at_hz:g} Hz, value {followed.n_values}"
        )
    if one is not None and one.advice:
        said.append(one.advice)
    if followed.problem:
        said.append(followed.problem)
    elif followed.is_on:
        said.append("a current of 24 nA or less flows here alone; the traces stand still meanwhile")
    else:
        said.append("the last value; the current is off")
    return " · ".join(said)
