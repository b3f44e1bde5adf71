"""All findings of a study, in the order of the paper."""

from collections.abc import Sequence

from emgrig.study.rows import EventRow, RecordingRow
from emgrig.study.settings import StudySettings
from emgrig.study.statistics.emotions import channels, coders, emotion_channels, emotions
from emgrig.study.statistics.external import clustering, indicators, intervals, regression
from emgrig.study.statistics.findings import Finding, Sample, attempt
from emgrig.study.statistics.internal import awareness, self_control
from emgrig.study.statistics.mixed import mixed_models


def findings(
    events: Sequence[EventRow], recordings: Sequence[RecordingRow], settings: StudySettings
) -> list[Finding]:
    """Make every table that the events allow; of the others one that says why not."""
    sample, how = Sample.of(events), settings.statistics
    agreed = [row.agree for row in recordings if row.agree]
    made = [
        attempt("t3", "Table 3: indicators of both kinds", lambda: indicators(sample)),
        attempt("t4", "Table 4: intervals", lambda: intervals(sample, how)),
        attempt("reg", "Section 5.1.2: regression", lambda: regression(sample)),
        attempt("clusters", "Figure 12: clusters", lambda: clustering(sample, how)),
        attempt("t5", "Table 5: self-awareness", lambda: awareness(sample, how)),
        attempt("control", "Section 5.2.2: self-control", lambda: self_control(sample)),
        attempt("t6", "Table 6: emotions", lambda: emotions(sample)),
        attempt("t8", "Table 8: channels", lambda: channels(sample)),
        attempt("t9", "Table 9: emotions and channels", lambda: emotion_channels(sample)),
        attempt(
            "agree",
            "Section 6.1: agreement of the coders",
            lambda: coders(agreed, settings.events.coders[:2]),
        ),
    ]
    if how.mixed_model:
        title = "Mixed models by participant"
        made.insert(2, attempt("mixed", title, lambda: mixed_models(sample, how)))
    return made
