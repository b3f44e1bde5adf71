"""Profile, rate and gain of the board: as read back, and to be changed."""

from nicegui import ui

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Now, Refresh
from emgrig.desk.pages.off import set_off, why_label
from emgrig.desk.stream.board_settings import GAINS, RATES, Wish, gain_words
from emgrig.driver.chip.profile import packaged_profiles

_ALL = 0


def settings_panel(desk: Desk) -> Refresh:
    """Show what the board is set to, and change it through the driver."""
    hub = desk.hub
    profiles = list(dict.fromkeys((*desk.profiles, *packaged_profiles())))
    with ui.card().tight().classes("w-full p-2 gap-1"):
        ui.label("Board, as read back").classes("text-xs text-weight-medium")
        held = ui.label("").classes("text-sm").props('data-testid="settings"')
        with ui.expansion("Change settings").props("dense dense-toggle").classes("w-full text-sm"):
            profile = ui.select(["", *profiles], value="", label="profile").classes("w-full")
            profile.props('dense options-dense data-testid="set-profile"')
            rate = ui.select(_choices(RATES, "samples/s"), value=_ALL, label="rate").classes(
                "w-full"
            )
            rate.props('dense options-dense data-testid="set-rate"')
            with ui.row().classes("w-full gap-2 no-wrap"):
                gain = ui.select(_choices(GAINS, ""), value=_ALL, label="gain").classes("grow")
                gain.props('dense options-dense data-testid="set-gain"')
                numbers = {_ALL: "all", **{n: f"c{n}" for n, _ in hub.channels}}
                channel = ui.select(numbers, value=_ALL, label="of").classes("grow")
                channel.props('dense options-dense data-testid="set-channel"')
            button = ui.button("Set", on_click=lambda: change()).classes("w-full")
            button.props('no-caps outline data-testid="set"')
            why = why_label()
        went = ui.label("").classes("text-xs").props('data-testid="set-state" role="status"')

    def change() -> None:
        wish = Wish(
            str(profile.value or ""),
            int(rate.value) or None,
            int(gain.value) or None,
            (int(channel.value),) if channel.value else None,
        )
        try:
            desk.change(wish)
        except ValueError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        for one, nothing in ((profile, ""), (rate, _ALL), (gain, _ALL), (channel, _ALL)):
            one.set_value(nothing)

    def refresh(now: Now) -> None:
        off = desk.why_not_change(now.status)
        for key, elements in {
            "profile": [profile],
            "rate": [rate],
            "gain": [gain, channel],
        }.items():
            set_off(off[key], None, *elements)
        set_off("; ".join(dict.fromkeys(off.values())) if all(off.values()) else "", why, button)
        if not all(off.values()) and any(off.values()):
            why.set_text("; ".join(f"{key} off: {words}" for key, words in off.items() if words))
            why.set_visibility(True)
        name = hub.profile or "as it was found"
        if not hub.is_taken:  # what a measurement sets is put back
            held.set_text(f"{name} · {hub.rate_hz:g} samples/s · gain {gain_words(hub.board)}")
        changing = desk.changing
        went.set_text(
            f"setting {changing.said} …" if changing.is_on else changing.said or changing.problem
        )
        went.classes(
            add="text-negative" if changing.problem else "",
            remove="" if changing.problem else "text-negative",
        )
        went.set_visibility(bool(went.text))

    return refresh


def _choices(values: tuple[int, ...], unit: str) -> dict[int, str]:
    return {_ALL: "as it is", **{value: f"{value} {unit}".strip() for value in values}}
