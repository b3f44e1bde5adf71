"""A signal generator, a meter and an attenuator: known voltages for a board's inputs.

pyvisa is imported when an instrument is opened, and in `visa` only.
"""

from emgrig.calibration.bench.bench import Applied, Attenuator, Bench, open_bench

__all__ = ["Applied", "Attenuator", "Bench", "open_bench"]
