"""Sentences for people: what a program needs to know is a value with a type beside them.

Whatever makes a sentence that goes into a file, a journal, a page or another program is marked with
`sentence`, so that one mapping reaches all of them. Nothing in this package reads one back.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


def reword(text: str) -> str:
    """Return the sentence that is shown for `text`: as it stands, the same.

    Every marked sentence passes through here. Another function in its place speaks another
    language; a test puts one here to see that no verdict, export or exit code hangs on a wording.
    """
    return text


def sentence(make: Callable[P, str]) -> Callable[P, str]:
    """Mark a function or property whose text is for people only."""

    @wraps(make)
    def said(*args: P.args, **kwargs: P.kwargs) -> str:
        return reword(make(*args, **kwargs))

    return said


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its word: "1 gap", "2 gaps"; `many` where an s at the end is not it.

    Examples
    --------
    >>> counted(1, "sample is missing", "samples are missing")
    '1 sample is missing'
    >>> f"in {counted(0, 'gap')}"
    'in 0 gaps'
    """
    return f"{n} {one}" if n == 1 else f"{n} {many or f'{one}s'}"
