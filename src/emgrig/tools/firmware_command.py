"""`emgrig firmware`: a tree of firmware to start from."""

from pathlib import Path
from typing import Annotated

import typer

from emgrig.tools.common.output import note

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Firmware for a board of your own, to start from.",
)


@app.callback()
def firmware() -> None:
    """Firmware for a board of your own, to start from."""


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")],
    target: Annotated[
        str, typer.Option(help="host, esp32, esp32-arduino, rp2040 or stm32.")
    ] = "host",
) -> None:
    """Write firmware that speaks the board link: a portable core in C, and what a target needs.

    The README in it has the pins, the steps, and what of it was tried on what. See
    docs/firmware.md.

    Examples:

      emgrig firmware new board

      emgrig firmware new board --target esp32
    """
    from emgrig.firmware.new import TARGETS, write_firmware

    written = write_firmware(folder, target)
    note(
        f"written: {len(written)} files in {folder}, for {TARGETS[target].what}; "
        f"read {folder / 'README.md'}"
    )
