"""Telling the face on a simulated board what to do while the board runs."""

from typing import Final

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.assembly import ChipPart
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.sources.performer import Performer

LEAD_S: Final = 0.02  #: Interpolation looks ahead by less.


def perform_on(
    board: SimulatedBoard, channel: int, onset_s: float, duration_s: float, peak_uv: float
) -> None:
    """Let the face on a board contract a muscle; see `Performer.perform`.

    The front ends forget what they computed ahead.

    Raises
    ------
    ValueError
        If there is no such face, an argument is out of range, or the onset is no `LEAD_S` ahead of
        the board's time.
    """
    performer = board.truth
    if not isinstance(performer, Performer):
        raise ValueError("this board sees no face that can be told what to do; use sim:face")  # noqa: TRY004
    if onset_s < board.now_s + LEAD_S:
        raise ValueError(f"an onset at {onset_s:.3f} s is too late, it is {board.now_s:.3f} s")
    performer.perform(channel, onset_s, duration_s, peak_uv)
    for chip, part in enumerate(board.front_ends):
        if isinstance(part, AnalogueFrontEnd):
            # a new one of one chip too: only another source than the last throws away what is ahead
            seen = ChipPart(performer, chip, part.n_channels, len(board.front_ends))
            part.set_source(board.bank.buses[chip].tick, seen)
