"""Every frame is whole, and every one arrives."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.can import StatusWord
from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.procedures import n_outliers, n_repeated
from emgrig.hil_tests.measuring.rig import Rig

N_FRAMES = {False: 3000, True: 10_000}
RATES_HZ = (250, 500, 1000, 2000)
DURATION_S = {False: 5.0, True: 60.0}
_FEW_BITS = 20


@check("B7", Layer.FRAMES, "every frame has its form", needs=(Need.FORM,))
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
    """Look at what frames say of themselves: nobody knows what is on the inputs.

    Whatever it is: the noise of a converter of 24 bits is many codes, and no input stays at the
    rail.
    """
    can = rig.identity.can
    stated = can.stated
    assert stated is not None
    capture = rig.capture(n_frames)
    if can.status is StatusWord.WHOLE:
        measure("wrong_status", int((~ADS1299.is_status(capture.status)).any(axis=1).sum()))
        usual = _most_common(capture.status)[0] if len(capture.status) else 0
        measure("usual_status", f"{usual:06X}h", informs=True)
    measure("wrong_length", capture.n_misfits)
    measure("stray_bytes", capture.stray_bytes)
    lowest = -(1 << 23)
    is_rail = (capture.codes >= stated.code_max) | (capture.codes <= lowest)
    has_noise = stated.code_bits > _FEW_BITS
    for channel, railed, zero in zip(
        rig.channels, is_rail.mean(axis=0), (capture.codes == 0).mean(axis=0), strict=True
    ):
        measure("share_at_rail", float(railed), channel=channel, limit="share_standing")
        if has_noise:  # of fewer bits one code may be more than all noise
            measure("share_at_zero", float(zero), channel=channel, limit="share_standing")


def _most_common(status: NDArray[np.uint32]) -> NDArray[np.uint32]:
    columns = [Counter(column.tolist()).most_common(1) for column in status.T]
    return np.array([column[0][0] if column else 0 for column in columns], np.uint32)


@check(
    "B8",
    Layer.FRAMES,
    "every conversion arrives, once and in time",
    needs=(Need.LOSS,),
    judges_delivery=True,
)
def test_loss(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Count what is missing at four rates, by where it went; how late samples came until here."""
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
