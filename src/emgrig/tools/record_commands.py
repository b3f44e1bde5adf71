"""`emgrig record` and `emgrig convert`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.tools.board_commands import Address, Json
from emgrig.tools.output import err, print_json, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from emgrig.recording.recorder import Progress, Recording


def record(
    address: Address,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to make, FILE.bdf.")],
    profile: Annotated[
        str, typer.Option(help="A packaged profile, a TOML file, or 'keep' for what is set.")
    ] = "facial-emg",
    duration: Annotated[
        float | None, typer.Option(help="Seconds of board time; else until Ctrl-C.", min=0.001)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old files.")] = False,
    as_json: Json = False,
) -> None:
    """Record to BDF+ (24 bit), with every gap marked, and a JSON file beside it.

    While it runs only FILE.capture is written, byte for byte as it came, so that a crash loses
    nothing; `emgrig convert FILE.capture` makes the BDF+ file again at any time.

    Example: emgrig record tcp://192.168.4.1:4299 -o smile.bdf --duration 60
    """
    import emgrig
    from emgrig.recording import recorder

    recorder.check_target(output, overwrite=overwrite)
    with emgrig.connect(address) as board:
        if profile != "keep":
            board.apply(profile)
        with _Shown(duration) as shown:
            made = recorder.record(
                board, output, duration_s=duration, overwrite=overwrite, progress=shown
            )
    _report(made, as_json=as_json)


def convert(
    capture: Annotated[Path, typer.Argument(help="A raw capture, FILE.capture.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to make; else FILE.bdf.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace old files.")] = False,
    as_json: Json = False,
) -> None:
    """Make the BDF+ file from a raw capture, also one that a crash cut short.

    Example: emgrig convert smile.capture
    """
    from emgrig.recording import convert as converting

    made = converting.convert(capture, output or capture.with_suffix(".bdf"), overwrite=overwrite)
    _report(made, as_json=as_json)


def _report(made: "Recording", *, as_json: bool) -> None:
    if as_json:
        print_json(made.summary())
        return
    for line in made.lines():
        say(line)


class _Shown:
    """Progress as it happens: time, rate, loss, and a level a channel."""

    def __init__(self, duration_s: float | None) -> None:
        from rich.live import Live

        self._duration_s = duration_s
        self._live = Live(console=err, refresh_per_second=4, transient=True)

    def __enter__(self) -> "_Shown":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, progress: "Progress") -> None:
        self._live.update(_picture(progress, self._duration_s))


def _picture(progress: "Progress", duration_s: float | None) -> "RenderableType":
    from rich.table import Table

    of = f" of {duration_s:.0f}" if duration_s else ""
    rate = f"{progress.rate_hz:.1f} Hz" if progress.rate_hz else "…"
    table = Table.grid(padding=(0, 1))
    table.title = (
        f"{progress.elapsed_s:.1f}{of} s, {progress.n_samples} samples, {rate}, "
        f"{progress.n_lost} lost"
    )
    for name, level, clipped in zip(
        progress.names, progress.rms_uv, progress.clipped_share, strict=True
    ):
        bar = "█" * _bar_length(level)
        table.add_row(name, f"{level:9.1f} µV rms", bar, "CLIPS" if clipped > 0 else "")
    return table


def _bar_length(level_uv: float) -> int:
    """Return a length, 0 to 40, that grows with the decades from 0.1 µV to 100 mV."""
    import math

    return max(0, min(40, round(40 * (math.log10(max(level_uv, 1e-9)) + 1) / 6)))
