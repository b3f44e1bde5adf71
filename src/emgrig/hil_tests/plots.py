"""Pictures for the page, as SVG: what a person wants to see before reading a number."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.datasheet import typical_noise_uv_rms
from emgrig.calibration.figures.response import sinc3_noise_shape
from emgrig.calibration.figures.spectrum import welch
from emgrig.hil_tests.judging.check import PICTURES, CheckResult, picture
from emgrig.hil_tests.judging.limits import LimitTable
from emgrig.hil_tests.judging.measurement import Measurement, arrays_of
from emgrig.pages.plots import BAD, COLOURS, GOOD, INK, colour, one_panel, styled, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = GOOD + "30"  # a quarter as dense
_LEGEND_ROWS = 8
_GAINS, _RATES_HZ = (24, 12, 8, 6, 4, 2, 1), (1000, 250, 500, 2000)


@styled
def draw_pictures(results: Sequence[CheckResult], limits: LimitTable) -> dict[str, str]:
    """Return SVG pictures by caption, for what was measured; empty if nothing was."""
    by_number = {result.info.number: result for result in results}
    drawn = {}
    for caption, (number, height_in, draw) in PICTURES.items():
        figure, axes = one_panel(height_in)
        if number in by_number and draw(axes, by_number[number], limits):
            drawn[caption] = svg(figure)
    return drawn


def _numbers(measurement: Measurement) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pairs = [
        (r.channel, float(r.value))
        for r in measurement.readings
        if r.channel is not None and isinstance(r.value, int | float)
    ]
    table = np.array(pairs, np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@picture("B9", "Noise with shorted inputs, against the data sheet", height_in=2.7)
def noise_ratios(axes: "Axes", result: CheckResult, limits: LimitTable) -> bool:
    """Draw rms over typical, a column a setting, a dot a channel."""
    named = {measurement.name: measurement for measurement in result.measurements}
    found = {
        (gain, rate_hz): named[f"noise_gain_{gain}_at_{rate_hz}"]
        for rate_hz, gain in itertools.product(_RATES_HZ, _GAINS)
        if f"noise_gain_{gain}_at_{rate_hz}" in named
    }
    if not found:
        return False
    limit = limits.limits["noise_over_typical"]
    axes.axhspan(limit.low or 0, limit.marginal_high or 1, color=BAND, zorder=0)
    axes.axhline(1.0, color=GOOD, lw=0.8, zorder=1)
    for value in (limit.low, limit.high):
        axes.axhline(value or 0, color=BAD, lw=0.9, ls=(0, (4, 2)), zorder=1)
    labels = []
    for place, ((gain, rate_hz), measurement) in enumerate(found.items()):
        channels, values = _numbers(measurement)
        ratios = values / typical_noise_uv_rms(gain, rate_hz)
        spread = (channels - channels.mean()) * 0.07
        colours = [colour(int(channel)) for channel in channels]
        axes.scatter(place + spread, ratios, s=16, c=colours, zorder=3, linewidths=0)
        labels.append(f"gain {gain}\n{rate_hz} SPS")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel("rms over typical")
    axes.set_ylim(0, min(max(2.2, axes.get_ylim()[1]), 6.0))
    _channel_legend(axes, next(iter(found.values())))
    return True


@picture("B9", "Noise spectrum at gain 24", height_in=2.7)
def noise_spectrum(axes: "Axes", result: CheckResult, _limits: LimitTable) -> bool:
    """Draw the density of each channel, and what white noise of the typical rms looks like."""
    volts, rate_hz = _volts(result, "noise_gain_24"), _rate_hz(result, "noise_gain_24")
    alive = np.ptp(volts, axis=0) > 0 if len(volts) else np.zeros(0, bool)
    if not alive.any():
        return False
    spectrum = welch(volts[:, alive], rate_hz, segment_s=1.0)
    inside = spectrum.frequency_hz > 0
    for channel, column in zip(np.flatnonzero(alive) + 1, spectrum.psd.T, strict=True):
        density = np.sqrt(column[inside]) * 1e9
        axes.plot(
            spectrum.frequency_hz[inside], density, color=colour(int(channel)), lw=0.7, alpha=0.9
        )
    shape = sinc3_noise_shape(spectrum.frequency_hz[inside], rate_hz)
    white = typical_noise_uv_rms(24, round(rate_hz)) * 1e-6
    scale = white**2 / np.trapezoid(shape, spectrum.frequency_hz[inside])
    expected = np.sqrt(shape * scale) * 1e9
    axes.plot(
        spectrum.frequency_hz[inside], expected, color=INK, lw=1.2, ls=(0, (4, 2)),
        label="white noise of the typical rms, through sinc³",
    )  # fmt: skip
    axes.set(xlabel="frequency, Hz", ylabel="nV/√Hz", xlim=(0, rate_hz / 2), ylim=(0, None))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return True


@picture("B11", "Test signal as each channel reads it, gain 24, 250 SPS", height_in=2.3)
def square_waves(axes: "Axes", result: CheckResult, _limits: LimitTable) -> bool:
    """Draw some periods, and the levels that they should have."""
    volts = _volts(result, "test_signal_1x")[:640]
    n = len(volts)
    for channel, column in enumerate(volts.T, start=1):
        axes.plot(np.arange(n) / 250.0, column * 1e3, color=colour(channel))
    for level in (-1.875, 1.875):
        axes.axhline(level, color=INK, lw=0.8, ls=(0, (4, 2)))
    axes.set(xlabel="time, s", ylabel="mV", xlim=(0, max(n, 1) / 250.0))
    return n > 0


@picture("B17", "Electrode impedance, P and N together", height_in=2.2)
def impedances(axes: "Axes", result: CheckResult, limits: LimitTable) -> bool:
    """Draw a bar a channel, and the limit."""
    found = [m for m in result.measurements if m.name == "impedance"]
    if not found:
        return False
    channels, values = _numbers(found[0])
    limit = limits.limits["impedance"]
    top = 1.4 * (limit.high or 200.0)
    axes.bar(channels, np.minimum(values, top), 0.6, color=COLOURS[0])
    for channel, value in zip(channels, values, strict=True):
        text = f"{value:.0f}" if value < 1000 else f"{value / 1000:.3g} M"
        axes.text(channel, min(value, top) + top * 0.015, text, ha="center")
    if limit.high is not None:
        axes.axhline(limit.high, color=BAD, lw=0.9, ls=(0, (4, 2)))
    axes.set(xlabel="channel", ylabel="kΩ at 7.8 Hz", ylim=(0, top * 1.08), xticks=channels)
    return True


def _volts(result: CheckResult, name: str) -> NDArray[np.float64]:
    """Return what a check kept under a name, V, shape (n_samples, n_channels); else nothing."""
    kept = (a for a in result.attachments if a.name == f"{name}.npz")
    attachment = next(kept, None)
    return np.asarray(arrays_of(attachment)["volts"] if attachment else np.empty((0, 0)))


def _rate_hz(result: CheckResult, name: str) -> float:
    """Return the data rate that was kept with them, Hz; 0 if nothing was."""
    kept = next((a for a in result.attachments if a.name == f"{name}.npz"), None)
    return float(arrays_of(kept)["rate_hz"]) if kept else 0.0


def _channel_legend(axes: "Axes", measurement: Measurement) -> None:
    channels, _ = _numbers(measurement)
    for channel in channels.astype(int):
        axes.scatter([], [], s=16, c=colour(int(channel)), label=str(channel), linewidths=0)
    axes.legend(
        title="channel", loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7.5,
        handletextpad=0.2, borderaxespad=0.3, ncols=-(-len(channels) // _LEGEND_ROWS),
    )  # fmt: skip
