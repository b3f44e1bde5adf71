"""What is said when Ctrl-C ends a command: one line, and what is left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

USUAL = "no file is left half written"


@contextmanager
def leaves(words: str) -> Iterator[None]:
    """Have an interruption of what is within say this of what is left."""
    try:
        yield
    except KeyboardInterrupt as broken:
        broken.add_note(words)
        raise


def words_of(broken: BaseException) -> str:
    """Return the line for an interruption, with all that is known of what is left."""
    return "; ".join(("interrupted", *getattr(broken, "__notes__", [USUAL])))
