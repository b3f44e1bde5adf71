"""`emgrig simulate`: serve a simulated board over TCP or a pseudo-terminal."""

from typing import Annotated

import typer

from emgrig.tools.output import note, print_json, print_table, say


def simulate(
    tcp: Annotated[
        str | None,
        typer.Option(help="Listen on [HOST]:PORT; port 0 takes a free one. HOST is 127.0.0.1."),
    ] = None,
    pty: Annotated[
        bool, typer.Option("--pty", help="Serve a pseudo-terminal, as a serial port.")
    ] = False,
    source: Annotated[
        str, typer.Option(help="What the electrodes see: face, bench, silence, sine:…, file:…")
    ] = "face",
    fault: Annotated[
        list[str] | None,
        typer.Option(help="A fault by name, as packets-lost:rate=0.01; may be repeated."),
    ] = None,
    speed: Annotated[str, typer.Option(help="real, a factor such as 10, or max.")] = "real",
    seed: Annotated[int, typer.Option(help="Which of all boards this is.")] = 1,
    chips: Annotated[int, typer.Option(help="ADS1299 on the board.", min=1, max=4)] = 1,
    channels: Annotated[int, typer.Option(help="Channels a chip: 8, 6 or 4.")] = 8,
    duration: Annotated[
        float | None, typer.Option(help="Stop after so many seconds; else on Ctrl-C.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option(help="Write the face's true expressions to this JSON file.")
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Say which faults there are, and stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON.")] = False,
) -> None:
    """Serve a simulated ADS1299 board, true to the chip down to the SPI byte.

    The first line printed is the address to connect to.

    Examples:

      emgrig simulate --tcp :4299

      emgrig simulate --tcp :4299 --source face --fault link-cut:at=5,after=2

      emgrig simulate --pty --source "sine:1mV,80Hz" --speed 10
    """
    if list_faults:
        _list_faults(as_json=as_json)
        return
    if (tcp is None) == (not pty):
        raise typer.BadParameter("say either --tcp [HOST]:PORT or --pty")
    from emgrig.simulator import serve

    board = serve.make_board(
        source=source,
        faults=fault or [],
        seed=seed,
        n_chips=chips,
        channels_per_chip=channels,
        truth=truth,
    )
    server = (
        serve.serve_pty(board, speed=speed)
        if tcp is None
        else serve.serve_tcp(board, *_host_port(tcp), speed=speed)
    )
    with server:
        say(f"{server.address}")
        note(f"simulated board, serial number {board.serial_number}; Ctrl-C stops it")
        server.wait(duration)


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise typer.BadParameter(f"--tcp {text}: expected [HOST]:PORT, as :4299")
    return host or "127.0.0.1", int(port)


def _list_faults(*, as_json: bool) -> None:
    from emgrig.simulator.faults import describe_faults

    faults = describe_faults()
    if as_json:
        print_json([vars(fault) for fault in faults])
        return
    header = ["fault", "parameters", "what is seen", "found by", "cause"]
    print_table(header, [fault.row() for fault in faults])
