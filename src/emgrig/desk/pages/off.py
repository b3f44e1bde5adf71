"""What cannot be used now is off, and says why: on the page, and where the mouse rests."""

from nicegui import ui
from nicegui.elements.mixins.disableable_element import DisableableElement


def why_label() -> ui.label:
    """Make the place for the words why a button is off."""
    return ui.label("").classes("text-xs text-grey-9").props('data-testid="why"')


def set_off(why: str, label: ui.label | None, *elements: DisableableElement) -> None:
    """Switch elements off and say why, under them and in their tooltip; on, if there is no why."""
    for element in elements:
        element.set_enabled(not why)
        if element.props.get("title", "") != why:
            element.props["title"] = why
    if label is not None:
        label.set_text(f"off: {why}" if why else "")
        label.set_visibility(bool(why))
