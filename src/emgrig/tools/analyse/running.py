"""What the commands of the analysis do: reproduce, clock-report, grid and synthetic."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.text import Text

from emgrig.analysis.paper import printed as paper
from emgrig.analysis.paper import synthetic
from emgrig.analysis.paper.annotations import (
    Expression,
    read_annotations,
    read_results,
    recordings,
    write_annotations,
)
from emgrig.analysis.paper.casmemg_files import write_casmemg_mat
from emgrig.analysis.paper.clock_report import (
    ClockSummary,
    clock_reports,
    clock_summary,
)
from emgrig.analysis.paper.reproduce import reproduce, trivial_rows
from emgrig.analysis.paper.verdicts import Verdict
from emgrig.analysis.report import plots
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.signal.statistics import interval_of_mean, summarise
from emgrig.analysis.spotting.casmemg import clip_around
from emgrig.analysis.spotting.grid import Grid, search
from emgrig.analysis.spotting.scoring import score_clips
from emgrig.errors import RecordingError
from emgrig.files import (
    make_folder,
    refuse_existing,
    write_file,
)
from emgrig.reading import open_recording
from emgrig.sentences import counted
from emgrig.tools.analyse.options import (
    GridOptions,
    OfCasmemg,
    ReproduceOptions,
    SyntheticOptions,
)
from emgrig.tools.common.interrupted import leaves
from emgrig.tools.common.output import note, print_facts, print_json, print_table, say, say_folded
from emgrig.tools.common.progress import Bar

TRUTH = "truth.xlsx"
_COLOURS = {
    Verdict.EXACT: "green",
    Verdict.RECOMPUTED: "green",
    Verdict.WITHIN_ROUNDING: "cyan",
    Verdict.DOES_NOT_COME_OUT: "red",
    Verdict.NO_MATERIAL: "dim",
}
_MEANINGS = {
    Verdict.EXACT: ", from data",
    Verdict.RECOMPUTED: " from numbers that the paper prints",
}


def set_beside(given: ReproduceOptions) -> None:
    """Set every number the paper prints beside ours, with a computed verdict."""
    expressions = None if given.annotations is None else read_annotations(given.annotations)
    found = [row for path in given.results or () for row in read_results(path)]
    rows = reproduce(expressions, found or None)
    if given.figures is not None:
        _write_figures(given.figures, expressions, overwrite=given.overwrite)
    if given.as_json:
        keys = ("section", "what", "printed", "ours_text", "verdict", "note")
        print_json([{key: str(getattr(row, key)) for key in keys} for row in rows])
        return
    print_table(
        ("where", "what", "printed", "ours", "verdict"),
        [
            (row.section, row.what, row.printed, row.ours_text, _coloured(row.verdict))
            for row in rows
        ],
        title="The paper: by section, table and appendix",
        whole=("verdict",),
    )
    for verdict in Verdict:
        of_it = [row for row in rows if row.verdict is verdict]
        say(f"{verdict}{_MEANINGS.get(verdict, '')}: {len(of_it)}")
        if verdict is Verdict.DOES_NOT_COME_OUT:
            for row in of_it:
                why = row.note and f" ({row.note})"
                what = f"{row.section} {row.what}"
                say_folded(f"{what}: printed {row.printed}, ours {row.ours_text}{why}", indent=2)
        if verdict is Verdict.NO_MATERIAL:
            for why in dict.fromkeys(row.note for row in of_it if row.note):
                say_folded(why, indent=2)
    if expressions is not None:
        _print_trivial(expressions)
    say_folded(paper.PAPER)
    if expressions is None or not found:
        say_folded(f"material: {paper.MATERIAL}")


def _coloured(verdict: Verdict) -> Text:
    return Text(str(verdict), style=_COLOURS[verdict])


def _print_trivial(expressions: list[Expression]) -> None:
    title = "Table 7 beside the answer that never looks: 0.3 s from each end of the clip"
    print_table(("figure", "table 7", "trivial answer"), trivial_rows(expressions), title=title)


def _write_figures(folder: Path, expressions: list[Expression] | None, *, overwrite: bool) -> None:
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
    for name in drawn:
        refuse_existing(folder / name, overwrite=overwrite, instead="folder")
    for name, svg in drawn.items():
        write_file(make_folder(folder) / name, svg)


def report_clocks(given: OfCasmemg) -> None:
    """Report offset, drift, residual and jumps between video and EMG time, per recording."""
    expressions = read_annotations(given.annotations)
    reports, summary = clock_reports(expressions), clock_summary(expressions)
    if given.as_json:
        listed = [{k: v if v == v else None for k, v in asdict(r).items()} for r in reports]
        print_json({"summary": asdict(summary), "recordings": listed})
        return
    rows = []
    for r in reports:
        numbers = (r.offset_s, r.range_s, r.drift_ms_per_s, r.residual_ms)
        cells = ["-" if np.isnan(x) else f"{x:.3f}" for x in numbers]
        rows.append((f"{r.subject}/{r.video}", str(r.n_events), *cells, str(r.n_jumps)))
    print_table(
        ("recording", "events", "offset s", "range s", "drift ms/s", "residual ms", "jumps"), rows
    )
    print_facts(_in_words(summary))


def _in_words(s: ClockSummary) -> list[tuple[str, str]]:
    low, median, high = s.drift_quartiles_ms_per_s
    return [
        ("expressions", str(s.n_events)),
        (
            "video minus EMG time",
            f"median {s.median_offset_s:.2f} s, {s.least_offset_s:.2f} to {s.most_offset_s:.2f} s",
        ),
        (
            "within a recording",
            (
                f"{s.n_recordings_with_pairs} have more than one; their offsets differ by "
                f"{1000 * s.median_range_s:.0f} ms (median), {1000 * s.most_range_s:.0f} ms at most"
            ),
        ),
        (
            "from one expression to the next",
            (
                f"{s.share_within_a_frame:.0%} within a frame of the video, "
                f"{s.share_within_100_ms:.0%} within 100 ms"
            ),
        ),
        (
            "jumps above 0.2 s",
            (
                f"{s.n_jumps}, {s.share_of_jumps:.1%} of the steps; "
                f"at {s.jumps_ahead} of them the EMG falls behind"
            ),
        ),
        (
            "drift",
            f"{median:+.2f} ms/s (median of {s.n_drifts}), quartiles {low:+.2f} and {high:+.2f}",
        ),
        (
            "noise of the readings",
            (
                f"median {1000 * s.reading_noise_median_s:.0f} ms, MAD "
                f"{1000 * s.reading_noise_mad_s:.0f} ms, SD {1000 * s.reading_noise_sd_s:.0f} ms"
            ),
        ),
    ]


def search_grid(given: GridOptions) -> None:
    """Search the published 4500 parameter sets on every annotated clip."""
    expressions = read_annotations(given.annotations)
    clips, truth = _clips(given.folder, expressions, as_published=given.as_published)
    grid = Grid()
    with Bar(f"{grid.size} sets, clip by clip") as bar:
        result = search(
            clips,
            truth,
            grid=grid,
            n_jobs=given.jobs,
            scheduler=given.scheduler,
            progress=lambda done, of: bar.advance(done / of),
        )
    iou = [score_clips(row, truth).mean_iou for row in result.detected]
    best = np.argsort(iou)[::-1][: given.best].tolist()
    if given.as_json:
        print_json(
            [
                {**asdict(result.parameters[i]), **asdict(result.scores[i]), "mean_iou": iou[i]}
                for i in best
            ]
        )
        return
    rows = []
    for i in best:
        p, s = result.parameters[i], result.scores[i]
        shares = (s.mean_overlap, s.share_above_half, iou[i])
        values = (p.window, p.step, p.scale, p.run, p.back, p.ahead)
        rows.append(
            (
                *(f"{one:g}" for one in values),
                str(s.n_missed),
                *(f"{share:.3f}" for share in shares),
            )
        )
    print_table(
        (
            *("window", "step", "thresh.", "run", "back", "ahead"),
            *("missed", "overlap", "above ½", "IoU"),
        ),
        rows,
        title="window and step in samples; threshold over the mean; run, back and ahead in windows",
    )
    say_folded(
        "missed: expressions; overlap over the shorter of the two, mean, and share above one half; "
        "IoU: intersection over union, mean, a missed one counting 0"
    )
    _print_trivial(expressions)


def write_synthetic(given: SyntheticOptions, annotations: Path) -> None:
    """Write a synthetic CASMEMG: the annotated expressions on drawn faces, in its layout."""
    expressions = read_annotations(annotations)
    wanted = [e for e in expressions if not given.subject or e.subject in given.subject]
    if not wanted:
        raise ValueError(
            f"the annotations have no subject {', '.join(map(str, given.subject or ()))}"
        )
    groups = recordings(wanted)
    paths = [given.folder / f"{number:02d}_{video}.mat" for number, video in groups]
    for path in (*paths, given.folder / TRUTH):
        refuse_existing(path, overwrite=given.overwrite, instead="folder")
    make_folder(given.folder)
    left = "the folder holds a part: make it anew with --overwrite"
    with leaves(left), Bar("synthetic CASMEMG") as bar:
        for done, (path, group) in enumerate(zip(paths, groups.values(), strict=True)):
            bar.follow(path.name, done / len(groups))
            samples_uv = synthetic.recording(group, seed=given.seed).samples_uv
            is_lost = None
            if given.lost:
                is_lost = synthetic.lost_rows(len(samples_uv), given.lost, seed=given.seed)
                samples_uv[is_lost] = 0.0
            write_casmemg_mat(path, samples_uv, is_lost=is_lost)
    table = given.folder / TRUTH
    write_annotations(table, wanted)
    if given.as_json:
        print_json({"truth": str(table), "recordings": [str(path) for path in paths]})
        return
    say(f"written: {counted(len(paths), 'recording')} in {given.folder}")
    say(f"truth: {table}, a row for each expression that was drawn, as the published annotations")
    say(f"next: emgrig grid {given.folder} --annotations {table}")


def _refuse_missing(folder: Path, expressions: list[Expression]) -> None:
    """Raise RecordingError if the folder lacks a recording that the annotations name."""
    wanted = {f"{one.subject:02d}_{one.video}.mat" for one in expressions}
    if missing := sorted(name for name in wanted if not (folder / name).exists()):
        own = folder / TRUTH
        hint = f"try --annotations {own}, the truth beside it" if own.exists() else "check the name"
        raise RecordingError(
            f"{folder} lacks {len(missing)} of {len(wanted)} recordings, as {missing[0]}; {hint}"
        )


def _clips(
    folder: Path, expressions: list[Expression], *, as_published: bool
) -> tuple[list[Floats], Ints]:
    _refuse_missing(folder, expressions)
    cache: dict[Path, Floats] = {}
    clips, truth = [], []
    gaps = []
    for one in expressions:
        path = folder / f"{one.subject:02d}_{one.video}.mat"
        if path not in cache:
            cache = {path: open_recording(path).matrix()}
        samples = cache[path]
        clip = clip_around(
            one.emg_onset_ms,
            one.emg_offset_ms,
            samples.shape[0],
            reading="code" if as_published else "plain",
        )
        values = samples[clip.start : clip.stop, one.channel - 1]
        if np.isnan(values).any():
            gaps.append(f"{path.name} at {one.emg_onset_ms / 1000:.1f} s")
            continue
        clips.append(values)
        truth.append((clip.onset, clip.offset))
    if gaps:
        some = ", ".join(gaps[:3]) + (", ..." if len(gaps) > 3 else "")
        said = f"{len(gaps)} of {len(expressions)} clips hold a gap and are left out ({some}): "
        said += "the published threshold is the mean of a whole clip"
        if not clips:
            raise RecordingError(said)
        note(said)
    return clips, np.array(truth, dtype=np.int64)
