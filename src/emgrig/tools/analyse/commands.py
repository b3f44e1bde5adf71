"""The commands of the analysis: reproduce, analyse, clock-report and grid.

`app` is a typer application; the command line adds its commands to its own.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.text import Text

from emgrig.analysis.clocks.robust_line import ClockMap, fit_clock_map
from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper import synthetic
from emgrig.analysis.paper.annotations import (
    Expression,
    read_annotations,
    read_results,
    recordings,
    write_annotations,
)
from emgrig.analysis.paper.casmemg_files import RATE_HZ, read_casmemg_mat, write_casmemg_mat
from emgrig.analysis.paper.clock_report import clock_reports, clock_summary
from emgrig.analysis.paper.reproduce import reproduce, trivial_rows
from emgrig.analysis.paper.verdicts import Verdict
from emgrig.analysis.report import plots
from emgrig.analysis.report.candidates import Analysis, analyse, events_tsv
from emgrig.analysis.report.elan import read_elan, write_elan
from emgrig.analysis.report.page import page
from emgrig.analysis.signal.cleaning import equalise
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.signal.statistics import interval_of_mean, summarise
from emgrig.analysis.spotting.casmemg import clip_around
from emgrig.analysis.spotting.grid import Grid, search
from emgrig.analysis.spotting.scoring import score_clips, score_events
from emgrig.files import make_folder, write_file
from emgrig.reading.textfiles import TextRecording
from emgrig.tools.analyse.read import in_unit, read_recording
from emgrig.tools.common.options import read_mvc
from emgrig.tools.common.output import print_json, print_table, say
from emgrig.tools.common.progress import Bar

app = typer.Typer(no_args_is_help=True, help="From volts to the numbers of the paper.")

_COLOURS = {
    Verdict.EXACT: "green",
    Verdict.WITHIN_ROUNDING: "cyan",
    Verdict.DOES_NOT_COME_OUT: "red",
    Verdict.NO_MATERIAL: "dim",
}

Sheet = Annotated[Path, typer.Option("--annotations", help="380_sort.xlsx of CASMEMG.")]


@app.command("reproduce")
def reproduce_command(
    annotations: Annotated[
        Path | None, typer.Option(help="380_sort.xlsx; without it its rows have no material.")
    ] = None,
    results: Annotated[
        list[Path] | None, typer.Option(help="results_*.xlsx of the published search; repeat.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for the figures that can be drawn, as SVG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The rows as JSON.")] = False,
) -> None:
    """Set every number the paper prints beside ours, with a computed verdict."""
    expressions = None if annotations is None else read_annotations(annotations)
    found = [row for path in results or () for row in read_results(path)]
    rows = reproduce(expressions, found or None)
    if figures is not None:
        _write_figures(figures, expressions)
    if as_json:
        keys = ("section", "what", "printed", "ours_text", "verdict", "note")
        print_json([{key: str(getattr(row, key)) for key in keys} for row in rows])
        return
    print_table(
        ("where", "what", "printed", "ours", "verdict", "note"),
        [
            (row.section, row.what, row.printed, row.ours_text, _coloured(row.verdict), row.note)
            for row in rows
        ],
        title="The paper",
    )
    for verdict in Verdict:
        say(f"{verdict}: {sum(row.verdict is verdict for row in rows)}")
    if expressions is not None:
        _print_trivial(expressions)


def _coloured(verdict: Verdict) -> Text:
    return Text(str(verdict), style=_COLOURS[verdict])


def _print_trivial(expressions: list[Expression]) -> None:
    title = "Table 7 beside the answer that never looks: 0.3 s from each end of the clip"
    print_table(("figure", "table 7", "trivial answer"), trivial_rows(expressions), title=title)


def _write_figures(folder: Path, expressions: list[Expression] | None) -> None:
    emotions = paper.EMOTIONS
    drawn = {
        "figure-08.svg": plots.indicators_svg(paper.TABLE_3),
        "figure-14.svg": plots.frequencies_svg(
            list(emotions),
            [row.micro for row in emotions.values()],
            [row.macro for row in emotions.values()],
            "emotion",
        ),
    }
    if expressions is not None:
        seconds = np.array([e.duration_ms / 1000 for e in expressions if e.is_micro])
        interval = interval_of_mean(summarise(seconds))
        label = "duration of micro-expressions by EMG, s"
        drawn["figure-11.svg"] = plots.histogram_svg(seconds, label, interval=interval)
    for name, svg in drawn.items():
        write_file(make_folder(folder) / name, svg)


@app.command("clock-report")
def clock_report_command(annotations: Sheet) -> None:
    """Report offset, drift, residual and jumps between video and EMG time, per recording."""
    expressions = read_annotations(annotations)
    rows = []
    for r in clock_reports(expressions):
        numbers = (r.offset_s, r.range_s, r.drift_ms_per_s, r.residual_ms)
        cells = ["-" if np.isnan(x) else f"{x:.3f}" for x in numbers]
        rows.append((f"{r.subject}/{r.video}", str(r.n_events), *cells, str(r.n_jumps)))
    print_table(
        ("recording", "events", "offset s", "range s", "drift ms/s", "residual ms", "jumps"), rows
    )
    for name, number in asdict(clock_summary(expressions)).items():
        say(f"{name}: {number:.4g}" if isinstance(number, float) else f"{name}: {number}")


@app.command("analyse")
def analyse_command(
    recording: Annotated[Path, typer.Argument(help=".bdf, .edf, .mat (CASMEMG), .csv, .txt, .gz")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results.")
    ] = Path(),
    rate: Annotated[float | None, typer.Option(help="Hz, if the file does not name it.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="V, mV, uV or nV of channels that the file gives none for.")
    ] = None,
    face: Annotated[bool, typer.Option(help="Channels 1 to 7 lie as on the paper's face.")] = False,
    mvc: Annotated[
        list[str] | None,
        typer.Option(help="MVC of a muscle: CHANNEL=uV (repeat), or a session's file."),
    ] = None,
    rest: Annotated[str, typer.Option(help="START:END of declared rest, s.")] = "",
    video: Annotated[Path | None, typer.Option(help="Write an ELAN file over this video.")] = None,
    video_offset: Annotated[float, typer.Option(help="Video minus EMG time, s.")] = 0.0,
    clock: Annotated[
        Path | None, typer.Option(help="CSV of emg_s,video_s pairs: fit a clock map instead.")
    ] = None,
    undo_droop: Annotated[
        bool,
        typer.Option("--equalise", help="Undo the sinc³ droop of an ADS1299, to 0.4 of the rate."),
    ] = False,
    mat: Annotated[
        Path | None, typer.Option(help="Write the samples as a table in CASMEMG's layout too.")
    ] = None,
    elan: Annotated[
        Path | None, typer.Option(help="Corrected ELAN file to score the candidates against.")
    ] = None,
) -> None:
    """Find candidate expressions: an HTML page, a BIDS events.tsv and an ELAN file."""
    found = in_unit(read_recording(recording, rate), unit)
    clock_map = _clock(clock, video_offset)
    if mat is not None:
        _write_mat(mat, found)
    if undo_droop:
        found = _equalised(found)
    levels_uv = read_mvc(mvc or [], len(found.labels))
    with Bar(f"analysing {recording.name}"):
        analysis = analyse(
            found.samples,
            found.rate_hz,
            labels=found.labels,
            units=found.units,
            muscles={i: i + 1 for i in range(min(7, len(found.labels)))} if face else None,
            mvc_uv={channel - 1: uv for channel, uv in levels_uv.items()},
            rest_s=_rest(rest),
        )
        name = recording.name.partition(".")[0]
        _write_results(output, name, analysis, found, video, clock_map)
    _say_written(output, name, video)
    _say(analysis, found)
    if elan is not None:
        _score_elan(elan, analysis, clock_map)


def _clock(pairs: Path | None, offset_s: float) -> ClockMap:
    if pairs is None:
        return fit_clock_map(np.zeros(1), np.full(1, offset_s))
    table = np.loadtxt(pairs, delimiter=",", skiprows=1, ndmin=2)
    if table.shape[1] != 2:
        raise ValueError(f"{pairs} has {table.shape[1]} columns; emg_s,video_s was expected")
    fitted = fit_clock_map(table[:, 0], table[:, 1])
    drift = f"{1000 * fitted.drift:+.2f} ms/s" if fitted.is_drift_told else "not told, taken as 0"
    say(
        f"clock map of {len(table)} pairs: drift {drift}, {fitted.n_jumps} jumps, "
        f"median residual {1000 * fitted.residual_mad_s:.0f} ms"
    )
    return fitted


def _rest(option: str) -> tuple[float, float] | None:
    if not option:
        return None
    start, colon, end = option.partition(":")
    if not colon:
        raise ValueError(f"--rest {option}: START:END in seconds was expected")
    return float(start), float(end)


def _equalised(found: TextRecording) -> TextRecording:
    """Undo the chip's droop; the page says so, and what it costs."""
    from emgrig.calibration.figures.response import droop_equaliser

    design = droop_equaliser(found.rate_hz)
    remark = (
        f"equalised: sinc3 droop undone to {0.4 * found.rate_hz:g} Hz, white noise x "
        f"{design.noise_gain:.2f}"
    )
    samples = equalise(found.samples, design.taps)
    return replace(found, samples=samples, remarks=(*found.remarks, remark))


def _write_mat(path: Path, found: TextRecording) -> None:
    if found.rate_hz != RATE_HZ:
        raise ValueError(f"--mat {path}: CASMEMG has {RATE_HZ:g} Hz, this is {found.rate_hz:g} Hz")
    write_casmemg_mat(path, found.samples, as_table=True)


def _write_results(
    folder: Path,
    name: str,
    analysis: Analysis,
    found: TextRecording,
    video: Path | None,
    clock: ClockMap,
) -> None:
    remarks = (f"read as {found.source}", *found.remarks)
    html = page(analysis, title=name, remarks=remarks, simulated=found.is_simulated)
    write_file(make_folder(folder) / f"{name}.html", html)
    write_file(folder / f"{name}_events.tsv", events_tsv(analysis))
    if video is not None:
        write_elan(folder / f"{name}.eaf", _tiers(analysis), video=video, clock=clock)


def _say_written(folder: Path, name: str, video: Path | None) -> None:
    say(f"written: {folder / name}.html, {name}_events.tsv" + (f", {name}.eaf" if video else ""))


def _tiers(analysis: Analysis) -> dict[str, list[tuple[float, float, str]]]:
    tiers: dict[str, list[tuple[float, float, str]]] = {
        analysis.labels[q.channel_index]: [] for q in analysis.quality if not q.reject
    }
    for c in analysis.candidates:
        units = " ".join(f"AU{u}" for u in c.units)
        text = f"{'ME' if c.is_micro else 'MaE'} {c.times_rest:.1f}x rest {units}".strip()
        tiers[analysis.labels[c.channel_index]].append((c.start_s, c.end_s, text))
    return tiers


def _say(analysis: Analysis, found: TextRecording) -> None:
    for remark in (*found.remarks, *analysis.remarks):
        say(f"note: {remark}")
    for q in analysis.quality:
        label = analysis.labels[q.channel_index]
        if q.reject:
            say(f"channel {q.channel_index + 1} ({label}): not analysed, {q.reject}")
        for remark in q.remarks:
            say(f"channel {q.channel_index + 1} ({label}): {remark}")
    micro = sum(c.is_micro for c in analysis.candidates)
    say(f"{len(analysis.candidates)} candidates, {micro} of at most 500 ms")


def _score_elan(path: Path, analysis: Analysis, clock: ClockMap) -> None:
    tiers = read_elan(path, clock=clock)
    length_s = analysis.banded.shape[0] / analysis.rate_hz
    scored = []
    for q in analysis.quality:
        marks = tiers.get(analysis.labels[q.channel_index])
        if marks is None or q.reject:
            continue
        mine = [c for c in analysis.candidates if c.channel_index == q.channel_index]
        found = np.array([(c.start_s, c.end_s) for c in mine]).reshape(-1, 2)
        scored.append((found, np.array([m[:2] for m in marks]).reshape(-1, 2), length_s))
    if not scored:
        raise ValueError(f"{path} has no tier named after a channel of this recording")
    for name, number in asdict(score_events(scored)).items():
        say(f"{name}: {number:.3f}" if isinstance(number, float) else f"{name}: {number}")


@app.command("grid")
def grid_command(
    folder: Annotated[Path, typer.Argument(help="Folder of SUBJECT_VIDEO.mat files.")],
    annotations: Sheet,
    jobs: Annotated[int, typer.Option(help="Local processes; -1 is one a core.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="tcp://HOST:PORT of a dask cluster.")
    ] = None,
    as_published: Annotated[bool, typer.Option(help="Cut clips with the scripts' slips.")] = False,
    best: Annotated[int, typer.Option(min=1, help="How many sets to show.")] = 10,
) -> None:
    """Search the published 4500 parameter sets on every annotated clip."""
    expressions = read_annotations(annotations)
    clips, truth = _clips(folder, expressions, as_published=as_published)
    grid = Grid()
    with Bar(f"{grid.size} sets, clip by clip") as bar:
        result = search(
            clips,
            truth,
            grid=grid,
            n_jobs=jobs,
            scheduler=scheduler,
            progress=lambda done, of: bar.advance(done / of),
        )
    iou = [score_clips(row, truth).mean_iou for row in result.detected]
    rows = []
    for i in np.argsort(iou)[::-1][:best].tolist():
        p, s = result.parameters[i], result.scores[i]
        shares = (s.mean_overlap, s.share_above_half, iou[i])
        values = " ".join(f"{v:g}" for v in (p.window, p.step, p.scale, p.run, p.back, p.ahead))
        rows.append((values, str(s.n_missed), *(f"{share:.3f}" for share in shares)))
    print_table(("W_L S_L k S_n W_f W_b", "missed", "overlap", "P > .5", "true IoU"), rows)
    _print_trivial(expressions)


@app.command("synthetic")
def synthetic_command(
    folder: Annotated[Path, typer.Argument(help="Folder for SUBJECT_VIDEO.mat and truth.xlsx.")],
    annotations: Sheet,
    seed: Annotated[int, typer.Option(help="Another seed: other faces and noise.")] = 0,
    subject: Annotated[
        list[int] | None, typer.Option(help="These subjects only; repeat. All take about 1 GB.")
    ] = None,
) -> None:
    """Write a synthetic CASMEMG: the annotated expressions on drawn faces, in its layout."""
    expressions = read_annotations(annotations)
    wanted = [e for e in expressions if not subject or e.subject in subject]
    if not wanted:
        raise ValueError(f"the annotations have no subject {', '.join(map(str, subject or ()))}")
    groups = recordings(wanted)
    with Bar("synthetic CASMEMG") as bar:
        for done, ((number, video), group) in enumerate(groups.items()):
            path = make_folder(folder) / f"{number:02d}_{video}.mat"
            bar.follow(path.name, done / len(groups))
            write_casmemg_mat(path, synthetic.recording(group, seed=seed).samples_uv)
    write_annotations(folder / "truth.xlsx", wanted)


def _clips(
    folder: Path, expressions: list[Expression], *, as_published: bool
) -> tuple[list[Floats], Ints]:
    cache: dict[Path, Floats] = {}
    clips, truth = [], []
    for one in expressions:
        path = folder / f"{one.subject:02d}_{one.video}.mat"
        if path not in cache:
            cache = {path: read_casmemg_mat(path)}
        samples = cache[path]
        clip = clip_around(
            one.emg_onset_ms,
            one.emg_offset_ms,
            samples.shape[0],
            reading="code" if as_published else "plain",
        )
        clips.append(samples[clip.start : clip.stop, one.channel - 1])
        truth.append((clip.onset, clip.offset))
    return clips, np.array(truth, dtype=np.int64)
