"""`emgrig ports`: serial ports, SPI devices and boards in the network."""

from dataclasses import asdict, dataclass

from emgrig.sentences import counted
from emgrig.tools.common.options import Printed, flag, option, takes
from emgrig.tools.common.output import note, print_json, print_table


@dataclass(frozen=True, kw_only=True)
class PortsOptions(Printed):
    """What `emgrig ports` takes."""

    probe: bool = flag("Ask who is there. Opening its port starts some boards anew.")
    timeout: float = option("How long the network is listened to, s.", 1.0, min=0.0, max=60.0)


@takes
def ports(given: PortsOptions) -> None:
    """List the places where a board may be: serial ports, SPI devices, the network.

    Nothing is opened without --probe; the network is asked by one broadcast. With --probe each
    serial port is opened and asked in the board link's language, which an unknown device may take
    for something else, and which stops a run that another program has there; the SPI bus is asked
    as PiEEG's. A board at the address `auto` is the one that answers, if it is one alone.

    Examples:

      emgrig ports

      emgrig ports --probe --json
    """
    from emgrig.connect import open_transport
    from emgrig.gateways import finding

    places = [*finding.serial_places(), *finding.spi_places()]
    places += finding.network_places(given.timeout)
    if given.probe and places:
        note(f"asking {counted(len(places), 'place')}, up to some seconds each")
        places = [finding.probe(place, open_transport) for place in places]
    if given.as_json:
        print_json([asdict(place) for place in places])
        return
    if not places:
        note("no serial port, no SPI device, no board in the network that says so")
        return
    rows = [
        (
            place.kind,
            place.where,
            place.name,
            place.address or " or ".join(place.addresses) or f"spi://{place.where}?drdy=…",
            place.board or place.problem or "not asked",
        )
        for place in places
    ]
    print_table(["kind", "where", "name", "address", "board"], rows, whole=("where", "address"))
