"""Which muscle a channel lies over, by its name: whole, shortened, or as papers abbreviate it.

Names are those of section 3.1.2 of the paper; short ones are beginnings of their words
("lev. lab.", "OrbOc_L", "depres. oris"), or initials that papers on facial EMG use. SENIAM names no
muscle of the face.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from emgrig.analysis.paper.printed import MUSCLES

#: Muscles of the face that share words with the seven, and are none of them.
_OTHERS = (
    "zygomaticus minor",
    "levator anguli oris",
    "levator palpebrae superioris",
    "depressor labii inferioris",
    "depressor supercilii",
    "depressor septi nasi",
)
_INITIALS = {
    "llsan": 4,
    "lls": 4,
    "zm": 5,
    "dao": 7,
    "ooc": 3,
    "orboc": 3,
    "oor": 6,
    "orbor": 6,
}
#: Letters that tell the first word of a name; and oculi or oris without orbicularis.
_LEAST, _LEAST_BY_ITSELF = 3, 4
_SIDES = frozenset({"l", "r", "li", "re", "left", "right"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class _Match(NamedTuple):
    n_letters: int
    begin: int  #: Words of the label, half open.
    end: int
    channel: int | None  #: None is another muscle.


def muscles_by_label(labels: Sequence[str]) -> dict[int, int]:
    """Recognise muscles by their names; {channel_index: channel of the paper's face, 1 to 7}.

    The longest name that fits decides ("depressor anguli oris" is no orbicularis oris). A label
    that may be two muscles ("orbicularis"), or names two, is not in the result.
    """
    found = {index: _muscle(label) for index, label in enumerate(labels)}
    return {index: channel for index, channel in found.items() if channel is not None}


def _muscle(label: str) -> int | None:
    words = [word.lower() for word in _WORDS.findall(label)]
    matches = _matches([word for word in words if word not in _SIDES])
    kept: list[_Match] = []
    for one in sorted(matches, key=lambda m: (-m.n_letters, m.channel is None)):
        over = [k for k in kept if one.begin < k.end and k.begin < one.end]
        is_as_good = all(one.n_letters == k.n_letters for k in over)
        if is_as_good and (one.channel is not None or not over):
            kept.append(one)
    channels = {one.channel for one in kept}
    return channels.pop() if len(channels) == 1 else None


def _matches(words: Sequence[str]) -> Iterator[_Match]:
    """Give every name that some words of a label may stand for, each as far as it fits."""
    names: list[tuple[list[str], int | None]] = []
    names += [(name.split(), channel) for channel, name in MUSCLES.items()]
    names += [(name.split(), None) for name in _OTHERS]
    for begin, word in enumerate(words):
        for end in range(begin + 1, min(begin + 3, len(words)) + 1):
            initials = "".join(words[begin:end])
            if initials in _INITIALS:
                yield _Match(len(initials), begin, end, _INITIALS[initials])
        for name, channel in names:
            for nth, whole in enumerate(name):
                if nth and name[0] != "orbicularis":
                    break
                least = _LEAST_BY_ITSELF if nth else _LEAST
                if len(word) >= least and whole.startswith(word):
                    end = _end(words, begin + 1, name[nth + 1 :])
                    n_letters = sum(map(len, words[begin:end]))
                    yield _Match(n_letters, begin, end, channel)


def _end(words: Sequence[str], at: int, left: Sequence[str]) -> int:
    """Return where the words stop being beginnings of what is left of a name, in its order."""
    while at < len(words):
        fits = [nth for nth, whole in enumerate(left) if whole.startswith(words[at])]
        if not fits:
            break
        at, left = at + 1, left[fits[0] + 1 :]
    return at
