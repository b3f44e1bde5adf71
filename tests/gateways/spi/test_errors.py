"""What keeps chips on the SPI bus from being opened, in one line that says what to do."""

import errno
from pathlib import Path
from types import ModuleType

import pytest

import emgrig
from emgrig.attach.shims.fakes import gpiod2, spidev
from emgrig.errors import EmgrigError, ExitCode, MissingExtra, TransportError
from emgrig.gateways.spi import hardware
from emgrig.gateways.spi.hardware import Hardware
from emgrig.gateways.spi.transport import SpiTransport
from emgrig.gateways.spi.wiring import parse_address
from gateways.spi.machine import machine
from shell import Run


def refused(address: str = "spi:pieeg") -> str:
    with pytest.raises(TransportError) as caught:
        Hardware(parse_address(address))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /dev where it is listed."""

    def at(path: str) -> Path:
        return tmp_path if path == "/dev" else Path(path)

    monkeypatch.setattr(hardware, "Path", at)
    return tmp_path


def opening(error: int, monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(error, errno.errorcode[error])

    monkeypatch.setattr(kind, name, fail)


def test_without_the_kernel_s_module_it_says_how_spi_is_switched_on(devices: Path) -> None:
    with machine():
        said = refused("spi:///dev/spidev3.0?drdy=26")
    assert said.startswith("/dev/spidev3.0: there is no SPI device: switch SPI on (sudo raspi-con")
    (devices / "spidev0.0").touch()
    with machine():
        said = refused("spi:///dev/spidev3.0?drdy=26")
    assert said == f"/dev/spidev3.0: there is no such device; there are {devices / 'spidev0.0'}"


def test_without_permission_it_names_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    opening(errno.EACCES, monkeypatch, spidev.SpiDev, "open_path")
    with machine():
        said = refused()
    assert said.startswith("/dev/spidev0.0: no permission: sudo usermod -aG spi,gpio $USER, then")
    assert said.endswith("docs/raspberry-pi.md")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EACCES, "/dev/gpiochip0: no permission: sudo usermod -aG gpio $USER"),
        (errno.EBUSY, "/dev/gpiochip0: of the lines 26 another program holds one"),
        (errno.EINVAL, "/dev/gpiochip0: has no lines 26 that can be used so"),
        (errno.EIO, "/dev/gpiochip0: lines 26 cannot be had: EIO"),
    ],
)
def test_a_line_that_cannot_be_had_is_named(
    code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(code, monkeypatch, gpiod2.Chip, "request_lines")
    with machine():
        assert refused().startswith(said)


def test_a_gpio_chip_that_is_not_there_is_told_with_those_there_are(devices: Path) -> None:
    (devices / "gpiochip0").touch()
    with machine():
        said = refused("spi:///dev/spidev0.0?drdy=gpiochip7/26")
    assert f"there is no such GPIO chip; there are {devices / 'gpiochip0'}" in said


def test_gpiod_1_is_another_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("gpiod")
    vars(old)["__version__"] = "1.5.4"
    with machine():
        monkeypatch.setitem(__import__("sys").modules, "gpiod", old)
        said = refused()
    assert said.startswith("gpiod 1.5.4 is installed, which is another interface; expected 2.1")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spidev", None)
    with pytest.raises(MissingExtra, match=r"machine's SPI bus needs spidev, which is not inst"):
        SpiTransport("spi:pieeg")


def test_the_header_s_gpio_chip_is_found_by_its_label(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Pi 5 with an older kernel it is gpiochip4 (docs/raspberry-pi.md)."""
    for name in ("gpiochip0", "gpiochip4"):
        (devices / name).touch()
    told = gpiod2.Chip.get_info

    def info(self: gpiod2.Chip) -> object:
        label = "pinctrl-rp1" if self.path.endswith("4") else "gpio-brcmstb@107d508500"
        return type(told(self))(told(self).name, label, 54)

    asked: list[str] = []
    request_lines = gpiod2.Chip.request_lines

    def note(self: gpiod2.Chip, *given: object, **options: object) -> object:
        asked.append(self.path)
        return request_lines(self, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(gpiod2.Chip, "get_info", info)
    monkeypatch.setattr(gpiod2.Chip, "request_lines", note)
    with machine("ti-evm"):
        Hardware(parse_address("spi:ti-evm")).close()
    assert asked == ["/dev/gpiochip4", "/dev/gpiochip4"]


def test_lines_are_let_go_of_when_another_cannot_be_had() -> None:
    with machine() as here:
        refused("spi:pieeg?start=gpiochip7/22")
        assert not here.host._watches.all


def test_a_transfer_that_fails_is_a_lost_link_and_reopening_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with machine(), emgrig.connect("spi:pieeg?name=T1") as board:
        with monkeypatch.context() as broken:
            opening(errno.EIO, broken, spidev.SpiDev, "xfer2")
            for _ in range(2):
                with pytest.raises(TransportError, match=r"spidev0\.0: a transfer failed: EIO"):
                    board.chip.read_registers()
        board.reconnect()
        assert board.chip.read_registers()[0].raw[0] == 0x3E


def test_nobody_at_the_other_end_is_told_by_the_command_in_one_line(shell: Run) -> None:
    with machine(faults=("miso-low",)):
        said = shell("info spi:pieeg?name=T1")
    assert said.code == ExitCode.DEVICE
    assert said.err.count("\n") == 1
    assert "ID" in said.err


@pytest.mark.slow
@pytest.mark.parametrize("shift_s", [-1000.0, 1.7e9])
def test_edges_that_another_clock_stamps_are_not_used(
    shift_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels before 5.7 stamped them by the wall clock; frames cannot be placed by that."""
    plain, shift_ns = Hardware.edges, round(shift_s * 1e9)

    def shifted(self: Hardware, timeout_s: float) -> list[hardware.Edge]:
        return [one._replace(at_ns=one.at_ns + shift_ns) for one in plain(self, timeout_s)]

    with machine(), emgrig.connect("spi:pieeg") as board:
        monkeypatch.setattr(Hardware, "edges", shifted)
        with pytest.raises(EmgrigError, match="they are not of the monotonic clock") as caught:
            list(board.stream(duration_s=0.1))
        assert "\n" not in str(caught.value)
