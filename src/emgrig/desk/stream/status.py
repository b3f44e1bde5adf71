"""What the desk knows at a moment: for pages, terminals and tests."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from emgrig.recording.levels import lost_words


class LinkState(StrEnum):
    """How the link is."""

    STREAMING = "streaming"
    SILENT = "silent"
    LOST = "lost"
    CHECKING = "checking"
    STOPPED = "stopped"


@dataclass(frozen=True)
class RecordingState:
    """A recording that is on, being converted, or done.

    `path` is the BDF+ file that it becomes, `files` what it became, when it is done. Samples go
    into it while `is_on`; then its files are being made. `elapsed_s` is its length so far;
    `problem` says why there are no files; the capture is kept.
    """

    path: Path
    is_on: bool
    is_converting: bool = False
    elapsed_s: float = 0.0
    capture_bytes: int = 0
    n_lost: int = 0
    n_marks: int = 0
    files: tuple[Path, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Status:
    """Everything but the samples.

    The link has been so for `since_s`; `problem` is what is wrong with it or the board, in words.
    The rate is by the registers, and as measured by board time (0 before it is known). `n_samples`
    came, `n_lost` conversions did not, and in `n_paused` data periods the desk paused the board:
    since the desk began. `n_run_samples` and `n_run_lost` are those since the stream began last, as
    after a check or a change of settings.
    `drift_ppm` is the board's clock against this computer's, and right to within `drift_bound_ppm`;
    None until it can be told. `counters` are the board's own: edges missed, frames thrown away,
    brown-outs, bad packets … `tube` is what the digital tube shows. `outlet_problem` says why
    nothing goes to other programs any more; empty if it does, or was not asked for. `told` says how
    far scale and loss can be believed; empty if the scale is read back and every loss counted.
    `contradiction` is what board time says against the registers' rate or the count; empty if
    nothing.
    """

    link: LinkState
    since_s: float
    problem: str
    rate_hz: float
    measured_hz: float
    n_samples: int
    n_lost: int
    n_paused: int
    drift_ppm: float | None
    drift_bound_ppm: float | None
    counters: dict[str, int] = field(default_factory=dict)
    recording: RecordingState | None = None
    tube: int = 0
    outlet_problem: str = ""
    told: str = ""
    contradiction: str = ""
    n_run_samples: int = 0
    n_run_lost: int = 0

    @property
    def is_cut(self) -> bool:
        """No samples come that should."""
        return self.link in (LinkState.LOST, LinkState.SILENT)

    @property
    def quiet_words(self) -> str | None:
        """Why the traces stand still: a pause; empty if the alert says it; None if they move."""
        if self.is_cut:
            return ""
        return f"paused: {self.problem}" if self.link is LinkState.CHECKING else None

    def lost_words(self, n_lost: int) -> str:
        """Say how many conversions are lost, or that it is not known before samples come again."""
        silent_s = self.since_s if self.is_cut else None
        return lost_words(n_lost, silent_s, is_away=self.link is LinkState.LOST)
