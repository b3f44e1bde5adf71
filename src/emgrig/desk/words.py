"""The markers that a page has a button and a key for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_WORDS = 24
MOST_CHARACTERS = 60
USUAL = ("r=rest", "s=smile", "f=frown", "a=artefact")
_SAID = re.compile(r"(?:(?P<key>[^\W_])\s*=\s*)?(?P<text>.*\S)")


@dataclass(frozen=True)
class MarkerWord:
    """What a marker says, and the key that sets it; no key if it is empty."""

    text: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.key}={self.text}" if self.key else self.text


def read_words(said: Iterable[str]) -> tuple[MarkerWord, ...]:
    """Read markers as "WORDS" or "KEY=WORDS"; a key is one letter or digit.

    Raises ValueError if one makes no sense, or two have the same words or key.

    >>> [str(word) for word in read_words(["r = rest", "look left"])]
    ['r=rest', 'look left']
    """
    words: list[MarkerWord] = []
    for one in said:
        found = _SAID.fullmatch(one.strip())
        if found is None or len(found["text"]) > MOST_CHARACTERS or not found["text"].isprintable():
            raise ValueError(
                f"marker {one!r}; expected WORDS or KEY=WORDS (r=rest), {MOST_CHARACTERS} "
                "characters at most"
            )
        word = MarkerWord(found["text"], (found["key"] or "").lower())
        for other in words:
            if other.text == word.text or (word.key and other.key == word.key):
                raise ValueError(
                    f"markers {str(other)!r} and {str(word)!r} have the same words or key"
                )
        words.append(word)
    if len(words) > MOST_WORDS:
        raise ValueError(f"{len(words)} markers; expected {MOST_WORDS} at most")
    return tuple(words)
