"""Puts the fakes in front of the real modules, for as long as a context lasts."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from emgrig.attach.shims import clocks
from emgrig.attach.shims.fakes import gpiod1, gpiod2, lgpio, machine, rpi_gpio, spidev
from emgrig.attach.shims.gpio_files import GpioFiles
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.pump import Pump


def modules(host: Host) -> dict[str, ModuleType]:
    """Return all fakes by their names, made anew for a host."""
    gpiod = gpiod1 if host.wiring.gpiod == 1 else gpiod2
    return {
        "spidev": spidev.make(host),
        "lgpio": lgpio.make(host),
        **gpiod.make(host),
        **rpi_gpio.make(host),
        **machine.make(host),
    }


@contextmanager
def in_front(host: Host, *, follows_time: bool = True) -> Iterator[None]:
    """Put all fakes in front, and bench time in place of the machine's.

    Modules of these names that were imported before, and parts of them, come back at the end.
    Those who have hold of a function of `time` already, as by ``from time import sleep``, keep it.

    Parameters
    ----------
    follows_time : bool
        False leaves `time` as it is; then bench time must be the wall's.

    Raises
    ------
    ValueError
        If time would not pass on the bench.
    """
    if host.is_virtual and not follows_time:
        raise ValueError(
            "the bench's time is virtual, so the script must follow it; or say a speed"
        )
    fakes = {**modules(host), "utime": time}
    tops = {name.partition(".")[0] for name in fakes}

    def ours() -> dict[str, ModuleType]:
        return {n: m for n, m in sys.modules.items() if n.partition(".")[0] in tops}

    hidden = ours()
    try:
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(fakes)
        with (
            GpioFiles(host).in_front(),
            Pump(host),
            clocks.in_front(host, is_followed=follows_time),
        ):
            if not follows_time:
                host.keep_machine_time()
            yield
    finally:  # what else was imported meanwhile stays
        for name in ours():
            del sys.modules[name]
        sys.modules.update(hidden)
