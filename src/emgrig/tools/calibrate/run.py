"""One `emgrig calibrate` command: run procedures, print, report, save."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emgrig.errors import ExitCode
from emgrig.files import check_report
from emgrig.tools.calibrate.place import Place, open_place
from emgrig.tools.common.interrupted import leaves
from emgrig.tools.common.output import note, print_json
from emgrig.tools.common.progress import Bar
from emgrig.version import PROGRAM

if TYPE_CHECKING:
    from emgrig.calibration.bench import Attenuator
    from emgrig.calibration.certificate.certificate import Instrument
    from emgrig.calibration.procedures.readings import Reading, Report
    from emgrig.comparison.amplifiers import Amplifier, NoiseComparison
    from emgrig.driver.native.board_identity import BoardIdentity


@dataclass(frozen=True)
class Wanted:
    """What is to be done with what a command finds.

    The page goes into the folder `report`, the values into the board's certificate if `save`; those
    are kept in `calibration`, or are that one file. `resistors` is what is known of those that were
    used, for the record; `amplifiers` are further rows for the table of amplifiers. `overwrite`
    replaces the page of an earlier run.
    """

    address: str
    as_json: bool = False
    report: Path | None = None
    save: bool = False
    calibration: Path | None = None
    valid_days: int = 365
    bench: str | None = None
    attenuator: "Attenuator | None" = None
    meter_due: dt.date | None = None
    resistors: str = ""
    amplifiers: tuple[Path, ...] = ()
    overwrite: bool = False


REPORT_FILES = ("index.html", "calibration.json")


def refuse_report(folder: Path | None, *, overwrite: bool) -> None:
    """Raise RecordingError if a report cannot go there, or an earlier one is to stay there."""
    if folder is not None:
        check_report(folder, REPORT_FILES, overwrite=overwrite)


Job = Callable[[Place, Bar], "Report"]


def run(wanted: Wanted, jobs: Sequence[Job]) -> None:
    """Run procedures on the board, and do with the outcome what is wanted.

    Raises typer.Exit, with exit code 1, if something failed its limit, nothing was measured, or the
    registers are not what they were; RecordingError, before anything is sent, if the report
    cannot go into its folder.
    """
    from emgrig.comparison.amplifiers import load_amplifiers
    from emgrig.tools.calibrate.page import Outcome, to_json, write

    amplifiers = load_amplifiers(wanted.amplifiers)  # a broken file is found before, not after
    refuse_report(wanted.report, overwrite=wanted.overwrite)
    with (
        leaves("nothing was written"),
        open_place(wanted.address, bench=wanted.bench, attenuator=wanted.attenuator) as place,
        Bar("connecting") as bar,
    ):
        identity = place.board.identity
        reports = tuple(job(place, bar) for job in jobs)
        instruments = _instruments(place, wanted)
    comparisons, ours = _beside(reports, amplifiers)
    now = dt.datetime.now(dt.UTC)
    outcome = Outcome(
        identity=identity,
        address=wanted.address,
        reports=reports,
        comparisons=comparisons,
        ours=ours,
        software=PROGRAM,
        made_utc=f"{now:%Y-%m-%d %H:%M} UTC",
        instruments=tuple(f"{one.role}: {one.identity}" for one in instruments),
    )
    if wanted.as_json:
        print_json(to_json(outcome))
    else:
        from emgrig.tools.calibrate.screen import tell

        tell(outcome)
    if wanted.report is not None:
        note(f"report: {write(wanted.report, outcome)}")
    if wanted.save:
        _save(identity, reports, instruments, wanted, now)
    if not outcome.is_good:
        raise typer.Exit(ExitCode.VERDICT)


def _instruments(place: Place, wanted: Wanted) -> list["Instrument"]:
    from emgrig.calibration.certificate.certificate import Instrument

    found = []
    if place.bench is not None:
        generator, meter = place.bench.identities
        attenuator = place.bench.attenuator
        found = [
            Instrument("generator", generator),
            Instrument("meter", meter, wanted.meter_due),
            Instrument("attenuator", f"{attenuator.name or 'unnamed'}, 1/{attenuator.ratio:g}"),
        ]
    if wanted.resistors:
        found.append(Instrument("resistors", wanted.resistors))
    return found


def _save(
    identity: "BoardIdentity",
    reports: Sequence["Report"],
    instruments: Sequence["Instrument"],
    wanted: Wanted,
    now: dt.datetime,
) -> None:
    from emgrig.calibration.certificate.certificate_file import save_certificate
    from emgrig.calibration.certificate.making import make_certificate

    record = make_certificate(
        identity,
        reports,
        now=now,
        software=PROGRAM,
        instruments=instruments,
        valid_days=wanted.valid_days,
    )
    note(f"{record}: {save_certificate(record, wanted.calibration)}")


def _beside(
    reports: Sequence["Report"], amplifiers: Sequence["Amplifier"]
) -> tuple[tuple["NoiseComparison", ...], str]:
    """Set the median channel's noise in 20-450 Hz beside other amplifiers; say which it is."""
    from emgrig.calibration.figures.spectrum import EMG_BAND
    from emgrig.calibration.procedures.readings import Inputs, Quantity
    from emgrig.comparison.amplifiers import compare_noise

    levels: list[Reading] = []
    for quantity in (Quantity.NOISE_BAND, Quantity.NOISE_EQUALISED):  # the better one last
        here = [
            reading
            for report in reports
            for reading in report.of(quantity)
            if reading.band == EMG_BAND and reading.inputs is Inputs.SHORTED
        ]
        levels = here or levels
    if not levels:
        return (), ""
    best = max(level.gain or 0 for level in levels)
    ordered = sorted((r for r in levels if r.gain == best), key=lambda r: r.result.value)
    ours = ordered[len(ordered) // 2]
    is_equalised = ours.quantity is Quantity.NOISE_EQUALISED
    words = (
        f"{ours.result} rms in {EMG_BAND.name}, inputs shorted, gain {ours.gain}, {ours.rate_hz} "
        f"SPS, sinc3 {'equalised' if is_equalised else 'not equalised: it takes noise and EMG'}"
    )
    return compare_noise(ours.result, amplifiers), words
