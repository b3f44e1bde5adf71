"""Every frame is whole, and every one arrives."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.procedures import n_outliers, n_repeated
from emgrig.hil_tests.measuring.rig import Rig

N_FRAMES = {False: 3000, True: 10_000}
RATES_HZ = (250, 500, 1000, 2000)
DURATION_S = {False: 5.0, True: 60.0}


@check("B7", Layer.FRAMES, "every frame has its form", needs=(Need.STATUS,))
def test_frame_format(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Shorted inputs, gain 24: status words, lengths, repeated frames, jumps of the codes."""
    if not rig.has_registers:
        _stated_frames(rig, measure, N_FRAMES[is_full])
        return
    rig.chip.set_rate(1000)
    capture = rig.capture(N_FRAMES[is_full])
    common = _most_common(capture.status)
    wrong = ~ADS1299.is_status(capture.status) | (capture.status != common)
    measure("wrong_status", int(wrong.any(axis=1).sum()))
    measure("wrong_length", capture.n_misfits)
    measure("repeated_frames", n_repeated(capture.codes))
    measure("outliers", n_outliers(capture.codes))


def _stated_frames(rig: Rig, measure: Measure, n_frames: int) -> None:
    """Look at what frames say of themselves: nobody knows what is on the inputs."""
    capture = rig.capture(n_frames)
    measure("wrong_status", int((~ADS1299.is_status(capture.status)).any(axis=1).sum()))
    measure("wrong_length", capture.n_misfits)


def _most_common(status: NDArray[np.uint32]) -> NDArray[np.uint32]:
    columns = [Counter(column.tolist()).most_common(1) for column in status.T]
    return np.array([column[0][0] if column else 0 for column in columns], np.uint32)


@check("B8", Layer.FRAMES, "every conversion arrives, once and in time", needs=(Need.LOSS,))
def test_loss(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Count what is missing at four rates, by where it went."""
    captures = []
    for rate_hz in rig.rates(RATES_HZ):
        if rig.has_registers:
            rig.set_rate(rate_hz)
        captures.append(rig.capture(round(DURATION_S[is_full] * rate_hz)))
    for name in ("lost_on_link", "lost_on_board", "lost_at_end"):
        measure(name, sum(getattr(c.totals, name) for c in captures), note=_where(captures, name))
    measure("repeated_samples", sum(c.totals.repeated for c in captures))
    measure("hidden_loss", sum(c.totals.hidden for c in captures))
    measure("thrown_away", sum(c.stats.transmit_overflows for c in captures))
    measure("damaged_packets", sum(c.bad_crc for c in captures))
    measure("stray_bytes", sum(c.stray_bytes for c in captures))
    rig.n_thrown_away = 0  # it is measured


def _where(captures: list[Capture], name: str) -> str:
    lost = [(c.rate_hz, getattr(c.totals, name)) for c in captures]
    return ", ".join(f"{n} at {rate_hz:g} SPS" for rate_hz, n in lost if n)
