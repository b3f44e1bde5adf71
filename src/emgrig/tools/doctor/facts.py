"""What is looked at on this machine; nothing is opened, changed or sent."""

import getpass
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emgrig.extras import Package, packages, pip
from emgrig.gateways.finding import serial_places, spi_places
from emgrig.tools.common.defaults import read_defaults
from emgrig.version import __version__

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "firefox", "msedge")
_TIMERS = Path("/sys/bus/usb-serial/devices")
#: Of extras that only who works on emgrig itself needs, nothing is said.
_OF_DEVELOPERS = ("dev", "audit", "mutants")


@dataclass(frozen=True)
class Fact:
    """A line: what was looked at, what was found, and what to do if that is not well."""

    group: str  #: "program", "packages", "extras", "settings", "places" or "browser".
    name: str
    found: str
    is_well: bool = True
    advice: str = ""


def facts() -> Iterator[Fact]:
    """Return what there is to say of this machine."""
    yield Fact("program", "emgrig", f"{__version__} in {Path(__file__).parents[2]}")
    yield Fact("program", "python", f"{platform.python_version()} at {sys.executable}")
    yield Fact("program", "system", platform.platform())
    by_extra = packages()
    for one in by_extra.pop("", []):
        fits = one.fits
        yield Fact(
            "packages", one.name, _found(one), fits, "" if fits else f"{pip()} install {one}"
        )
    for extra, needed in by_extra.items():
        if extra not in _OF_DEVELOPERS:
            yield _extra(extra, needed)
    yield from _settings()
    yield from _places()
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    yield Fact("browser", "for pages", browser or "none found here; any browser will do")


def _found(one: Package) -> str:
    if not one.found:
        return f"missing, {one.wanted or 'any version'} is wanted"
    return one.found if one.fits else f"{one.found}, {one.wanted} is wanted"


def _extra(extra: str, needed: list[Package]) -> Fact:
    """Say what of an extra is there; that it was never asked for is no fault."""
    found = ", ".join(f"{one.name} {_found(one)}" for one in needed)
    missing = [str(one) for one in needed if not one.fits]
    is_half = any(one.found for one in needed)
    return Fact(
        "extras",
        extra,
        found or "not for this Python or system",
        not missing or not is_half,
        f"to have it: {pip()} install {' '.join(missing)}" if missing else "",
    )


def _settings() -> Iterator[Fact]:
    try:
        found = read_defaults()
    except ValueError as error:
        yield Fact("settings", "file", str(error), False, "mend it, or take it away")
        return
    for one in found.values():
        yield Fact("settings", one.key, f"{one.value} from {one.where}")
    for name in sorted(name for name in os.environ if name.startswith("EMGRIG_")):
        yield Fact("settings", name, os.environ[name])


def _places() -> Iterator[Fact]:
    places = [*serial_places(), *spi_places()]
    for place in places:
        advice = _right(Path(place.where))
        found = f"{place.name}; {'no right to open it' if advice else 'may be opened'}"
        yield Fact("places", place.where, found, not advice, advice)
        yield from _latency(Path(place.where).name)
    if not places:
        yield Fact("places", "here", "no serial port, no SPI device")


def _latency(port: str) -> Iterator[Fact]:
    """Say how long an FTDI chip waits for more before it hands over what it has, on Linux."""
    timer = _TIMERS / port / "latency_timer"
    try:
        wait_ms = int(timer.read_text("ascii"))
    except (OSError, ValueError):  # another chip, or another system
        return
    is_short = wait_ms <= 1
    advice = "" if is_short else f"for smooth pictures: echo 1 | sudo tee {timer} (docs/ports.md)"
    yield Fact("places", f"{port} latency timer", f"{wait_ms} ms", is_short, advice)


def _right(device: Path) -> str:
    """Say what gives this user the right to open a device; nothing where he has it."""
    if not device.exists() or os.access(device, os.R_OK | os.W_OK):
        return ""  # on Windows a port is no file
    return f"sudo usermod -aG {device.group()} {getpass.getuser()}, then log in again"
