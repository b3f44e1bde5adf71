"""`emgrig desk`: the page for the person who glues electrodes on a face."""

import logging
import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.extras import require
from emgrig.files import check_folder
from emgrig.tools.board_commands import Address
from emgrig.tools.common.options import read_mvc
from emgrig.tools.common.output import note, say
from emgrig.tools.record_commands import (
    calibration_of,
    contact_of,
    open_lsl,
    warn_of_reference,
)

if TYPE_CHECKING:
    from emgrig.desk.stream.hub import Hub

log = logging.getLogger(__name__)

PORT = 8299
FRAMES_PER_PACKET = 16


def desk(
    address: Address,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder that recordings go into.")
    ] = Path(),
    profile: Annotated[
        str, typer.Option(help="A packaged profile, a TOML file, or 'keep' for what is set.")
    ] = "facial-emg",
    rate: Annotated[
        int | None, typer.Option(help="Samples a second, in place of the profile's.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve on; anything but loopback asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = PORT,
    mains: Annotated[float, typer.Option(help="Mains, Hz: 50, 60, or 0 for none.")] = 50.0,
    mvc: Annotated[
        list[str] | None,
        typer.Option(help="MVC for the level meters: CHANNEL=uV (repeat), or a session's file."),
    ] = None,
    packets_per_count: Annotated[
        int, typer.Option(help="The digital tube counts one for so many packets of 16.", min=1)
    ] = 2,
    digits: Annotated[int, typer.Option(help="Of the digital tube.", min=1, max=9)] = 5,
    check_seconds: Annotated[
        float | None,
        typer.Option(help="Of the check, for each electrode; 1.6 if left out, at least 0.5."),
    ] = None,
    lsl: Annotated[bool, typer.Option("--lsl", help="Send samples and markers over LSL.")] = False,
    calibration: Annotated[
        str | None,
        typer.Option(help="Folder or file of certificates, or 'none'; else the usual one."),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in this computer's browser.")
    ] = False,
) -> None:
    """Serve a page: are the electrodes on, is the signal good, record it.

    The page shows a face with the electrodes and their lights, live traces and level meters, rate,
    loss and counters; it starts and stops recordings and takes markers. Under /tube it shows the
    digital tube, full-screen, to be filmed. The first line printed is the address to open.
    A recording goes on when the page is closed; Ctrl-C ends it properly.

    Needs pip install 'emgrig[desk]'.

    Examples:

      emgrig desk tcp://192.168.4.1:4299 --output session-01

      emgrig desk sim: --open
    """
    need_desk()
    check_folder(output)
    from emgrig.desk.desk import Desk
    from emgrig.desk.pages.page import build
    from emgrig.desk.server import Server
    from emgrig.desk.stream.contact import Contact
    from emgrig.electrodes import ContactSettings, Limits

    check_settings = ContactSettings(seconds=check_seconds)
    server = Server(host, port, title="emgrig desk")
    try:
        with open_hub(
            address,
            profile=profile,
            rate=rate,
            mains_hz=mains or None,
            calibration=calibration,
            lsl=lsl,
            conversions_per_count=packets_per_count * FRAMES_PER_PACKET,
        ) as hub:
            hub.mvc_uv.update(read_mvc(mvc or [], hub.board.chip.n_channels))
            contact = Contact(hub, Limits(), contact_of(hub.board))
            hub.start(threaded=True)
            folder = output.resolve()
            build(Desk(hub, contact, folder, digits=digits, check_settings=check_settings))
            _say_where(server.url, is_local=server.is_local, hub=hub)
            if open_page:
                typer.launch(server.url)
            server.run()
            _say_end(hub)
    finally:
        server.close()


def need_desk() -> None:
    """Say which extra is missing, if it is."""
    require("nicegui", "desk", "the page")


def open_hub(
    address: str,
    *,
    profile: str,
    rate: int | None,
    mains_hz: float | None,
    calibration: str | None,
    lsl: bool,
    conversions_per_count: int = 2 * FRAMES_PER_PACKET,
) -> "Hub":
    """Connect, set the board up, and make its hub; it is not started yet.

    Raises
    ------
    EmgrigError, ValueError
        As `connect`, `apply` and the hub do; the board is closed then.
    """
    import emgrig
    from emgrig.connect import in_real_time
    from emgrig.desk.stream.hub import Hub
    from emgrig.driver.recovery import ReconnectPolicy

    is_closing = threading.Event()
    policy = ReconnectPolicy(total_s=math.inf, is_given_up=is_closing.is_set)
    board = emgrig.connect(in_real_time(address), reconnect=policy)
    try:
        if profile != "keep":
            board.apply(profile)
        if rate is not None:
            board.chip.set_rate(rate)
        warn_of_reference(board)
        found = calibration_of(board, calibration)
        return Hub(
            board,
            mains_hz=mains_hz,
            profile="" if profile == "keep" else profile,
            calibration=found,
            outlet=open_lsl(board, found) if lsl else None,
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
