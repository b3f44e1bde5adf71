"""What the participant reads: every sentence of the session's screen, in the plan's language."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from string import Formatter
from types import MappingProxyType

from emgrig.filemodel import Text

#: What may stand in braces, by sentence; in all others nothing may.
_FILLED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "movement": frozenset({"instruction", "times"}),
        "several": frozenset({"n"}),
        "rest": frozenset({"instruction"}),
        "contract": frozenset({"instruction"}),
        "films": frozenset({"key"}),
    }
)


@dataclass(frozen=True)
class Texts:
    """What the participant reads; movements and the question of the rating have texts of their own.

    Attributes
    ----------
    waiting : str
        Before the recording is on.
    movement_title, movement : str
        A movement is explained; {instruction} of the plan, {times} is `once` or `several`.
    once, several : str
        How often it will be asked for; {n} times.
    rest_title, rest : str
        Before a contraction; {instruction}.
    contract_title, contract : str
        The cue; {instruction}.
    relax_title, relax : str
        After a contraction.
    again : str
        If a contraction is asked for once more; the reason is the operator's.
    wait_title, wait : str
        While the operator decides.
    films_title, films : str
        Before the first film; {key}.
    cross_title, cross : str
        Baseline and gaps.
    rating_title : str
        Above the question.
    done_title, done : str
        At the end.
    stopped_title, stopped : str
        If the session is stopped before.
    paused : str
        Over everything, while it is paused.
    go_on : str
        On the button.
    lost : str
        Over everything, while the screen has lost the program.
    """

    waiting: Text = "The recording begins"
    movement_title: Text = "The next movement"
    movement: Text = "{instruction}. Try it once; then go on. You will be asked {times}."
    once: Text = "once"
    several: Text = "{n} times"
    rest_title: Text = "Relax"
    rest: Text = "Next: {instruction}"
    contract_title: Text = "Now! As strong as you can"
    contract: Text = "{instruction}"
    relax_title: Text = "Relax"
    relax: Text = "Let your face rest"
    again: Text = "Once more, please"
    wait_title: Text = "One moment, please"
    wait: Text = "It goes on soon"
    films_title: Text = "Films"
    films: Text = (
        "You will see some short films. Keep a neutral face, whatever you feel. Press {key} "
        "whenever you notice that your face showed something. Go on when you are ready."
    )
    cross_title: Text = "+"
    cross: Text = "Look at the cross, and let your face rest"
    rating_title: Text = "How was it?"
    done_title: Text = "Thank you"
    done: Text = "That was all"
    stopped_title: Text = "Thank you"
    stopped: Text = "We stop here"
    paused: Text = "Please wait"
    go_on: Text = "Go on"
    lost: Text = "One moment, please"

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name))

    def changed(self) -> dict[str, str]:
        """Return the sentences that are not the usual ones."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }


def _check(name: str, text: str) -> None:
    """Refuse braces that nothing is put into."""
    known = _FILLED.get(name, frozenset())
    named = ", ".join(f"{{{one}}}" for one in sorted(known))
    may_be = f"; {named} may stand in it" if known else ""
    try:
        found = [(key, form or way) for _, key, form, way in Formatter().parse(text)]
    except ValueError as error:
        raise ValueError(f"{name} has a single brace; write it twice{may_be}") from error
    for key, way in found:
        if key is not None and (key not in known or way):
            raise ValueError(f"{name} has {{{key}}}, and nothing is put there{may_be}")
