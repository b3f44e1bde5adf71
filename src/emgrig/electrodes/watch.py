"""Contact while nothing is injected, from a stream that runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.samples.block import Block
from emgrig.electrodes.check import Channel
from emgrig.electrodes.judge import judge_channels
from emgrig.electrodes.lights import Limits
from emgrig.electrodes.quiet import SHORTEST_S, WINDOW_S, quiet_figures


class ContactWatch:
    """Holds the last `window_s` of a stream, 1 s or more, and judges them with hysteresis."""

    def __init__(
        self,
        channels: Sequence[int],
        names: Mapping[int, str],
        vref_v: float,
        limits: Limits | None = None,
        *,
        window_s: float = WINDOW_S,
    ) -> None:
        if not window_s >= SHORTEST_S:
            raise ValueError(f"a window of {window_s:g} s; expected {SHORTEST_S:g} s or more")
        self._channels, self._names, self._vref_v = list(channels), names, vref_v
        self._limits, self._window_s = limits or Limits(), window_s
        self._blocks: list[Block] = []
        self._n_held = 0
        self._shown: tuple[Channel, ...] = ()
        self._is_new = False

    def feed(self, block: Block) -> None:
        """Take what came; a gap or a change of settings begins a new window."""
        if block.n_samples == 0:
            return
        if self._blocks and (block.lost_before or block.epoch is not self._blocks[-1].epoch):
            self._blocks.clear()
            self._n_held = 0
        self._blocks.append(block)
        self._is_new = True
        n_most = round(self._window_s * block.epoch.rate_hz)
        self._n_held += block.n_samples
        while self._n_held - self._blocks[0].n_samples >= n_most:
            self._n_held -= self._blocks.pop(0).n_samples

    def look(self) -> tuple[Channel, ...]:
        """Return what the last seconds show; what was shown before while they are too few."""
        volts = self._volts() if self._is_new else None
        self._is_new = False
        if volts is not None:
            epoch = self._blocks[-1].epoch
            figures = quiet_figures(
                volts,
                gains=epoch.gain,
                vref_v=self._vref_v,
                rate_hz=epoch.rate_hz,
                channels=self._channels,
                same_correlation=self._limits.same_correlation,
            )
            self._shown = judge_channels(figures, self._names, self._limits, previous=self._shown)
        return self._shown

    def _volts(self) -> NDArray[np.float64] | None:
        if not self._blocks:
            return None
        rate_hz = self._blocks[-1].epoch.rate_hz
        volts = np.concatenate([block.volts for block in self._blocks])
        return (
            volts[-round(self._window_s * rate_hz) :]
            if len(volts) >= SHORTEST_S * rate_hz
            else None
        )
