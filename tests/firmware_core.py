"""The firmware in C, compiled for this machine, as the processor of a simulated board.

`CoreFirmware` takes the place of the simulator's own firmware (`FirmwareModel`): the same chips and
wires, the same link with its faults, on virtual time. An edge of DRDY is an interrupt: `emg_drdy`
is called whenever time has passed over one, also inside a call of the hardware layer.
"""

import ctypes
import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char_p, c_int, c_size_t, c_void_p
from ctypes import c_uint8 as u8
from ctypes import c_uint16 as u16
from ctypes import c_uint32 as u32
from ctypes import c_uint64 as u64
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emgrig.attach.c.build import compiler
from emgrig.onboard.native import CAPABILITIES
from emgrig.onboard.outlet import UNLIMITED, Link
from emgrig.onboard.seams import BoardFacts, Client, ReadFilter
from emgrig.protocol.packets import ALL_CHIPS, Line, ResetCause
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.chip.ads1299 import Pin
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from properties import is_nightly

SOURCES = Path(str(files("emgrig.firmware"))) / "sources"
CORE = SOURCES / "core"
GLUE = Path(__file__).parent / "firmware_c" / "glue.c"
#: What the core must compile with, without a warning.
STRICT = [
    "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wsign-conversion",
    "-Wshadow", "-Wcast-qual", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef",
]  # fmt: skip
#: As large as the simulator's own firmware.
SIZES = ["-DEMG_MAX_CHIPS=4u", "-DEMG_MAX_LINKS=4u", "-DEMG_TX_BYTES=65536u"]
MOST_LINKS = 4
SDATAC = b"\x11"
TICK_S = 1e-3  #: How often the firmware's loop comes round when no conversion is due.

#: `make firmware-test`, and by night: all of bring-up, every fault, each test on both processors.
IS_FULL = is_nightly() or os.environ.get("EMGRIG_FIRMWARE_TEST") == "full"

needs_c = pytest.mark.skipif(
    compiler(is_cpp=False) is None,
    reason="no C compiler; install gcc or clang, or name it in CC",
)

_PINS = {Line.START: Pin.START, Line.RESET: Pin.RESET, Line.PWDN: Pin.PWDN}

CALLS = {
    "now_us": CFUNCTYPE(u64, c_void_p),
    "delay_us": CFUNCTYPE(None, c_void_p, u32),
    "idle_us": CFUNCTYPE(None, c_void_p, u32),
    "transfer": CFUNCTYPE(None, c_void_p, u32, POINTER(u8), POINTER(u8), c_size_t, u32, u32),
    "line": CFUNCTYPE(None, c_void_p, c_int, c_bool),
    "receive": CFUNCTYPE(c_size_t, c_void_p, u8, POINTER(u8), c_size_t),
    "send": CFUNCTYPE(c_size_t, c_void_p, u8, POINTER(u8), c_size_t),
    "blink": CFUNCTYPE(None, c_void_p, u16),
    "show": CFUNCTYPE(None, c_void_p, u32),
    "reboot": CFUNCTYPE(None, c_void_p),
}


class Hal(ctypes.Structure):
    """`struct emg_hal`."""

    _fields_ = (("context", c_void_p), *CALLS.items())


class Facts(ctypes.Structure):
    """`struct emg_facts`."""

    _fields_ = (
        ("serial_number", c_char_p), ("firmware_version", c_char_p), ("git_revision", c_char_p),
        ("n_chips", u8), ("channels_per_chip", u8), ("lines", u8), ("n_series", u8),
        ("series_ohm", POINTER(u32)), ("f_clk_hz", u32), ("vref_uv", u32),
        ("channels_wired", u32), ("capabilities", u32), ("transmit_bytes", u32), ("linger_us", u64),
    )  # fmt: skip


def compile_core(target: Path, flags: Sequence[str] = (), sources: Sequence[Path] = ()) -> Path:
    """Compile the core with `sources` into a shared library, or a program if `flags` say so."""
    found = compiler(is_cpp=False)
    assert found is not None
    words = [found, *STRICT, "-g", f"-I{CORE}", *flags]
    words += [*map(str, sorted(CORE.glob("*.c"))), *map(str, sources), "-o", str(target)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return target


@functools.cache
def library() -> Any:
    """The core as a library; compiled once a process."""
    folder = tempfile.TemporaryDirectory(prefix="emgrig-core-")
    flags = ["-O2", "-shared", "-fPIC", *SIZES]
    loaded = ctypes.PyDLL(str(compile_core(Path(folder.name) / "core.so", flags, [GLUE])))
    loaded.folder = folder  # for as long as the library is there
    loaded.glue_board_bytes.restype = c_size_t
    loaded.emg_drdy.argtypes = [c_void_p, u64]
    for name in ("emg_connected", "emg_disconnected"):
        getattr(loaded, name).argtypes = [c_void_p, u8]
    loaded.emg_trigger.argtypes = [c_void_p, u8, c_bool]
    loaded.emg_boot.argtypes = [c_void_p, c_int]
    loaded.emg_board_init.argtypes = [c_void_p, c_void_p, c_void_p]
    loaded.glue_go.argtypes = [c_void_p]
    loaded.glue_next_sequence.argtypes = [c_void_p, u16]
    loaded.glue_send.argtypes = [c_void_p, c_int, c_char_p, u16]
    loaded.glue_send.restype = c_bool
    loaded.glue_event.argtypes = [c_void_p, c_int, u32, u64, c_char_p, u16]
    return loaded


@dataclass(eq=False)
class Wire:
    """One connection, as the board sees it: it takes bytes if the link does."""

    link: Link
    window_bytes: int
    arrived: bytearray = field(default_factory=bytearray)
    inbox: bytearray = field(default_factory=bytearray)
    is_open: bool = True

    def __post_init__(self) -> None:
        self._packet = bytearray()  # what has come of the packet that is on its way
        self._credit_bytes = 0.0
        self._asked_s, self._is_waiting = 0.0, False  # the last time, and whether all was taken

    @property
    def outlet(self) -> "Wire":
        """Where the board takes what arrived: here."""
        return self

    def take(self, max_bytes: int) -> bytes:
        """Hand over at most `max_bytes` of what arrived."""
        taken = bytes(self.arrived[:max_bytes])
        del self.arrived[:max_bytes]
        return taken

    def send(self, data: bytes, now_s: float) -> int:
        """Take some of `data`; what is whole goes through the link's damage."""
        n = self._room(len(data), now_s)
        self._packet += data[:n]
        self._asked_s, self._is_waiting = now_s, n < len(data)
        if len(self._packet) >= 8:
            total = 12 + int.from_bytes(self._packet[6:8], "little")
            if len(self._packet) >= total:
                self.arrived += self.link.damage([bytes(self._packet)])
                self._packet.clear()
        return n

    def _room(self, n: int, now_s: float) -> int:
        if self.link.is_stalled:
            self._credit_bytes = 0.0
            return 0
        if not self._packet and len(self.arrived) >= self.window_bytes:
            return 0
        if self.link.bytes_per_s == UNLIMITED:
            return n
        if self._is_waiting:
            self._credit_bytes += (now_s - self._asked_s) * self.link.bytes_per_s
        elif now_s > self._asked_s:  # nothing waited meanwhile
            self._credit_bytes = 0.0
        taken = min(n, int(self._credit_bytes))
        self._credit_bytes -= taken
        return taken

    def forget(self) -> None:
        """Drop the part of a packet that is on its way: the board booted."""
        self._packet.clear()
        self.inbox.clear()


class CoreFirmware:
    """The C core on the chips of a simulated board (a `FirmwareModel`)."""

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        self.bank, self.crystal, self.link = bank, crystal, Link()
        self.produced_runs: list[int] = []
        self.digits, self.blinking_until_s = 0, 0.0
        #: Given n, says at which of the next n edges the loop comes round in time; None: at all.
        self.read_filter: ReadFilter | None = None
        self._n_unseen = 0  # edges that were counted while the loop was elsewhere
        self._wires: dict[int, Wire] = {}
        self._falls = bank.buses[0].n_drdy_falls
        self._is_reboot_due = self.is_streaming = False
        self._load(facts)
        crystal.restart(bank.now_s)
        self._core.emg_boot(self.board, ResetCause.POWER_ON)

    def _load(self, facts: BoardFacts) -> None:
        """Bring the core here: `self._core` has its functions, `self.board` is its board."""
        bank = self.bank
        self._core = library()
        self._memory = ctypes.create_string_buffer(self._core.glue_board_bytes())
        self.board = ctypes.addressof(self._memory)
        self._hal = Hal(None, *(kind(getattr(self, f"_{name}")) for name, kind in CALLS.items()))
        self._series = (u32 * len(facts.series_ohm))(*facts.series_ohm)
        self._facts = Facts(
            facts.serial_number.encode(), facts.firmware_version.encode(),
            facts.git_revision.encode(), len(bank), bank.buses[0].chip.n_channels, 0b111,
            len(facts.series_ohm), self._series, facts.f_clk_hz, facts.vref_uv,
            facts.channels_wired, int(CAPABILITIES), facts.transmit_bytes,
            round(facts.linger_s * 1e6),
        )  # fmt: skip
        self._core.emg_board_init(
            self.board, ctypes.addressof(self._hal), ctypes.addressof(self._facts)
        )

    # ---- what a simulated board asks of its firmware ------------------------------------------

    @property
    def produced(self) -> tuple[int, ...]:
        return tuple(self.produced_runs)

    def connect(self, window_bytes: int) -> Wire:
        slot = next(n for n in range(MOST_LINKS) if n not in self._wires)
        self._wires[slot] = wire = Wire(self.link, window_bytes)
        self._core.emg_connected(self.board, slot)
        return wire

    def disconnect(self, client: Client) -> None:
        for slot, wire in list(self._wires.items()):
            if wire is client:
                wire.is_open = False
                del self._wires[slot]
                self._core.emg_disconnected(self.board, slot)

    def receive(self, client: Client, data: bytes) -> None:
        if isinstance(client, Wire) and client.is_open:
            client.inbox += data
            self._go_round()

    def advance(self, until_s: float) -> None:
        until = int(until_s * self.bank.f_clk_hz)
        first = self.bank.buses[0]
        while first.tick < until:
            fall = first.next_drdy_tick
            to = until if fall is None else min(until, fall)
            if fall is None and self.is_streaming:
                to = min(to, first.tick + round(TICK_S * self.bank.f_clk_hz))
            self._pass_to(to)
            self._go_round()

    def restart(self, cause: ResetCause) -> None:
        if self.is_streaming:
            self.produced_runs.append(self.bank.n_true_falls)
        self.is_streaming = False
        for wire in self._wires.values():
            wire.forget()
        self.crystal.restart(self.bank.now_s)
        self.digits = 0
        self._core.emg_boot(self.board, cause)

    def trigger(self, line: int, *, level: bool) -> None:
        self._core.emg_trigger(self.board, line, level)

    # ---- time ---------------------------------------------------------------------------------

    def _go_round(self) -> None:
        while True:
            told = self._core.glue_go(self.board)
            is_busy, is_streaming = bool(told & 1), bool(told & 2)
            if is_streaming != self.is_streaming:
                self.is_streaming = is_streaming
                if is_streaming:
                    self.bank.begin_count()
                else:
                    self.produced_runs.append(self.bank.n_true_falls)
            if self._is_reboot_due:
                self._is_reboot_due = False
                self.restart(ResetCause.REQUESTED)
            if not is_busy:
                return

    def _pass_to(self, tick: int) -> None:
        for bus in self.bank.buses:
            bus.advance_to(tick)
        self._interrupt()

    def _interrupt(self) -> None:
        bus = self.bank.buses[0]
        falls = bus.n_drdy_falls
        for _ in range(falls - self._falls):
            self._n_unseen += 1
            if self.read_filter is None or self.read_filter(1)[0]:
                self._let_see()
        self._falls = falls

    def _let_see(self) -> None:
        """Let the firmware see the edges so far; of several it can read the last one only."""
        at_s = (self.bank.buses[0].chip.last_drdy_tick or 0) / self.bank.f_clk_hz
        for _ in range(self._n_unseen):
            self._core.emg_drdy(self.board, self.crystal.microseconds(at_s))
        self._n_unseen = 0

    # ---- the hardware layer -------------------------------------------------------------------

    def _now_us(self, _: object) -> int:
        return self.crystal.microseconds(self.bank.now_s)

    def _delay_us(self, _: object, us: int) -> None:
        self._pass_to(int((self.bank.now_s + us * 1e-6) * self.bank.f_clk_hz))

    def _idle_us(self, _: object, us: int) -> None:
        bus = self.bank.buses[0]
        tick = bus.tick + max(1, int(us * 1e-6 * self.bank.f_clk_hz))
        fall = bus.next_drdy_tick
        self._pass_to(tick if fall is None else min(tick, fall))

    def _transfer(
        self, _: object, chips: int, tx: Any, rx: Any, n: int, sclk_hz: int, hold_us: int
    ) -> None:
        assert hold_us * 1e-6 * self.bank.f_clk_hz >= 4  # tSCCS; the chip model takes just that
        mosi = bytes(tx[:n]) if tx else bytes(n)
        if mosi == SDATAC:  # nothing is read from here on
            self._let_see()
        selected = [chip for chip in range(len(self.bank)) if chips >> chip & 1]
        if not tx:  # a frame: the chips are read one behind the other
            bus = self.bank.buses[selected[0]]
            bus.advance_to(max(one.tick for one in self.bank.buses))
            miso = bus.transfer(mosi, sclk_hz=sclk_hz)
        elif len(selected) == 1:
            miso = self.bank.transfer(selected[0], mosi)
        else:
            assert not rx
            assert len(selected) == len(self.bank)
            self.bank.broadcast(mosi)
        if rx:
            ctypes.memmove(rx, miso, n)
        self._interrupt()

    def _line(self, _: object, line: int, is_high: bool) -> None:
        self.bank.set_pin(_PINS[Line(line)], level=is_high)
        self._interrupt()

    def _receive(self, _: object, link: int, data: Any, n: int) -> int:
        inbox = self._wires[link].inbox
        taken = bytes(inbox[:n])
        del inbox[:n]
        ctypes.memmove(data, taken, len(taken))
        return len(taken)

    def _send(self, _: object, link: int, data: Any, n: int) -> int:
        return self._wires[link].send(ctypes.string_at(data, n), self.bank.now_s)

    def _blink(self, _: object, ms: int) -> None:
        self.blinking_until_s = self.bank.now_s + ms / 1e3

    def _show(self, _: object, count: int) -> None:
        self.digits = count

    def _reboot(self, _: object) -> None:
        self._is_reboot_due = True


def miss_reads(board: SimulatedBoard, rate: float, seed: int) -> None:
    """Let the firmware come too late for a share `rate` of the conversions, as `actions` does."""
    rng = np.random.default_rng([seed, 0x3155])
    assert isinstance(board.firmware, CoreFirmware)
    board.firmware.read_filter = lambda n: np.asarray(rng.random(n) >= rate)


assert ALL_CHIPS == 0xFF  # EMG_ALL_CHIPS
