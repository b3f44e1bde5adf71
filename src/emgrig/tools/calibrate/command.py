"""`emgrig calibrate`: values with their uncertainty, and the board's calibration certificate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.tools.board_commands import Address, Json
from emgrig.tools.calibrate.place import Place
from emgrig.tools.calibrate.run import Job, Wanted, run
from emgrig.tools.calibrate.words import (
    read_attenuator,
    read_channels,
    read_date,
    read_integers,
    read_numbers,
)

if TYPE_CHECKING:
    from emgrig.calibration.bench import Bench as OpenBench
    from emgrig.calibration.procedures.bench_rejection import RejectionSettings
    from emgrig.calibration.procedures.bench_transfer import BenchSettings

app = typer.Typer(
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
Report = Annotated[Path | None, typer.Option(help="Folder for index.html and calibration.json.")]
Save = Annotated[bool, typer.Option("--save", help="Put it into the board's certificate.")]
Where = Annotated[
    Path | None, typer.Option("--calibration", help="Folder of certificates, or one .json file.")
]
ValidDays = Annotated[int, typer.Option(help="How long the certificate is valid, days.", min=1)]
Mains = Annotated[float, typer.Option("--mains", help="50 or 60 Hz.")]
Duration = Annotated[float, typer.Option(help="Length of each record, seconds.")]
Amplifiers = Annotated[
    list[Path] | None, typer.Option(help="CSV with further amplifiers to compare; repeatable.")
]
Bench = Annotated[
    str, typer.Option(help="GENERATOR,METER as VISA resources; sim with a simulated board.")
]
Ratio = Annotated[float, typer.Option(help="Of the attenuator, input over output; 1 is a wire.")]
RatioLimits = Annotated[float, typer.Option(help="Limits of the ratio's error, %.")]
InputOhm = Annotated[
    float | None, typer.Option(help="What the attenuator is to the generator, ohm.")
]
MeterDue = Annotated[str, typer.Option(help="When the meter's own calibration is due, YYYY-MM-DD.")]
HostPpm = Annotated[float, typer.Option(help="Standard uncertainty of this computer's clock, ppm.")]
Resistors = Annotated[str, typer.Option(help="Known resistors, ohm, comma separated.")]
ResistorLimits = Annotated[float, typer.Option(help="Limits of the resistors' error, %.")]
Current = Annotated[str, typer.Option(help="6nA, 24nA, 6uA or 24uA.")]


@app.command()
def noise(
    address: Address,
    gains: Gains = "24",
    rates: Annotated[str, typer.Option(help="Samples per second, comma separated.")] = "1000",
    channels: Channels = "",
    duration: Duration = 20.0,
    as_found: Annotated[
        bool, typer.Option("--as-found", help="Inputs as they are, not shorted in the chip.")
    ] = False,
    mains: Mains = 50.0,
    amplifiers: Amplifiers = None,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Measure the noise floor for any set of gains, rates and channels.

    Judged by the data sheet's typical value for gain and rate, and set beside other amplifiers.

    Example: emgrig calibrate noise sim: --gains 6,12,24 --rates 1000,2000 --report noise/
    """
    from emgrig.calibration.procedures.noise_floor import SHORTED, NoiseSettings, measure_noise

    settings = NoiseSettings(
        gains=read_integers(gains, "gains"),
        rates_hz=read_integers(rates, "rates"),
        channels=read_channels(channels),
        duration_s=duration,
        mux="normal" if as_found else "shorted",
        condition="inputs as found" if as_found else SHORTED,
        mains_hz=mains,
    )
    wanted = Wanted(address, as_json, report, amplifiers=tuple(amplifiers or ()))
    run(wanted, [lambda place, bar: measure_noise(place.board, settings, progress=bar.follow)])


@app.command()
def gain(
    address: Address,
    gains: Gains = "12,24",
    channels: Channels = "",
    report: Report = None,
    save: Save = False,
    calibration: Where = None,
    valid_days: ValidDays = 365,
    as_json: Json = False,
) -> None:
    """Measure gain, matching of the channels and offset with the chip's own test signal.

    The test signal is known to 2 % only; how the channels stand to each other comes out to a few
    ppm, and that is what the record corrects. A bench does better: bench-gain.
    """
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    settings = ScaleSettings(gains=read_integers(gains, "gains"), channels=read_channels(channels))
    wanted = Wanted(address, as_json, report, save, calibration, valid_days)
    run(wanted, [lambda place, bar: measure_scale(place.board, settings, progress=bar.follow)])


@app.command()
def clock(
    address: Address,
    duration: Duration = 60.0,
    rate: Rate = 1000,
    host_ppm: HostPpm = 30.0,
    report: Report = None,
    save: Save = False,
    calibration: Where = None,
    valid_days: ValidDays = 365,
    as_json: Json = False,
) -> None:
    """Measure the sample clock against this computer's: error, drift, jitter, Allan deviation."""
    from emgrig.calibration.procedures.clock import ClockSettings, measure_clock

    settings = ClockSettings(duration, rate, host_ppm)
    wanted = Wanted(address, as_json, report, save, calibration, valid_days)
    run(wanted, [lambda place, bar: measure_clock(place.board, settings, progress=bar.follow)])


@app.command()
def crosstalk(
    address: Address,
    channels: Channels = "",
    gain: Annotated[int, typer.Option(help="Of all channels.")] = 24,
    duration: Duration = 16.0,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Measure what each channel shows of the test signal on another one."""
    from emgrig.calibration.procedures.crosstalk import CrosstalkSettings, measure_crosstalk

    settings = CrosstalkSettings(read_channels(channels), gain, duration)
    run(
        Wanted(address, as_json, report),
        [lambda place, bar: measure_crosstalk(place.board, settings, progress=bar.follow)],
    )


@app.command()
def leadoff(
    address: Address,
    resistors: Resistors = "10000,100000",
    limits: ResistorLimits = 0.1,
    current: Current = "24nA",
    channels: Channels = "",
    mains: Mains = 50.0,
    report: Report = None,
    save: Save = False,
    calibration: Where = None,
    valid_days: ValidDays = 365,
    as_json: Json = False,
) -> None:
    """Calibrate the lead-off current of each input from two or more known resistors."""
    wanted = Wanted(
        address, as_json, report, save, calibration, valid_days,
        resistors=f"{resistors} ohm, within {limits:g} %",
    )  # fmt: skip
    run(wanted, [_lead_off_job(resistors, limits, current, channels, mains)])


@app.command()
def sources(
    address: Address,
    gains: Gains = "24",
    rate: Rate = 1000,
    channels: Channels = "",
    duration: Duration = 20.0,
    mains: Mains = 50.0,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Measure noise shorted, with 1 k, 10 k, 10 k at the cable's end, and open; asks for each."""
    from emgrig.calibration.procedures.noise_floor import NoiseSettings
    from emgrig.calibration.procedures.sources import measure_sources

    settings = NoiseSettings(
        gains=read_integers(gains, "gains"),
        rates_hz=(rate,),
        channels=read_channels(channels),
        duration_s=duration,
        mains_hz=mains,
    )
    run(
        Wanted(address, as_json, report),
        [
            lambda place, bar: measure_sources(
                place.board, bar.aside(place.ask), settings, progress=bar.follow
            )
        ],
    )


@app.command("bench-gain")
def bench_gain(
    address: Address,
    bench: Bench,
    ratio: Ratio = 1.0,
    ratio_limits: RatioLimits = 0.0,
    input_ohm: InputOhm = None,
    meter_due: MeterDue = "",
    gain: Annotated[int, typer.Option(help="Of all channels.")] = 24,
    rate: Rate = 1000,
    channels: Channels = "",
    report: Report = None,
    save: Save = False,
    calibration: Where = None,
    valid_days: ValidDays = 365,
    as_json: Json = False,
) -> None:
    """Measure gain and nonlinearity against the meter; the chip's own means tell the offset."""
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    wanted = Wanted(
        address, as_json, report, save, calibration, valid_days, bench,
        read_attenuator(bench, ratio, ratio_limits, input_ohm), read_date(meter_due),
    )  # fmt: skip
    settings = ScaleSettings(gains=(gain,), channels=read_channels(channels))
    own: list[Job] = [lambda place, bar: measure_scale(place.board, settings, progress=bar.follow)]
    run(wanted, [*own, *_bench_jobs(_bench_settings(gain, rate, channels), ("gain",))])


@app.command("bench")
def bench_transfer(
    address: Address,
    bench: Bench,
    what: Annotated[
        str, typer.Option(help="response, dynamics, cmrr, impedance; comma separated.")
    ] = "response,dynamics,cmrr,impedance",
    ratio: Ratio = 1.0,
    ratio_limits: RatioLimits = 0.0,
    input_ohm: InputOhm = None,
    gain: Annotated[int, typer.Option(help="Of all channels.")] = 24,
    rate: Rate = 1000,
    channels: Channels = "",
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Measure frequency response, SINAD and THD, CMRR, and input impedance with the bench."""
    wanted = Wanted(
        address, as_json, report, bench=bench,
        attenuator=read_attenuator(bench, ratio, ratio_limits, input_ohm),
    )  # fmt: skip
    names = tuple(name.strip() for name in what.split(","))
    run(wanted, _bench_jobs(_bench_settings(gain, rate, channels), names))


@app.command("all")
def everything(
    address: Address,
    gains: Gains = "12,24",
    rate: Rate = 1000,
    channels: Channels = "",
    host_ppm: HostPpm = 30.0,
    resistors: Resistors = "",
    limits: ResistorLimits = 0.1,
    current: Current = "24nA",
    mains: Mains = 50.0,
    report: Report = None,
    save: Save = False,
    calibration: Where = None,
    valid_days: ValidDays = 365,
    as_json: Json = False,
) -> None:
    """Do all that needs no bench: noise, gain, clock, crosstalk; lead-off with --resistors.

    Example: emgrig calibrate all sim:bench --resistors 10000,100000 --save --report calibration/
    """
    from emgrig.calibration.procedures.clock import ClockSettings, measure_clock
    from emgrig.calibration.procedures.crosstalk import CrosstalkSettings, measure_crosstalk
    from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
    from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale

    numbers, listed = read_integers(gains, "gains"), read_channels(channels)
    floor = NoiseSettings(numbers, (rate,), listed, mains_hz=mains)
    scale, clocks = ScaleSettings(numbers, listed), ClockSettings(rate_hz=rate, host_ppm=host_ppm)
    talk = CrosstalkSettings(listed, max(numbers))
    jobs: list[Job] = [
        lambda place, bar: measure_noise(place.board, floor, progress=bar.follow),
        lambda place, bar: measure_scale(place.board, scale, progress=bar.follow),
        lambda place, bar: measure_clock(place.board, clocks, progress=bar.follow),
        lambda place, bar: measure_crosstalk(place.board, talk, progress=bar.follow),
    ]
    known = ""
    if resistors:
        jobs.append(_lead_off_job(resistors, limits, current, channels, mains))
        known = f"{resistors} ohm, within {limits:g} %"
    wanted = Wanted(address, as_json, report, save, calibration, valid_days, resistors=known)
    run(wanted, jobs)


def _lead_off_job(
    resistors: str, limits_percent: float, current: str, channels: str, mains_hz: float
) -> Job:
    from emgrig.calibration.procedures.lead_off import LeadOffSettings, measure_lead_off

    settings = LeadOffSettings(
        read_numbers(resistors, "resistors"), limits_percent / 100, current,
        read_channels(channels), mains_hz=mains_hz,
    )  # fmt: skip
    return lambda place, bar: measure_lead_off(
        place.board, bar.aside(place.ask), settings, progress=bar.follow
    )


def _bench_settings(
    gain: int, rate_hz: int, channels: str
) -> tuple["BenchSettings", "RejectionSettings"]:
    from emgrig.calibration.procedures.bench_rejection import RejectionSettings
    from emgrig.calibration.procedures.bench_transfer import BenchSettings

    listed = read_channels(channels)
    return BenchSettings(gain, rate_hz, listed), RejectionSettings(gain, rate_hz, listed)


def _bench_jobs(
    settings: tuple["BenchSettings", "RejectionSettings"], names: tuple[str, ...]
) -> list[Job]:
    from emgrig.calibration.procedures.bench_rejection import measure_cmrr, measure_input_impedance
    from emgrig.calibration.procedures.bench_transfer import (
        measure_bench_dynamics,
        measure_bench_gain,
        measure_bench_response,
    )

    transfer, rejection = settings
    jobs: dict[str, Job] = {
        "gain": lambda p, bar: measure_bench_gain(
            p.board, _bench_of(p), bar.aside(p.ask), transfer, progress=bar.follow
        ),
        "response": lambda p, bar: measure_bench_response(
            p.board, _bench_of(p), bar.aside(p.ask), transfer, progress=bar.follow
        ),
        "dynamics": lambda p, bar: measure_bench_dynamics(
            p.board, _bench_of(p), bar.aside(p.ask), transfer, progress=bar.follow
        ),
        "cmrr": lambda p, bar: measure_cmrr(
            p.board, _bench_of(p), bar.aside(p.ask), rejection, progress=bar.follow
        ),
        "impedance": lambda p, bar: measure_input_impedance(
            p.board, _bench_of(p), bar.aside(p.ask), rejection, progress=bar.follow
        ),
    }
    unknown = [name for name in names if name not in jobs]
    if unknown:
        raise ValueError(f"no measurement {', '.join(unknown)}; there are {', '.join(jobs)}")
    return [jobs[name] for name in names]


def _bench_of(place: Place) -> "OpenBench":
    assert place.bench is not None  # the commands that come here ask for one
    return place.bench
