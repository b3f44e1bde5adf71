"""Write the byte tables of `docs/protocol.md` from the schemas.

Run ``python tests/protocol_tables.py docs/protocol.md`` after a schema changed; a test holds the
document and the schemas together.
"""

import re
import sys
from pathlib import Path

import construct as cs

from emgrig.files import write_file
from emgrig.protocol import packets
from emgrig.protocol.framing import HEADER, PACKET
from emgrig.protocol.schema import Message

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def byte_table(schema: cs.Struct) -> str:
    """Return the Markdown table of one schema: offset, size, type, name, meaning."""
    lines = ["| offset | size | type | field | meaning |", "|---|---|---|---|---|"]
    offset: int | None = 0
    for field in schema.subcons:
        size = _size(field)
        where = "…" if offset is None else str(offset)
        shown = "n" if size is None else str(size)
        kind = _kind(field)
        lines.append(f"| {where} | {shown} | {kind} | `{field.name}` | {field.docs or ''} |")
        offset = None if offset is None or size is None else offset + size
    if not schema.subcons:
        lines.append("| | 0 | | | nothing |")
    return "\n".join(lines) + "\n"


def _size(field: cs.Construct) -> int | None:
    try:
        return int(field.sizeof())
    except (cs.SizeofError, KeyError):
        return None


def _kind(field: cs.Construct) -> str:
    """Return how a field is written: u16, f64, text, list of u32 …; "" for what has parts."""
    inside = field
    while isinstance(inside, cs.Renamed):
        inside = inside.subcon
    if isinstance(inside, cs.FormatField):
        return f"{'f' if inside.fmtstr.endswith('d') else 'u'}{8 * inside.length}"
    if isinstance(inside, cs.ExprAdapter):
        return "text"
    if isinstance(inside, cs.FocusedSeq):  # PrefixedArray
        return f"list of {_kind(inside.subcons[1].subcon.subcon)}"
    if isinstance(inside, cs.Prefixed):
        return "list of u8"
    if inside is cs.GreedyBytes:
        return "the rest"
    return ""


def _schemas() -> dict[str, cs.Struct]:
    found = {"Header": HEADER, "Packet": PACKET}
    for name in vars(packets):
        value = getattr(packets, name)
        if isinstance(value, type) and issubclass(value, Message):
            found[name] = value.SCHEMA
    return found


def fill(document: str) -> str:
    """Return `document` with every table block made anew from its schema.

    Raises
    ------
    ValueError
        If a block names a schema that does not exist.
    """
    schemas = _schemas()

    def table(block: re.Match[str]) -> str:
        if block[2] not in schemas:
            raise ValueError(f"no schema named {block[2]}; there are {', '.join(sorted(schemas))}")
        return block[1] + byte_table(schemas[block[2]]) + block[3]

    return _BLOCK.sub(table, document)


def main() -> None:
    """Fill the documents that are named on the command line."""
    for name in sys.argv[1:]:
        path = Path(name)
        write_file(path, fill(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
