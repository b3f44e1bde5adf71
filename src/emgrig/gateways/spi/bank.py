"""Chips on an SPI bus of this machine, as `emgrig.onboard.seams.Bank`."""

from typing import Final

import numpy as np

from emgrig.errors import TransportError
from emgrig.gateways.spi.conversions import ChipEdges, Losses, Slots, Standstill, State
from emgrig.gateways.spi.hardware import Edge, Hardware
from emgrig.gateways.spi.wiring import Wiring
from emgrig.onboard.seams import Readings
from emgrig.protocol.packets import Line

CONFIRM_NS: Final = 200_000
"""After so long without an edge a frame is good: no interrupt is served that late."""
_SLACK: Final = 0.25  #: A fall is waited for so many periods beyond its time.
_LONGEST_S: Final = 1e8  #: No run is so long, three years; the wall clock shows far more.
_MOST_LOOKS: Final = 1024  #: Chips may convert faster than they can be looked at.
_SILENT: Final = 4  #: After so many periods without one no fall is expected.


class SpiBank:
    """All chips of a board.

    Parameters
    ----------
    hardware : Hardware
        Open; the bank does not close it.
    """

    f_clk_hz = 2_048_000.0

    def __init__(self, hardware: Hardware, wiring: Wiring) -> None:
        self._hardware = hardware
        self._n_chips = len(wiring.chips)
        self.channels_per_chip = wiring.channels
        self._zeros = [0] * (3 + 3 * wiring.channels)
        self.frame_bytes = len(self._zeros) * self._n_chips
        self._pins = {
            line: gpio
            for line, gpio in (
                (Line.START, wiring.start),
                (Line.RESET, wiring.reset),
                (Line.PWDN, wiring.pwdn),
            )
            if gpio is not None
        }
        self.lines = frozenset(self._pins)
        self.losses = Losses()  #: Of this run, or the last one.
        self._chips = [ChipEdges(self.losses) for _ in range(self._n_chips)]
        self._slots = Slots(self._n_chips, self.losses)
        self._last_number = [0] * self._n_chips  # the kernel counts from 1
        self._sent_ns = 0
        self._is_counting = False

    def __len__(self) -> int:
        """Chips on the board."""
        return self._n_chips

    @property
    def now_s(self) -> float:
        """The machine's monotonic time, s."""
        return self._hardware.now_ns() * 1e-9

    @property
    def n_falls(self) -> int:
        """Conversions of the board since `begin_count`."""
        return self._slots.count

    @property
    def n_true_falls(self) -> int:
        """As `n_falls`: nobody here knows better."""
        return self._slots.count

    @property
    def next_fall_s(self) -> float | None:
        """When all chips will have a new result that has been read, or None if one is silent."""
        latest_ns = 0.0
        for chip in self._chips:
            if chip.newest is None or not chip.period_ns:
                return None
            if self._hardware.now_ns() > chip.newest.at_ns + _SILENT * chip.period_ns:
                return None
            latest_ns = max(latest_ns, chip.newest.at_ns + (1 + _SLACK) * chip.period_ns)
        return latest_ns * 1e-9

    def advance_to(self, true_s: float) -> None:
        """Wait; edges that come meanwhile are seen later."""
        left_s = true_s - self.now_s
        if left_s > 0:
            self._hardware.sleep(left_s)

    def transfer(self, chip: int, mosi: bytes) -> bytes:
        """Do one transfer of a command; frames that are not decided are lost."""
        self._give_up()
        return self._hardware.transfer(chip, list(mosi), is_command=True)

    def broadcast(self, mosi: bytes) -> None:
        """Send the same bytes to all chips, one after the other."""
        self._give_up()
        self._sent_ns = self._hardware.now_ns()
        for chip in range(self._n_chips):
            self._hardware.transfer(chip, list(mosi), is_command=True)

    def set_line(self, line: Line, *, level: bool) -> None:
        """Drive a pin that is wired to all chips."""
        self._give_up()
        self._hardware.drive(self._pins[line], level=level)

    def begin_count(self) -> None:
        """Count from 0: the first is the first result after the last broadcast, which is START."""
        self.losses.clear()
        self._slots.clear()
        waiting = self._waiting()
        for number, chip in enumerate(self._chips):
            before = [e.number for e in waiting if e.chip == number and e.at_ns < self._sent_ns]
            chip.count_from(before[-1] if before else self._last_number[number])
        self._is_counting = True
        self._note([edge for edge in waiting if edge.at_ns >= self._sent_ns])
        self._fetch()

    def read(self, until_s: float) -> Readings:
        """Read at each fall of DRDY until `until_s`; time is there afterwards."""
        until_ns = int(until_s * 1e9)
        while True:
            left_ns = until_ns - self._hardware.now_ns()
            edges = self._hardware.edges(max(left_ns, 0) * 1e-9)
            self._note(edges)
            self._fetch()
            if left_ns <= 0:
                break
        self._confirm()
        return self._collect()

    # ---- inside -------------------------------------------------------------------------------

    def _waiting(self) -> list[Edge]:
        """Return all edges that were: one look may not bring all that the kernel keeps."""
        waiting: list[Edge] = []
        for _ in range(_MOST_LOOKS):
            edges = self._hardware.edges(0.0)
            if not edges:
                break
            waiting += edges
        return waiting

    def _note(self, edges: list[Edge]) -> None:
        """Take note of edges, and of those that the kernel's count says were before them."""
        for edge in edges:
            self._last_number[edge.chip] = edge.number
        if not self._is_counting:
            return
        for edge in edges[:1]:
            self._check_clock(edge)
        if self._n_chips == 1:
            for edge in edges:
                for conversion in self._chips[0].take(edge):
                    self._slots.add(0, conversion)
            return
        found = [(one, edge.chip) for edge in edges for one in self._chips[edge.chip].take(edge)]
        for one, chip in sorted(found, key=lambda pair: pair[0].at_ns):
            self._slots.add(chip, one)

    def _check_clock(self, edge: Edge) -> None:
        """Raise TransportError if edges are stamped by another clock: nothing could be placed."""
        after_s = (edge.at_ns - self._sent_ns) * 1e-9
        if not 0 <= after_s < _LONGEST_S:
            self._is_counting = False
            raise TransportError(
                f"DRDY fell {after_s:.6g} s after START, by the kernel's stamps: they are not of "
                "the monotonic clock, and frames cannot be told apart by them; Linux 5.10 or newer "
                "with a GPIO driver that keeps to it is needed"
            )

    def _fetch(self) -> None:
        """Read the newest result of each chip that has one, the oldest first."""
        waiting = [
            (chip.newest.at_ns, number, chip.newest)
            for number, chip in enumerate(self._chips)
            if chip.newest is not None and chip.newest.state is State.UNREAD
        ]
        for _, number, conversion in sorted(waiting, key=lambda one: one[0]):
            conversion.begin_ns = self._hardware.now_ns()
            conversion.frame = self._hardware.transfer(number, self._zeros, is_command=False)
            conversion.end_ns = self._hardware.now_ns()
            conversion.state = State.HELD

    def _confirm(self) -> None:
        """Wait until the frames that are held are known to be good, unless results come faster."""
        for _ in range(2 * self._n_chips):
            held = [
                (chip, chip.newest)
                for chip in self._chips
                if chip.newest is not None and chip.newest.state is State.HELD
            ]
            if not held:
                return
            due_ns = max(one.end_ns for _, one in held) + CONFIRM_NS
            edges = self._hardware.edges(max(due_ns - self._hardware.now_ns(), 0) * 1e-9)
            if not edges:
                for chip, one in held:
                    chip.believe(one)
                return
            self._note(edges)
            self._fetch()

    def _give_up(self) -> None:
        """Lose what is not decided: after a command nobody can tell what a frame belongs to."""
        try:
            self._note(self._waiting())
        except Standstill:  # chips that convert between runs, with nobody to read them
            self._is_counting = False
        for chip in self._chips:
            newest = chip.newest
            if newest is not None and not newest.is_decided:
                chip.lose(newest, is_late=newest.state is State.UNREAD)

    def _collect(self) -> Readings:
        ready = self._slots.ready()
        data = np.frombuffer(b"".join(frame for _, _, frame in ready), np.uint8)
        return Readings(
            np.array([number for number, _, _ in ready], np.int64),
            np.array([at_ns for _, at_ns, _ in ready], np.float64) * 1e-9,
            data.reshape(len(ready), self.frame_bytes),
        )
