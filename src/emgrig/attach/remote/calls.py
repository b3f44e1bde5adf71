"""From the fields of a request to the bench, and back: one function a verb."""

import struct
from collections.abc import Callable
from typing import Final

from emgrig.attach.bench import Bench, check_clocking
from emgrig.attach.remote.wire import ALL_CHIPS, BY_NAME, MAGIC, MOST_S, VERSION

Call = Callable[..., bytes]
_NOTHING: Final = b""
_NAN: Final = float("nan")


def _pack(name: str) -> Callable[..., bytes]:
    return BY_NAME[name].answer.numbers.pack


_hello, _wait_drdy = _pack("hello"), _pack("wait_drdy")
_next_event, _drdy_count = _pack("next_event"), _pack("drdy_count")
_BYTES: Final = [bytes([value]) for value in range(256)]


def _checked(duration_s: float) -> None:
    """Refuse what would keep the bench, and all others at it, busy for long."""
    if MOST_S < duration_s < float("inf"):
        raise ValueError(f"{duration_s:g} s in one message, expected {MOST_S:g} or less")


def _check_length(n_bytes: int, sclk_hz: float, gap_s: float) -> None:
    if sclk_hz > 0:
        _checked(n_bytes * (8 / sclk_hz + gap_s))


def hello(bench: Bench, magic: bytes, version: int) -> bytes:
    """Say who is there."""
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"version {version} of {magic!r}, expected version {VERSION} of {MAGIC!r}")
    options = bench.options
    n_chips, channels = bench.n_chips, options.chips[0].channels
    return _hello(VERSION, n_chips, channels, options.processor.call_s, options.speed or 0.0)


def advance(bench: Bench, duration_s: float) -> bytes:
    """See `Bench.advance`."""
    _checked(duration_s)
    bench.advance(duration_s)
    return _NOTHING


def advance_to(bench: Bench, time_s: float) -> bytes:
    """See `Bench.advance_to`."""
    _checked(time_s - bench.now_s)
    bench.advance_to(time_s)
    return _NOTHING


def wait_drdy(bench: Bench, chip: int, edge: int, timeout_s: float) -> bytes:
    """See `Bench.wait_drdy`."""
    _checked(timeout_s)
    return _BYTES[bench.wait_drdy(chip, timeout_s=timeout_s, edge=edge != 0)]


def next_event(bench: Bench) -> bytes:
    """See `Bench.next_event_s`; no number if there is none."""
    time_s = bench.next_event_s()
    return _next_event(_NAN if time_s is None else time_s)


def next_fall(bench: Bench, chip: int) -> bytes:
    """See `Bench.next_fall_s`; no number if there is none."""
    time_s = bench.next_fall_s(chip)
    return _next_event(_NAN if time_s is None else time_s)


def select(bench: Bench, chip: int) -> bytes:
    """See `Bench.select`."""
    bench.select(chip)
    return _NOTHING


def deselect(bench: Bench, chip: int) -> bytes:
    """See `Bench.deselect`."""
    bench.deselect(chip)
    return _NOTHING


def byte(bench: Bench, mosi: int, mode: int, sclk_hz: float) -> bytes:
    """See `Bench.byte`."""
    return _BYTES[bench.byte(mosi, mode=mode, sclk_hz=sclk_hz)]


def exchange(bench: Bench, mode: int, sclk_hz: float, gap_s: float, mosi: bytes) -> bytes:
    """See `Bench.exchange`."""
    _check_length(len(mosi), sclk_hz, gap_s)
    return bench.exchange(mosi, mode=mode, sclk_hz=sclk_hz, gap_s=gap_s)


def transfer(
    bench: Bench, chip: int, mode: int, sclk_hz: float, gap_s: float, mosi: bytes
) -> bytes:
    """See `Bench.transfer`."""
    _check_length(len(mosi), sclk_hz, gap_s)
    return bench.transfer(mosi, chip=chip, mode=mode, sclk_hz=sclk_hz, gap_s=gap_s)


def wait_transfer(
    bench: Bench,
    chip: int,
    edge: int,
    timeout_s: float,
    mode: int,
    sclk_hz: float,
    gap_s: float,
    mosi: bytes,
) -> bytes:
    """`wait_drdy`, and if DRDY was seen `transfer`."""
    check_clocking(mode, sclk_hz, gap_s)  # before time passes
    _check_length(len(mosi), sclk_hz, gap_s)
    _checked(timeout_s)
    if not bench.wait_drdy(chip, timeout_s=timeout_s, edge=edge != 0):
        return b"\x00"
    return b"\x01" + bench.transfer(mosi, chip=chip, mode=mode, sclk_hz=sclk_hz, gap_s=gap_s)


def set_pin(bench: Bench, level: int, chip: int, name: str) -> bytes:
    """See `Bench.set_pin`."""
    bench.set_pin(name, level != 0, None if chip == ALL_CHIPS else chip)
    return _NOTHING


def pin(bench: Bench, chip: int, name: str) -> bytes:
    """See `Bench.pin`."""
    return _BYTES[bench.pin(name, chip)]


def drdy_count(bench: Bench, chip: int) -> bytes:
    """See `Bench.drdy_count`."""
    return _drdy_count(bench.drdy_count(chip))


def power_cycle(bench: Bench, off_s: float) -> bytes:
    """See `Bench.power_cycle`."""
    _checked(off_s)
    bench.power_cycle(off_s)
    return _NOTHING


def set_source(bench: Bench, source: str) -> bytes:
    """See `Bench.set_source`."""
    bench.set_source(source)
    return _NOTHING


def put_fault(bench: Bench, fault: str) -> bytes:
    """See `Bench.put_fault`."""
    bench.put_fault(fault)
    return _NOTHING


def set_contact(bench: Bench, channel: int, side: int, kohm: float) -> bytes:
    """See `Bench.set_contact`; `kohm` that is no number takes the electrode off."""
    bench.set_contact(channel, chr(side), None if kohm != kohm else kohm)
    return _NOTHING


def claim(bench: Bench, channel: int, microvolts: float) -> bytes:
    """See `Bench.claim`."""
    bench.claim(channel, microvolts)
    return _NOTHING


_FUNCTIONS: Final = (
    hello, advance, advance_to, wait_drdy, next_event, next_fall, select, deselect, byte, exchange, transfer,
    wait_transfer, set_pin, pin, drdy_count, power_cycle, set_source, put_fault, set_contact, claim,
)  # fmt: skip


def _by_code() -> dict[int, tuple[struct.Struct, str, Call]]:
    verbs = [(BY_NAME[function.__name__], function) for function in _FUNCTIONS]
    return {v.code: (v.request.numbers, v.request.rest, function) for v, function in verbs}


BY_CODE: Final = _by_code()
"""For each code: the fields of fixed size, the form of the last field, and what to call."""
