"""`emgrig simulate`: serve a simulated board over TCP or a pseudo-terminal."""

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from emgrig.tools.common.options import Printed, flag, host_port, option, takes
from emgrig.tools.common.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from emgrig.simulator.board import SimulatedBoard
    from emgrig.simulator.control.port import ControlPort
    from emgrig.simulator.faults.fault import FaultSetting
    from emgrig.simulator.options import SimOptions
    from emgrig.simulator.serve import BoardServer

#: Boards of others that only send frames, and their channels.
OTHERS = {"cerelog": 8, "ardeeg": 8, "knight": 8, "eegfrontier": 4}
#: Boards of others that have a gateway of their own: its scheme, and how many chips they have.
WITH_GATEWAY = {
    "cyton": ("cyton", 1),
    "cyton-daisy": ("cyton", 2),
    "hackeeg": ("hackeeg", 1),
    "meower": ("meower", 2),
}
#: How much of a face's future `--truth` writes.
TRUTH_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class SimulateOptions(Printed):
    """What `emgrig simulate` takes."""

    tcp: str | None = option("Listen on [HOST]:PORT; port 0 takes a free one. HOST is 127.0.0.1.")
    pty: bool = flag("Serve a pseudo-terminal, as a serial port.")
    udp: str | None = option(
        "Be in the network at HOST:PORT (meower: 127.0.0.2:5000), or send there (ardeeg)."
    )
    source: str = option("What the electrodes see: face, bench, silence, sine:…, file:…", "face")
    fault: list[str] | None = option("A fault by name, as packets-lost:rate=0.01; may be repeated.")
    board: str | None = option(
        f"Be a board of others: {', '.join([*WITH_GATEWAY, *OTHERS])}.", None, "--as"
    )
    mended: list[str] | None = option(
        "Without this trap of that board's firmware; may be repeated (docs/boards.md names them)."
    )
    speed: str = option("real, a factor such as 10, or max.", "real")
    seed: int = option("Which of all boards this is.", 1)
    chips: int = option("ADS1299 on the board.", 1, min=1, max=4)
    channels: int | None = option("Channels a chip: 8, 6 or 4; else as the board has.")
    duration: float | None = option("Stop after so many seconds; else on Ctrl-C.")
    truth: str | None = option("Write the face's true expressions to this JSON file.")
    control: str | None = option(
        "Serve a control port on [127.0.0.1:]PORT, for `emgrig control`; 0 takes a free one."
    )
    list_faults: bool = flag("Say which faults there are, and stop.")


@takes
def simulate(given: SimulateOptions) -> None:
    """Serve a simulated ADS1299 board, true to the chip down to the SPI byte.

    The first line printed is the address to connect to.

    Examples:

      emgrig simulate --tcp :4299

      emgrig simulate --tcp :4299 --source face --fault link-cut:at=5,after=2

      emgrig simulate --tcp :4299 --as cerelog

      emgrig simulate --pty --source "sine:1mV,80Hz" --speed 10

      emgrig simulate --tcp :4299 --control 4399

    Then, while somebody streams: emgrig control :4399 lift 3P
    """
    if given.list_faults:
        _list_faults(as_json=given.as_json)
        return
    if sum((given.tcp is not None, given.pty, given.udp is not None)) != 1:
        raise typer.BadParameter("say one of --tcp [HOST]:PORT, --pty and --udp HOST:PORT")
    from emgrig.simulator.options import parse_speed

    steered = None if given.control is None else host_port(given.control, "--control")
    if steered is not None:
        from emgrig.simulator.control.port import check_host

        check_host(steered[0])
    options = _board_options(given)
    import numpy as np

    from emgrig.onboard.native import Firmware
    from emgrig.simulator.assembly import build_board

    board = build_board(options)
    if board.truth is not None:
        # What a source has to load takes seconds on a busy computer: not once somebody waits.
        board.truth.volts(np.zeros(1))
    if given.truth:
        _write_truth(board.truth, given.truth)
    rate = parse_speed(given.speed)
    if isinstance(board.firmware, Firmware):
        board.firmware.told_at = logging.INFO  # for others it runs: -v tells what they ask
    server = _serve(given, board, rate)
    with server, contextlib.ExitStack() as stack:
        port = None if steered is None else stack.enter_context(_control(server, options, steered))
        say(_address(server.address, given.board))
        if port is not None:
            note(f"control port: emgrig control {port.address} status")
        for setting in options.faults:
            note(f"with the fault {setting}")
        note(f"a simulated board, SIM-{given.seed:04d}; Ctrl-C stops it")
        with contextlib.suppress(KeyboardInterrupt):
            server.wait(given.duration)


def _serve(given: SimulateOptions, board: "SimulatedBoard", speed: float) -> "BoardServer":
    from emgrig.simulator.serve import serve_pty, serve_tcp
    from emgrig.simulator.serve_udp import serve_udp

    if given.udp is not None:
        return serve_udp(board, *host_port(given.udp, "--udp"), speed=speed)
    if given.board == "meower":
        raise typer.BadParameter("a meower speaks UDP alone: say --udp 127.0.0.2:5000")
    if given.tcp is None:
        return serve_pty(board, speed=speed)
    return serve_tcp(board, *host_port(given.tcp), speed=speed)


def _control(server: "BoardServer", options: "SimOptions", where: tuple[str, int]) -> "ControlPort":
    from emgrig.simulator.control.board import BoardControl
    from emgrig.simulator.control.port import ControlPort

    faults = tuple(map(str, options.faults))
    controlled = BoardControl(
        server.board, server, source=options.source, faults=faults, seed=options.seed
    )
    return ControlPort(controlled, *where)


def _board_options(given: SimulateOptions) -> "SimOptions":
    from emgrig.simulator.options import SimOptions

    if given.channels not in (None, 4, 6, 8):
        raise typer.BadParameter(f"--channels {given.channels}: expected 4, 6 or 8")
    others = {**OTHERS, **dict.fromkeys(WITH_GATEWAY, 8)}
    if given.board not in (None, *others):
        raise typer.BadParameter(f"--as {given.board}: there are {', '.join(others)}")
    has = others[given.board] if given.board else 8
    firmware, chips = WITH_GATEWAY.get(given.board or "", (given.board or "native", given.chips))
    if given.board and given.channels not in (None, has):
        raise typer.BadParameter(f"--channels {given.channels}: a {given.board} has {has}")
    faults: tuple[FaultSetting, ...] = ()
    if given.fault:
        from emgrig.simulator.faults.named import parse_fault

        faults = tuple(parse_fault(text) for text in given.fault)
    return SimOptions(
        source=given.source,
        faults=faults,
        seed=given.seed,
        chips=chips,
        channels=given.channels or has,
        firmware=firmware,
        mended=frozenset(given.mended or ()),
        is_bench=given.source == "bench",
    )


def _address(served: str, board: str | None) -> str:
    """Return the address to connect to: through a gateway, if the board is none of ours."""
    if board is None:
        return served
    if served.startswith("udp:"):
        if board == "meower":
            return f"meower:{served.removeprefix('udp:')}?here=127.0.0.1"
        return f"frames+udp://:{served.rpartition(':')[2]}?template={board}"
    if board in WITH_GATEWAY:
        scheme = WITH_GATEWAY[board][0]
        over_serial = served.startswith("serial:")
        return scheme + (served.removeprefix("serial") if over_serial else f"+{served}")
    if served.startswith("serial:"):
        return f"frames:{served.removeprefix('serial:')}?template={board}"
    return f"frames+{served}?template={board}"


def _write_truth(source: object, path: str) -> None:
    from emgrig.simulator.sources.face import Face

    if not isinstance(source, Face):
        raise typer.BadParameter("--truth goes with --source face")
    source.write_truth(path, 0.0, TRUTH_S)
    note(
        f"truth: {path}, JSON: when each expression and blink of the first {TRUTH_S:.0f} s begins, "
        "where, how strong"
    )


def _list_faults(*, as_json: bool) -> None:
    from emgrig.simulator.faults.named import describe_faults, parameters_of

    faults = describe_faults()
    if as_json:
        keys = ("name", "effect", "found_by", "cause")
        print_json(
            [
                {key: getattr(fault, key) for key in keys}
                | {
                    "parameters": {
                        name: {"default": p.default, "unit": p.unit, "meaning": p.meaning}
                        for name, p in parameters_of(fault).items()
                    }
                }
                for fault in faults
            ]
        )
        return
    rows = []
    for fault in faults:
        parameters = parameters_of(fault).items()
        shown = ", ".join(f"{name}={p.default}{p.unit and ' ' + p.unit}" for name, p in parameters)
        rows.append((fault.name, fault.effect, fault.found_by, fault.cause, shown))
    print_table(["fault", "what is seen", "found by", "cause", "parameters and defaults"], rows)
