"""The options of a command as one object, a dataclass; what several commands take stands here.

A field of such a dataclass is made by `argument`, `option` or `flag`, or its annotation says it.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from emgrig.connect import BOARD_VARIABLE
from emgrig.tools.common.output import note

T = TypeVar("T")


def _say_where_from(context: typer.Context, parameter: typer.CallbackParam, address: T) -> T:
    """Say which board it is, if the command line does not."""
    source = context.get_parameter_source(parameter.name or "")
    if address and source is not None and source.name != "COMMANDLINE":
        where = BOARD_VARIABLE if source.name == "ENVIRONMENT" else "the settings (emgrig config)"
        said = ", ".join(address) if isinstance(address, list) else address
        note(f"board: {said}, from {where}")
    return address


Address = Annotated[
    str,
    typer.Argument(
        help="sim:, tcp://HOST:PORT, serial:///dev/…, replay:FILE; see emgrig -h",
        metavar="ADDRESS",
        envvar=BOARD_VARIABLE,
        callback=_say_where_from,
    ),
]
BoardAddress = Annotated[
    str,
    typer.Argument(
        help="sim:, tcp://HOST:PORT, serial:///dev/…; see emgrig -h. A replay is no board.",
        metavar="ADDRESS",
        envvar=BOARD_VARIABLE,
        callback=_say_where_from,
    ),
]
"""Where a replay does not do."""
Calibration = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="Folder or file of certificates, or 'none'; else the usual one."
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON for a machine.")]
Lsl = Annotated[
    bool,
    typer.Option(
        "--lsl", metavar="", help="Send samples and markers over LSL, take others' markers."
    ),
]

SaidAddress = Annotated[
    str,
    typer.Argument(
        help="sim:, tcp://HOST:PORT, serial:///dev/…; more words follow, so it must be said.",
        metavar="ADDRESS",
    ),
]
Addresses = Annotated[
    list[str],
    typer.Argument(
        help="As ADDRESS of the others; several, or a file of boards.",
        metavar="ADDRESS",
        envvar=BOARD_VARIABLE,
        callback=_say_where_from,
    ),
]


def check_mains(mains_hz: float | None) -> float | None:
    """Refuse mains, Hz, that there are none of, as a callback of an option."""
    if mains_hz not in (None, 0, 50, 60):
        raise typer.BadParameter(f"{mains_hz:g}: mains are 50 or 60 Hz, or 0 for none")
    return mains_hz


Mains = Annotated[
    float, typer.Option("--mains", help="50 or 60 Hz; 0 for none.", callback=check_mains)
]
Mvc = Annotated[
    list[str] | None,
    typer.Option(help="MVC of a muscle: CHANNEL=µV (repeat), or a session's file."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace old files.")]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="A packaged profile, a TOML file, or 'keep' for what is set; else facial-emg, and "
        "nothing for a board that takes none.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class OfBoard:
    """The board."""

    address: Address


@dataclass(frozen=True, kw_only=True)
class Printed:
    """How results are printed."""

    as_json: Json = False


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What volts are calibrated by, and who else gets them."""

    calibration: Calibration = None
    lsl: Lsl = False


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where pages are."""

    host: Annotated[
        str, typer.Option(help="Address of the pages; anything but loopback asks for a token.")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.")] = 8299


def argument(text: str, default: object = ..., *, metavar: str | None = None) -> Any:
    """Return a field that is an argument, with its help; without a default it must be given."""
    return _field(typer.Argument(help=text, metavar=metavar), default)


def option(
    text: str,
    default: object = None,
    *names: str,
    panel: str | None = None,
    min: float | None = None,  # noqa: A002 - as typer calls it
    max: float | None = None,  # noqa: A002
) -> Any:
    """Return a field that is an option, with its help; it is called as the field unless named."""
    info = typer.Option(..., *names, help=text, rich_help_panel=panel, min=min, max=max)
    return _field(info, default)


def flag(text: str, name: str = "", *, panel: str | None = None) -> Any:
    """Return a field that is an option without a value, false unless it is given."""
    return _field(typer.Option(..., name, help=text, rich_help_panel=panel), default=False)


def _field(info: Any, default: object) -> Any:
    return field(default=MISSING if default is ... else default, metadata={"typer": info})


def takes(function: Callable[[T], None]) -> Callable[..., None]:
    """Make a command of a function of one object, whose fields are the arguments and options.

    Arguments come in the order of the fields, those of bases first; in the help, own options come
    before those of bases.
    """
    kind: Any = next(iter(get_type_hints(function).values()))
    hints = get_type_hints(kind, include_extras=True)
    made = {one.name: _parameter(one, hints[one.name]) for one in fields(kind)}
    arguments = [
        name
        for name, one in made.items()
        if isinstance(one.annotation.__metadata__[0], ArgumentInfo)
    ]
    own_first = [name for one in kind.__mro__ for name in inspect.get_annotations(one)]
    parameters = [made[name] for name in dict.fromkeys([*arguments, *own_first])]

    @wraps(function)
    def command(**values: object) -> None:
        function(kind(**values))

    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


#: What stands behind an option in its help: typer's own words take a third of a narrow terminal.
_METAVARS = {int: "N", float: "X", Path: "PATH", str: "TEXT", bool: ""}


def _metavar(hint: Any) -> str | None:
    """Return the word for what an option takes, by its annotation."""
    if hint in _METAVARS:
        return _METAVARS[hint]
    if hasattr(hint, "__metadata__"):
        return _metavar(get_args(hint)[0])
    return next(filter(None, map(_metavar, get_args(hint))), None)


def _parameter(one: "Field[Any]", hint: Any) -> inspect.Parameter:
    info: Any = one.metadata.get("typer")
    said = info or next(iter(getattr(hint, "__metadata__", ())), None)
    if isinstance(said, OptionInfo) and said.metavar is None:
        said.metavar = _metavar(hint)
    if getattr(info, "param_decls", None) == ("",):  # a flag: no --no-NAME
        info.param_decls = (f"--{one.name.replace('_', '-')}",)
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if one.default is MISSING else one.default,
        annotation=hint if info is None else Annotated[hint, info],
    )


def read_mvc(options: list[str], n_channels: int) -> dict[int, float]:
    """Read options of the form CHANNEL=uV, or session files; return the MVC, µV, of each channel.

    Raises ValueError if one is not of this form or below `LEAST_MVC_UV`, or there is no such
    channel; RecordingError if a session file cannot be read.
    """
    from emgrig.analysis.signal.indicators import LEAST_MVC_UV  # numpy: not for a help

    levels: dict[int, float] = {}
    for option in options:
        if option.endswith(".json"):
            from emgrig.experiment.files.record import read_record

            levels |= {mvc.channel: mvc.uv for mvc in read_record(Path(option)).mvc}
            continue
        channel, _, level = option.partition("=")
        try:
            level_uv = float(level)
        except ValueError:
            level_uv = 0.0
        is_channel = channel.isdecimal() and 1 <= int(channel) <= n_channels
        if not is_channel or not 0 < level_uv < float("inf"):
            raise ValueError(
                f"--mvc {option}: expected CHANNEL=µV with a channel from 1 to {n_channels} and a "
                "level above 0, as 5=310, or the file of a session, as P01_session.json"
            )
        if 0 < level_uv < LEAST_MVC_UV:
            raise ValueError(
                f"--mvc {option}: {level_uv:g} µV is near the noise of any amplifier; expected the "
                "MVC in µV, as 5=310"
            )
        levels[int(channel)] = level_uv
    return levels


def read_ratings(options: list[str]) -> dict[int, int]:
    """Return the ratings by trial that session files among the options of `read_mvc` have."""
    ratings: dict[int, int] = {}
    for option in options:
        if option.endswith(".json"):
            from emgrig.experiment.files.record import read_record

            trials = read_record(Path(option)).trials
            ratings |= {one.trial: one.rating for one in trials if one.rating is not None}
    return ratings


def host_port(text: str, name: str = "--tcp") -> tuple[str, int]:
    """Read [HOST]:PORT, on loopback if no host is said; BadParameter names the option."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise typer.BadParameter(f"{name} {text}: expected [HOST]:PORT, as :4299")
    return host or "127.0.0.1", int(port)
