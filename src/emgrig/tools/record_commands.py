"""`emgrig record` and `emgrig convert`."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emgrig.errors import RecordingError
from emgrig.files import check_there
from emgrig.tools.common.options import (
    OfBoard,
    Overwrite,
    Printed,
    Profile,
    Recorded,
    argument,
    option,
    takes,
)
from emgrig.tools.common.output import err, note, print_json, say
from emgrig.tools.common.progress import Bar, Lines

if TYPE_CHECKING:
    from rich.console import RenderableType

    from emgrig.calibration.certificate.certificate import Certificate
    from emgrig.driver.board import Board
    from emgrig.driver.can import Can
    from emgrig.driver.recovery import ReconnectPolicy
    from emgrig.driver.samples.block import Block
    from emgrig.electrodes import ContactCheck
    from emgrig.recording.convert import Recording
    from emgrig.recording.levels import Progress
    from emgrig.recording.lsl.outlet import LslLink
    from emgrig.recording.recorder import Recorder

USUAL_PROFILE, KEEP = "facial-emg", "keep"


@dataclass(frozen=True, kw_only=True)
class RecordOptions(OfBoard, Recorded, Printed):
    """What `emgrig record` takes."""

    output: Path = option("The file to make, FILE.bdf.", ..., "-o", "--output")
    profile: Profile = None
    duration: float | None = option("Seconds of board time; else until Ctrl-C.", min=0.001)
    overwrite: Overwrite = False
    outage: float | None = option(
        "Seconds of an outage after which to give up; else any, or as long as --duration.", min=0
    )


@takes
def record(given: RecordOptions) -> None:
    """Record to BDF+ (24 bit), with every gap marked, and a JSON file beside it.

    While it runs only FILE.capture is written, byte for byte as it came, so that a crash loses
    nothing; `emgrig convert FILE.capture` makes the BDF+ file again at any time. A lost link is
    opened again for as long as it takes (--outage); what is missing is marked.

    Example: emgrig record tcp://192.168.4.1:4299 -o smile.bdf --duration 60
    """
    import emgrig
    from emgrig.recording.convert import check_target
    from emgrig.recording.recorder import record as record_board

    check_target(given.output, overwrite=given.overwrite)
    with emgrig.connect(given.address, reconnect=_patience(given)) as board:
        profile = profile_for(board, given.profile)
        if profile:
            board.apply(profile)
        warn_of_reference(board)
        found = calibration_of(board, given.calibration)
        check = contact_of(board)
        with ExitStack() as opened:
            shown = opened.enter_context(
                _Shown(given.duration, board.channel_names, board.chip.powered.tolist())
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
            )
    _report(made, as_json=given.as_json)


def _patience(given: RecordOptions) -> "ReconnectPolicy":
    """Choose how long an outage may last: who records unattended wants what comes behind it."""
    from emgrig.driver.recovery import ReconnectPolicy

    usual_s = ReconnectPolicy().total_s
    if given.outage is not None:
        return ReconnectPolicy(total_s=given.outage)
    if given.address.partition(":")[0].lower() in ("sim", "replay"):  # their time is not ours
        return ReconnectPolicy()
    return ReconnectPolicy(total_s=max(given.duration or math.inf, usual_s))


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


def find_calibration(board: "Board", where: str | None) -> "Certificate | None":
    """Find the certificate of this board, if there is one; one that does not fit is refused.

    `where` is a folder or file, "none", or None for the usual folder. Raises RecordingError if the
    place that is named has none, or the record is damaged or out of date; IdentityError if it is of
    another board.
    """
    from emgrig.calibration.certificate.certificate_file import find_certificate

    if where == "none":
        return None
    found = find_certificate(
        board.identity.serial_number,
        Path(where) if where else None,
        dt.datetime.now(dt.UTC),
        is_simulated=board.identity.is_simulated,
    )
    if found is None and where:
        raise RecordingError(f"{where} holds no calibration of {board.identity.serial_number}")
    return found


def profile_for(board: "Board", said: str | None) -> str:
    """Return the profile to apply; an empty text keeps what is set.

    Without a word it is the usual one, and none for a board that takes none.
    """
    from emgrig.driver.can import Registers

    if said is None:
        said = USUAL_PROFILE if board.can.registers is Registers.ALL else KEEP
    return "" if said == KEEP else said


def warn_of_reference(board: "Board") -> None:
    """Say that the chip's own reference is off, as it is after power-on."""
    from emgrig.driver.chip.registers import Config3

    if not board.can.writes(Config3.ADDRESS):
        return  # it is not for us to switch on
    if not all(file.get(Config3).internal_reference for file in board.chip.files):
        note(
            "the chip's own reference is off: unless the board has another one, every code will be "
            "at the rail; --profile facial-emg switches it on"
        )


def contact_of(board: "Board") -> "ContactCheck | None":
    """Return the last check of this board's electrodes; a damaged file is said and left alone."""
    from emgrig.electrodes import last_check

    identity, now = board.identity, dt.datetime.now(dt.UTC)
    try:
        return last_check(identity.serial_number, is_simulated=identity.is_simulated, now=now)
    except RecordingError as error:
        note(str(error))
        return None


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
    from emgrig.filemodel import read_json

    content = read_json(sidecar, str(sidecar))
    return isinstance(content, dict) and content.get("is_simulated") is True


class _Shown:
    """Progress as it happens: time, rate, loss, and a level a channel."""

    def __init__(
        self, duration_s: float | None, names: Sequence[str], powered: Sequence[bool]
    ) -> None:
        from rich.live import Live

        self._duration_s = duration_s
        self._names = names
        self._powered = powered
        self._live = Live(console=err, refresh_per_second=4, transient=True)
        self._lines = Lines()

    def __enter__(self) -> "_Shown":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            self._live.stop()

    def __call__(self, progress: "Progress") -> None:
        with suppress(OSError):
            self._show(progress)

    def _show(self, progress: "Progress") -> None:
        of = f" of {self._duration_s:g}" if self._duration_s else ""
        text = (
            f"{progress.elapsed_s:.1f}{of} s, {progress.n_samples} samples, "
            f"{progress.rate_hz:.1f} Hz, {progress.n_lost} lost"
        )
        self._lines.say(text)
        self._live.update(self._picture(text, progress))

    def _picture(self, text: str, progress: "Progress") -> "RenderableType":
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        table.title = text
        for index, name in enumerate(self._names):
            level = float(progress.rms_uv[index])
            if self._powered[index] and math.isfinite(level):
                clips = f"clips {progress.clipped[index]:.0%}" if progress.clipped[index] else ""
                table.add_row(name, f"{level:.1f} µV rms", "█" * _bar_length(level), clips)
        return table


def _bar_length(level_uv: float) -> int:
    """Return a length, 0 to 40, that grows with the decades from 0.1 µV to 100 mV."""
    return max(0, min(40, round(40 * (math.log10(max(level_uv, 1e-9)) + 1) / 6)))
