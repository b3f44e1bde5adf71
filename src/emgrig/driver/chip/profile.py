"""Profiles: the settings of a whole board in a TOML file that a user can write.

A profile says what the board is to be, not what to change: what it does not mention has its reset
value, but for the mux of a listed channel, which is "normal"; a channel it does not list is powered
down and shorted (81h). So the board's state does not depend on what was set before. Only what
belongs to the wiring stays as it is unless it is mentioned: clock output, read-back mode, GPIO.

Sections: ``[board]``, ``[bias]``, ``[lead_off]``, ``[test_signal]`` with the keys of
`emgrig.driver.chip.settings.SECTIONS`; ``[channels.N]`` with those of "channel", ``name`` and
``label``; ``[defaults]`` for all listed channels; and a ``title``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from emgrig.driver.chip.registers import PLACES, Config1, Gain, Gpio, Identity, Mux
from emgrig.driver.chip.settings import SECTIONS, Edit, Settings, parse, say, say_channels
from emgrig.filemodel import FileModel, Rule, Text, read, refuse_unknown
from emgrig.filetext import parse_toml, read_text

_BOARD_SECTIONS = ("board", "bias", "lead_off", "test_signal")
_OFF = {"gain": Gain.X1, "mux": Mux.SHORTED, "power_down": True, "srb2": False}
_ON = {"gain": Gain.X24, "mux": Mux.NORMAL, "power_down": False, "srb2": False}


# The model of a file: its keys are those of `SECTIONS`.


def _table(section: str, *texts: str) -> Any:
    """Return the model of a table with the keys of a section, each left out or a word of it."""
    words = [
        (key, Annotated[object, Rule("a word", partial(_is_word, section, key))], None)
        for key in SECTIONS[section]
    ]
    said = {"__doc__": f"Settings of a {section}, each left out or a word."}
    more = [(key, Text, "") for key in texts]
    return make_dataclass(section, [*words, *more], frozen=True, namespace=said)


def _is_word(section: str, key: str, said: object) -> bool:
    try:
        parse(section, key, said)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{section}.{key}: ")) from error
    return True


_Number = Annotated[
    str, Rule("the number of a channel, 1 or more,", re.compile("[1-9][0-9]{0,3}").fullmatch)
]
_Channels: Any = dict[_Number, _table("channel", "name", "label")]  # type: ignore[misc]
_TABLES = {**{name: _table(name) for name in _BOARD_SECTIONS}, "defaults": _table("channel")}
_TABLES["channels"] = _Channels
ProfileFile: Any = make_dataclass(
    "ProfileFile",
    [
        ("title", Text, ""),
        *((name, kind, field(default_factory=kind)) for name, kind in _TABLES.items()),
    ],
    bases=(FileModel,),
    frozen=True,
    namespace={"__doc__": "The settings of a whole board; docs/profiles.md explains the words."},
)


@dataclass(frozen=True)
class ChannelPlan:
    """One listed channel of a profile."""

    channel: int  #: 1 or more.
    #: What it measures, and a short form of that; "channel 3" and "ch3" if the file does not say.
    name: str
    label: str
    words: Mapping[str, object]  #: Its settings, defaults included: gain, mux, power_down, srb2.


@dataclass(frozen=True)
class Profile:
    """What a profile file says, checked as far as it can be without a board."""

    source: str  #: The packaged name, or the path of the file.
    title: str  #: What the file calls itself.
    sections: Mapping[str, Mapping[str, object]]  #: Settings by section and key.
    channels: tuple[ChannelPlan, ...]  #: The listed channels, by number.

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

    What ends in ``.toml``, has a folder in it or is one is a path.

    Raises
    ------
    ValueError
        If there is none, or something in it is not allowed; the message names file and key.
    """
    return parse_profile(profile_text(name_or_path), str(name_or_path))


def profile_text(name_or_path: str | Path) -> str:
    """Return the TOML of a profile that `load_profile` would load; ValueError if there is none."""
    source = str(name_or_path)
    name = f"profile {source}"
    path = Path(source)
    is_named = isinstance(name_or_path, str) and path.suffix != ".toml" and len(path.parts) < 2
    if not is_named or (source not in packaged_profiles() and path.exists()):
        return read_text(path, name)
    if source not in packaged_profiles():
        own = Path(f"{source}.toml")
        hint = f"; the file {own} is named whole" if own.is_file() else ""
        words = refuse_unknown(f"profile {source!r}", source, packaged_profiles())
        raise ValueError(words + hint)
    return read_text(resources.files("emgrig.driver.chip.profiles") / f"{source}.toml", name)


def parse_profile(text: str, source: str) -> Profile:
    """Read a profile from TOML; `source` names it in messages. Raises as `load_profile` does."""
    name = f"profile {source}"
    file = read(ProfileFile, parse_toml(text, name), name)
    plans = [_plan(int(key), table, file.defaults) for key, table in file.channels.items()]
    return Profile(
        source,
        file.title or source,
        {section: _said(getattr(file, section)) for section in _BOARD_SECTIONS},
        tuple(sorted(plans, key=lambda plan: plan.channel)),
    )


def _plan(channel: int, table: Any, defaults: Any) -> ChannelPlan:
    own = _said(table)
    words = {**_ON, **_said(defaults), **own}
    if parse("channel", "power_down", words["power_down"]) and "mux" not in own:
        words["mux"] = Mux.SHORTED
    name, label = table.name or f"channel {channel}", table.label or f"ch{channel}"
    return ChannelPlan(channel, name, label, words)


def _said(table: Any) -> dict[str, object]:
    """Return the words that a table says."""
    texts = ("name", "label")
    return {key: said for key, said in vars(table).items() if said is not None and key not in texts}


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
