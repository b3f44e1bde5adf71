"""A folder of CASMEMG recordings: `emgrig grid` searches one, `emgrig synthetic` makes one."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from emgrig.analysis.paper import synthetic
from emgrig.analysis.paper.annotations import (
    Expression,
    read_annotations,
    recordings,
    write_annotations,
)
from emgrig.analysis.paper.casmemg_files import write_casmemg_mat
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.analysis.spotting.casmemg import clip_around
from emgrig.analysis.spotting.grid import Grid, search
from emgrig.analysis.spotting.scoring import score_clips
from emgrig.errors import RecordingError
from emgrig.files import make_folder, refuse_existing
from emgrig.reading import open_recording
from emgrig.sentences import counted
from emgrig.tools.analyse.options import GridOptions, SyntheticOptions
from emgrig.tools.analyse.table_7 import print_trivial
from emgrig.tools.common.interrupted import leaves
from emgrig.tools.common.output import note, print_json, print_table, say, say_folded
from emgrig.tools.common.progress import Bar

TRUTH = "truth.xlsx"


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
    print_trivial(expressions)


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
