"""`emgrig compare`: our recording against a commercial amplifier's, of the same muscle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emgrig.files import check_report, check_there
from emgrig.tools.common.options import Overwrite, Printed, argument, option, takes
from emgrig.tools.common.output import note, print_json, print_table, say
from emgrig.tools.common.progress import Bar
from emgrig.tools.compare.found import Compared, facts, to_json, verdict


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Printed):
    """What `emgrig compare` takes."""

    ours: Path = argument("Our recording, of any format that analyse reads.")
    reference: Path = argument("The other one, of the same muscle.")
    channels: str = option("ours=reference,… by label or column; same labels unless given.", "")
    low_hz: float = option("Lower edge of the band, Hz.", 20.0, "--low")
    high_hz: float = option("Upper edge of the band, Hz.", 450.0, "--high")
    rate: float | None = option("Actual rate of ours, Hz, if it does not say it itself.")
    ours_description: Path | None = option(
        "TOML: rate_hz, unit, response, low_hz, high_hz, delay_s."
    )
    reference_description: Path | None = option(
        "The same for the reference; REFERENCE.toml is found alone."
    )
    report: Path | None = option("Folder for index.html.")
    overwrite: Overwrite = False


@takes
def compare(given: CompareOptions) -> None:
    """Compare two recordings of one muscle, from any two devices.

    Units, band and sinc³ are matched, offset and clock are found and removed, and only then is
    agreement computed. The share of each cause says why the two differ: half a millisecond alone
    turns two perfect amplifiers into a correlation of 0.75.

    A text file needs a small description beside it, NAME.toml: rate_hz = 2000, unit = "uV".

    Example: emgrig compare face.bdf trigno.csv --channels Zyg=EMG1 --report compared/
    """
    for path in (given.ours, given.reference):  # before what takes seconds to import
        check_there(path, "recording")
    from emgrig.calibration.figures.spectrum import Band
    from emgrig.comparison import compare as compare_tracks
    from emgrig.reading.recording import SIMULATED
    from emgrig.tools.compare.page import write
    from emgrig.tools.compare.read import open_source, paired, told_apart

    if given.report is not None:
        check_report(given.report, ["index.html"], overwrite=given.overwrite)
    band = Band("asked for", given.low_hz, given.high_hz)
    mine = open_source(given.ours, given.ours_description, rate_hz=given.rate)
    theirs = open_source(given.reference, given.reference_description)
    found, tracks, refused = [], [], []
    pairs = paired(mine, theirs, given.channels)
    with Bar("comparing") as bar:
        for done, (first, second) in enumerate(pairs):
            bar.follow(f"{first} against {second}", done / len(pairs))
            try:
                pair = mine.track(first), theirs.track(second)
                one = Compared(pair[0].name, pair[1].name, compare_tracks(*pair, band=band))
            except ValueError as error:
                if len(pairs) == 1:
                    raise
                refused.append(f"{first} against {second} is not compared: {error}")
                continue
            found.append(one)
            tracks.append(pair)
    if not found:
        first, *others = refused
        more = f". Nor are {len(others)} more" if others else ""
        raise ValueError(first.rstrip("?") + more)
    both = mine.recording, theirs.recording
    warnings = [*refused, *told_apart(mine, theirs)]
    warnings += [
        f"{one.path.name}: {remark}"
        for one in both
        for remark in one.remarks
        if remark != SIMULATED
    ]
    simulated = [one.path.name for one in both if one.is_simulated]
    warnings += [f"{name} is SIMULATED: not recorded from a person" for name in simulated]
    if given.as_json:
        told = {"simulated": bool(simulated), "warnings": warnings}
        print_json({**told, "pairs": [to_json(one) for one in found]})
    else:
        _tell(found, warnings, simulated=bool(simulated))
    if given.report is not None:
        page = write(given.report, found, tracks, warnings, simulated=bool(simulated))
        note(f"report: {page}")


def _tell(found: Sequence[Compared], warnings: Sequence[str], *, simulated: bool) -> None:
    mark = "SIMULATED " if simulated else ""
    for one in found:
        n_windows = one.comparison.windows.bland_altman.n
        low_s, high_s = one.comparison.overlap_s
        rests = f"{high_s - low_s:.1f} s, {n_windows} windows"
        say(f"compare: {mark}{one.ours} against {one.reference}, {rests}: {verdict(one)}")
    for one in found:
        say(f"{one.ours} against {one.reference}")
        print_table(["quantity", "value"], facts(one))
        for flag in one.comparison.flags:
            say(f"note: {flag}")
        say("")
    for text in warnings:
        say(f"note: {text}")
