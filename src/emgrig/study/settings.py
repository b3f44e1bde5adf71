"""The settings of a study: a TOML file in which every choice stands, with what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import Interval

from emgrig.analysis.signal.indicators import PeakRule
from emgrig.filemodel import FileModel, Text, load, one_of
from emgrig.study.places import check_begun


@dataclass(frozen=True)
class Events:
    """What counts as an event.

    Attributes
    ----------
    source : str
        "coding": what the first coder wrote; "candidates": what the detector finds; "auto":
        coding where there is any for the recording, else candidates.
    coders : tuple of str
        Folders below derivatives/; the first is the one that counts, the second is compared.
    coding_clock : str
        "emg" or "video"; "auto": ELAN files are in video time, tables in EMG time.
    edges : str
        "emg": begin and end are those of the EMG that meets the coded interval; "coded": as coded.
    micro_ms : int
        A micro-expression lasts at most so long.
    """

    source: Annotated[str, one_of("auto", "coding", "candidates")] = "auto"
    coders: tuple[Text, ...] = ()
    coding_clock: Annotated[str, one_of("auto", "emg", "video")] = "auto"
    edges: Annotated[str, one_of("emg", "coded")] = "emg"
    micro_ms: Annotated[int, Interval(ge=40, le=5000)] = 500


@dataclass(frozen=True)
class Limits:
    """What is left out, and what is joined.

    Attributes
    ----------
    slack_s : float
        An EMG event meets a coded interval if it is no further away.
    join_s : float
        Events of several channels at one time are one expression; they overlap by so much.
    times_rest : float
        A coded expression has an EMG if its envelope peaks at so many times the rest level.
    key_after_s : float
        A key press belongs to the last expression that ended no longer ago.
    mvc_times_rest : float
        An MVC below so many times the rest level is none: it is near the noise.
    lost_percent : float
        A recording with more loss than this is left out whole.
    """

    slack_s: Annotated[float, Interval(ge=0, le=2)] = 0.1
    join_s: Annotated[float, Interval(ge=0, le=1)] = 0.0
    times_rest: Annotated[float, Interval(ge=1, le=100)] = 2.2
    key_after_s: Annotated[float, Interval(ge=0, le=60)] = 2.0
    mvc_times_rest: Annotated[float, Interval(ge=1, le=1000)] = 5.0
    lost_percent: Annotated[float, Interval(ge=0, le=100)] = 20.0


@dataclass(frozen=True)
class Names:
    """What the events of the data set are called; the defaults are those of `emgrig session`.

    Attributes
    ----------
    trial_begin, trial_shown, trial_end, trial_broken : str
        A trial begins where it is shown if that is said, else at its begin; it ends at its end, or
        lasts as long as its own row says. "stim_*" takes stim_anger and stim_fear; what stands for
        the star is clip and emotion where no column says them.
    key, rating : str
        Begin of the event's name; the event of a rating, whose column `rating_column` holds it.
    mvc_begin, mvc_end, mvc_accept, mvc_level : str
        Of the maximum contractions.
    trial_column, clip_column, emotion_column, channel_column, rating_column : str
        Columns of events.tsv.
    """

    trial_begin: Text = "clip begin"
    trial_shown: Text = "clip shown"
    trial_end: Text = "clip end"
    trial_broken: Text = "clip broken off"
    key: Text = "key"
    rating: Text = "rating"
    mvc_begin: Text = "mvc begin"
    mvc_end: Text = "mvc end"
    mvc_accept: Text = "mvc accept"
    mvc_level: Text = "mvc level"
    trial_column: Text = "trial"
    clip_column: Text = "clip"
    emotion_column: Text = "emotion"
    channel_column: Text = "channel"
    rating_column: Text = "value"


@dataclass(frozen=True)
class Film:
    """The film of the face.

    Attributes
    ----------
    frames_per_s : float
        Frame rate by which readings of the tube name frames.
    """

    frames_per_s: Annotated[float, Interval(ge=1, le=1000)] = 30.0


@dataclass(frozen=True)
class Statistics:
    """How numbers are made.

    Attributes
    ----------
    level : float
        Of all intervals.
    resamples : int
        Of the bootstrap over participants.
    seed : int
    mixed_model : bool
        Also fit models with a random intercept for each participant (needs statsmodels).
    """

    level: Annotated[float, Interval(ge=0.5, le=0.999)] = 0.95
    resamples: Annotated[int, Interval(ge=100, le=100_000)] = 2000
    seed: Annotated[int, Interval(ge=0)] = 0
    mixed_model: bool = False


@dataclass(frozen=True)
class StudySettings(FileModel):
    """All settings of a study.

    Attributes
    ----------
    title : str
    mvc_rule : str
        Which peak of the maximum contractions is the MVC (the paper does not say).
    iemg_range : str
        What the envelope is normalised by for the iEMG: the range of the "recording", or of the
        "clip" in which the expression lies; the paper's recordings are of one clip each.
    muscles : mapping of str to int
        Channel of the paper's face, 1 to 7, of a channel by its name; where none is given the
        name says it.
    left_out : mapping of str to str
        Participants (sub-01) or recordings (sub-01_task-faces) and why they are left out.
    """

    title: Text = "Facial EMG study"
    mvc_rule: PeakRule = "maximum"
    iemg_range: Annotated[str, one_of("recording", "clip")] = "recording"
    events: Events = Events()
    limits: Limits = Limits()
    names: Names = Names()
    film: Film = Film()
    statistics: Statistics = Statistics()
    muscles: Mapping[str, Annotated[int, Interval(ge=1, le=7)]] = field(default_factory=dict)
    left_out: Mapping[str, Text] = field(default_factory=dict)


def load_settings(root: Path) -> StudySettings:
    """Read the settings of a data set's study.

    Raises RecordingError if there are none yet; ValueError, in one line, if they are wrong.
    """
    return load(check_begun(root), StudySettings, "study")
