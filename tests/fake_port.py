"""A register port that is nothing but an array of registers, and what can go wrong with it."""

from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.errors import TransportError

RESET = {
    8: "3E 96 C0 60 00 61 61 61 61 61 61 61 61 00 00 00 00 00 00 00 0F 00 00 00",
    6: "3D 96 C0 60 00 61 61 61 61 61 61 00 00 00 00 00 00 00 00 00 0F 00 00 00",
    4: "3C 96 C0 60 00 61 61 61 61 00 00 00 00 00 00 00 00 00 00 00 0F 00 00 00",
}
# Legal, and other than reset in every register that has settings.
ELSEWHERE = "3E F0 C7 7E EA 0F 0F 0F 0F 0F 0F 0F 0F 80 80 80 80 80 00 00 5B 20 00 0A"
WRITABLE = {  # by hand, from the fact sheet
    8: "00 FF FF FE FF FF FF FF FF FF FF FF FF FF FF FF FF FF 00 00 FF FF FF FF",
    6: "00 FF FF FE FF FF FF FF FF FF FF 00 00 3F 3F 3F 3F 3F 00 00 FF FF FF FF",
    4: "00 FF FF FE FF FF FF FF FF 00 00 00 00 0F 0F 0F 0F 0F 00 00 FF FF FF FF",
}


class FakePort:
    """One chip's registers, its modes, and what can go wrong."""

    def __init__(self, n_channels: int = 8, log: list[str] | None = None) -> None:
        self.reset_values = bytes.fromhex(RESET[n_channels])
        self.mask = bytes.fromhex(WRITABLE[n_channels])
        self.registers = bytearray(self.reset_values)
        self.rdatac = True
        self.log = [] if log is None else log
        self.writes: list[tuple[int, str]] = []
        self.pins = 0x0
        self.stuck: dict[int, tuple[int, int]] = {}  # address: bits that are stuck, and at what
        self.deaf = False
        self.fail_at = 0
        self.failure: Exception = TransportError("link lost")
        self.brown_out_at_write = 0
        self.n_exchanges = 0

    def read(self, address: int, count: int) -> bytes:
        self._exchange(f"R{address:02X}+{count}")
        if self.rdatac:
            return bytes(count)
        return bytes(self.registers[address : address + count])

    def write(self, address: int, data: bytes) -> None:
        self._exchange(f"W{address:02X}:{data.hex().upper()}")
        self.writes.append((address, data.hex(" ").upper()))
        if self.rdatac or self.deaf:
            return
        for n, byte in enumerate(data, start=address):
            keep, stuck = 0xFF & ~self.mask[n], self.stuck.get(n, (0, 0))
            byte = self.registers[n] & keep | byte & ~keep
            self.registers[n] = byte & ~stuck[0] | stuck[1]
        self._drive_pins()
        if self.brown_out_at_write == len(self.writes):
            self.fall_back()

    def command(self, opcode: int) -> None:
        self._exchange(f"C{opcode:02X}")
        if opcode == 0x06:
            self.fall_back()
        self.rdatac = {0x10: True, 0x11: False}.get(opcode, self.rdatac)

    def fall_back(self) -> None:
        self.registers[:] = self.reset_values
        self.rdatac = True
        self._drive_pins()

    def _drive_pins(self) -> None:
        inputs = self.registers[0x14] & 0x0F
        levels = self.registers[0x14] >> 4 & ~inputs | self.pins & inputs
        self.registers[0x14] = levels << 4 | inputs

    def _exchange(self, what: str) -> None:
        self.n_exchanges += 1
        self.log.append(what)
        if self.n_exchanges == self.fail_at:
            raise self.failure


class FakeClock:
    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return sum(self.slept_s)

    def unix_s(self) -> float:
        return self.now_s()

    def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)


def make(*n_channels: int) -> tuple[Ads1299, list[FakePort]]:
    """An identified board, and its ports with empty logs."""
    ports = [FakePort(n) for n in n_channels or (8,)]
    chip = Ads1299(ports, clock=FakeClock())
    chip.identify()
    for port in ports:
        port.log.clear()
        port.n_exchanges = 0
    return chip, ports


def raw(chip: Ads1299, index: int = 0) -> str:
    return chip.files[index].raw.hex(" ").upper()
