"""What both checks and probes do with a board: set it up, run it, reduce what came to numbers."""

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.leadoff import Excitation, impedances, measure_amplitude
from emgrig.calibration.figures.spectrum import welch
from emgrig.calibration.figures.testsignal import SquareWave, measure_square_wave
from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.registers import LeadOffControl, LeadOffCurrent, LeadOffFrequency
from emgrig.electrodes.quiet import mains_line
from emgrig.hil_tests.judging.check import CannotMeasure
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.rig import Rig

SLOW_CLOCKS, FAST_CLOCKS = 1 << 21, 1 << 20
"""Periods of the test signal in master clocks (SBAS499C, 9.6.1.3)."""
N_LEVELS = 2400
"""Its levels are VREF / 2400 each way."""
SETTLED_SAMPLES = 250
DVDD_CHANNELS = (3, 4)
"""With MUX 011 these read DVDD/4, all others (AVDD + AVSS)/2 (SBAS499C, 9.3.1.4)."""
USUAL_DVDD_V = (1.8, 2.5, 3.0, 3.3)
TEMPERATURE_V, V_A_KELVIN, TEMPERATURE_C = 145.3e-3, 490e-6, 25.0
"""SBAS499C, equation of 9.3.1.3."""
CURRENT_A = 24e-9
_CURRENTS_A = {
    LeadOffCurrent.NA_6: 6e-9,
    LeadOffCurrent.NA_24: 24e-9,
    LeadOffCurrent.UA_6: 6e-6,
    LeadOffCurrent.UA_24: 24e-6,
}
_EXCITATIONS = {
    LeadOffFrequency.HZ_8: Excitation.HZ_7_8125,
    LeadOffFrequency.HZ_31: Excitation.HZ_31_25,
}
MAINS_HZ = 50.0
"""Blocks of 640 samples hold whole periods of it and of the current; five of them also of 60 Hz."""
N_IMPEDANCE_SAMPLES = 3200
GAIN = 12
OUTLIER_SIGMAS = 20.0
MAINS_HALF_WIDTH_HZ = 0.6


def periods(rate_hz: int, n_periods: int, clocks: int = FAST_CLOCKS) -> int:
    """Return samples that hold `n_periods` whole periods wherever they begin."""
    return round(rate_hz * clocks / ADS1299.f_clk_hz * (n_periods + 1.2))


def waves(capture: Capture) -> list[SquareWave | None]:
    """Measure the square wave on each channel; None where there is none."""
    return [_wave(column) for column in capture.volts.T]


def _wave(volts: NDArray[np.float64]) -> SquareWave | None:
    try:
        return measure_square_wave(volts)
    except ValueError:
        return None


def means(rig: Rig, mux: str, gain: int = 1) -> dict[int, float]:
    """Return the mean of each channel, V, with a mux set on all of them."""
    rig.set_rate(500)
    rig.chip.configure(mux=mux, gain=gain)
    volts = rig.capture(SETTLED_SAMPLES).volts.mean(axis=0)
    return dict(zip(rig.channels, volts.tolist(), strict=True))


def supplies_v(rig: Rig) -> tuple[dict[int, float], dict[int, float]]:
    """Return AVDD by the channels that read it, and DVDD by the others, V."""
    read = means(rig, "supply")
    own = {channel: (channel - 1) % rig.chip.parts[0] + 1 for channel in read}
    avdd = {c: 2 * v for c, v in read.items() if own[c] not in DVDD_CHANNELS}
    dvdd = {c: 4 * v for c, v in read.items() if own[c] in DVDD_CHANNELS}
    return avdd, dvdd


def temperatures_c(rig: Rig) -> dict[int, float]:
    """Return the die's temperature as each channel reads it, °C."""
    # At gain 1 the offset, 0.5 mV, would be a kelvin.
    read = means(rig, "temperature", gain=12)
    return {c: (v - TEMPERATURE_V) / V_A_KELVIN + TEMPERATURE_C for c, v in read.items()}


def reference_v(avdd: dict[int, float], dvdd: dict[int, float], assumed_v: float) -> float:
    """Estimate the reference from both supplies, taken to be at their usual values.

    All readings scale with `assumed_v` over the true reference, so what both supplies share is its
    error.
    """
    read_avdd, read_dvdd = np.median(list(avdd.values())), np.median(list(dvdd.values()))
    usual_dvdd = min(USUAL_DVDD_V, key=lambda v: abs(np.log(max(read_dvdd, 1e-3) / v)))
    common = np.sqrt(max(read_avdd, 1e-3) / 5.0 * max(read_dvdd, 1e-3) / usual_dvdd)
    return float(assumed_v / common)


def unexplained_by_reference(avdd: dict[int, float], dvdd: dict[int, float]) -> float:
    """Return how far DVDD is from any usual value, were it the reference that makes AVDD not 5 V.

    A share: near 0 says that the reference alone explains both readings.
    """
    read_avdd, read_dvdd = np.median(list(avdd.values())), np.median(list(dvdd.values()))
    if read_avdd <= 0 or read_dvdd <= 0:
        return 0.0
    return float(min(abs(read_dvdd * 5.0 / read_avdd / usual - 1) for usual in USUAL_DVDD_V))


def connect_electrodes(rig: Rig) -> None:
    """Connect the electrodes as a recording does: 1000 SPS, gain 12, the bias loop closed."""
    rig.set_rate(1000)
    rig.chip.configure(channels=rig.wired, mux="normal", gain=GAIN)
    rig.chip.bias(sense_p=rig.wired, sense_n=rig.wired, amplifier=True)


def off_in_frames(rig: Rig, status: NDArray[np.uint32]) -> tuple[set[int], set[int]]:
    """Return the channels whose P, N bits are set in most frames."""
    off: tuple[set[int], set[int]] = set(), set()
    for index, column in enumerate(status.T):
        first = sum(rig.chip.parts[:index])
        for side, shift in ((0, 12), (1, 4)):
            for bit in range(rig.chip.parts[index]):
                if np.mean(column >> (shift + bit) & 1) > 0.5:
                    off[side].add(first + bit + 1)
    return off


def impedance_rows(rig: Rig, channel: int, sides: str = "pn") -> NDArray[np.float64]:
    """Return what one channel's current makes on every wired channel, ohm.

    Series resistors are in it. 7.8125 Hz, at which the contact's capacitor hides its resistance
    least; 24 nA; one channel at a time, or currents would add up in a shared electrode.
    """
    sense_p, sense_n = ([channel] if side in sides else [] for side in "pn")
    if rig.identity.can.writes(LeadOffControl.ADDRESS):
        current_a, excitation = CURRENT_A, Excitation.HZ_7_8125
        rig.chip.lead_off(
            current="24nA", frequency=7.8125, comparators=False, flip=[],
            sense_p=sense_p, sense_n=sense_n,
        )  # fmt: skip
    else:
        current_a, excitation = _as_set(rig)
        rig.chip.lead_off(sense_p=sense_p, sense_n=sense_n)
    rate_hz = round(rig.chip.rate_hz)
    n_samples = round(N_IMPEDANCE_SAMPLES / 1000 * rate_hz)
    volts = rig.capture(n_samples, n_settle=100).volts[:, np.array(rig.wired) - 1]
    still = np.ptp(volts, axis=0) == 0
    ohm = np.full(len(rig.wired), np.inf)  # at the rail
    if not still.all():
        found = measure_amplitude(volts[:, ~still], rate_hz, excitation, mains_hz=MAINS_HZ)
        ohm[~still] = [result.value for result in impedances(found, current_a, series_ohm=0.0)]
    return ohm


def _as_set(rig: Rig) -> tuple[float, Excitation]:
    """Return current, A, and frequency that a board has set whose LOFF cannot be written."""
    lead_off = rig.chip.files[0].get(LeadOffControl)
    excitation = _EXCITATIONS.get(lead_off.frequency)
    if excitation is None:
        raise CannotMeasure("this board injects a direct current, and cannot be told otherwise")
    return _CURRENTS_A[lead_off.current], excitation


def mains_uv(volts: NDArray[np.float64], rate_hz: float = 1000) -> float:
    """Return the larger of the lines at 50 and 60 Hz, µV rms, less the noise beside it.

    Narrow, so that a generator's tone some hertz away is not taken for mains.
    """
    spectrum = welch(volts[:, None], rate_hz, segment_s=4.0)
    _, power_v2, _ = mains_line(spectrum, half_width_hz=MAINS_HALF_WIDTH_HZ)
    return 1e6 * float(np.sqrt(power_v2[0]))


def bias_level_mv(rig: Rig) -> float:
    """Return BIASIN against mid-supply, mV, while the loop is closed over the electrodes."""
    meter = next((n for n in rig.channels if n not in rig.wired), rig.wired[-1])
    others = [n for n in rig.wired if n != meter]
    rig.chip.set_rate(1000)
    rig.chip.configure(channels=others, mux="normal", gain=12)
    rig.chip.configure(channels=[meter], mux="bias", gain=1)
    rig.chip.bias(
        sense_p=others, sense_n=others, amplifier=True, internal_reference=True, measure=True
    )
    volts = rig.capture(1000, n_settle=200).volts[:, meter - 1]
    rig.prepare()
    return float(np.median(volts) * 1e3)


def is_bias_electrode_off(rig: Rig) -> bool | None:
    """Say what BIAS_STAT says: a current into the electrode, the amplifier off."""
    rig.chip.bias(amplifier=False, lead_off_sense=True, sense_p=[], sense_n=[])
    rig.chip.lead_off(current="6nA", frequency="dc", threshold=95, comparators=True)
    rig.capture(200)
    off = rig.chip.lead_off_status().bias_off
    rig.prepare()
    return off


def n_repeated(codes: NDArray[np.int32]) -> int:
    """Count frames that equal the one before; channels at the rail cannot tell."""
    alive = codes[:, ~ADS1299.is_clipped(codes).any(axis=0)]
    if alive.shape[1] == 0 or len(alive) < 2:
        return 0
    return int((np.diff(alive, axis=0) == 0).all(axis=1).sum())


def n_outliers(codes: NDArray[np.int32]) -> int:
    """Count samples in which a channel is far from where it was, by a robust sigma."""
    if not len(codes):
        return 0
    away = np.abs(codes - np.median(codes, axis=0))
    sigma = np.maximum(1.4826 * np.median(away, axis=0), 1.0)
    return int((away > OUTLIER_SIGMAS * sigma).any(axis=1).sum())
