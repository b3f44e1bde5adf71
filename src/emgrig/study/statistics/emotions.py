"""Section 6.1 and appendix A: emotions, action units and channels; and agreement of coders."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from emgrig.analysis.paper.printed import CHANNEL_UNITS, EMOTION_UNITS_PRINTED, EMOTIONS, MUSCLES
from emgrig.sentences import counted
from emgrig.study.statistics.findings import Finding, Sample, Table, said

NOT_SAID = "not said"
#: What is dominant: at least this share of the emotion's events have it.
DOMINANT = 0.2


def emotion_names(sample: Sample) -> list[str]:
    """Return the emotions of the events: the paper's first, in its order, then others.

    Raises ValueError if there is no event.
    """
    if not sample.rows:
        raise ValueError("there is none")
    there = {row.emotion or NOT_SAID for row in sample.rows}
    return [*(e for e in EMOTIONS if e in there), *sorted(there - set(EMOTIONS))]


def emotions(sample: Sample) -> Finding:
    """Make table 6: counts of each emotion, its dominant action units and main channels."""
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for emotion in emotion_names(sample):
        of = [row for row in sample.rows if (row.emotion or NOT_SAID) == emotion]
        micro = sum(row.kind == "micro" for row in of)
        units = Counter(
            unit for row in of for unit in _units(row.units) if row.units_from == "coding"
        )
        channels = Counter(row.muscle for row in of if row.muscle)
        numbers |= {f"t6.{emotion}.micro": micro, f"t6.{emotion}.macro": len(of) - micro}
        rows.append(
            (
                emotion.capitalize(),
                *map(str, (micro, len(of) - micro, len(of))),
                _dominant({f"AU{u}": n for u, n in sorted(units.items())}, len(of)),
                _dominant({f"c{c}": n for c, n in sorted(channels.items())}, len(of)),
                _printed(emotion),
            )
        )
    totals = [sum(int(row[i]) for row in rows) for i in (1, 2, 3)]
    rows.append(("All", *map(str, totals), "", "", ""))
    sources = sorted({row.emotion_from for row in sample.rows if row.emotion_from})
    words = {"coding": "the coder's", "clip": "that of the clip"}
    notes = [
        f"Dominant: in {100 * DOMINANT:.0f} % of the emotion's events or more.",
        f"The emotion of an event is {' or '.join(words[s] for s in sources) or 'not known'}.",
    ]
    if not any(row.units_from == "coding" for row in sample.rows):
        notes.append("No action unit was coded.")
    head = (
        *("emotion", "ME", "MaE", "total", "dominant AUs", "main EMG channels"),
        "the paper's",
    )
    title = "Table 6: emotions"
    return Finding(Table("t6", title, head, tuple(rows), tuple(notes)), numbers)


def _units(text: str) -> list[int]:
    return [int(word.removeprefix("AU")) for word in text.split("+") if word]


def _dominant(counts: Mapping[str, int], n: int) -> str:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} ({k})" for name, k in ordered if k >= DOMINANT * n) or "-"


def _printed(emotion: str) -> str:
    row = EMOTIONS.get(emotion)
    if row is None:
        return "-"
    return f"{'+'.join(f'AU{u}' for u in row.units)}; {', '.join(f'c{c}' for c in row.channels)}"


def channels(sample: Sample) -> Finding:
    """Make table 8: events of each channel, and the action units coded with it."""
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for muscle, name in MUSCLES.items():
        of = [row for row in sample.rows if row.muscle == muscle]
        micro = sum(row.kind == "micro" for row in of)
        numbers |= {f"t8.c{muscle}.micro": micro, f"t8.c{muscle}.macro": len(of) - micro}
        coded = Counter(u for row in of if row.units_from == "coding" for u in _units(row.units))
        expected = CHANNEL_UNITS[muscle]
        units = ", ".join(f"AU{u} ({n})" for u, n in coded.most_common())
        with_any = [row for row in of if row.units_from == "coding"]
        fitting = sum(bool(set(_units(row.units)) & set(expected)) for row in with_any)
        share = f"{fitting} of {len(with_any)}" if with_any else "-"
        said_units = ", ".join(f"AU{u}" for u in expected)
        rows.append(
            (f"c{muscle}", name, str(micro), str(len(of) - micro), units or "-", said_units, share)
        )
    unknown = sum(not row.muscle for row in sample.rows)
    notes = ["Table 8 is taken with AU4 on c2 alone and AU15 on c7, as table 9 has it."]
    if unknown:
        events = counted(unknown, "event is on a channel", "events are on channels")
        notes.append(f"{events} whose muscle is not known.")
    head = ("ID", "muscle", "ME", "MaE", "AUs coded", "AUs of table 8", "fit it")
    title = "Table 8: channels and action units"
    return Finding(Table("t8", title, head, tuple(rows), tuple(notes)), numbers)


def emotion_channels(sample: Sample) -> Finding:
    """Make table 9: events of each emotion on each channel, beside the paper's channels."""
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for emotion in emotion_names(sample):
        of = [row for row in sample.rows if (row.emotion or NOT_SAID) == emotion]
        counts = [sum(row.muscle == muscle for row in of) for muscle in MUSCLES]
        numbers |= {f"t9.{emotion}.c{m}": n for m, n in zip(MUSCLES, counts, strict=True)}
        printed = EMOTION_UNITS_PRINTED.get(emotion)
        fits = sum(n for m, n in zip(MUSCLES, counts, strict=True) if printed and m in printed[1])
        told = ", ".join(f"c{c}" for c in printed[1]) if printed else "-"
        share = f"{100 * fits / len(of):.0f} %" if printed and of else "-"
        rows.append((emotion.capitalize(), *map(str, counts), told, share))
    head = ("emotion", *(f"c{m}" for m in MUSCLES), "channels of table 9", "on them")
    title = "Table 9: emotions and channels"
    notes = ("Each event counts once, on the channel of its highest peak (eq. 5).",)
    return Finding(Table("t9", title, head, tuple(rows), notes), numbers)


def coders(counts: Iterable[Mapping[str, int]], names: Sequence[str]) -> Finding:
    """Make the agreement of section 6.1 of what two coders wrote of each recording."""
    total: Counter[str] = Counter()
    n_recordings = 0
    for one in counts:
        total.update(one)
        n_recordings += 1
    if not n_recordings or not total["n_first"] or not total["n_second"]:
        raise ValueError("two coders are needed")
    as_defined = 2 * total["units_both"] / total["units_coded"] if total["units_coded"] else None
    as_printed = 2 * total["units_both"] / total["units_union"] if total["units_union"] else None
    shares = {
        "expressions": 2 * total["n_both"] / (total["n_first"] + total["n_second"]),
        "units": as_defined,
        "emotion": total["emotion_both"] / total["emotion"] if total["emotion"] else None,
        "side": total["side_both"] / total["side"] if total["side"] else None,
    }
    words = {
        "expressions": ("the same expression (IoU of 0.5 or more)", "2 x both / (A + B)"),
        "units": ("action units", "2 x agreed / (codes of A + codes of B), as CAS(ME)²"),
        "emotion": ("emotion, of the same expressions", "share"),
        "side": ("one side or both, of the same expressions", "share"),
    }
    printed = {"units": "83 %", "emotion": "99 %", "side": "99.7 %", "expressions": "-"}
    rows = [
        (*words[key], "-" if share is None else f"{100 * share:.1f} %", printed[key])
        for key, share in shares.items()
    ]
    numbers = {f"agree.{key}": share for key, share in shares.items() if share is not None}
    told = "-" if as_printed is None else said(as_printed)
    who = (
        f"{' and '.join(names)}: {total['n_first']} and {total['n_second']} expressions in "
        f"{n_recordings} recordings, {total['n_both']} shared."
    )
    notes = (
        who,
        f"Equation 8 as it is printed gives {told} for the action units; its most is 2, not 1.",
    )
    head = ("agreement in", "how", "this study", "the paper")
    title = "Section 6.1: agreement of the coders"
    return Finding(Table("agree", title, head, tuple(rows), notes), numbers)
