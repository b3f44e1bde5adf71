"""Who does what when in a synthetic study: trials, expressions, blinks, keys, ratings.

Numbers are the paper's where it prints them: emotions and kinds are table 6, durations and
intensities the means and SDs of sections 5.1.1 to 5.1.3 and table 3, awareness table 5, agreement
of coders section 6.1. The rest is drawn by us, and said where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS
from emgrig.analysis.paper.printed import CHANNEL_UNITS, EMOTIONS, TABLE_2_DURATIONS_S
from emgrig.analysis.paper.synthetic import draw_intensity
from emgrig.experiment.course.order import clip_order
from emgrig.experiment.files.plan import Clip

SIX = ("anger", "sadness", "disgust", "fear", "surprise", "happiness")
"""In the order of table 2, four clips each."""
PARTICIPANTS = 35
REPETITIONS, CONTRACT_S, REST_S = 3, 3.0, 4.0
BASELINE_S, GAP_S, BEGIN_S = 10.0, 6.0, 2.0
RATING_AFTER_S, REACTION_S = 2.0, 0.6
#: Of 406 coded expressions 21 had no EMG (section 5); nobody says of which emotion.
UNSEEN = 21
LEAST_PERCENT = 2.0
"""Below it an expression would not rise out of the rest, and nobody would have coded it."""
_KEY_SHARE = {"micro": 17 / 233, "macro": 39 / 147}
_OFTEN = (2, 3, 6)  # channels of most emotions, so that a failed one costs expressions
_APART_S, _MARGIN_S = 1.2, 1.5
_DURATION_S = {"micro": (0.317, 0.079, 0.2, 0.5), "macro": (1.161, 0.823, 0.501, 5.0)}
_BESIDE = 0.4  # share of expressions with a second muscle


@dataclass(frozen=True)
class TrueExpression:
    """An expression as it was made."""

    trial: int
    emotion: str
    kind: str  #: "micro" or "macro"
    onset_s: float
    offset_s: float
    channel: int  #: 1 to 7; 0: on the other half of the face, where no electrode is.
    drive_percent: float  #: Peak of the drive, percent of that of maximum contractions.
    beside: int  #: Second muscle, or 0.
    beside_share: float  #: Its voltage over that of the first.
    units: tuple[int, ...]
    side: str  #: "left" or "both"; "right" if it is not seen.
    is_aware: bool


@dataclass(frozen=True)
class TrueTrial:
    """A clip as it was played."""

    trial: int
    clip: str
    emotion: str
    begin_s: float
    end_s: float
    rating: int
    key_s: tuple[float, ...]  #: s of the recording.


@dataclass(frozen=True)
class TrueContraction:
    """A repetition of part A."""

    channel: int
    repetition: int
    begin_s: float
    end_s: float
    level: float  #: Of the drive at maximum, 0 to 1.
    is_accepted: bool


@dataclass(frozen=True)
class TrueSession:
    """All of one participant."""

    number: int
    trials: tuple[TrueTrial, ...]
    contractions: tuple[TrueContraction, ...]
    expressions: tuple[TrueExpression, ...]
    blinks_s: tuple[tuple[float, float], ...]  #: Begin and end.
    baseline_s: tuple[float, float]
    length_s: float
    #: What is wrong with it: a channel that is not wired, a channel without a maximum contraction.
    dead_channel: int
    failed_channel: int
    lost_percent: float
    video_begin_s: float  #: Time of the recording at which the film begins.
    clock_ppm: float  #: The film's clock against that of the recording.

    @property
    def label(self) -> str:
        """The participant's label in the data set."""
        return f"{self.number:02d}"


def deal(n_participants: int, seed: int) -> list[list[tuple[str, str, bool]]]:
    """Deal table 6's 380 expressions, and 21 unseen ones, to 35 participants; emotion, kind, seen.

    More participants get another deal; fewer get the first hands.
    """
    hands: list[list[tuple[str, str, bool]]] = []
    while len(hands) < n_participants:
        rng = np.random.default_rng((seed, len(hands)))
        cards = [
            (emotion, kind, True)
            for emotion, row in EMOTIONS.items()
            for kind, n in (("micro", row.micro), ("macro", row.macro))
            for _ in range(n)
        ]
        cards += [(SIX[i % 6], "micro", False) for i in range(UNSEEN)]
        mixed = [cards[i] for i in rng.permutation(len(cards))]
        hands += [mixed[i::PARTICIPANTS] for i in range(PARTICIPANTS)]
    return hands[:n_participants]


def session(
    number: int,
    hand: Sequence[tuple[str, str, bool]],
    *,
    seed: int,
    clip_s: float,
    lost_percent: float,
) -> TrueSession:
    """Draw what a participant does; the same seed and number give the same.

    `clip_s` is the length of every clip; 0 takes the lengths of table 2.
    """
    rng = np.random.default_rng((seed, number, 1))
    failed = int(rng.choice(_OFTEN)) if number % 12 == 5 else 0
    contractions, at = _part_a(rng, failed)
    baseline = (at, at + BASELINE_S)
    trials, end = _trials(number, seed, rng, at + BASELINE_S, clip_s)
    expressions, trials = _expressions(hand, trials, rng)
    return TrueSession(
        number=number,
        trials=tuple(trials),
        contractions=tuple(contractions),
        expressions=tuple(expressions),
        blinks_s=tuple(_blinks(rng, baseline[0], end, expressions)),
        baseline_s=baseline,
        length_s=end + BEGIN_S,
        dead_channel=int(rng.integers(1, 8)) if number % 12 == 9 else 0,
        failed_channel=failed,
        lost_percent=0.0 if number % 4 == 1 else lost_percent * float(rng.uniform(0.2, 1.8)),
        video_begin_s=float(rng.uniform(-3.0, 3.0)),
        clock_ppm=float(rng.normal(scale=40.0)),
    )


def _part_a(rng: np.random.Generator, failed: int) -> tuple[list[TrueContraction], float]:
    made, at = [], BEGIN_S
    for channel in range(1, 8):
        for repetition in range(1, REPETITIONS + 1):
            at += REST_S
            level = float(rng.uniform(0.9, 1.0))
            one = TrueContraction(
                channel, repetition, at, at + CONTRACT_S, level, channel != failed
            )
            made.append(one)
            at += CONTRACT_S
    return made, at + REST_S


def _trials(
    number: int, seed: int, rng: np.random.Generator, at: float, clip_s: float
) -> tuple[list[TrueTrial], float]:
    lengths = {
        f"{emotion}{i + 1}": clip_s or float(TABLE_2_DURATIONS_S[4 * k + i])
        for k, emotion in enumerate(SIX)
        for i in range(4)
    }
    clips = [Clip(name, f"{name}.mp4", name[:-1], length) for name, length in lengths.items()]
    trials = []
    for trial, clip in enumerate(clip_order(clips, seed, number), 1):
        rating = int(rng.binomial(8, 0.62))
        end = at + clip.length_s
        trials.append(TrueTrial(trial, clip.id, clip.emotion, at, end, rating, ()))
        at = end + GAP_S
    return trials, at


def _expressions(
    hand: Sequence[tuple[str, str, bool]], trials: list[TrueTrial], rng: np.random.Generator
) -> tuple[list[TrueExpression], list[TrueTrial]]:
    taken: dict[int, list[tuple[float, float]]] = {t.trial: [] for t in trials}
    keys: dict[int, list[float]] = {t.trial: [] for t in trials}
    made = []
    for emotion, kind, is_seen in hand:
        fitting = [t for t in trials if t.emotion == emotion] or trials
        # Little control goes with macro-expressions (figure 13); how much is ours.
        weights = np.array([(9 - t.rating) if kind == "macro" else (1 + t.rating) for t in fitting])
        trial = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
        duration = _duration(kind, rng)
        onset = _free(trial, taken[trial.trial], duration, rng)
        if onset is None:  # the clip is full
            continue
        one = _expression(trial.trial, emotion, kind, is_seen, onset, duration, rng)
        taken[trial.trial].append((onset, onset + duration))
        if one.is_aware:
            keys[trial.trial].append((onset + 0.5 * duration) + REACTION_S)
        made.append(one)
    done = [
        TrueTrial(
            t.trial, t.clip, t.emotion, t.begin_s, t.end_s, t.rating, tuple(sorted(keys[t.trial]))
        )
        for t in trials
    ]
    return sorted(made, key=lambda e: e.onset_s), done


def _duration(kind: str, rng: np.random.Generator) -> float:
    """Draw a duration, s: normal, or 0.5 s and a lognormal, so that means and SDs are the paper's.

    Those beyond the limits of their kind are drawn again.
    """
    mean, sd, least, most = _DURATION_S[kind]
    above = abs(mean - MICRO_LIMIT_MS / 1000)
    spread = np.log1p((sd / above) ** 2)
    while True:
        if kind == "micro":
            drawn = rng.normal(mean, sd)
        else:
            longer = rng.lognormal(np.log(above) - spread / 2, np.sqrt(spread))
            drawn = MICRO_LIMIT_MS / 1000 + longer
        if least <= drawn <= most:
            return round(float(drawn), 3)


def _free(
    trial: TrueTrial,
    taken: list[tuple[float, float]],
    duration: float,
    rng: np.random.Generator,
) -> float | None:
    low, high = trial.begin_s + _MARGIN_S, trial.end_s - _MARGIN_S - duration
    for _ in range(40):
        onset = round(float(rng.uniform(low, high)), 3)
        if all(onset + duration + _APART_S < a or b + _APART_S < onset for a, b in taken):
            return onset
    return None


def _expression(
    trial: int,
    emotion: str,
    kind: str,
    is_seen: bool,
    onset: float,
    duration: float,
    rng: np.random.Generator,
) -> TrueExpression:
    row = EMOTIONS[emotion]
    channel = int(rng.choice(row.channels))
    others = [c for c in row.channels if c != channel]
    beside = int(rng.choice(others)) if others and rng.random() < _BESIDE else 0
    units = tuple(sorted({_unit(c, row.units, rng) for c in (channel, beside) if c}))
    return TrueExpression(
        trial=trial,
        emotion=emotion,
        kind=kind,
        onset_s=onset,
        offset_s=round(onset + duration, 3),
        channel=channel if is_seen else 0,
        drive_percent=max(draw_intensity(kind == "micro", rng), LEAST_PERCENT),
        beside=beside if is_seen else 0,
        beside_share=float(rng.uniform(0.3, 0.6)),
        units=units,
        side=("left" if rng.random() < 0.3 else "both") if is_seen else "right",
        is_aware=bool(rng.random() < _KEY_SHARE[kind]),
    )


def _unit(channel: int, of_emotion: tuple[int, ...], rng: np.random.Generator) -> int:
    """Draw an action unit of a channel, one of the emotion's if there is one (tables 6 and 8)."""
    fitting = [u for u in CHANNEL_UNITS[channel] if u in of_emotion]
    return int(rng.choice(fitting or CHANNEL_UNITS[channel][:1]))


def _blinks(
    rng: np.random.Generator, begin: float, end: float, expressions: Sequence[TrueExpression]
) -> list[tuple[float, float]]:
    """Draw a blink every 4 s on average; those that meet an expression are left out."""
    made, at = [], begin
    while (at := at + 0.6 + float(rng.exponential(3.4))) < end - 1:
        lasts = float(rng.uniform(0.15, 0.35))
        if all(at + lasts + 0.3 < e.onset_s or e.offset_s + 0.3 < at for e in expressions):
            made.append((round(at, 3), round(at + lasts, 3)))
    return made
