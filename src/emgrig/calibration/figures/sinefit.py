"""Least-squares sine fits (IEEE 1057, three and four parameters) and what follows from one.

SINAD, ENOB, THD and SFDR are computed from the fit and its residual, so the frequency need not be
coherent with the sample clock.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_rate, checked_record

_N_MIN = 16


@dataclass(frozen=True)
class SineFit:
    """``offset + amplitude * cos(2π f t + phase)``, t from 0 at the first sample.

    Amplitude is the peak, phase −π to π; a ``u_…`` is the standard uncertainty for a white
    residual, that of the frequency 0 if it was given. `residual_v`, shape (n_samples,), is what the
    sine leaves; its rms counts the fitted parameters as lost degrees of freedom.
    """

    amplitude_v: float
    phase_rad: float
    offset_v: float
    frequency_hz: float
    u_amplitude_v: float
    u_phase_rad: float
    u_offset_v: float
    u_frequency_hz: float
    residual_v_rms: float
    n_samples: int
    residual_v: NDArray[np.float64]
    rate_hz: float

    @property
    def jitter_limit_s(self) -> float:
        """Most that the sampling instants can jitter, s rms: all of the residual is jitter."""
        slope_v_per_s_rms = 2 * math.pi * self.frequency_hz * self.amplitude_v / math.sqrt(2)
        return self.residual_v_rms / slope_v_per_s_rms


def fit_sine_3(volts: ArrayLike, rate_hz: float, frequency_hz: float) -> SineFit:
    """Fit amplitude, phase and offset at a known frequency.

    `volts` are one channel, shape (n_samples,); the frequency is above 0 and below half the rate.
    Raises ValueError if it is not, or the record is shorter than one period or refused by
    `checked_record`.
    """
    record = checked_record(volts, n_min=_N_MIN)
    _check_frequency(frequency_hz, rate_hz, record.size)
    w = 2 * np.pi * frequency_hz / rate_hz * np.arange(record.size)
    design = np.stack([np.cos(w), -np.sin(w), np.ones(record.size)], axis=1)
    solution = np.linalg.lstsq(design, record, rcond=None)[0]
    return _fit_result(design, solution, record, rate_hz, frequency_hz)


def fit_sine_4(volts: ArrayLike, rate_hz: float, frequency_hz: float | None = None) -> SineFit:
    """Fit amplitude, phase, offset and frequency.

    `volts` are one channel, shape (n_samples,), five periods or more for a frequency that is not
    given: then the largest line of the spectrum is the first guess. One that is given is within
    half a bin (``rate_hz / n_samples / 2``) of the truth. Raises ValueError as `fit_sine_3`, and if
    the fit runs away, which means that there is no sine.
    """
    record = checked_record(volts, n_min=_N_MIN)
    checked_rate(rate_hz)
    # Time from -1/2 to 1/2 keeps the columns nearly orthogonal.
    turn = (np.arange(record.size) - (record.size - 1) / 2) / rate_hz
    guess = _largest_line_hz(record, rate_hz) if frequency_hz is None else frequency_hz
    _check_frequency(guess, rate_hz, record.size)
    frequency = guess
    for _ in range(30):
        w = 2 * np.pi * frequency * turn
        sines = np.stack([np.cos(w), -np.sin(w), np.ones(record.size)], axis=1)
        a, b, _ = np.linalg.lstsq(sines, record, rcond=None)[0]
        slope = -2 * np.pi * turn * (a * np.sin(w) + b * np.cos(w))
        design = np.column_stack([sines, slope])
        step = float(np.linalg.lstsq(design, record, rcond=None)[0][3])
        frequency += step
        if not abs(frequency - guess) < 2 * rate_hz / record.size:
            raise ValueError(f"the sine fit ran away from {guess:.6g} Hz: is there a sine at all?")
        if abs(step) < 1e-12 * rate_hz:
            break
    w = 2 * np.pi * frequency / rate_hz * np.arange(record.size)
    sines = np.stack([np.cos(w), -np.sin(w), np.ones(record.size)], axis=1)
    solution = np.linalg.lstsq(sines, record, rcond=None)[0]
    slope = -2 * np.pi * np.arange(record.size) / rate_hz
    slope = slope * (solution[0] * np.sin(w) + solution[1] * np.cos(w))
    return _fit_result(np.column_stack([sines, slope]), solution, record, rate_hz, frequency)


def _check_frequency(frequency_hz: float, rate_hz: float, n_samples: int) -> None:
    if not 0 < frequency_hz < checked_rate(rate_hz) / 2:
        raise ValueError(f"frequency {frequency_hz} Hz is not between 0 and {rate_hz / 2} Hz")
    if n_samples * frequency_hz < rate_hz:
        raise ValueError(
            f"{n_samples / rate_hz:.3g} s hold less than a period of {frequency_hz} Hz"
        )


def _largest_line_hz(record: NDArray[np.float64], rate_hz: float) -> float:
    """Find the largest line to a small part of a bin: log parabola on a Gaussian-like window."""
    n = record.size
    window = scipy.signal.windows.gaussian(n, n / 8)
    power = np.abs(np.fft.rfft((record - record.mean()) * window)) ** 2
    peak = int(np.argmax(power[1:-1])) + 1
    left, centre, right = np.log(power[peak - 1 : peak + 2] + np.finfo(float).tiny)
    bend = left - 2 * centre + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float((peak + np.clip(shift, -0.5, 0.5)) * rate_hz / n)


def _fit_result(
    design: NDArray[np.float64],
    solution: NDArray[np.float64],
    record: NDArray[np.float64],
    rate_hz: float,
    frequency_hz: float,
) -> SineFit:
    residual = record - design[:, :3] @ solution
    n_free = record.size - design.shape[1]
    variance = float(residual @ residual) / n_free
    # Columns are scaled before the inversion: the frequency column differs by many decades.
    size = np.linalg.norm(design, axis=0)
    scaled = design / size
    covariance = variance * np.linalg.inv(scaled.T @ scaled) / np.outer(size, size)
    a, b = float(solution[0]), float(solution[1])
    amplitude = math.hypot(a, b)
    if amplitude == 0:
        raise ValueError(f"there is no sine at {frequency_hz:.6g} Hz")
    along = np.array([a, b]) / amplitude
    across = np.array([-b, a]) / amplitude
    u_frequency = math.sqrt(covariance[3, 3]) if design.shape[1] == 4 else 0.0
    return SineFit(
        amplitude_v=amplitude,
        phase_rad=math.atan2(b, a),
        offset_v=float(solution[2]),
        frequency_hz=float(frequency_hz),
        u_amplitude_v=math.sqrt(along @ covariance[:2, :2] @ along),
        u_phase_rad=math.sqrt(across @ covariance[:2, :2] @ across) / amplitude,
        u_offset_v=math.sqrt(covariance[2, 2]),
        u_frequency_hz=u_frequency,
        residual_v_rms=math.sqrt(variance),
        n_samples=record.size,
        residual_v=residual,
        rate_hz=rate_hz,
    )


@dataclass(frozen=True)
class DynamicPerformance:
    """What is beside the sine.

    `sinad_db` is the sine over everything else but DC (IEEE 1057), `enob_bits` ``(SINAD − 1.76) /
    6.02`` at this amplitude, and `enob_full_scale_bits` the same, with the sine scaled up to full
    scale. `thd_db` is the power of the harmonics 2 to `highest_harmonic` over the carrier; a
    harmonic above half the rate is found where it folds to. Noise within the fit adds about ``2 /
    n_samples`` of its power for each. `sfdr_db` is the carrier over the largest other line, which
    is at `largest_spur_hz`.
    """

    fit: SineFit
    sinad_db: float
    enob_bits: float
    enob_full_scale_bits: float
    thd_db: float
    sfdr_db: float
    largest_spur_hz: float
    highest_harmonic: int


def dynamic_performance(
    volts: ArrayLike,
    rate_hz: float,
    full_scale_v: float,
    *,
    frequency_hz: float | None = None,
    highest_harmonic: int = 10,
) -> DynamicPerformance:
    """Measure SINAD, ENOB, THD and SFDR of one channel that sees a clean sine.

    `volts` have the shape (n_samples,); the source's own distortion is in the result.
    `full_scale_v` is the largest amplitude, V: reference over gain. `frequency_hz` is a first
    guess, `highest_harmonic`, 2 or more, the last in the THD; 10 is the first nine. Raises
    ValueError as `fit_sine_4`, and if the sine is larger than full scale.
    """
    if highest_harmonic < 2:
        raise ValueError(f"THD needs harmonic 2 at least, not {highest_harmonic}")
    fit = fit_sine_4(volts, rate_hz, frequency_hz)
    if fit.amplitude_v > 1.001 * full_scale_v:
        raise ValueError(
            f"amplitude {fit.amplitude_v:.4g} V is above the full scale of {full_scale_v:.4g} V"
        )
    sinad_db = 20 * math.log10(fit.amplitude_v / math.sqrt(2) / fit.residual_v_rms)
    enob = (sinad_db - 10 * math.log10(1.5)) / (20 * math.log10(2))
    spur_v, spur_hz = _largest_spur(fit)
    return DynamicPerformance(
        fit=fit,
        sinad_db=sinad_db,
        enob_bits=enob,
        enob_full_scale_bits=enob + math.log2(full_scale_v / fit.amplitude_v),
        thd_db=_thd_db(fit, highest_harmonic),
        sfdr_db=20 * math.log10(fit.amplitude_v / spur_v),
        largest_spur_hz=spur_hz,
        highest_harmonic=highest_harmonic,
    )


def _thd_db(fit: SineFit, highest_harmonic: int) -> float:
    power = 0.0
    for n in range(2, highest_harmonic + 1):
        folded = abs((n * fit.frequency_hz + fit.rate_hz / 2) % fit.rate_hz - fit.rate_hz / 2)
        one_bin = fit.rate_hz / fit.n_samples
        near_carrier = abs(folded - fit.frequency_hz) < 2 * one_bin
        if near_carrier or not 2 * one_bin < folded < fit.rate_hz / 2 - 2 * one_bin:
            continue  # folded onto the carrier, DC or half the rate: cannot be told apart
        power += fit_sine_3(fit.residual_v, fit.rate_hz, folded).amplitude_v ** 2
    if power == 0:
        raise ValueError("no harmonic can be told from the carrier; choose another frequency")
    return 10 * math.log10(power / fit.amplitude_v**2)


def _largest_spur(fit: SineFit) -> tuple[float, float]:
    """Return amplitude, V, and frequency of the largest line in the residual."""
    window = scipy.signal.windows.flattop(fit.n_samples, sym=False)
    lines = 2 * np.abs(np.fft.rfft(fit.residual_v * window)) / window.sum()
    lines[:5] = 0  # the window's main lobe around DC
    peak = int(np.argmax(lines))
    return float(lines[peak]), peak * fit.rate_hz / fit.n_samples
