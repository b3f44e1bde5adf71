"""`emgrig record` and `emgrig convert`."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emgrig.files import check_there
from emgrig.tools.common.boards import (
    RecordOptions,
    contact_of,
    find_calibration,
    patience,
    profile_for,
    reference_words,
)
from emgrig.tools.common.options import (
    Overwrite,
    Printed,
    argument,
    option,
    takes,
)
from emgrig.tools.common.output import err, note, print_json, say
from emgrig.tools.common.progress import Bar, Lines, shortened
from emgrig.tools.record_many import is_many, record_many

if TYPE_CHECKING:
    from rich.console import RenderableType

    from emgrig.calibration.certificate.certificate import Certificate
    from emgrig.driver.board import Board
    from emgrig.driver.can import Can
    from emgrig.driver.samples.block import Block
    from emgrig.recording.convert import Recording
    from emgrig.recording.levels import Progress
    from emgrig.recording.lsl.outlet import LslLink
    from emgrig.recording.recorder import Recorder

_BAR = 40  #: Characters of a level's bar, where there is room.
_BESIDE = 24  #: Those of a level in words, of clipping, and of what is between.
_LEAST_NAME = 20
_QUIET_S = 2.0
"""So long nothing comes from a board in real time before it is said."""
#: So much comes together, s, where nobody looks at samples: each block has a price.
GATHER_S: Final = 0.25


@takes
def record(given: RecordOptions) -> None:
    """Record to BDF+ (24 bit), with every gap marked, and a JSON file beside it.

    While it runs only FILE.capture is written, byte for byte as it came, so that a crash loses no
    more than the last quarter of a second; `emgrig convert FILE.capture` makes the BDF+ file again
    at any time. A lost link is opened again for as long as it takes (--outage); what is missing is
    marked.

    Several addresses, or a file FILE.toml with a table [[board]] each (address, name, profile), are
    recorded side by side into a folder; one that fails does not stop the others.

    Example: emgrig record tcp://192.168.4.1:4299 -o smile.bdf --duration 60

    Example: emgrig record tcp://10.0.0.7:4299 tcp://10.0.0.8:4299 -o both/
    """
    if is_many(given.address):
        record_many(given)
        return
    import emgrig
    from emgrig.connect import link_first
    from emgrig.recording.paths import check_target

    check_target(given.output, overwrite=given.overwrite)
    (address,) = given.address
    with (
        link_first(address),
        emgrig.connect(address, reconnect=patience(given, address)) as board,
    ):
        from emgrig.recording.recorder import record as record_board

        profile = profile_for(board, given.profile)
        if profile:
            board.apply(profile)
        warn_of_reference(board)
        found = calibration_of(board, given.calibration)
        check = contact_of(board)
        is_virtual = say_time(board)
        begin_s = time.monotonic()
        with ExitStack() as opened:
            shown = opened.enter_context(
                _Shown(
                    given.duration,
                    board.channel_names,
                    board.chip.powered.tolist(),
                    lambda: board.is_linked,
                    is_paced=board.is_paced,
                )
            )
            link = opened.enter_context(open_lsl(board, found)) if given.lsl else None
            made = record_board(
                board,
                given.output,
                given.duration,
                overwrite=given.overwrite,
                profile=profile,
                calibration=found,
                contact=None if check is None else check.to_json(),
                look=None if link is None else _exchange(board, link),
                progress=shown,
                making=shown.making,
                gather_s=0.0 if given.lsl else GATHER_S,
            )
        if is_virtual:
            note(virtual_words(made.n_samples / board.chip.rate_hz, time.monotonic() - begin_s))
    _report(made, as_json=given.as_json)


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(Printed):
    """What `emgrig convert` takes."""

    capture: Path = argument("A raw capture, FILE.capture.")
    output: Path | None = option("The file to make; else FILE.bdf.", None, "-o", "--output")
    overwrite: Overwrite = False


@takes
def convert(given: ConvertOptions) -> None:
    """Make the BDF+ file from a raw capture, also one that a crash cut short.

    Example: emgrig convert smile.capture
    """
    check_there(given.capture, "capture")
    from emgrig.recording.convert import convert as convert_capture

    with Bar(f"converting {given.capture.name}") as bar:
        made = convert_capture(
            given.capture, given.output, overwrite=given.overwrite, progress=bar.advance
        )
    _report(made, as_json=given.as_json)


def calibration_of(board: "Board", where: str | None) -> "Certificate | None":
    """Find the certificate of this board as `find_calibration` does, and say which it is."""
    found = find_calibration(board, where)
    if where != "none":
        note(
            f"volts calibrated: {found}" if found else "no calibration of this board: nominal volts"
        )
    return found


def warn_of_reference(board: "Board") -> None:
    """Say that the chip's own reference is off, as it is after power-on."""
    if words := reference_words(board):
        note(words)


def say_time(board: "Board") -> bool:
    """Say that time is not the clock's, where it is not; return whether it is virtual."""
    if board.address.lower().startswith("replay:"):
        note("a replay: times are those of the capture, as fast as this computer can")
    elif board.identity.is_simulated and not board.is_paced:
        note(
            "virtual time: as fast as this computer can, dated from 2026-01-01 on, the same each "
            "time; emgrig simulate has the time of the clock"
        )
        return True
    return False


def virtual_words(board_s: float, real_s: float) -> str:
    """Return how fast virtual time was: "30 s of board time in 1.2 s: 25 x real"."""
    ratio = f": {_figures(board_s / real_s)} × real" if real_s > 0 else ""
    return f"virtual time: {_figures(board_s)} s of board time in {_figures(real_s)} s{ratio}"


def _figures(value: float) -> str:
    """Return two figures or all before the point, never a power of ten."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def open_lsl(board: "Board", calibration: "Certificate | None") -> "LslLink":
    """Open the LSL streams of a board; RecordingError if pylsl is missing."""
    from functools import partial

    from emgrig.calibration.certificate.certificate import scale_uv
    from emgrig.recording.lsl.outlet import LslLink

    return LslLink(board, scale_uv=partial(scale_uv, calibration))


def _exchange(board: "Board", link: "LslLink") -> "Callable[[Block, Recorder], None]":
    """Send every block, and record the markers that come in."""

    def exchange(block: "Block", recorder: "Recorder") -> None:
        link.feed(block)
        for marker in link.poll():
            fit = board.clock_fit
            at_us = None if fit is None else round(fit.board_time_us(marker.unix_s))
            recorder.mark(marker.text, at_us, source=marker.source)

    return exchange


def say_limits(can: "Can") -> None:
    """Say how a loss is known if it is no count, and the scale if nobody read it back."""
    if not can.is_loss_exact:
        say(f"loss is {can.loss_words}")
    if can.stated is not None:
        say(f"the scale is {can.scale_words}")


def _report(made: "Recording", *, as_json: bool) -> None:
    for remark in made.remarks:
        note(remark)
    paths = [made.capture_path, *made.bdf_paths, *made.sidecar_paths]
    is_simulated = any(map(_is_simulated, made.sidecar_paths))
    if as_json:
        print_json(
            {
                "simulated": is_simulated,
                "files": [str(path) for path in paths],
                "n_samples": made.n_samples,
                "account": asdict(made.totals),
                "decoder": asdict(made.decoder),
                "damage": made.damage,
                "remarks": list(made.remarks),
                "loss": made.can.loss_words,
                "scale": made.can.scale_words,
            }
        )
        return
    for path in paths:
        say(str(path))
    totals = made.totals
    mark = "SIMULATED: " if is_simulated else ""
    known = totals.words if made.can.is_loss_known or totals.lost else "no loss was seen"
    say(f"{mark}{totals.received - totals.unused} samples recorded; {known}")
    say_limits(made.can)
    if made.damage:
        say(f"the capture is damaged: {made.damage}")


def _is_simulated(sidecar: Path) -> bool:
    from emgrig.filetext import read_json

    content = read_json(sidecar, str(sidecar))
    return isinstance(content, dict) and content.get("is_simulated") is True


class _Shown:
    """Progress as it happens: time, rate, loss, and a level a channel; `now` is a clock, s.

    While nothing comes nobody calls: the picture itself looks whether the link is there.
    """

    def __init__(
        self,
        duration_s: float | None,
        names: Sequence[str],
        powered: Sequence[bool],
        is_linked: Callable[[], bool],
        *,
        is_paced: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        from rich.live import Live

        self._duration_s = duration_s
        self._names = names
        self._powered = powered
        self._is_linked, self._is_paced = is_linked, is_paced
        self._now = now
        self._last: Progress | None = None
        self._made: float | None = None
        self._last_s = now()
        self._live = Live(
            console=err, refresh_per_second=4, transient=True, get_renderable=self._picture
        )
        self._lines = Lines(now)

    def __enter__(self) -> "_Shown":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            self._live.stop()

    def __call__(self, progress: "Progress") -> None:
        self._last, self._last_s = progress, self._now()
        with suppress(OSError):
            self._lines.say(self._text(progress))

    def making(self, share: float) -> None:
        """Be told which share of the files is made, 0 to 1: nothing more is recorded."""
        self._made = share
        if self._last is not None:
            with suppress(OSError):
                self._lines.say(self._text(self._last))

    def _text(self, progress: "Progress") -> str:
        from emgrig.recording.levels import lost_words

        of = f" of {self._duration_s:g}" if self._duration_s else ""
        if self._made is not None:
            return (
                f"{progress.elapsed_s:.1f}{of} s recorded; the BDF+ file is made: {self._made:.0%}"
            )
        is_away, silent_s = not self._is_linked(), self._now() - self._last_s
        is_quiet = self._is_paced and silent_s > _QUIET_S
        lost = lost_words(
            progress.n_lost, silent_s if is_away or is_quiet else None, is_away=is_away
        )
        return (
            f"{progress.elapsed_s:.1f}{of} s, {lost}, {progress.rate_hz:.1f} Hz, "
            f"{progress.n_samples} samples"
        )

    def _picture(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table, progress = Table.grid(padding=(0, 1)), self._last
        if progress is None:
            return table
        n_name, n_bar = _columns(self._names, err.width)
        for index, name in enumerate(self._names):
            level = float(progress.rms_uv[index])
            if self._powered[index] and math.isfinite(level):
                clips = f"clips {progress.clipped[index]:.0%}" if progress.clipped[index] else ""
                bar = "█" * _bar_length(level, n_bar)
                table.add_row(shortened(name, n_name), f"{level:.1f} µV rms", bar, clips)
        if table.row_count:
            table.add_row("", "", _bar_scale(n_bar))
        return Group(Text(shortened(self._text(progress), err.width)), table)


def _columns(names: Sequence[str], width: int) -> tuple[int, int]:
    """Return the room for a name and for a bar: names give way to 20, then bars, then names."""
    longest = max(map(len, names), default=0)
    room = max(width - _BESIDE, 8)
    n_name = min(longest, max(room - _BAR, _LEAST_NAME, 1), room // 2 + 4)
    return n_name, max(min(_BAR, room - n_name), 4)


def _bar_length(level_uv: float, n: int = _BAR) -> int:
    """Return a length, 0 to `n`, that grows with the decades from 0.1 µV to 100 mV."""
    return max(0, min(n, round(n * (math.log10(max(level_uv, 1e-9)) + 1) / 6)))


def _bar_scale(n: int = _BAR) -> str:
    """Return what stands below the bars: where each decade ends, and its level if there is room."""
    line = "0.1 µV"
    for level_uv, words in ((10.0, "10"), (100.0, "100"), (1e3, "1 mV"), (1e4, "10"), (1e5, "100")):
        at = _bar_length(level_uv, n) - len(words) - 1
        if at > len(line) or (at == len(line) and line.endswith("┘")):
            line = f"{line:<{at}}{words}┘"
    return line
