"""The paragraph of methods: what was done, with which settings and versions, in sentences."""

import platform
import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import fmean, stdev

from emgrig.analysis.paper.printed import PAPER
from emgrig.analysis.signal.quality import MAINS_DB
from emgrig.analysis.spotting.detector import DetectorSettings
from emgrig.study.dataset import Row
from emgrig.study.recording import Result
from emgrig.study.settings import StudySettings
from emgrig.version import __version__

_AGE = re.compile(r"\d{1,3}(\.\d+)?", re.ASCII)
_LIBRARIES = ("numpy", "scipy", "pyarrow", "statsmodels")


def versions() -> dict[str, str]:
    """Return the versions of what made the numbers."""
    found = {"emgrig": __version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def methods(
    results: Sequence[Result], settings: StudySettings, participants: Sequence[Row] = ()
) -> str:
    """Write the paragraph; `participants` are the rows of participants.tsv, if there are any."""
    parts = [
        _data(results),
        _people(results, participants),
        _signals(results),
        _expressions(results, settings),
        _intensity(results, settings),
        _joined(settings),
        _left_out(settings),
        _statistics(settings),
        _software(settings),
    ]
    return " ".join(part for part in parts if part)


def _done(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.recording.status == "done"]


def _data(results: Sequence[Result]) -> str:
    done = _done(results)
    people = len({one.recording.participant for one in done})
    lasts_s = sum(one.recording.duration_s for one in done)
    lasts = f"{lasts_s / 3600:.1f} h" if lasts_s >= 3600 else f"{lasts_s / 60:.0f} min"
    rates = sorted({one.recording.rate_hz for one in done})
    said = ", ".join(f"{rate:g}" for rate in rates) or "no"
    kind = "simulated facial EMG" if any(r.recording.is_simulated for r in done) else "facial EMG"
    lost = sum(one.recording.n_lost for one in done)
    n = sum(one.recording.n_samples for one in done)
    share = f"{100 * lost / n:.2f} %" if n else "none"
    return (
        f"We analysed {len(done)} recordings of {kind} ({lasts}) of {people} participants, "
        f"sampled at {said} Hz. Lost samples ({share}) were left as gaps in time: nothing was "
        "filtered across them."
    )


def _people(results: Sequence[Result], participants: Sequence[Row]) -> str:
    """Say age and sex as far as participants.tsv does."""
    there = {one.recording.participant for one in _done(results)}
    rows = [row for row in participants if row.get("participant_id") in there]
    women = sum(row.get("sex", "").lower() in ("f", "female") for row in rows)
    n_sex = sum("sex" in row for row in rows)
    ages = [float(row["age"]) for row in rows if _AGE.fullmatch(row.get("age", ""))]
    parts = [f"{women} of {n_sex} were female"] if n_sex else []
    if len(ages) > 1:
        parts.append(f"mean age {fmean(ages):.1f} years (SD {stdev(ages):.1f}, N = {len(ages)})")
    return f"{'; '.join(parts)}." if parts else ""


def _signals(results: Sequence[Result]) -> str:
    tops = sorted({min(450.0, round(0.45 * one.recording.rate_hz)) for one in _done(results)})
    said = " or ".join(f"{top:g}" for top in tops) or "450"
    is_1000 = any(one.recording.rate_hz == 1000 for one in _done(results))
    droop = (
        " An ADS1299 at 1000 samples a second itself passes up to 262 Hz (-3 dB)."
        if is_1000
        else ""
    )
    return (
        f"Each channel was band-pass filtered (Butterworth, second order, 20 to {said} Hz, forward "
        "and backward), mains was fitted to the quiet parts and subtracted where it stood "
        f"{MAINS_DB:g} dB above its neighbourhood, and the envelope is the rectified signal after "
        f"a 6 Hz low-pass (Butterworth, second order, forward and backward).{droop}"
    )


def _expressions(results: Sequence[Result], settings: StudySettings) -> str:
    sources = Counter(row.source for one in results for row in one.events if not row.left_out)
    limit = f"Those of at most {settings.events.micro_ms} ms are called micro-expressions."
    parts = []
    if sources["coding"]:
        coder = settings.events.coders[0] if settings.events.coders else "a coder"
        edges = (
            "begin and end are those of the EMG activity that meets the coded interval "
            f"(within {settings.limits.slack_s:g} s), or those coded where the detector found none"
            if settings.events.edges == "emg"
            else "begin and end are those that were coded"
        )
        parts.append(f"Expressions were coded ({coder}); {edges}.")
    if sources["candidates"]:
        found = DetectorSettings()
        parts.append(
            f"Expressions are candidates of a double-threshold detector ({found.high:g} and "
            f"{found.low:g} SD above rest, {found.preset.band_hz[0]:g} Hz and up, "
            f"{found.smooth_hz:g} Hz envelope, at least {found.least_s:g} s); those of several "
            "channels at one time are one expression."
        )
    parts.append(
        f"An expression is measured on its coded channel, else on that of the highest peak. {limit}"
    )
    return " ".join(parts)


def _intensity(results: Sequence[Result], settings: StudySettings) -> str:
    integral = (
        "iEMG is the integral of the envelope normalised to its range in the "
        f"{settings.iemg_range}."
    )
    if not any(one.recording.mvc_uv for one in _done(results)):
        return f"No recording has maximum contractions, so there is no MVC%. {integral}"
    return (
        "MVC% is the peak of the envelope within the expression over the maximum voluntary "
        f"contraction of the same muscle in part A (rule: {settings.mvc_rule}; the repetitions "
        f"that were accepted; none below {settings.limits.mvc_times_rest:g} times rest). {integral}"
    )


def _joined(settings: StudySettings) -> str:
    return (
        "An expression belongs to the clip that ran at its onset and has that clip's rating of "
        "self-control; it was noticed if the key was pressed from its onset to "
        f"{settings.limits.key_after_s:g} s after its end and no later expression claims the press."
    )


def _left_out(settings: StudySettings) -> str:
    return (
        "Left out were part A, events outside of clips, blinks, crosstalk, clipped events, events "
        "with samples missing inside, on channels that were bad by the contact check or could not "
        "be analysed, without an MVC, coded expressions whose envelope stayed below "
        f"{settings.limits.times_rest:g} times rest, and recordings with more than "
        f"{settings.limits.lost_percent:g} % of their samples missing; the counts are given."
    )


def _statistics(settings: StudySettings) -> str:
    how = settings.statistics
    mixed = (
        "Mixed models have a random intercept for each participant (REML). "
        if how.mixed_model
        else ""
    )
    return (
        "Kinds are compared by Student's and Welch's t tests and by ranks (Mann-Whitney), with "
        "Cohen's d, Hedges' g and the probability of superiority; counts by Pearson's χ² with "
        f"Cramér's V. Intervals are of {100 * how.level:g} %; those by the bootstrap draw whole "
        f"participants anew ({how.resamples} times, seed {how.seed}). {mixed}"
        "Clusters are k-means of standardised duration and intensity."
    )


def _software(settings: StudySettings) -> str:
    found = versions()
    if not settings.statistics.mixed_model:
        found.pop("statsmodels", None)
    listed = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"Software: {listed}. The analysis follows {PAPER}."
