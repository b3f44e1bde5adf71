"""A study that is quick to analyse: participants of 80 s with two clips, made by hand."""

from collections.abc import Sequence
from pathlib import Path

from emgrig.files import json_text
from emgrig.study.synthetic.design import TrueContraction, TrueExpression, TrueSession, TrueTrial
from emgrig.study.synthetic.files import About, stem, write_session
from emgrig.study.synthetic.samples import Made, make

CLIPS = (TrueTrial(1, "joy1", "happiness", 42.0, 56.0, 6, (47.6,)),
         TrueTrial(2, "fear1", "fear", 60.0, 76.0, 2, ()))  # fmt: skip
EXPRESSIONS = (
    TrueExpression(1, "happiness", "macro", 46.0, 47.2, 5, 40.0, 3, 0.4, (6, 12), "both", True),
    TrueExpression(1, "happiness", "micro", 51.0, 51.35, 5, 12.0, 0, 0.4, (12,), "left", False),
    TrueExpression(2, "fear", "micro", 65.0, 65.4, 2, 15.0, 0, 0.4, (4,), "both", False),
    TrueExpression(2, "fear", "macro", 71.0, 72.0, 2, 30.0, 0, 0.4, (4,), "both", False),
)
BLINKS_S = ((44.0, 44.25), (54.0, 54.2), (68.0, 68.3), (74.5, 74.8))


def tiny(number: int = 1, **changes: object) -> TrueSession:
    """Return a participant: a contraction of each channel, two clips, four expressions."""
    contractions = tuple(
        TrueContraction(c, 1, 5.0 * c, 5.0 * c + 3.0, 1.0, is_accepted=True) for c in range(1, 8)
    )
    given: dict[str, object] = {
        "number": number, "trials": CLIPS, "contractions": contractions,
        "expressions": EXPRESSIONS, "blinks_s": BLINKS_S, "baseline_s": (38.5, 41.5),
        "length_s": 80.0, "dead_channel": 0, "failed_channel": 0, "lost_percent": 0.0,
        "video_begin_s": 0.0, "clock_ppm": 0.0,
    }  # fmt: skip
    return TrueSession(**(given | changes))  # type: ignore[arg-type]


def write_tiny(root: Path, sessions: Sequence[TrueSession], seed: int = 3) -> list[Made]:
    """Write a data set of such participants; no truth and no codings."""
    root.mkdir(parents=True, exist_ok=True)
    about = About(len(sessions), seed, 15.0, 0.0)
    (root / "dataset_description.json").write_text(json_text(about.description()), "utf-8")
    made = [make(one, seed=seed) for one in sessions]
    for one, samples in zip(sessions, made, strict=True):
        write_session(root, one, samples)
    return made


def coding_path(root: Path, session: TrueSession, coder: str, ending: str) -> Path:
    """Return where a coder's file of a participant lies; its folder is made."""
    folder = root / "derivatives" / coder / f"sub-{session.label}" / "emg"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{stem(session)}{ending}"
