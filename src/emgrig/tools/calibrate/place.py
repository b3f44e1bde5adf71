"""Where a calibration happens: the board, the bench if there is one, and who connects things."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from emgrig.calibration.procedures.setup import Ask, Connection, Setup
from emgrig.tools.common.output import err, note
from emgrig.version import PROGRAM

if TYPE_CHECKING:
    from emgrig.calibration.bench import Attenuator, Bench
    from emgrig.driver.board import Board
    from emgrig.simulator.bench.coupled import SimulatedBench
    from emgrig.simulator.board import SimulatedBoard

SIMULATED_BENCH = "sim"
"""What `--bench` says for the bench that goes with a simulated board."""


@dataclass(frozen=True)
class Place:
    """A board to calibrate; a person is asked, or for a simulated board the simulator itself."""

    board: "Board"
    ask: Ask
    bench: "Bench | None" = None


def _is_simulated(address: str) -> bool:
    return address.partition(":")[0].lower() == "sim"


def check_bench(address: str, bench: str | None) -> None:
    """Raise ValueError if the simulated bench is asked for without its board."""
    if bench == SIMULATED_BENCH and not _is_simulated(address):
        raise ValueError(f"--bench sim goes with a simulated board (sim:bench), not {address}")


@contextlib.contextmanager
def open_place(
    address: str, *, bench: str | None = None, attenuator: "Attenuator | None" = None
) -> Iterator[Place]:
    """Connect to the board at `address`, and to the bench; both are closed with the context.

    `bench` is two VISA resources with a comma between, or "sim" with a simulated board. No
    attenuator is a wire; with "sim" the one that the simulated bench has. Raises ValueError if
    "sim" is asked for with a board that is not simulated in this process; EmgrigError as
    `emgrig.connect` and `open_bench`.
    """
    import emgrig

    check_bench(address, bench)
    is_simulated = _is_simulated(address)
    if bench == SIMULATED_BENCH:
        with _on_simulated_bench(address, attenuator) as place:
            yield place
        return
    if is_simulated:
        from emgrig.driver.board import Board
        from emgrig.simulator.transport import SimTransport

        transport = SimTransport(address.partition(":")[2])
        ask = partial(_connect_resistors, transport.board)
        with Board(transport, client=PROGRAM) as board, _bench(bench, attenuator) as opened:
            yield Place(board, ask, opened)
        return
    with emgrig.connect(address) as board, _bench(bench, attenuator) as opened:
        yield Place(board, ask_person, opened)


def ask_person(setup: Setup) -> None:
    """Show what to connect on the standard error, and wait for Enter."""
    err.print(f"→ {setup.text}", markup=False, style="bold")
    typer.prompt("  Enter when it is done", default="", show_default=False, err=True)


@contextlib.contextmanager
def _bench(resources: str | None, attenuator: "Attenuator | None") -> Iterator["Bench | None"]:
    if resources is None:
        yield None
        return
    from emgrig.calibration.bench import open_bench

    with open_bench(resources, attenuator=attenuator) as opened:
        yield opened


@contextlib.contextmanager
def _on_simulated_bench(address: str, attenuator: "Attenuator | None") -> Iterator[Place]:
    from emgrig.calibration.bench import Attenuator
    from emgrig.calibration.figures.uncertainty import rectangular
    from emgrig.driver.board import Board
    from emgrig.simulator.bench.coupled import Divider
    from emgrig.simulator.bench.server import board_on_bench
    from emgrig.simulator.options import parse_query

    query = address.partition(":")[2]
    seed, divider = parse_query(query).seed, Divider()
    known = attenuator or Attenuator(
        divider.nominal_ratio, rectangular(divider.tolerance), divider.input_ohm, "simulated"
    )
    with board_on_bench(query, seed=seed, divider=divider) as there:
        assert there.transport is not None, "it is on virtual time"
        with (
            Board(there.transport, client=PROGRAM) as board,
            _bench(there.resources, known) as opened,
        ):
            yield Place(board, partial(_wire_bench, there.bench), opened)


def _connect_resistors(board: "SimulatedBoard", setup: Setup) -> None:
    """Connect resistors to a simulated board, as a person would."""
    from emgrig.simulator.analog.frontend import AnalogueFrontEnd
    from emgrig.simulator.analog.world import OPEN, WIRE, Electrode

    note(f"the simulator does it: {setup.text}")
    resistor = Electrode(r_ohm=setup.ohm, c_f=0.0, series_ohm=0.0)
    # Between P and N, so half of it on either side.
    half = Electrode(r_ohm=setup.ohm / 2, c_f=0.0, series_ohm=0.0)
    by_connection = {Connection.STAR: resistor, Connection.SOURCE: half, Connection.OPEN: OPEN}
    if setup.connection not in by_connection:
        raise ValueError(f"a simulated board does that with --bench sim only: {setup.text}")
    inputs = (by_connection[setup.connection],)
    for chip, part in enumerate(board.front_ends):
        assert isinstance(part, AnalogueFrontEnd)
        count = part.n_channels
        world = replace(part.world, p=inputs * count, n=inputs * count, bias=WIRE)
        part.set_world(board.bank.buses[chip].tick, world)


def _wire_bench(bench: "SimulatedBench", setup: Setup) -> None:
    """Wire the simulated bench to its board, as a person would."""
    from emgrig.simulator.bench.coupled import Wiring

    note(f"the simulator does it: {setup.text}")
    if setup.connection is Connection.DIFFERENTIAL:
        wiring = Wiring(p=setup.channels, series_p_ohm=setup.ohm)
    elif setup.connection is Connection.COMMON_MODE:
        wiring = Wiring(p=setup.channels, n=setup.channels, series_p_ohm=setup.ohm)
    else:
        raise ValueError(f"the simulated bench cannot do that: {setup.text}")
    bench.wire(wiring)
