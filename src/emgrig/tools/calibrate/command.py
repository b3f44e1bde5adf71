"""`emgrig calibrate`: values with their uncertainty, and the board's calibration certificate."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from emgrig.connect import link_first
from emgrig.tools.calibrate.place import check_bench
from emgrig.tools.calibrate.run import Job, Wanted, refuse_report, run
from emgrig.tools.calibrate.words import (
    read_attenuator,
    read_channels,
    read_date,
    read_integers,
    read_numbers,
)
from emgrig.tools.common.options import Mains, OfBoard, Overwrite, Printed, flag, option, takes

if TYPE_CHECKING:
    from emgrig.calibration.procedures.readings import Report

Procedure = Callable[..., "Report"]
G = TypeVar("G", bound="Measuring")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Measure what the board really does, with uncertainties, and keep it in a certificate.",
    epilog=(
        "Every command leaves the registers as it found them, proved by reading. Uncertainties are "
        "expanded, with their coverage factor. Exit code 1: a limit was failed."
    ),
)

Channels = Annotated[str, typer.Option(help="As 1,3-5; all unless given.")]
Gains = Annotated[str, typer.Option(help="Comma separated: 1, 2, 4, 6, 8, 12, 24.")]
Rate = Annotated[int, typer.Option(help="Samples per second.")]
Duration = Annotated[float, typer.Option(help="Length of each record, seconds; noise needs 10.")]
HostPpm = Annotated[float, typer.Option(help="Standard uncertainty of this computer's clock, ppm.")]
Gain = Annotated[int, typer.Option(help="Of all channels.")]


@dataclass(frozen=True, kw_only=True)
class Measuring(OfBoard, Printed):
    """What every command takes."""

    report: Path | None = option("Folder for index.html and calibration.json.")
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class Keeping(Measuring):
    """What a command takes whose values can go into the board's certificate."""

    save: bool = flag("Put it into the board's certificate.")
    calibration: Path | None = option("Folder of certificates, or one .json file.")
    valid_days: int = option("How long the certificate is valid, days.", 365, min=1)


@dataclass(frozen=True, kw_only=True)
class WithResistors:
    """Known resistors at the inputs."""

    resistors: str = option("Known resistors, Ω, comma separated.", "")
    limits: float = option("Limits of the resistors' error, %.", 0.1)
    current: str = option("6nA, 24nA, 6uA or 24uA.", "24nA")
    channels: Channels = ""
    mains: Mains = 50.0


@dataclass(frozen=True, kw_only=True)
class OnBench:
    """Generator, attenuator and meter."""

    bench: str = option("GENERATOR,METER as VISA resources; sim with a simulated board.", ...)
    ratio: float = option("Of the attenuator, input over output; 1 is a wire.", 1.0)
    ratio_limits: float = option("Limits of the ratio's error, %.", 0.0)
    input_ohm: float | None = option("What the attenuator is to the generator, Ω.")
    gain: Gain = 24
    rate: Rate = 1000
    channels: Channels = ""


def _link_first(function: Callable[[G], None]) -> Callable[[G], None]:
    """Look at the report's folder and the link before the procedures are imported."""

    @wraps(function)
    def command(given: G) -> None:
        check_bench(given.address, getattr(given, "bench", None))
        refuse_report(given.report, overwrite=given.overwrite)
        with link_first(given.address):
            function(given)

    return command


def _wanted(given: Measuring, **more: Any) -> Wanted:
    """Return what is to be done with what is found."""
    if isinstance(given, Keeping):
        more |= {name: getattr(given, name) for name in ("save", "calibration", "valid_days")}
    if isinstance(given, OnBench):
        more["bench"] = given.bench
        more["attenuator"] = read_attenuator(
            given.bench, given.ratio, given.ratio_limits, given.input_ohm
        )
    if isinstance(given, WithResistors) and given.resistors:
        more["resistors"] = f"{given.resistors} Ω, within {given.limits:g} %"
    more["overwrite"] = given.overwrite
    return Wanted(given.address, given.as_json, given.report, **more)


@dataclass(frozen=True, kw_only=True)
class NoiseOptions(Measuring):
    """What `emgrig calibrate noise` takes."""

    gains: Gains = "24"
    rates: str = option("Samples per second, comma separated.", "1000")
    channels: Channels = ""
    duration: Duration = 20.0
    as_found: bool = flag("Inputs as they are, not shorted in the chip.")
    mains: Mains = 50.0
    amplifiers: list[Path] | None = option("CSV with further amplifiers to compare; repeatable.")


@app.command()
@takes
@_link_first
def noise(given: NoiseOptions) -> None:
    """Measure the noise floor for any set of gains, rates and channels.

    Judged by the data sheet's typical value for gain and rate, and set beside other amplifiers.

    Example: emgrig calibrate noise sim: --gains 6,12,24 --rates 1000,2000 --report noise/
    """
    from emgrig.calibration.procedures.noise_floor import SHORTED, NoiseSettings, measure_noise

    settings = NoiseSettings(
        gains=read_integers(given.gains, "gains"),
        rates_hz=read_integers(given.rates, "rates"),
        channels=read_channels(given.channels),
        duration_s=given.duration,
        mux="normal" if given.as_found else "shorted",
        condition="inputs as found" if given.as_found else SHORTED,
        mains_hz=given.mains,
    )
    wanted = _wanted(given, amplifiers=tuple(given.amplifiers or ()))
    run(wanted, [_job(measure_noise, settings)])


@dataclass(frozen=True, kw_only=True)
class GainOptions(Keeping):
    """What `emgrig calibrate gain` takes."""

    gains: Gains = "12,24"
    channels: Channels = ""


@app.command()
@takes
@_link_first
def gain(given: GainOptions) -> None:
    """Measure gain, matching of the channels and offset with the chip's own test signal.

    The test signal is known to 2 % only; how the channels stand to each other comes out to a few
    ppm, and that is what the record corrects. A bench does better: bench-gain.
    """
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    gains = read_integers(given.gains, "gains")
    settings = ScaleSettings(gains=gains, channels=read_channels(given.channels))
    run(_wanted(given), [_job(measure_scale, settings)])


@dataclass(frozen=True, kw_only=True)
class ClockOptions(Keeping):
    """What `emgrig calibrate clock` takes."""

    duration: Duration = 60.0
    rate: Rate = 1000
    host_ppm: HostPpm = 30.0


@app.command()
@takes
@_link_first
def clock(given: ClockOptions) -> None:
    """Measure the sample clock against this computer's: error, drift, jitter, Allan deviation."""
    from emgrig.calibration.procedures.clock import ClockSettings, measure_clock

    settings = ClockSettings(given.duration, given.rate, given.host_ppm)
    run(_wanted(given), [_job(measure_clock, settings)])


@dataclass(frozen=True, kw_only=True)
class CrosstalkOptions(Measuring):
    """What `emgrig calibrate crosstalk` takes."""

    channels: Channels = ""
    gain: Gain = 24
    duration: Duration = 16.0


@app.command()
@takes
@_link_first
def crosstalk(given: CrosstalkOptions) -> None:
    """Measure what each channel shows of the test signal on another one."""
    from emgrig.calibration.procedures.crosstalk import CrosstalkSettings, measure_crosstalk

    settings = CrosstalkSettings(read_channels(given.channels), given.gain, given.duration)
    run(_wanted(given), [_job(measure_crosstalk, settings)])


@dataclass(frozen=True, kw_only=True)
class LeadOffOptions(WithResistors, Keeping):
    """What `emgrig calibrate leadoff` takes."""

    resistors: str = option("Known resistors, Ω, comma separated.", "10000,100000")


@app.command()
@takes
@_link_first
def leadoff(given: LeadOffOptions) -> None:
    """Calibrate the lead-off current of each input from two or more known resistors."""
    run(_wanted(given), [_lead_off_job(given)])


@dataclass(frozen=True, kw_only=True)
class SourcesOptions(Measuring):
    """What `emgrig calibrate sources` takes."""

    gains: Gains = "24"
    rate: Rate = 1000
    channels: Channels = ""
    duration: Duration = 20.0
    mains: Mains = 50.0


@app.command()
@takes
@_link_first
def sources(given: SourcesOptions) -> None:
    """Measure noise shorted, with 1 k, 10 k, 10 k at the cable's end, and open; asks for each."""
    from emgrig.calibration.procedures.noise_floor import NoiseSettings
    from emgrig.calibration.procedures.sources import measure_sources

    settings = NoiseSettings(
        gains=read_integers(given.gains, "gains"),
        rates_hz=(given.rate,),
        channels=read_channels(given.channels),
        duration_s=given.duration,
        mains_hz=given.mains,
    )
    run(_wanted(given), [_asking(measure_sources, settings)])


@dataclass(frozen=True, kw_only=True)
class BenchGainOptions(OnBench, Keeping):
    """What `emgrig calibrate bench-gain` takes."""

    meter_due: str = option("When the meter's own calibration is due, YYYY-MM-DD.", "")


@app.command("bench-gain")
@takes
@_link_first
def bench_gain(given: BenchGainOptions) -> None:
    """Measure gain and nonlinearity against the meter; the chip's own means tell the offset."""
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    settings = ScaleSettings(gains=(given.gain,), channels=read_channels(given.channels))
    wanted = _wanted(given, meter_due=read_date(given.meter_due))
    run(wanted, [_job(measure_scale, settings), *_bench_jobs(given, ("gain",))])


@dataclass(frozen=True, kw_only=True)
class BenchOptions(OnBench, Measuring):
    """What `emgrig calibrate bench` takes."""

    what: str = option(
        "response, dynamics, cmrr, impedance; comma separated.", "response,dynamics,cmrr,impedance"
    )


@app.command("bench")
@takes
@_link_first
def bench_transfer(given: BenchOptions) -> None:
    """Measure frequency response, SINAD and THD, CMRR, and input impedance with the bench."""
    names = tuple(name.strip() for name in given.what.split(","))
    run(_wanted(given), _bench_jobs(given, names))


@dataclass(frozen=True, kw_only=True)
class AllOptions(WithResistors, Keeping):
    """What `emgrig calibrate all` takes."""

    gains: Gains = "12,24"
    rate: Rate = 1000
    host_ppm: HostPpm = 30.0


@app.command("all")
@takes
@_link_first
def everything(given: AllOptions) -> None:
    """Do all that needs no bench: noise, gain, clock, crosstalk; lead-off with --resistors.

    Example: emgrig calibrate all sim:bench --resistors 10000,100000 --save --report calibration/
    """
    from emgrig.calibration.procedures.clock import ClockSettings, measure_clock
    from emgrig.calibration.procedures.crosstalk import CrosstalkSettings, measure_crosstalk
    from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    gains, listed = read_integers(given.gains, "gains"), read_channels(given.channels)
    floor = NoiseSettings(gains, (given.rate,), listed, mains_hz=given.mains)
    scale = ScaleSettings(gains, listed)
    clocks = ClockSettings(rate_hz=given.rate, host_ppm=given.host_ppm)
    talk = CrosstalkSettings(listed, max(gains))
    jobs: list[Job] = [
        _job(measure_noise, floor),
        _job(measure_scale, scale),
        _job(measure_clock, clocks),
        _job(measure_crosstalk, talk),
    ]
    run(_wanted(given), jobs + ([_lead_off_job(given)] if given.resistors else []))


def _job(measure: Procedure, settings: object) -> Job:
    return lambda place, bar: measure(place.board, settings, progress=bar.follow)


def _asking(measure: Procedure, settings: object) -> Job:
    """Return a job that asks for what is to be connected."""
    return lambda place, bar: measure(
        place.board, bar.aside(place.ask), settings, progress=bar.follow
    )


def _on_bench(measure: Procedure, settings: object) -> Job:
    return lambda place, bar: measure(
        place.board, place.bench, bar.aside(place.ask), settings, progress=bar.follow
    )


def _lead_off_job(given: WithResistors) -> Job:
    from emgrig.calibration.procedures.lead_off import LeadOffSettings, measure_lead_off

    settings = LeadOffSettings(
        read_numbers(given.resistors, "resistors"),
        given.limits / 100,
        given.current,
        read_channels(given.channels),
        mains_hz=given.mains,
    )
    return _asking(measure_lead_off, settings)


def _bench_jobs(given: OnBench, names: tuple[str, ...]) -> list[Job]:
    from emgrig.calibration.procedures.bench_rejection import (
        RejectionSettings,
        measure_cmrr,
        measure_input_impedance,
    )
    from emgrig.calibration.procedures.bench_transfer import (
        BenchSettings,
        measure_bench_dynamics,
        measure_bench_gain,
        measure_bench_response,
    )

    channels = read_channels(given.channels)
    transfer = BenchSettings(given.gain, given.rate, channels)
    rejection = RejectionSettings(given.gain, given.rate, channels)
    jobs = {
        "gain": _on_bench(measure_bench_gain, transfer),
        "response": _on_bench(measure_bench_response, transfer),
        "dynamics": _on_bench(measure_bench_dynamics, transfer),
        "cmrr": _on_bench(measure_cmrr, rejection),
        "impedance": _on_bench(measure_input_impedance, rejection),
    }
    unknown = [name for name in names if name not in jobs]
    if unknown:
        raise ValueError(f"no measurement {', '.join(unknown)}; there are {', '.join(jobs)}")
    return [jobs[name] for name in names]
