"""`emgrig gateway`: serve a board that this machine reaches on a TCP port."""

import contextlib
from dataclasses import dataclass

import typer

from emgrig.connect import in_real_time, open_transport
from emgrig.tools.common.options import OfBoard, host_port, option, takes
from emgrig.tools.common.output import note, say


@dataclass(frozen=True, kw_only=True)
class GatewayOptions(OfBoard):
    """What `emgrig gateway` takes."""

    tcp: str = option("Listen on [HOST]:PORT; port 0 takes a free one. HOST is 127.0.0.1.")
    duration: float | None = option("Stop after so many seconds; else on Ctrl-C.")


@takes
def gateway(given: GatewayOptions) -> None:
    """Serve the board at ADDRESS on a TCP port, so that others in the network can use it.

    A Raspberry Pi with chips on its SPI bus is a Wi-Fi board then. Only this computer can connect
    unless HOST is said: 0.0.0.0 is everybody in the network, and nobody is asked who he is
    (docs/security.md). One client at a time.

    The first line printed is the address to connect to.

    Examples:

      emgrig gateway spi:pieeg --tcp 0.0.0.0:4299

      emgrig gateway "spi:///dev/spidev0.0?drdy=25&start=22&reset=23" --tcp :4299
    """
    if given.tcp is None:
        raise typer.BadParameter("say where to listen: --tcp [HOST]:PORT")
    host, port = host_port(given.tcp)
    transport = open_transport(in_real_time(given.address))
    from emgrig.gateways.finding import say_hello
    from emgrig.protocol.packets import Capability
    from emgrig.tools.gateway.bridge import Bridge

    with Bridge(transport, host, port) as bridge:
        told = say_hello(bridge.transport)
        bridge.transport.reopen()
        serial_number = told.serial_number
        simulated = "SIMULATED " if told.capabilities & Capability.SIMULATED else ""
        shown = "HOST" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
        say(f"tcp://{shown}:{bridge.port}")
        is_told = bridge.announce(serial_number)
        found = "; emgrig ports finds it" if is_told else ""
        note(f"{simulated}{serial_number}{found}; Ctrl-C stops it")
        with contextlib.suppress(KeyboardInterrupt):
            bridge.serve(given.duration)
