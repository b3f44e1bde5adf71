"""What there is of a kind, by name: ours, and what other packages bring by entry points."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name; each is imported when it is asked for.

    Parameters
    ----------
    group : str
        The entry points that add to it: "emgrig.gateways".
    what : str
        One of them, for messages: "firmware".
    ours : mapping of str to str
        Name to "module:attribute", as an entry point has it.
    """

    def __init__(self, group: str, what: str, ours: Mapping[str, str]) -> None:
        self.group = group
        self.what = what
        self._ours = dict(ours)

    def names(self) -> list[str]:
        """Return the names of ours in their order, then those of others, sorted."""
        return [*self._ours, *self.others()]

    def others(self) -> list[str]:
        """Return the names that other packages bring, sorted."""
        return sorted({one.name for one in self._entry_points()} - set(self._ours))

    def __contains__(self, name: str) -> bool:
        return name in self._ours or name in self.others()

    def load(self, name: str) -> T:
        """Import one.

        Raises
        ------
        ValueError
            If there is none of that name, if two packages bring it, or if it cannot be imported.
        """
        if name in self._ours:
            module, _, attribute = self._ours[name].partition(":")
            return cast("T", getattr(import_module(module), attribute))
        found = [one for one in self._entry_points() if one.name == name]
        if not found:
            raise ValueError(
                f"there is no {self.what} {name!r}; there are {', '.join(self.names())}"
            )
        values = [one.value for one in found]
        if len(values) > 1:
            raise ValueError(
                f"{self.what} {name!r} comes from {' and '.join(sorted(values))}; "
                "uninstall one of them"
            )
        try:
            return cast("T", found[0].load())
        except (ImportError, AttributeError) as error:
            raise ValueError(
                f"{self.what} {name!r} ({found[0].value}) cannot be loaded: {error}"
            ) from error

    def _entry_points(self) -> "EntryPoints":
        from importlib import metadata  # slow, and seldom needed

        return metadata.entry_points(group=self.group)
