"""Profiles: the settings of a whole board in a TOML file that a user can write.

A profile says what the board is to be, not what to change: what it does not mention has its reset
value, but for the mux of a listed channel, which is "normal"; a channel it does not list is powered
down and shorted (81h). So the board's state does not depend on what was set before. Only what
belongs to the wiring stays as it is unless it is mentioned: clock output, read-back mode, GPIO.

Sections: ``[board]``, ``[bias]``, ``[lead_off]``, ``[test_signal]`` with the keys of
`emgrig.driver.chip.settings.SECTIONS`; ``[channels.N]`` with those of "channel", ``name`` and
``label``; ``[defaults]`` for all listed channels; and a ``title``.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NoReturn

from emgrig.driver.chip.registers import PLACES, Config1, Gain, Gpio, Identity, Mux
from emgrig.driver.chip.settings import SECTIONS, Edit, Settings, parse, say, say_channels

_BOARD_SECTIONS = ("board", "bias", "lead_off", "test_signal")
_TEXTS = ("name", "label")
_OFF = {"gain": Gain.X1, "mux": Mux.SHORTED, "power_down": True, "srb2": False}
_ON = {"gain": Gain.X24, "mux": Mux.NORMAL, "power_down": False, "srb2": False}


@dataclass(frozen=True)
class ChannelPlan:
    """One listed channel of a profile.

    Attributes
    ----------
    channel : int
        1 or more.
    name, label : str
        What it measures, and a short form of that; "channel 3" and "ch3" if the file does not say.
    words : mapping
        Its settings, defaults included: gain, mux, power_down, srb2.
    """

    channel: int
    name: str
    label: str
    words: Mapping[str, object]


@dataclass(frozen=True)
class Profile:
    """What a profile file says, checked as far as it can be without a board.

    Attributes
    ----------
    source : str
        The packaged name, or the path of the file.
    title : str
        What the file calls itself.
    sections : mapping of str to mapping
        Settings by section and key.
    channels : tuple of ChannelPlan
        The listed channels, by number.
    """

    source: str
    title: str
    sections: Mapping[str, Mapping[str, object]]
    channels: tuple[ChannelPlan, ...]

    @property
    def names(self) -> dict[int, str]:
        """Name of each listed channel, by number."""
        return {plan.channel: plan.name for plan in self.channels}

    @property
    def labels(self) -> dict[int, str]:
        """Short name of each listed channel, by number."""
        return {plan.channel: plan.label for plan in self.channels}

    def settings(self, parts: Sequence[int]) -> Settings:
        """Return the settings for a board whose chips have so many channels (`Ads1299.parts`).

        Raises
        ------
        ValueError
            If the profile names a channel that the board does not have.
        """
        settings = _reset_settings(parts)
        try:
            for section, words in self.sections.items():
                settings += say(section, parts, **words)
            settings += say_channels(None, parts, **_OFF)
            for plan in self.channels:
                settings += say_channels([plan.channel], parts, **plan.words)
        except ValueError as error:
            raise ValueError(f"profile {self.source} does not fit: {error}") from error
        return settings


def packaged_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package."""
    folder = resources.files("emgrig.driver.chip.profiles")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Load a packaged profile by name, or any TOML file by its path.

    What ends in ``.toml`` or has a folder in it is a path.

    Raises
    ------
    ValueError
        If there is none, or something in it is not allowed; the message names file and key.
    """
    source = str(name_or_path)
    try:
        if (
            isinstance(name_or_path, Path)
            or source.endswith(".toml")
            or len(Path(source).parts) > 1
        ):
            text = Path(source).read_text(encoding="utf-8")
        elif source in packaged_profiles():
            file = resources.files("emgrig.driver.chip.profiles") / f"{source}.toml"
            text = file.read_text(encoding="utf-8")
        else:
            _refuse(f"there is no profile {source!r}", source, packaged_profiles())
        return parse_profile(text, source)
    except OSError as error:
        raise ValueError(f"profile {source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"profile {source} is not a text file in UTF-8") from error


def parse_profile(text: str, source: str) -> Profile:
    """Read a profile from TOML; `source` names it in messages. Raises as `load_profile` does."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"profile {source} is not TOML: {error}") from error
    try:
        return _profile(tables, source)
    except ValueError as error:
        raise ValueError(f"profile {source}: {error}") from error


def _profile(tables: Mapping[str, object], source: str) -> Profile:
    allowed = ("title", *_BOARD_SECTIONS, "defaults", "channels")
    for key in tables:
        if key not in allowed:
            _refuse(f"there is no {key!r}", key, allowed)
    sections = {
        section: _settings(section, section, _table(tables, section)) for section in _BOARD_SECTIONS
    }
    defaults = _settings("channel", "defaults", _table(tables, "defaults"))
    plans = [
        _plan(key, _table(_table(tables, "channels"), key, "channels."), defaults)
        for key in _table(tables, "channels")
    ]
    title = _text(tables, "title", "", source)
    return Profile(source, title, sections, tuple(sorted(plans, key=lambda plan: plan.channel)))


def _plan(key: str, table: Mapping[str, object], defaults: Mapping[str, object]) -> ChannelPlan:
    if not (key.isascii() and key.isdecimal() and str(int(key)) == key and key != "0"):
        raise ValueError(f"channels.{key}: {key!r} is not the number of a channel, 1 or more")
    where = f"channels.{key}"
    said = {name: value for name, value in table.items() if name not in _TEXTS}
    words = {**_ON, **defaults, **_settings("channel", where, said, also=_TEXTS)}
    if parse("channel", "power_down", words["power_down"]) and "mux" not in said:
        words["mux"] = Mux.SHORTED
    return ChannelPlan(
        int(key),
        _text(table, "name", f"{where}.", f"channel {key}"),
        _text(table, "label", f"{where}.", f"ch{key}"),
        words,
    )


def _settings(
    section: str, where: str, table: Mapping[str, object], also: Iterable[str] = ()
) -> Mapping[str, object]:
    """Check the keys and values of one table, and return it."""
    for key, said in table.items():
        if key not in SECTIONS[section]:
            allowed = (*SECTIONS[section], *also)
            _refuse(f"there is no {where}.{key}", key, allowed)
        parse(section, key, said, where=f"{where}.{key}")
    return table


def _table(tables: Mapping[str, object], key: str, where: str = "") -> Mapping[str, object]:
    table = tables.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"{where}{key} must be a table, [{where}{key}], not {table!r}")  # noqa: TRY004
    return table


def _text(table: Mapping[str, object], key: str, where: str, default: str) -> str:
    text = table.get(key, default)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{where}{key} must be a text in quotes, not {text!r}")
    return text


def _refuse(problem: str, said: str, allowed: Sequence[str]) -> NoReturn:
    close = difflib.get_close_matches(said, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{problem}{hint} There are: {', '.join(allowed)}")


def _reset_settings(parts: Sequence[int]) -> Settings:
    """Return reset values for all that does not belong to the wiring of the board."""
    wiring = {
        Config1.ADDRESS: Config1.field("clock_output").mask
        | Config1.field("multiple_read_back").mask,
        Gpio.ADDRESS: 0xFF,
        Identity.ADDRESS: 0xFF,
    }
    return Settings(
        tuple(
            Edit(index, place.address, mask, place.reset(n_channels))
            for index, n_channels in enumerate(parts)
            for place in PLACES
            if (mask := place.writable(n_channels) & ~wiring.get(place.address, 0))
        )
    )
