"""The simulated board: chips, wires, firmware and link on one true time, without I/O."""

import heapq
from collections.abc import Callable, Sequence
from typing import Final

from emgrig.errors import TransportError
from emgrig.onboard.native import Firmware
from emgrig.onboard.seams import BoardFacts, Client
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.model import MakeFirmware
from emgrig.simulator.firmware.spi import SpiBus
from emgrig.simulator.seams import FrontEnd, Source

WINDOW_BYTES: Final = 4 << 20
"""What the PC's side of a connection holds unread, unless told otherwise."""
LONGEST_STEP_S: Final = 1.0  #: Time moves in steps of at most this, so that memory stays bounded.

DEFAULT_FACTS: Final = BoardFacts()


class SimulatedBoard:
    """A board that is powered on and has booted.

    Time is true time, s since power-on. It moves by `run_until`, and by the SPI traffic that
    requests cause.

    Parameters
    ----------
    front_ends : sequence of FrontEnd
        The analogue half of each chip: one or more, all with the same number of channels.
    f_clk_hz : float, > 0
        True frequency of the chips' common clock, Hz.
    drift_ppm : float
        Error of the board's own crystal, parts per million.
    facts : BoardFacts
        What the firmware says about the board.
    truth : Source or None
        What the electrodes see, for comparison.
    firmware : MakeFirmware
        What runs on its processor: ours, or another of `FIRMWARES`.
    """

    def __init__(
        self,
        front_ends: Sequence[FrontEnd],
        *,
        f_clk_hz: float = 2_048_000.0,
        drift_ppm: float = 0.0,
        facts: BoardFacts = DEFAULT_FACTS,
        truth: Source | None = None,
        firmware: MakeFirmware = Firmware,
    ) -> None:
        if not front_ends or len({front_end.n_channels for front_end in front_ends}) != 1:
            raise ValueError("a board has one or more chips, all with the same number of channels")
        self.front_ends = tuple(front_ends)
        self.truth = truth
        self.crystal = Crystal(drift_ppm)  #: The board's clock.
        #: The chips and their wires.
        self.bank = ChipBank(
            [
                SpiBus(Ads1299Chip(part, n_channels=part.n_channels, f_clk_hz=f_clk_hz))
                for part in front_ends
            ]
        )
        self.firmware = firmware(self.bank, facts, self.crystal)
        self._clients: list[Client] = []
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self._n_scheduled = 0

    @property
    def now_s(self) -> float:
        """True time, s since power-on."""
        return self.bank.now_s

    @property
    def is_streaming(self) -> bool:
        """True while a run is on."""
        return self.firmware.is_streaming

    @property
    def is_link_up(self) -> bool:
        """True if a client can connect."""
        return self.firmware.link.is_up

    @property
    def produced(self) -> tuple[int, ...]:
        """Ground truth: conversions of the first chip in each run that has ended."""
        return self.firmware.produced

    def true_s(self, board_time_us: int) -> float:
        """Return the true time at which the board's clock showed `board_time_us` since its boot."""
        return self.crystal.boot_s + board_time_us / self.crystal.per_second

    def connect(self, window_bytes: int = WINDOW_BYTES) -> Client:
        """Take a client that holds at most `window_bytes` that it has not taken.

        Raises
        ------
        TransportError
            If the link is cut.
        """
        if not self.is_link_up:
            raise TransportError("the simulated link is cut; try again later")
        client = self.firmware.connect(window_bytes)
        self._clients.append(client)
        return client

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing."""
        self.firmware.disconnect(client)
        if client in self._clients:
            self._clients.remove(client)

    def receive(self, client: Client, data: bytes) -> None:
        """Take bytes from a client, now; never raises on their content."""
        self.firmware.receive(client, data)

    def take(self, client: Client, max_bytes: int = WINDOW_BYTES) -> bytes:
        """Hand a client at most `max_bytes` of what has arrived for it."""
        return client.outlet.take(max_bytes)

    def run_until(self, true_s: float) -> None:
        """Let time pass up to `true_s`; a time that has passed does nothing."""
        while self._actions and self._actions[0][0] <= true_s:
            at_s, _, action = heapq.heappop(self._actions)
            self._advance(at_s)
            action()
        self._advance(true_s)

    def schedule(self, at_s: float, action: Callable[[], None]) -> None:
        """Do `action` at true time `at_s`, or now if that has passed."""
        if at_s <= self.now_s:
            action()
            return
        self._n_scheduled += 1
        heapq.heappush(self._actions, (at_s, self._n_scheduled, action))

    def cut_link(self) -> None:
        """Cut all connections; nobody can connect until `restore_link`."""
        self.firmware.link.is_up = False
        for client in tuple(self._clients):
            self.disconnect(client)

    def restore_link(self) -> None:
        """Let clients connect again."""
        self.firmware.link.is_up = True

    def restart(self, cause: ResetCause) -> None:
        """Let the board's processor start anew."""
        self.firmware.restart(cause)

    def _advance(self, true_s: float) -> None:
        while self.now_s < true_s:
            before_s = self.now_s
            self.firmware.advance(min(true_s, before_s + LONGEST_STEP_S))
            if self.now_s <= before_s:  # less than one tick is left
                return
