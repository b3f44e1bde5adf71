"""Where `emgrig analyse` takes the MVC from, and which parts of a recording are asked for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.analysis.report.candidates import Analysis, band_at
from emgrig.analysis.report.parts import Part, inside
from emgrig.errors import RecordingError
from emgrig.files import is_file
from emgrig.names import one_line
from emgrig.reading import Recording
from emgrig.sentences import counted
from emgrig.tools.common.options import read_mvc

MARK_LASTS_S = 5.0
"""A mark that is a moment stands for so long behind it, or up to the next mark if that is sooner:
contractions are held for 3 to 5 s. What lasted longer is told by START:END."""
_TIMES = re.compile(r"([0-9.]+):([0-9.]+)")
_MOST_MARKS = 8


@dataclass(frozen=True)
class Sources:
    """Where the MVC comes from; keys are channel indexes."""

    uv: dict[int, float] = field(default_factory=dict)  #: That was told, uV.
    parts: dict[int, list[Part]] = field(default_factory=dict)  #: Where it is to be taken.
    paths: list[Path] = field(default_factory=list)  #: Recordings of contractions.


def read_sources(options: Sequence[str], found: Recording) -> Sources:
    """Read options of `--mvc`.

    Raises
    ------
    ValueError
        If one cannot be meant, or names a mark, a channel or a stretch that is not there.
    RecordingError
        If a session's file cannot be read.
    """
    sources = Sources()
    told = []
    for option in options:
        channel, equals, where = option.partition("=")
        if not option.endswith(".json") and (not equals or is_file(Path(option))):
            sources.paths.append(_recording(option))
        elif not equals or _is_number(where):
            told.append(option)
        else:
            index = _index(option, channel, len(found.signals))
            sources.parts.setdefault(index, []).extend(_parts(f"--mvc {option}", where, found))
    sources.uv.update({n - 1: uv for n, uv in read_mvc(told, len(found.signals)).items()})
    return sources


def read_parts(options: Sequence[str], found: Recording) -> list[Part]:
    """Read options of `--part`; ValueError if one names no stretch of the recording."""
    return [part for option in options for part in _parts(f"--part {option}", option, found)]


def contracted(
    sources: Sources,
    found: Recording,
    analyse_whole: Callable[[Path], tuple[Recording, Analysis]],
) -> tuple[dict[int, float], list[str]]:
    """Take the MVC of channels from recordings of contractions, by the names of the channels.

    Parameters
    ----------
    sources : Sources
        Names them.
    found : Recording
        That is analysed.
    analyse_whole : callable
        Opens a recording, and analyses it with the MVC of each channel taken from all of it.

    Returns
    -------
    mvc_uv : dict
        {channel index of `found`: uV}.
    remarks : list of str
        What is to be known of them.

    Raises
    ------
    RecordingError
        If a recording has none of these channels, or no MVC of them can be compared.
    """
    levels: dict[int, float] = {}
    remarks = []
    band_hz, _ = band_at(found.rate_hz)
    for path in sources.paths:
        other, analysis = analyse_whole(path)
        if analysis.band_hz != band_hz:
            bands = " and ".join(
                f"{low:g}-{high:g} Hz" for low, high in (analysis.band_hz, band_hz)
            )
            raise RecordingError(
                f"{path}: {other.rate_hz:g} samples a second, and {found.rate_hz:g} in "
                f"{found.path.name}, carry {bands}: amplitudes cannot be compared"
            )
        mine = {label: index for index, label in enumerate(found.labels)}
        took = {
            mine[other.labels[i]]: uv
            for i, uv in analysis.mvc_uv.items()
            if other.labels[i] in mine
        }
        if not took:
            raise RecordingError(_none_of_it(path, other, analysis, found))
        levels |= took
        remarks += _remarks(path, other, analysis, found)
    return levels, remarks


def _remarks(path: Path, other: Recording, analysis: Analysis, found: Recording) -> list[str]:
    said = []
    if other.is_simulated and not found.is_simulated:
        said.append(f"{path.name} is SIMULATED: % MVC of a person's recording by it is of no use")
    for quality in analysis.quality:
        label = analysis.labels[quality.channel_index]
        if label in found.labels:
            said += [f"{path.name}, {label}: {one}" for one in quality.remarks if "MVC" in one]
            if quality.reject:
                said.append(f"{path.name}, {label}: no MVC, {quality.reject}")
    return said


def _none_of_it(path: Path, other: Recording, analysis: Analysis, found: Recording) -> str:
    both = set(other.labels) & set(found.labels)
    if not both:
        return (
            f"{path} has none of the channels of {found.path.name}: it has "
            f"{', '.join(other.labels)}, and {', '.join(found.labels)} were expected; tell the MVC "
            "as CHANNEL=µV"
        )
    unsaid = "the unit of its values is not said (--unit)"
    why = [
        f"{other.labels[q.channel_index]}: {q.reject or next(iter(q.remarks), unsaid)}"
        for q in analysis.quality
        if other.labels[q.channel_index] in both
    ]
    return f"{path}: no MVC can be taken from it; {'; '.join(why)}"


def whole(found: Recording) -> dict[int, list[Part]]:
    """Return what takes the MVC of every channel from all of a recording."""
    part = Part(found.path.name, 0.0, found.duration_s)
    return {index: [part] for index in range(len(found.signals))}


def _recording(option: str) -> Path:
    path = Path(option)
    if not is_file(path):
        raise ValueError(
            f"--mvc {option}: expected CHANNEL=µV as 5=310, CHANNEL=START:END in s as 5=12:15, "
            "CHANNEL=MARK as 5=maximum, or the file of a recording or a session; there is no "
            "such file"
        )
    return path


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _index(option: str, channel: str, n_channels: int) -> int:
    if not channel.isdecimal() or not 1 <= int(channel) <= n_channels:
        raise ValueError(
            f"--mvc {option}: expected a channel from 1 to {n_channels} before the =, as 5=310"
        )
    return int(channel) - 1


def _parts(option: str, where: str, found: Recording) -> list[Part]:
    """Return the stretches that times, or the words of marks, name; ValueError if none."""
    if times := _TIMES.fullmatch(where):
        try:
            part = Part(f"{option}", float(times[1]), float(times[2]))
        except ValueError:
            raise ValueError(f"{option}: START:END in seconds was expected") from None
        part = inside(part, found.duration_s, found.rate_hz)
        return [replace(part, name=part.times)]
    marks = [one for one in found.marks if not one.is_bad]
    named = [one for one in marks if one.text.casefold() == where.casefold()]
    if not named:
        raise ValueError(f"{option}: {_no_mark(where, [one.text for one in marks], found)}")
    parts = []
    for nth, one in enumerate(named, 1):
        end_s = one.onset_s + (one.duration_s or MARK_LASTS_S)
        if not one.duration_s:
            next_s = one.onset_s + 1 / found.rate_hz  # made twice, it does not end at itself
            end_s = min([end_s, *(other.onset_s for other in marks if other.onset_s >= next_s)])
        name = one_line(one.text) if len(named) == 1 else f"{one_line(one.text)} {nth}"
        part = inside(Part(option, one.onset_s, end_s), found.duration_s, found.rate_hz)
        parts.append(replace(part, name=name))
    return parts


def _no_mark(where: str, texts: Sequence[str], found: Recording) -> str:
    known = list(dict.fromkeys(one_line(text) for text in texts))
    if not known:
        return f"{found.path.name} has no marks; expected START:END in s"
    more = len(known) - _MOST_MARKS
    shown = ", ".join(known[:_MOST_MARKS]) + (f" and {counted(more, 'other')}" if more > 0 else "")
    return f"there is no mark {where!r}; expected START:END in s, or one of: {shown}"
