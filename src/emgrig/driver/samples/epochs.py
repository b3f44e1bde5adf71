"""From register bytes to what scales samples."""

from collections.abc import Sequence

import numpy as np

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.samples.block import Epoch
from emgrig.errors import DeviceError


def make_epoch(
    number: int, files: Sequence[RegisterFile], *, f_clk_hz: float, vref_v: float
) -> Epoch:
    """Make an epoch from what was read back from the chips.

    Raises
    ------
    DeviceError
        If a gain or rate code is reserved, or the chips have different rates.
    """
    rates_hz = {file.rate_hz(f_clk_hz) for file in files}
    if len(rates_hz) != 1:
        raise DeviceError(f"the chips have different rates, Hz: {sorted(rates_hz)}")
    return Epoch(
        number=number,
        registers=tuple(file.raw for file in files),
        gain=np.concatenate([file.gains for file in files]),
        scale_v=np.concatenate([file.scale_v(vref_v) for file in files]),
        rate_hz=rates_hz.pop(),
    )
