"""Symptoms: what facts look like when something is wrong. The table of causes is made of them."""

from collections.abc import Callable

from emgrig.hil_tests.check import Layer
from emgrig.hil_tests.evidence import Evidence, words

When = Callable[[Evidence], bool]
ID_BYTE = 0x3E


def is_said(*texts: str) -> When:
    return lambda e: any(text in e.trouble for text in texts)


def id_reads(*bytes_read: str) -> When:
    return lambda e: e.layer is Layer.IDENTITY and e.value("chip_id") in bytes_read


def is_shifted(e: Evidence) -> bool:
    """3Eh moved by one to seven bits, what comes in from the side being anything."""
    read = e.value("chip_id")
    if e.layer is not Layer.IDENTITY or not isinstance(read, str):
        return False
    byte = int(read.rstrip("h"), 16)
    late = any(byte >> n == (ID_BYTE << n & 0xFF) >> n and n < 4 for n in range(1, 4))
    early = any(byte & (0xFF >> n) == ID_BYTE >> n for n in range(1, 4))
    return late or early


def is_slow(e: Evidence) -> bool:
    return e.number("link.thrown_away") > 0 and e.number("link.share_of_rate") < 0.9


def strays(e: Evidence) -> float:
    return max(
        e.number("link.stray_bytes"), e.number("echo.stray_bytes"), e.number("link_damaged_bytes")
    )


def is_garbage(e: Evidence) -> bool:
    return strays(e) > 0 and e.number("link.lost") == 0 and e.number("echo.repeats") == 0


def is_damaged(e: Evidence) -> bool:
    return strays(e) > 0 and (e.number("link.lost") > 0 or e.number("echo.repeats") > 0)


def is_reordered(e: Evidence) -> bool:
    return e.number("link.backwards") > 0 and strays(e) == 0


def is_doubled(e: Evidence) -> bool:
    return e.number("link.doubled") > 0 and e.number("link.backwards") == 0 and strays(e) == 0


def is_lossy(e: Evidence) -> bool:
    if e.number("link.thrown_away") > 0:
        return False
    return e.number("link.lost") > 0 and strays(e) == 0 and e.number("link.backwards") == 0


def has_missed_reads(e: Evidence) -> bool:
    on_board = max(e.number("link.lost_on_board"), e.number("lost_on_board"))
    return on_board > 0 and e.number("link.thrown_away") == 0


def is_stalled(e: Evidence) -> bool:
    return e.has_failed("delivery_lateness") or e.has_failed("echo_slowest")


def is_brown_out(e: Evidence) -> bool:
    lost = "lost its registers" in e.trouble
    return lost or (bool(e.probes.get("registers.at_reset")) and e.layer is not Layer.RECOVERY)


def rate_is_wrong(e: Evidence) -> bool:
    return e.has_failed("rate_error")


def period_is_exact(e: Evidence) -> bool:
    return abs(e.number("test_period.ratio") - 1) < 0.005


def no_conversions(e: Evidence) -> bool:
    return e.layer is Layer.CLOCK and "no sample came" in e.trouble


def all_railed(e: Evidence) -> bool:
    railed = e.probed_channels("codes.railed")
    return e.n_channels > 1 and len(railed) == e.n_channels


def noisy(e: Evidence) -> list[int]:
    return e.channels_above("noise_gain")


def quiet(e: Evidence) -> list[int]:
    """Channels with too little noise, that do not stand still."""
    still = {*e.probed_channels("codes.dead"), *e.probed_channels("codes.railed")}
    return [c for c in e.bad_channels("noise_gain") if c not in still and c not in noisy(e)]


def has_wrong_scale(e: Evidence) -> bool:
    explained = ("codes.dead", "codes.railed", "gains.stuck")
    others = {channel for name in explained for channel in e.probed_channels(name)}
    return bool(set(e.probed_channels("gains.wrong_level")) - others)


def reference(e: Evidence) -> float:
    return e.number("supplies.reference_v") or e.number("reference_voltage")


def electrodes_off(e: Evidence) -> str:
    sides = [f"{c}P" for c in e.bad_channels("electrode_p_off")]
    sides += [f"{c}N" for c in e.bad_channels("electrode_n_off")]
    return ", ".join(sides)


def poor(e: Evidence) -> str:
    return str(e.probes.get("sides.poor") or words(e.bad_channels("impedance")))


def bridged(e: Evidence) -> str:
    return words(e.bad_channels("shared_impedance"))
