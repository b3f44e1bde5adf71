"""What of a long recording is drawn by itself: trials, or stretches of equal length."""

from dataclasses import dataclass

from emgrig.analysis.report.trials import Course, Trial

_LONG_S = 180.0  #: A shorter recording is drawn as a whole only.
_EACH_S = 60.0
_MOST = 60
#: Drawn before a clip begins and behind its end, s.
_AROUND_S = 2.0


@dataclass(frozen=True)
class Stretch:
    """A stretch of a recording, s from the first sample."""

    begin_s: float
    end_s: float
    trial: Trial | None = None

    @property
    def title(self) -> str:
        """Name it."""
        if self.trial is None:
            return f"{self.begin_s:.0f} to {self.end_s:.0f} s"
        again = "" if self.trial.attempt == 1 else f", attempt {self.trial.attempt}"
        whole = "" if self.trial.is_whole else ", broken off"
        return f"{self.trial.number} {self.trial.clip} ({self.trial.emotion}){again}{whole}"


def stretches_of(course: Course, length_s: float) -> tuple[Stretch, ...]:
    """Return the trials of a session; of another long recording minutes, or more at a time."""
    if course.trials:
        return tuple(
            Stretch(max(one.begin_s - _AROUND_S, 0), min(one.end_s + _AROUND_S, length_s), one)
            for one in course.trials
            if one.begin_s < length_s
        )
    if length_s <= _LONG_S:
        return ()
    each_s = _EACH_S
    while length_s > _MOST * each_s:
        each_s *= 2
    n = int(-(-length_s // each_s))
    return tuple(Stretch(i * each_s, min((i + 1) * each_s, length_s)) for i in range(n))
