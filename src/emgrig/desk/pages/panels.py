"""The panels of the desk's page. Each function lays one out and returns what refreshes it."""

import datetime as dt

from nicegui import ui

from emgrig.desk.desk import Desk
from emgrig.desk.pages.beat import Now, Refresh
from emgrig.desk.pages.off import set_off, why_label
from emgrig.desk.pages.one_electrode import follow_row
from emgrig.desk.stream.status import LinkState, Status
from emgrig.errors import EmgrigError
from emgrig.names import markup
from emgrig.sentences import counted

_LINK_COLOUR = {
    LinkState.STREAMING: "positive",
    LinkState.SILENT: "warning",
    LinkState.LOST: "negative",
    LinkState.CHECKING: "info",
    LinkState.STOPPED: "grey",
}
OLD_S = 3600.0
"""A check older than this is called old: contacts change within the first half hour."""
OF_THE_RUN = ("conversions", "frames_sent", "missed_drdy", "transmit_overflows")
"""Counters of a board that begin at 0 with each run (`emgrig.protocol.packets.Stats`)."""
BATTERY = "battery level (the link has no field for it)"


def header(desk: Desk) -> Refresh:
    """Show board, link, rate, loss and clock."""
    identity = desk.hub.board.identity
    with ui.row().classes("items-center w-full gap-x-3 gap-y-1").style("min-height:40px"):
        ui.label("emgrig desk").classes("text-lg text-weight-bold")
        ui.label(f"board {identity.serial_number}").classes("text-grey-8")
        if identity.is_simulated:
            ui.badge("SIMULATED", color="deep-purple").props('data-testid="simulated"')
        link = ui.badge("").props('data-testid="link"')
        words = ui.label("").classes("text-sm grow").props('data-testid="rate"')
        ui.link("digital tube", "/tube", new_tab=True).classes("text-sm py-2")

    def refresh(now: Now) -> None:
        status = now.status
        link.set_text(str(status.link))
        link.props(f'color="{_LINK_COLOUR[status.link]}"')
        words.set_text(_rate_words(status))

    return refresh


def _rate_words(status: Status) -> str:
    measured = f" (measured {status.measured_hz:.2f})" if status.measured_hz else ""
    drift = ""
    if status.drift_ppm is not None and status.drift_bound_ppm is not None:
        bound_ppm = float(f"{status.drift_bound_ppm:.2g}")
        drift = f" · board clock {status.drift_ppm:+.1f} ± {bound_ppm:g} ppm"
    told = f" · {status.told}" if status.told else ""
    return (
        f"{status.rate_hz:g} samples/s{measured} · {status.n_samples} came · "
        f"{status.lost_words(status.n_lost)}{drift}{told}"
    )


def alert_panel() -> Refresh:
    """Say what is wrong over the whole width; hidden while nothing is."""
    box = ui.row().classes("w-full p-2 rounded text-white bg-negative text-weight-medium no-wrap")
    with box.props('data-testid="alert"'):
        label = ui.label("").classes("grow").props('role="alert"')
        # Seconds that run are not to be read out each time.
        since = ui.label("").props('aria-hidden="true"')

    def refresh(now: Now) -> None:
        status = now.status
        text = alert_words(status)
        label.set_text(text)
        since.set_text(f"{status.since_s:.0f} s" if status.is_cut else "")
        box.set_visibility(bool(text))

    return refresh


def alert_words(status: Status) -> str:
    """Return what a person must know now; empty if nothing."""
    said = []
    if status.link is not LinkState.CHECKING:
        said.append(status.problem)
    if status.is_cut and status.recording is not None and status.recording.is_on:
        said.append("the recording goes on, and the gap will be marked")
    if status.recording is not None:
        said.append(status.recording.problem)
    said += [status.contradiction, status.outlet_problem]
    return "; ".join(text for text in said if text)


def contact_panel(desk: Desk) -> Refresh:
    """Offer the check of the impedances, and say what to do."""
    with ui.card().tight().classes("w-full p-2 gap-1"):
        button = ui.button("Check electrodes", icon="electric_bolt", on_click=lambda: check())
        button.props('no-caps data-testid="check"').classes("w-full")
        why = why_label()
        bar = ui.linear_progress(0, show_value=False).props('data-testid="check-bar"')
        state = ui.label("").classes("text-xs text-grey-8")
        state.props('data-testid="check-state" role="status"')
        todo = ui.column().classes("gap-1 w-full")
        todo.props('data-testid="todo" aria-live="polite" aria-label="what to do"')
        table = ui.html("", sanitize=True).classes("w-full text-xs")
        table.props('data-testid="impedances"')
        refresh_one = follow_row(desk)

    def check() -> None:
        try:
            desk.check_electrodes()
        except ValueError as error:
            ui.notify(str(error), type="negative")

    shown: list[object] = [None, None]

    def refresh(now: Now) -> None:
        going = desk.contact.state
        set_off(desk.why_not_check(now.status), None if going.is_on else why, button)
        why.set_visibility(bool(why.text) and not going.is_on)
        refresh_one(now)
        bar.set_visibility(going.is_on)
        bar.set_value(going.share)
        state.set_text(_check_words(desk))
        if shown[0] != (words := now.todo):
            shown[0] = words
            todo.clear()
            with todo:
                for text in words:
                    ui.label(f"• {text}").classes("text-sm text-negative")
        if shown[1] is not desk.contact.check:
            shown[1] = desk.contact.check
            table.set_content(_impedance_table(desk))

    return refresh


def _check_words(desk: Desk) -> str:
    going, check = desk.contact.state, desk.contact.check
    if going.is_on:
        return going.text
    if going.problem:
        return going.problem
    if check is None:
        return "not checked yet: the lights are grey; takes half a minute"
    age_s = desk.contact.age_s(dt.datetime.now(dt.UTC)) or 0.0
    old = "; contacts change: check again" if age_s > OLD_S else ""
    how = "" if check.conditions.current_is_calibrated else ", current nominal ± 20 %"
    return f"checked {age_s // 60:.0f} min ago{how}{old}"


def _impedance_table(desk: Desk) -> str:
    check = desk.contact.check
    if check is None:
        return ""
    values = {e.electrode: e.impedance_ohm for e in check.electrodes}

    def cell(name: str) -> str:
        ohm = values.get(name)
        return "–" if ohm is None else f"{ohm / 1e3:.1f}"

    rows = "".join(
        f"<tr><td>c{n} {markup(name)}</td><td align='right'>{cell(f'c{n}p')}</td>"
        f"<td align='right'>{cell(f'c{n}n')}</td></tr>"
        for n, name in desk.hub.channels
    )
    head = (
        f"<tr><th align='left'>kΩ at {check.conditions.frequency_hz:g} Hz</th>"
        "<th align='right' width='44'>P</th><th align='right' width='44'>N</th></tr>"
    )
    return f"<table width='100%'>{head}{rows}</table>"


def record_panel(desk: Desk) -> Refresh:
    """Start and stop recordings."""
    if desk.recorded_by:
        return _recording_words_panel(desk)
    with ui.card().tight().classes("w-full p-2 gap-1"):
        name = ui.input("participant's code, as P01", placeholder="none: date and time")
        name.classes("w-full")
        name.props('dense stack-label data-testid="file"')
        button = ui.button("Record", icon="fiber_manual_record", on_click=lambda: toggle())
        button.props('no-caps data-testid="record"').classes("w-full")
        why = why_label()
        words = ui.label("").classes("text-sm ellipsis-3-lines")
        words.props('data-testid="recording"').style("overflow-wrap:anywhere")
        folder = ui.label(f"into the folder {desk.folder.name}").classes("text-xs text-grey-7")
        folder.tooltip(str(desk.folder)).style("overflow-wrap:anywhere")

    def toggle() -> None:
        going = desk.hub.status().recording
        try:
            if going is not None and going.is_on:
                desk.hub.stop_recording()
                name.set_value("")
            else:
                desk.start_recording(name.value or "")
        except (ValueError, EmgrigError, OSError) as error:
            ui.notify(str(error), type="negative", multi_line=True)
        refresh(Now(desk))

    def refresh(now: Now) -> None:
        going = now.status.recording
        is_on = going is not None and going.is_on
        button.set_text("Stop" if is_on else "Record")
        button.props(f"icon={'stop' if is_on else 'fiber_manual_record'}")
        button.props(f"color={'negative' if is_on else 'primary'}")
        name.set_enabled(not is_on)
        set_off(desk.why_not_record(now.status), why, button)
        words.set_text(recording_words(now.status))

    return refresh


def _recording_words_panel(desk: Desk) -> Refresh:
    """Say how a recording goes that is not begun and ended here."""
    with ui.card().tight().classes("w-full p-2 gap-1"):
        words = ui.label("").classes("text-sm").props('data-testid="recording"')
        ui.label(f"{desk.recorded_by} begins and ends it").classes("text-xs text-grey-7")

    def refresh(now: Now) -> None:
        words.set_text(recording_words(now.status))

    return refresh


def recording_words(status: Status) -> str:
    """Say how the recording goes, or how the last one went."""
    going = status.recording
    if going is None:
        return "no recording yet"
    if going.is_on:
        seconds = int(going.elapsed_s)
        return (
            f"recording {going.path.name}: {seconds // 60}:{seconds % 60:02d}, "
            f"{going.capture_bytes / 1e6:.1f} MB, {status.lost_words(going.n_lost)}, "
            f"{counted(going.n_marks, 'marker')}"
        )
    if going.is_converting:
        return f"making {going.path.name} …"
    if going.problem:
        return (
            f"{going.path.name} was not finished: {going.path.with_suffix('.capture').name} is kept"
        )
    names = ", ".join(path.name for path in going.files if path.suffix == ".bdf")
    seconds = int(going.elapsed_s)
    return (
        f"done: {names}: {seconds // 60}:{seconds % 60:02d}, {going.n_lost} lost; "
        f"to look at it: emgrig view {going.path.name}"
    )


def numbers_panel(desk: Desk) -> Refresh:
    """List the figures of each channel and the board's counters."""
    with ui.card().tight().classes("w-full p-2 gap-1"):
        head = ui.label("Channels now").classes("text-xs text-weight-medium")
        figures = ui.html("", sanitize=True).classes("w-full text-xs")
        figures.props('data-testid="figures"')
        ui.label("Samples").classes("text-xs text-weight-medium")
        samples = ui.html("", sanitize=True).classes("w-full text-xs")
        samples.props('data-testid="samples"')
        ui.label("Counters of the board").classes("text-xs text-weight-medium")
        counters = ui.html("", sanitize=True).classes("w-full text-xs")
        counters.props('data-testid="counters"')
        ui.label("What this board cannot tell").classes("text-xs text-weight-medium")
        unknown = (*desk.hub.board.can.limits, BATTERY)
        ui.label("; ".join(unknown)).classes("text-xs").props('data-testid="unknown"')

    def refresh(now: Now) -> None:
        figures.set_content(_figures_table(desk))
        status = now.status
        is_live = status.link is LinkState.STREAMING
        head.set_text("Channels now" if is_live else "Channels before the samples stopped")
        samples.set_content(_samples_table(status))
        rows = "".join(
            f"<tr><td>{markup(_counter_words(name))}</td><td align='right'>{count}</td></tr>"
            for name, count in status.counters.items()
            if name not in ("uptime_us", "settings", "streaming")
        )
        counters.set_content(f"<table width='100%'>{rows}</table>")

    return refresh


def _counter_words(name: str) -> str:
    return name.replace("_", " ") + (" (this run)" if name in OF_THE_RUN else "")


def _samples_table(status: Status) -> str:
    """Show what came and what did not, of the run that is on and since the desk began."""
    cells = (
        ("came", status.n_run_samples, status.n_samples),
        ("lost", status.n_run_lost, status.n_lost),
    )
    rows = "".join(
        f"<tr><td>{word}</td><td align='right'>{run}</td><td align='right'>{whole}</td></tr>"
        for word, run, whole in cells
    )
    head = "<tr><th></th><th align='right'>this run</th><th align='right'>in all</th></tr>"
    return f"<table width='100%'>{head}{rows}</table>"


def _figures_table(desk: Desk) -> str:
    def number(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    rows = "".join(
        f"<tr><td>c{one.channel}</td><td align='right'>{one.rail_percent:.0f}</td>"
        f"<td align='right'>{one.offset_mv:.1f}</td>"
        f"<td align='right'>{number(one.mains_uv_rms, 1)}</td>"
        f"<td align='right'>{number(one.rest_uv_rms, 1)}</td></tr>"
        for one in desk.contact.live
    )
    head = "".join(
        f"<th align='right'>{words}</th>" for words in ("", "rail %", "mV", "mains µV", "rest µV")
    )
    return f"<table width='100%'><tr>{head}</tr>{rows}</table>"
