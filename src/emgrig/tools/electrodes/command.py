"""`emgrig electrodes`: are the electrodes on, and how good is their contact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from emgrig.connect import link_first
from emgrig.errors import ExitCode, RecordingError
from emgrig.tools.calibrate.words import read_channels
from emgrig.tools.common.boards import find_calibration
from emgrig.tools.common.options import Calibration, OfBoard, Printed, flag, option, takes
from emgrig.tools.common.output import err, note, out, print_json
from emgrig.tools.common.progress import Bar

if TYPE_CHECKING:
    from emgrig.calibration.certificate.certificate import Certificate
    from emgrig.driver.board import Board
    from emgrig.driver.can import Can
    from emgrig.electrodes import ContactCheck, ContactSettings

KEEP = "keep"
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, kw_only=True)
class ElectrodesOptions(OfBoard, Printed):
    """What `emgrig electrodes` takes."""

    quick: bool = flag("Only whether each electrode is on, in about a second: no kΩ.")
    watch: bool = flag("No test current: mains and offset of each channel live, until Ctrl-C.")
    channels: str = option("As 1,3-5; those with electrodes if left out.", "")
    current: str = option("Test current: 24nA, or 6nA.", "24nA")
    frequency: float = option("Of the test current: 31.25 or 7.8125 Hz.", 31.25)
    seconds: float | None = option(
        "For each electrode (1.6 or 4.1 if left out); with --watch, in all."
    )
    green: float = option("Good (green) up to so many Ω.", 10e3)
    yellow: float = option("Fair (yellow) up to so many Ω; poor (red) above.", 30e3)
    calibration: Calibration = None
    profile: str = option("Names of the muscles from it, nothing else; 'keep': the board's.", KEEP)


@takes
def electrodes(given: ElectrodesOptions) -> None:
    """Measure the impedance of every electrode, and say what to do about those that are bad.

    The figure of each electrode is the impedance of skin and gel, in kΩ: the lower it is, the less
    mains and movement come in. Up to 10 kΩ it is good (green), up to 30 fair (yellow), above that
    poor (red): clean the skin, take new gel, press the electrode on, and measure again. Grey was
    not measured. A tiny current, 24 nA, is sent through one electrode at a time.

    Open electrodes, bridges of gel and a missing bias electrode are named. The registers are left
    as they were, proved by reading. Exit code 1: something is red.

    Examples:

      emgrig electrodes tcp://192.168.4.1:4299

      emgrig electrodes sim:fault=electrode-off:channel=3,side=p --quick

      emgrig electrodes sim: --watch --seconds 10
    """
    if given.watch and (given.quick or given.as_json):
        raise ValueError("--watch goes with neither --quick nor --json")
    with link_first(given.address):
        is_good = _ask(given)
    if not is_good:
        raise typer.Exit(ExitCode.VERDICT)


def _ask(given: ElectrodesOptions) -> bool:
    """Check the contact, or watch; return whether it is good."""
    import emgrig
    from emgrig.electrodes import ContactSettings, Limits

    settings = ContactSettings(
        channels=read_channels(given.channels),
        current=given.current,
        frequency_hz=given.frequency,
        seconds=None if given.watch else given.seconds,
        is_quick=given.quick,
        limits=Limits(green_ohm=given.green, yellow_ohm=given.yellow),
        names=_names(given.profile),
    )
    with emgrig.connect(given.address) as board:
        if given.watch:
            return _watch(board, settings, given.seconds)
        return _check(board, settings, given.calibration, as_json=given.as_json)


def _names(profile: str) -> Mapping[int, str] | None:
    from emgrig.driver.chip.profile import load_profile

    return None if profile == KEEP else load_profile(profile).names


def _check(
    board: "Board", settings: "ContactSettings", where: str | None, *, as_json: bool
) -> bool:
    from emgrig.electrodes import check_contact
    from emgrig.tools.electrodes.view import show_check

    known = None if settings.is_quick else find_calibration(board, where)
    with Bar("electrodes") as bar:
        check = check_contact(board, settings, calibration=known, progress=bar.follow)
    if as_json:
        print_json(check.to_json())
    else:
        show_check(check, _current(check, known, board.can))
    if settings.is_quick:
        note("not kept: a quick check measures no kΩ; without --quick it does")
    else:
        _keep(check)
    return check.is_good


def _keep(check: "ContactCheck") -> None:
    from emgrig.electrodes import save_check

    try:
        path = save_check(check)
    except RecordingError as error:
        raise RecordingError(
            f"this check is not kept, recordings will not have it: {error}; or let XDG_DATA_HOME "
            "name a folder that can be written to"
        ) from error
    note(f"kept as the last check of this board: {path}")


def _current(check: "ContactCheck", known: "Certificate | None", can: "Can") -> str:
    if check.conditions.current_is_calibrated:
        return f"{check.conditions.current} calibrated ({known})"
    from emgrig.driver.can import Registers

    if can.registers is not Registers.ALL:
        return f"{check.conditions.current} nominal, ± 20 %; on this board it cannot be calibrated"
    return (
        f"{check.conditions.current} nominal, ± 20 %: calibrate it (emgrig calibrate leadoff "
        f"--current {check.conditions.current} --save)"
    )


def _watch(board: "Board", settings: "ContactSettings", seconds: float | None) -> bool:
    """Show the channels until time is up or Ctrl-C; return whether nothing is red at the end."""
    from rich.live import Live

    from emgrig.driver.keeping import kept
    from emgrig.electrodes import ContactWatch, Light, channel_names, prepare_quiet, wired_channels
    from emgrig.tools.electrodes.view import live_picture

    listed = wired_channels(board, settings.channels)
    names = channel_names(board, settings.names)
    watch = ContactWatch(listed, names, board.identity.vref_v, settings.limits)
    with kept(board), Live(console=err, auto_refresh=False, transient=True) as live:
        prepare_quiet(board, listed)
        try:
            with board.stream(seconds) as stream:
                since_s = 0.0
                for block in stream:
                    watch.feed(block)
                    since_s += block.n_samples / block.epoch.rate_hz
                    if since_s >= _LOOK_EVERY_S:
                        since_s = 0.0
                        live.update(live_picture(watch.look()), refresh=True)
        except KeyboardInterrupt:
            pass
    shown = watch.look()
    out.print(live_picture(shown))
    note("the registers are as before, proved by reading")
    if not shown:
        note("too few samples came: nothing is known of the electrodes")
    return bool(shown) and all(one.light is not Light.RED for one in shown)
