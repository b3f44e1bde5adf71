"""What the desk knows at a moment: for pages, terminals and tests."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


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

    Attributes
    ----------
    path : Path
        The BDF+ file that it becomes.
    is_on : bool
        Samples go into it.
    is_converting : bool
        It is over, and its files are being made.
    elapsed_s : float
        Its length so far.
    capture_bytes : int
    n_lost, n_marks : int
        Since it began.
    files : tuple of Path
        What it became, when it is done.
    problem : str
        Why there are no files; the capture is kept.
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

    Attributes
    ----------
    link : LinkState
    since_s : float
        How long it has been so, s.
    problem : str
        What is wrong with the link or the board, in words; empty if nothing is.
    rate_hz, measured_hz : float
        By the registers, and by board time (0 before it is known).
    n_samples, n_lost, n_paused : int
        Samples that came, conversions lost, and data periods in which the desk paused the board.
    drift_ppm, drift_bound_ppm : float or None
        Board clock against this computer's, and what that is right to within; None until it can
        be told.
    counters : dict of str to int
        The board's own: edges missed, frames thrown away, brown-outs, bad packets …
    recording : RecordingState or None
    tube : int
        What the digital tube shows.
    outlet_problem : str
        Why nothing goes to other programs any more; empty if it does, or was not asked for.
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

    @property
    def is_cut(self) -> bool:
        """No samples come that should."""
        return self.link in (LinkState.LOST, LinkState.SILENT)
