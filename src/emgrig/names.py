"""Words of others as data: one function for each place that would take them for something else.

Serial numbers, firmware names and error texts come from a board, labels and marker texts from a
file, codes from a plan. None of them may become a terminal's command, markup, a formula of a
spreadsheet, or a path. Formulas of the plot library are off for all texts (`emgrig.pages.plots`).
"""

import codecs
import re

_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters but tab and line feed, those that turn the writing round, half characters."""
_NOT_SHOWN = re.compile(f"[{_UNSEEN}]")
_NOT_IN_LINE = re.compile(f"[{_UNSEEN}\t\n]")
_FORMULA = re.compile(r"\s*[=+\-@\t\r]")
_PLAIN_CODE = re.compile("[A-Z0-9]+")
_DEVICES = re.compile(r"CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]")
_HASH_DIGITS = 10
_CODE = re.compile("[A-Za-z0-9_-]+")
_MOST_OF_VALUE = 60
MOST_OF_CODE = 16
"""So many characters has a participant's code at most."""


def shown(text: str) -> str:
    r"""Return a text for a terminal or a log: what would command it is written out, as ``\x1b``.

    >>> shown("SN\x1b[31m-1")
    'SN\\x1b[31m-1'
    """
    return _NOT_SHOWN.sub(_written, text)


def one_line(text: str) -> str:
    r"""Return a text as `shown`, in one line.

    >>> one_line("SN-1\ndemo: PASS")
    'SN-1\\ndemo: PASS'
    """
    return _NOT_IN_LINE.sub(_written, text)


def plain_line(text: str, most: int | None = None) -> str:
    r"""Return a text of somebody else in one line, at most so long, without what is not printable.

    For words that only a person reads; `one_line` shows what was there.

    >>> plain_line("clip\tbegin \n now"), plain_line("abcdef", 3)
    ('clip begin now', 'abc ...')
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if most is None or len(line) <= most else f"{line[:most]} ..."


def _written(found: re.Match[str]) -> str:
    known = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
    code = ord(found[0])
    return known.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def value_shown(value: object) -> str:
    """Return what a file holds as a message shows it; it is cut where it is long.

    >>> value_shown("3"), len(value_shown("a" * 99))
    ("'3'", 61)
    """
    text = repr(value)
    return text if len(text) <= _MOST_OF_VALUE else f"{text[:_MOST_OF_VALUE]}…"


def markup(text: str) -> str:
    """Return a text for a page that is put together by hand: tags and quotes are letters.

    >>> markup("<b>'c1'")
    '&lt;b&gt;&#x27;c1&#x27;'
    """
    import html  # here, for it brings all the entities that there are

    return html.escape(one_line(text))


def table_cell(text: str) -> str:
    """Return a text for a cell of CSV or TSV that no spreadsheet takes for a formula.

    What begins as one is led by an apostrophe, which spreadsheets do not show; numbers stay.

    >>> table_cell("=1+1"), table_cell("-4.5"), table_cell("smile")
    ("'=1+1", '-4.5', 'smile')
    """
    if not _FORMULA.match(text) or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def file_label(code: str) -> str:
    """Return letters and digits for a code, in a name of a file; never those of another code.

    A code of capitals and digits is its own label. Any other gets the beginning of its SHA-256, so
    that P-01, P.01 and p01 have three labels also where capitals do not count.

    >>> file_label("P01"), file_label("P-01")
    ('P01', 'P01x6bd012390a')
    """
    if _PLAIN_CODE.fullmatch(code) and not _DEVICES.fullmatch(code):
        return code
    import hashlib  # here, for it loads a library

    kept = "".join(c for c in code if c.isascii() and c.isalnum())
    return f"{kept}x{hashlib.sha256(code.encode()).hexdigest()[:_HASH_DIGITS]}"


def check_code(code: str, *, most: int | None = MOST_OF_CODE) -> None:
    """Refuse what is no code of a participant, wherever one is typed; names are never kept.

    A code is ASCII letters, digits, ``-`` and ``_``, at most so many (None: any number), with a
    digit among them: a word without one is somebody's name. Raises ValueError if it is none.

    >>> check_code("P01")
    >>> check_code("Anna")
    Traceback (most recent call last):
    ValueError: 'Anna'; codes only, no names: letters, digits, - and _, up to 16, with at least \
one digit, as in P01
    """
    is_long = most is not None and len(code) > most
    if not _CODE.fullmatch(code) or not any(c.isdigit() for c in code) or is_long:
        up_to = "" if most is None else f" up to {most},"
        raise ValueError(
            f"{code!r}; codes only, no names: letters, digits, - and _,{up_to} with at least one "
            "digit, as in P01"
        )
    if _DEVICES.fullmatch(code.upper()):
        raise ValueError(f"{code!r} is the name of a device on some systems; take another code")


def unit_shown(unit: str) -> str:
    """Return a unit as people write it: files say uV, us and kohm, people µV, µs and kΩ.

    >>> unit_shown("uV"), unit_shown("nV/rtHz"), unit_shown("kohm")
    ('µV', 'nV/√Hz', 'kΩ')
    """
    unit = re.sub(r"^u(?=[VsA]\b)", "µ", unit).replace("rtHz", "√Hz")
    return re.sub(r"^([kM]?)[oO]hm\b", r"\1Ω", unit)


_PLAIN = {
    "Ω": "ohm",
    "µ": "u",
    "μ": "u",
    "√": "rt",
    "×": "x",
    "²": "2",
    "³": "3",
    "°": "deg ",
    "±": "+-",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "½": "1/2",
    "≥": ">=",
    "≤": "<=",
    "·": "*",
    "→": "->",
    "’": "'",
    "“": '"',
    "”": '"',
    "é": "e",
    "χ": "chi",
}
PLAIN_ERRORS = "emgrig.plain"
"""Name of the error handler that writes out what an encoding cannot: kΩ as kohm, µV as uV."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c, "?") for c in text), error.end


codecs.register_error(PLAIN_ERRORS, _plain)
