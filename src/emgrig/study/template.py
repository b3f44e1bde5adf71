"""The settings file that `emgrig study init` writes: every choice, with what it means."""

import json
from collections.abc import Sequence
from typing import Any

from emgrig.study.settings import StudySettings
from emgrig.version import __version__

_TEXT = """\
# The study of this data set: emgrig study run, then emgrig study report.
# A change here makes the recordings it touches be analysed anew; nothing else does.

title = {title}

# Which peak of the maximum contractions is the MVC: "maximum", "mean of maxima",
# "median of maxima" or "best 0.5 s". The paper does not say.
mvc_rule = {mvc_rule}

# The iEMG is normalised by the range of the whole "recording", or of the "clip": the paper's
# recordings are of one clip each, and have no maximum contractions in them.
iemg_range = {iemg_range}

[events]
# "coding": what the first coder wrote; "candidates": what the detector finds; "auto": coding where
# there is one of the recording, else candidates.
source = {source}
# Folders below derivatives/, with STEM_events.tsv or STEM.eaf for each recording. The first counts,
# the second is compared with it.
coders = {coders}
# Time of the codings: "emg", "video", or "auto": ELAN files are in video time, tables are not.
coding_clock = {coding_clock}
# Begin and end of a coded expression: "emg", those of the EMG that meets it, or "coded".
edges = {edges}
# A micro-expression lasts at most so many ms.
micro_ms = {micro_ms}

[limits]
slack_s = {slack_s}          # the EMG meets a coded interval no further away
join_s = {join_s}           # candidates that overlap by more are one expression
times_rest = {times_rest}       # a coded expression has an EMG from so many times rest on
key_after_s = {key_after_s}      # a key belongs to the last expression that ended no longer ago
mvc_times_rest = {mvc_times_rest}   # an MVC below so many times rest is none
lost_percent = {lost_percent}    # a recording that lost more is left out

[film]
frames_per_s = {frames_per_s}    # of the readings of the tube, sourcedata/…_readings.csv

[statistics]
level = {level}           # of all intervals
resamples = {resamples}       # of the bootstrap over participants
seed = {seed}
mixed_model = {mixed_model}    # a random intercept for each participant; needs statsmodels

# What the events are called, where they are not those of emgrig session:
# [names]
# trial_begin = "clip begin"     trial_end = "clip end"     trial_column = "trial"
# A trial whose row has a duration needs no end; trial_begin = "stim_*" takes stim_anger, and so on.
# All keys: docs/study.md.

# Channels by name, if the names do not say the muscle: 1 frontalis, 2 corrugator supercilii,
# 3 orbicularis oculi, 4 levator labii superioris alaeque nasi, 5 zygomaticus major,
# 6 orbicularis oris, 7 depressor anguli oris.
# [muscles]
# "EMG1" = 5

# Who is left out whole, and why:
# [left_out]
# "sub-07" = "withdrew consent"
"""


def template(title: str, coders: Sequence[str]) -> str:
    """Return the settings with their defaults; each value is taken from them."""
    usual = StudySettings()
    values: dict[str, Any] = {"title": title}
    values |= {key: getattr(usual, key) for key in ("mvc_rule", "iemg_range")}
    for part in (usual.events, usual.limits, usual.film, usual.statistics):
        values |= vars(part)
    values["coders"] = list(coders)
    return _TEXT.format(
        **{key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    )


def description(title: str) -> dict[str, Any]:
    """Return dataset_description.json of the folder that a study writes to."""
    return {
        "Name": f"{title}: results",
        "BIDSVersion": "1.11.2",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "emgrig study", "Version": __version__}],
    }
