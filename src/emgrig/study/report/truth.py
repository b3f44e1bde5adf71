"""Truth against found: what a synthetic study was made of, through the same tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emgrig.study.dataset import Row, read_tsv
from emgrig.study.recording import Result
from emgrig.study.rows import NAN, EventRow, RecordingRow
from emgrig.study.settings import StudySettings
from emgrig.study.statistics.findings import Finding
from emgrig.study.statistics.study import findings
from emgrig.study.synthetic.files import names
from emgrig.study.synthetic.writing import TRUTH


@dataclass(frozen=True)
class Compared:
    """A number of a table, as it was made and as it was found."""

    key: str
    truth: float
    found: float

    @property
    def difference(self) -> float:
        """Found less truth."""
        return self.found - self.truth


def has_truth(root: Path) -> bool:
    """Tell whether a data set says what it was made of."""
    return (root / TRUTH / "expressions.tsv").is_file()


def true_rows(root: Path) -> list[EventRow]:
    """Return what was made, as rows of events."""
    return [_row(one) for one in read_tsv(root / TRUTH / "expressions.tsv")]


def _row(one: Row) -> EventRow:
    onset, offset = float(one["onset_s"]), float(one["offset_s"])
    return EventRow(
        participant=one["participant"],
        recording=one["recording"],
        source="truth",
        onset_s=onset,
        offset_s=offset,
        duration_ms=round(1000 * (offset - onset)),
        kind=one["kind"],
        channel=one["channel"],
        muscle=int(one["channel"]),
        mvc_percent=float(one.get("mvc_percent", "nan")),
        iemg_ms=float(one.get("iemg_ms", "nan")),
        units=one.get("units", ""),
        units_from="coding",
        emotion=one["emotion"],
        emotion_from="coding",
        is_aware=one["is_aware"] == "true",
        rating=int(one["rating"]),
        left_out=one.get("left_out", ""),
    )


def compare(
    root: Path, results: Sequence[Result], found: Sequence[Finding], settings: StudySettings
) -> list[Compared]:
    """Set every number of every table beside the one that the truth gives."""
    true = [one for one in findings(true_rows(root), [], settings) if one.table.key != "agree"]
    if settings.iemg_range != "recording":  # truth was made by that of the recording
        true = [replace(one, numbers=_without_iemg(one.numbers)) for one in true]
    numbers = {key: value for one in found for key, value in one.numbers.items()}
    made = {key: value for one in true for key, value in one.numbers.items()}
    made |= _agreement(root)
    listed = [
        Compared(key, float(value), float(numbers.get(key, NAN))) for key, value in made.items()
    ]
    by_event = _by_event(root, results)
    if settings.iemg_range != "recording":
        by_event = [one for one in by_event if "iemg" not in one.key]
    return [*by_event, *_of_recordings(root, results), *listed]


def _without_iemg(numbers: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in numbers.items() if "iemg" not in key}


def _agreement(root: Path) -> dict[str, float]:
    rows = read_tsv(root / TRUTH / "recordings.tsv")
    total = {
        key: sum(int(row[f"agree_{key}"]) for row in rows)
        for key in ("n", "units_both", "units_coded", "emotion", "side")
    }
    if not total["n"]:
        return {}
    return {
        "agree.expressions": 1.0,
        "agree.units": 2 * total["units_both"] / total["units_coded"],
        "agree.emotion": total["emotion"] / total["n"],
        "agree.side": total["side"] / total["n"],
    }


def _of_recordings(root: Path, results: Sequence[Result]) -> list[Compared]:
    """Hold loss, clock, MVC and keys of the recordings against what was made."""
    true = {row["recording"]: row for row in read_tsv(root / TRUTH / "recordings.tsv")}
    done = [
        r.recording
        for r in results
        if r.recording.status == "done" and r.recording.recording in true
    ]
    out = []
    for key, name in (("n_lost", "n_lost"), ("n_gaps", "n_gaps"), ("n_keys", "n_keys")):
        made = sum(float(true[one.recording][key]) for one in done)
        out.append(
            Compared(f"recordings.{key}", made, float(sum(getattr(one, name) for one in done)))
        )
    for key, made_by in (("film_ppm", "clock_ppm"), ("film_begin_s", "video_begin_s")):
        known = [
            (float(true[one.recording][made_by]), getattr(one, key))
            for one in done
            if np.isfinite(getattr(one, key))
        ]
        if known:
            worst = max(known, key=lambda pair: abs(pair[1] - pair[0]))
            out.append(Compared(f"recordings.{key}, worst", *worst))
    ratios = [
        level / float(true[one.recording][f"mvc_uv_{place}"])
        for one in done
        for place, level in _levels(one)
        if f"mvc_uv_{place}" in true[one.recording]
    ]
    if ratios:
        worst_ratio = max(ratios, key=lambda ratio: abs(ratio - 1))
        out.append(Compared("recordings.mvc_uv over truth, mean", 1.0, float(np.mean(ratios))))
        out.append(Compared("recordings.mvc_uv over truth, worst", 1.0, worst_ratio))
    missing = sum(
        8 - 1 - sum(f"mvc_uv_{c}" in true[one.recording] for c in range(1, 8)) for one in done
    )
    found_missing = sum(7 - len(one.mvc_uv or {}) for one in done)
    out.append(Compared("recordings.channels without MVC", float(missing), float(found_missing)))
    return out


def _levels(row: RecordingRow) -> list[tuple[int, float]]:
    """Return the MVC of each channel, by its number."""
    order = names()
    return [(order.index(name) + 1, uv) for name, uv in (row.mvc_uv or {}).items() if name in order]


def _by_event(root: Path, results: Sequence[Result]) -> list[Compared]:
    """Hold each event that is in the tables against the expression it overlaps."""
    true: dict[str, list[EventRow]] = {}
    for row in true_rows(root):
        true.setdefault(row.recording, []).append(row)
    found = [row for result in results for row in result.events if not row.left_out]
    pairs = [
        (row, made) for row in found for made in true.get(row.recording, ()) if _overlap(row, made)
    ]
    if not pairs:
        return []
    out = [
        Compared(
            "events.in the tables",
            sum(not r.left_out for of in true.values() for r in of),
            len(found),
        ),
        Compared(
            "events.that are one that was made", len(found), len({id(row) for row, _ in pairs})
        ),
    ]
    for name in ("muscle", "emotion", "rating", "is_aware", "kind"):
        same = sum(getattr(row, name) == getattr(made, name) for row, made in pairs)
        out.append(Compared(f"events.of these with the same {name}", len(pairs), same))
    for name, unit in (("onset_s", "ms"), ("offset_s", "ms")):
        errors = [1000 * (getattr(row, name) - getattr(made, name)) for row, made in pairs]
        out.append(
            Compared(f"events.{name} less truth, median, {unit}", 0.0, float(np.median(errors)))
        )
    for name in ("mvc_percent", "iemg_ms"):
        ratios = np.array([getattr(row, name) / getattr(made, name) for row, made in pairs])
        ratios = ratios[np.isfinite(ratios)]
        if ratios.size:
            for share in (5, 50, 95):
                value = float(np.percentile(ratios, share))
                out.append(Compared(f"events.{name} over truth, {share} %", 1.0, value))
    return out


def _overlap(row: EventRow, made: EventRow) -> bool:
    return row.onset_s < made.offset_s and made.onset_s < row.offset_s
