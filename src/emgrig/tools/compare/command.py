"""`emgrig compare`: our recording against a commercial amplifier's, of the same muscle."""

from pathlib import Path
from typing import Annotated

import typer

from emgrig.tools.board_commands import Json
from emgrig.tools.common.output import note, print_json, print_table, say
from emgrig.tools.common.progress import Bar
from emgrig.tools.compare.found import Compared, facts, to_json


def compare(
    ours: Annotated[Path, typer.Argument(help="Our recording: .bdf, .edf, .csv, .txt.")],
    reference: Annotated[Path, typer.Argument(help="The other one, of the same muscle.")],
    channels: Annotated[
        str, typer.Option(help="ours=reference,… by label or column; same labels unless given.")
    ] = "",
    low_hz: Annotated[float, typer.Option("--low", help="Lower edge of the band, Hz.")] = 20.0,
    high_hz: Annotated[float, typer.Option("--high", help="Upper edge of the band, Hz.")] = 450.0,
    rate: Annotated[
        float | None, typer.Option(help="Actual rate of ours, Hz, if it does not say it itself.")
    ] = None,
    ours_description: Annotated[
        Path | None, typer.Option(help="TOML: rate_hz, unit, response, low_hz, high_hz, delay_s.")
    ] = None,
    reference_description: Annotated[
        Path | None, typer.Option(help="The same for the reference; REFERENCE.toml is found alone.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for index.html.")] = None,
    as_json: Json = False,
) -> None:
    """Compare two recordings of one muscle, from any two devices.

    Units, band and sinc³ are matched, offset and clock are found and removed, and only then is
    agreement computed. The share of each cause says why the two differ: half a millisecond alone
    turns two perfect amplifiers into a correlation of 0.75.

    A text file needs a small description beside it, NAME.toml: rate_hz = 2000, unit = "uV".

    Example: emgrig compare face.bdf trigno.csv --channels Zyg=EMG1 --report compared/
    """
    from emgrig.calibration.figures.spectrum import Band
    from emgrig.comparison import compare as compare_tracks
    from emgrig.tools.compare.page import write
    from emgrig.tools.compare.read import open_source, paired

    band = Band("asked for", low_hz, high_hz)
    mine = open_source(ours, ours_description, rate_hz=rate)
    theirs = open_source(reference, reference_description)
    found, tracks = [], []
    pairs = paired(mine, theirs, channels)
    with Bar("comparing") as bar:
        for done, (first, second) in enumerate(pairs):
            bar.follow(f"{first} against {second}", done / len(pairs))
            pair = mine.track(first), theirs.track(second)
            found.append(Compared(pair[0].name, pair[1].name, compare_tracks(*pair, band=band)))
            tracks.append(pair)
    filled = mine.description.n_filled
    warnings = [f"{filled} samples of {ours.name} fill gaps"] if filled else []
    simulated = [one.path.name for one in (mine, theirs) if one.description.is_simulated]
    warnings += [f"{name} is SIMULATED: not recorded from a person" for name in simulated]
    if as_json:
        print_json({"warnings": warnings, "pairs": [to_json(one) for one in found]})
    else:
        for one in found:
            _tell(one)
        for text in warnings:
            say(f"note: {text}")
    if report is not None:
        page = write(report, found, tracks, warnings, simulated=bool(simulated))
        note(f"report: {page}")


def _tell(one: Compared) -> None:
    say(f"{one.ours} against {one.reference}")
    print_table(["quantity", "value"], facts(one))
    for flag in one.comparison.flags:
        say(f"note: {flag}")
    say("")
