"""A served board behind a control port."""

from collections.abc import Callable
from typing import Final

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import OPEN, Electrode, World
from emgrig.simulator.assembly import chip_part
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.control.words import COMMON, split_electrode
from emgrig.simulator.faults.actions import change_all_worlds, change_world, locate
from emgrig.simulator.faults.named import FAULTS, drawn, parse_fault, switch_on
from emgrig.simulator.options import MAX_SPEED
from emgrig.simulator.serve import BoardServer
from emgrig.simulator.sources.signals import parse_source

_MOST_FAULTS: Final = 1000


class BoardControl:
    """What a control port can do to a board (implements `Controlled`).

    Parameters
    ----------
    board : SimulatedBoard
        The board. Whoever else uses it holds the server's lock.
    server : BoardServer or None
        What serves it; None: nobody does, and its time is the caller's alone.
    source : str
        What its electrodes see now.
    faults : sequence of str
        What is wrong with it already.
    seed : int
        Which board it is.
    """

    def __init__(
        self,
        board: SimulatedBoard,
        server: BoardServer | None = None,
        *,
        source: str,
        faults: tuple[str, ...] = (),
        seed: int = 0,
    ) -> None:
        self._board = board
        self._server = server
        self._source = source
        self._faults = [*faults]
        self._seed = seed
        self._contacts: dict[str, float | None] = {}

    def status(self) -> dict[str, object]:
        """See `Controlled`."""
        server = self._server
        made: dict[str, object] = {
            "time_s": round(self._board.now_s, 6),
            "channels": sum(part.n_channels for part in self._board.front_ends),
            "is_streaming": self._board.is_streaming,
            "source": self._source,
            "faults": list(self._faults),
            "lifted": [name for name, kohm in self._contacts.items() if kohm is None],
            "contacts_kohm": {n: kohm for n, kohm in self._contacts.items() if kohm is not None},
        }
        if server is not None:
            speed = server.speed
            made |= {
                "address": server.address,
                "speed": "max" if speed == MAX_SPEED else speed,
                "is_paused": server.is_paused,
            }
        return made

    def contact(self, electrode: str, kohm: float | None) -> None:
        """See `Controlled`."""
        made = OPEN if kohm is None else Electrode(r_ohm=1e3 * kohm)
        name = electrode.upper()
        if name in COMMON:
            self._locked(lambda: change_all_worlds(self._board, _with(name, made)))
        else:
            channel, side = split_electrode(name)
            name = f"{channel}{side.upper()}"
            chip, own = locate(self._board, channel)
            pin = f"IN{own}{side.upper()}"
            self._locked(lambda: change_world(self._board, chip, _with(pin, made)))
        self._contacts.pop(name, None)
        self._contacts[name] = kohm

    def fault(self, text: str) -> None:
        """See `Controlled`."""
        if len(self._faults) >= _MOST_FAULTS:
            raise ValueError(f"there are {_MOST_FAULTS} faults already; start anew")
        place = len(self._faults)
        settings = drawn((parse_fault(text),), self._seed + place)
        for one in settings:
            if FAULTS[one.name].switch_on is None:
                raise ValueError(f"fault {one.name} is built in; say it at the start (--fault)")
        self._locked(lambda: switch_on(self._board, settings, self._seed + place))
        self._faults += [str(one) for one in settings]

    def source(self, text: str) -> None:
        """See `Controlled`."""
        board = self._board
        n_chips, n_channels = len(board.front_ends), board.front_ends[0].n_channels
        whole = parse_source(text, n_chips * n_channels, self._seed)

        def change() -> None:
            for index, part in enumerate(board.front_ends):
                if not isinstance(part, AnalogueFrontEnd):
                    raise ValueError("the board has no electrodes")  # noqa: TRY004 - no fault of ours
                seen = chip_part(whole, index, n_channels, n_chips)
                part.set_source(board.bank.buses[index].tick, seen)
            board.truth = whole

        self._locked(change)
        self._source = text

    def speed(self, speed: float) -> None:
        """See `Controlled`."""
        self._served().set_speed(speed)

    def pause(self, *, is_paused: bool) -> None:
        """See `Controlled`."""
        self._served().pause(is_paused=is_paused)

    def _served(self) -> BoardServer:
        if self._server is None:
            raise ValueError("nobody serves the board; its time is its owner's")
        return self._server

    def _locked(self, change: Callable[[], None]) -> None:
        if self._server is None:
            change()
            return
        with self._server.lock:
            change()


def _with(pin: str, electrode: Electrode) -> Callable[[World], World]:
    return lambda world: world.with_electrode(pin, electrode)
