"""The source-resistance protocol: the noise with growing resistance on the inputs.

Shorted, 1 kΩ, 10 kΩ, 10 kΩ at the end of the cable, open. The growth from shorted to 10 kΩ shows
the amplifier's current noise; that with the cable, what the cable picks up. Each step is set beside
what the resistors themselves must add: ``sqrt(4 k T R)``.
"""

import math
from dataclasses import dataclass, replace

from emgrig.calibration.procedures.acquire import Progress, checked_channels, silent
from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
from emgrig.calibration.procedures.readings import Quantity, Reading, Report
from emgrig.calibration.procedures.setup import Ask, Connection, Setup
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept

BOLTZMANN_J_PER_K = 1.380649e-23


@dataclass(frozen=True)
class Step:
    """One condition.

    `name` says what is on the inputs, `request` what to do, `connection` the same to a simulated
    bench. `source_ohm` is the resistance between P and N, both sides together; None if it is not
    known.
    """

    name: str
    request: str
    connection: Connection
    source_ohm: float | None


BIAS = "and the bias electrode to N"
STEPS = (
    Step(
        "shorted at the jack",
        f"short P to N of every channel at the jack, {BIAS}",
        Connection.SOURCE,
        0.0,
    ),
    Step("1 kΩ", f"put 1 kΩ between P and N of every channel, {BIAS}", Connection.SOURCE, 1e3),
    Step("10 kΩ", f"put 10 kΩ between P and N of every channel, {BIAS}", Connection.SOURCE, 10e3),
    Step(
        "10 kΩ with cable",
        f"put 10 kΩ at the far end of the electrode cable, {BIAS}",
        Connection.SOURCE,
        10e3,
    ),
    Step("open", "take everything off the inputs but the bias electrode", Connection.OPEN, None),
)


def measure_sources(
    board: Board,
    ask: Ask,
    settings: NoiseSettings | None = None,
    *,
    temperature_c: float = 25.0,
    progress: Progress = silent,
) -> Report:
    """Measure the noise in each step, asking for it.

    `ask` shows a person what to connect, and returns when it is; `mux` and `condition` of the
    settings are set here; `temperature_c` is that of the resistors. The report has the readings of
    `measure_noise` for each step; the note of the white level says what the resistors alone have.
    With open inputs channels go to the rail, which is noted.
    """
    settings = settings or NoiseSettings()
    channels = checked_channels(board, settings.channels)
    readings: list[Reading] = []
    curves = []
    notes: list[str] = []
    with kept(board) as keeping:
        for index, step in enumerate(STEPS):
            ask(Setup(step.connection, step.request, tuple(channels), step.source_ohm or 0.0))
            part = measure_noise(
                board,
                replace(settings, mux="normal", condition=step.name),
                progress=lambda text, share, index=index: progress(  # type: ignore[misc]
                    text, (index + share) / len(STEPS)
                ),
            )
            readings += [_with_thermal(reading, step, temperature_c) for reading in part.readings]
            curves += list(part.curves)
            notes += list(part.notes)
    title = "Noise against source resistance"
    return Report(title, tuple(readings), keeping.restored, tuple(curves), tuple(notes))


def thermal_nv_per_rthz(ohm: float, temperature_c: float) -> float:
    """Return the noise density of a resistor, nV/√Hz: 12.8 for 10 kΩ at 25 °C."""
    return math.sqrt(4 * BOLTZMANN_J_PER_K * (temperature_c + 273.15) * ohm) * 1e9


def _with_thermal(reading: Reading, step: Step, temperature_c: float) -> Reading:
    if reading.quantity is not Quantity.WHITE or step.source_ohm is None:
        return reading
    own = thermal_nv_per_rthz(step.source_ohm, temperature_c)
    return replace(reading, note=f"{step.source_ohm:g} Ω alone: {own:.1f} nV/√Hz")
