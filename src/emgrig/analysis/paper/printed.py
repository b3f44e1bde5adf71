"""What the paper prints, as data: its tables as printed, and tables 8 and 9 with slips corrected.

Source: `PAPER`, sections 5 and 6, tables 3 to 10; the grid is that of the published scripts.
"""

from dataclasses import dataclass

from emgrig.analysis.signal.statistics import Summary

PAPER = (
    "J. Li, S. Lu, Y. Wang, Z. Dong, S.-J. Wang, X. Fu: Could Micro-Expressions be Quantified? "
    "Electromyography Gives Affirmative Evidence. IEEE Transactions on Affective Computing, 2025, "
    "doi 10.1109/TAFFC.2025.3575127, arXiv 2409.00017"
)
MATERIAL = (
    "annotations (380_sort.xlsx) and the published search (results_*.xlsx): public, in "
    "https://github.com/MELABIPCAS/CASMEMG; recordings: on application, with a signed licence "
    "agreement, at http://casme.psych.ac.cn/casme/e5"
)
"""Where what the numbers rest on is to be had, and under which terms."""

MUSCLES = {
    1: "frontalis",
    2: "corrugator supercilii",
    3: "orbicularis oculi",  # table 8 prints "orbicularis oris", section 3.1.2 has it right
    4: "levator labii superioris alaeque nasi",
    5: "zygomaticus major",
    6: "orbicularis oris",
    7: "depressor anguli oris",
}
"""Muscle under each channel."""

MUSCLES_PRINTED = {
    1: ("frontalis", "frontalis"),
    2: ("corrugator supercilii", "corrugator supercilii"),
    3: ("orbicularis oculi", "orbicularis oris"),
    4: ("levator labii superioris alaeque nasi", "levator labii superioris alaeque nasi"),
    5: ("zygomaticus major", "zygomaticus major"),
    6: ("orbicularis oris", "orbicularis oris"),
    7: ("depressor anguli oris", "depressor anguli oris"),
}
"""Muscle of each channel as section 3.1.2 and as table 8 print it."""

CHANNEL_UNITS_PRINTED = {
    1: (1, 2),
    2: (4,),
    3: (5, 6, 7, 4, 41, 42, 43, 44, 45),
    4: (9, 10),
    5: (11, 12),
    6: (15, 16, 17, 18, 22, 23, 24, 28),
    7: (14, 25),
}
"""Table 8 as printed: action units of each channel."""

CHANNEL_UNITS = {
    1: (1, 2),
    2: (4,),
    3: (5, 6, 7, 41, 42, 43, 44, 45),  # AU4 is the corrugator's, c2
    4: (9, 10),
    5: (11, 12),
    6: (16, 17, 18, 22, 23, 24, 28),
    7: (14, 15, 25),  # AU15 is the depressor anguli oris, as in table 9
}
"""Table 8 with AU4 on c2 alone and AU15 on c7."""

EMOTION_UNITS_PRINTED = {
    "happiness": ((6, 12), (3, 5)),
    "sadness": ((45, 15), (3, 7)),
    "fear": ((4, 7), (2, 3)),
    "surprise": ((2, 5), (1, 3)),
    "disgust": ((4, 9, 17), (2, 4, 6)),
    "anger": ((4, 7), (2, 3)),
}
"""Table 9: action units and channels of each emotion; it agrees with `CHANNEL_UNITS`."""


@dataclass(frozen=True)
class EmotionRow:
    """A row of table 6, as printed."""

    micro: int
    macro: int
    total: int
    units: tuple[int, ...]
    channels: tuple[int, ...]


EMOTIONS = {
    "anger": EmotionRow(49, 31, 80, (4, 7, 16, 23), (2, 3, 6)),
    "disgust": EmotionRow(59, 32, 91, (4, 7, 9, 17), (2, 3, 4, 6)),
    "fear": EmotionRow(25, 27, 52, (4, 5, 7), (2, 3)),
    "happiness": EmotionRow(26, 23, 49, (6, 12, 14), (3, 5, 7)),
    "sadness": EmotionRow(42, 23, 65, (14, 15, 24, 43), (3, 6, 7)),
    "surprise": EmotionRow(27, 13, 40, (2, 5), (1, 3)),
    "other": EmotionRow(2, 1, 3, (45,), (3,)),
}
"""Table 6."""

TABLE_3 = {
    "MVC%": (Summary(147, 23.09, 21.27), Summary(233, 8.11, 8.54)),
    "iEMG": (Summary(147, 440.89, 459.97), Summary(233, 78.8, 55.6)),
}
"""MaE, then ME."""
TABLE_3_ROUNDING = {
    "MVC%": ((0.005, 0.005), (0.005, 0.005)),
    "iEMG": ((0.005, 0.005), (0.05, 0.05)),
}
"""Half a unit of the last place printed, of mean and SD."""

TABLE_2_DURATIONS_S = (
    *(144, 220, 96, 144, 117, 140, 159, 91, 42, 145, 34, 116),
    *(25, 68, 77, 161, 67, 51, 53, 35, 67, 92, 172, 90),
)
"""Length of each stimulus, s."""

TABLE_5 = ((17, 39), (216, 108))  #: Keystroke yes and no; columns ME and MaE.


@dataclass(frozen=True)
class CodingTask:
    """A row of table 10: times to code one video, s."""

    with_emg: bool
    n_expressions: int
    video: str
    duration_s: int
    novice_s: float
    expert_s: float


TABLE_10 = (
    CodingTask(True, 1, "7-4", 83, 377.023, 104.029),
    CodingTask(True, 1, "8-2", 78, 345.012, 72.009),
    CodingTask(True, 1, "10-16", 229, 298.028, 176.019),
    CodingTask(True, 1, "11-1", 153, 193.017, 94.005),
    CodingTask(True, 1, "13-1", 153, 200.023, 76.015),
    CodingTask(True, 4, "5-11", 149, 559.016, 191.048),
    CodingTask(False, 1, "7-6", 78, 735.031, 225.017),
    CodingTask(False, 1, "8-3", 52, 846.097, 182.025),
    CodingTask(False, 1, "10-13", 85, 486.035, 252.056),
    CodingTask(False, 1, "11-12", 167, 904.071, 469.031),
    CodingTask(False, 1, "13-17", 104, 884.075, 381.003),
    CodingTask(False, 4, "5-5", 154, 934.02, 577.012),
)

TABLE_7 = ("8", "0.847", "0.953", "0.206", "0.005", "0.230", "0.203", "0.012", "0.309")
"""In the order of `emgrig.analysis.spotting.scoring.PaperScores`, as printed."""


def likely_units(channel: int) -> tuple[int, ...]:
    """Return the action units under a channel, 1 to 7 (table 8, corrected).

    Raises
    ------
    ValueError
        If the channel is not 1 to 7.
    """
    if channel not in CHANNEL_UNITS:
        raise ValueError(f"channel {channel} is not on the paper's face (1 to 7)")
    return CHANNEL_UNITS[channel]


def likely_emotions(channels: frozenset[int]) -> list[str]:
    """Return the emotions of table 9 all of whose channels are active, the most specific first."""
    fitting = [
        (len(printed[1]), name)
        for name, printed in EMOTION_UNITS_PRINTED.items()
        if channels >= set(printed[1])
    ]
    return [name for _, name in sorted(fitting, key=lambda pair: (-pair[0], pair[1]))]


def slips() -> list[str]:
    """Name the places where tables 6, 8 and 9 contradict the paper itself, by looking."""
    found = [
        f"c{channel} is {text} in section 3.1.2 and {table} in table 8"
        for channel, (text, table) in MUSCLES_PRINTED.items()
        if text != table
    ]
    homes: dict[int, list[int]] = {}
    for channel, units in CHANNEL_UNITS_PRINTED.items():
        for unit in units:
            homes.setdefault(unit, []).append(channel)
    found += [
        f"AU{unit} is on c{' and c'.join(map(str, channels))} in table 8"
        for unit, channels in sorted(homes.items())
        if len(channels) > 1
    ]
    for emotion, (units, channels) in EMOTION_UNITS_PRINTED.items():
        found += [
            f"AU{unit} ({emotion}, table 9) is on c{homes[unit][0]} in table 8, "
            f"which is none of the emotion's channels"
            for unit in units
            if not set(homes[unit]) & set(channels)
        ]
    return found
