"""`emgrig desk`: the page for the person who glues electrodes on a face."""

import logging
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emgrig.connect import in_real_time, link_first, look_at
from emgrig.extras import look_for
from emgrig.files import check_report, make_folder
from emgrig.tools.common.boards import contact_of, profile_for
from emgrig.tools.common.options import (
    Mains,
    Mvc,
    OfBoard,
    Profile,
    Recorded,
    Served,
    flag,
    option,
    read_mvc,
    takes,
)
from emgrig.tools.common.output import note, say
from emgrig.tools.record_commands import calibration_of, open_lsl, warn_of_reference

if TYPE_CHECKING:
    from emgrig.desk.server import Server
    from emgrig.desk.stream.hub import Hub

log = logging.getLogger(__name__)

FRAMES_PER_PACKET = 16


@dataclass(frozen=True, kw_only=True)
class DeskOptions(OfBoard, Served, Recorded):
    """What `emgrig desk` takes."""

    output: Path = option("The folder for recordings; it is made.", Path(), "-o", "--output")
    profile: Profile = None
    rate: int | None = option("Samples a second, in place of the profile's.")
    mains: Mains = 50.0
    mvc: Mvc = None
    markers: list[str] | None = option(
        "A marker with a button: WORDS, or KEY=WORDS with a key too; repeat.", None, "--marker"
    )
    packets_per_count: int = option(
        "The digital tube counts one for so many packets of 16.", 2, min=1
    )
    digits: int = option("Of the digital tube.", 5, min=1, max=9)
    check_seconds: float | None = option(
        "Of the check, for each electrode; 1.6 if left out, at least 0.5."
    )
    open_page: bool = flag("Open the page in this computer's browser.", "--open")


@takes
def desk(given: DeskOptions) -> None:
    """Serve a page: are the electrodes on, is the signal good, record it.

    The page shows a face with the electrodes and their lights, live traces and level meters, rate,
    loss and counters; it starts and stops recordings and takes markers. Under /tube it shows the
    digital tube, full-screen, to be filmed. The first line printed is the address to open.
    A recording goes on when the page is closed; Ctrl-C ends it properly.

    Needs the extra desk; emgrig doctor has the line that installs it.

    Examples:

      emgrig desk tcp://192.168.4.1:4299 --output session-01

      emgrig desk sim: --open
    """
    check_report(given.output, (), overwrite=False)
    address = in_real_time(given.address)
    look_at(address)
    with page_server(given, "emgrig desk") as server, link_first(address):
        _serve(given, server)


def _serve(given: DeskOptions, server: "Server") -> None:
    from emgrig.desk.words import USUAL, read_words
    from emgrig.electrodes import ContactSettings, Limits

    words = read_words(given.markers or USUAL)
    check_settings = ContactSettings(seconds=given.check_seconds)
    with open_hub(
        given.address,
        given,
        profile=given.profile,
        rate=given.rate,
        mains_hz=given.mains or None,
        conversions_per_count=given.packets_per_count * FRAMES_PER_PACKET,
    ) as hub:
        from emgrig.desk.desk import Desk
        from emgrig.desk.pages.page import build
        from emgrig.desk.stream.contact import Contact

        hub.mvc_uv.update(read_mvc(given.mvc or [], hub.board.chip.n_channels))
        contact = Contact(hub, Limits(), contact_of(hub.board))
        hub.start(threaded=True)
        folder = make_folder(given.output).resolve()
        desk = Desk(
            hub,
            contact,
            folder,
            digits=given.digits,
            check_settings=check_settings,
            words=words,
            profiles=(hub.profile,) if hub.profile else (),
        )
        build(desk)
        _say_where(server.url, is_local=server.is_local, hub=hub)
        if given.open_page:
            typer.launch(server.page_for_once(""))
        server.run()
        _say_end(hub)


@contextmanager
def page_server(given: Served, title: str) -> "Iterator[Server]":
    """Have the port before the board is asked for anything; say which extra is missing, if any."""
    look_for("nicegui", "desk", "the page")
    from emgrig.desk.server import Server

    server = Server(given.host, given.port, title=title)
    try:
        yield server
    finally:
        server.close()


def open_hub(
    address: str,
    given: Recorded,
    *,
    profile: str | None,
    mains_hz: float | None,
    rate: int | None = None,
    conversions_per_count: int = 2 * FRAMES_PER_PACKET,
) -> "Hub":
    """Connect, set the board up, and make its hub; it is not started yet.

    Raises as `connect`, `apply` and the hub do; the board is closed then.
    """
    import emgrig
    from emgrig.driver.recovery import ReconnectPolicy

    is_closing = threading.Event()
    policy = ReconnectPolicy(total_s=math.inf, is_given_up=is_closing.is_set)
    board = emgrig.connect(in_real_time(address), reconnect=policy)
    try:
        applied = profile_for(board, profile)
        if applied:
            board.apply(applied)
        if rate is not None:
            board.chip.set_rate(rate)
        warn_of_reference(board)
        found = calibration_of(board, given.calibration)
        from emgrig.desk.stream.hub import Hub  # it brings the filters

        return Hub(
            board,
            mains_hz=mains_hz,
            profile=applied,
            calibration=found,
            outlet=open_lsl(board, found) if given.lsl else None,
            conversions_per_count=conversions_per_count,
            is_closing=is_closing,
        )
    except BaseException:
        board.close()
        raise


def _say_where(url: str, *, is_local: bool, hub: "Hub") -> None:
    say(url)
    identity = hub.board.identity
    kind = "a simulated board, " if identity.is_simulated else "board "
    note(f"{kind}{identity.serial_number}; the digital tube is under /tube; Ctrl-C ends it")
    if not is_local:
        note("everybody in the network who has this address can see and record: keep it private")


def _say_end(hub: "Hub") -> None:
    going = hub.status().recording
    if going is not None and going.is_on:
        hub.stop_recording()
        note(f"making {going.path}")
