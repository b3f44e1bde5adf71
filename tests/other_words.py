"""Run the bring-up suite in a world in which every sentence of the program reads otherwise.

    python tests/other_words.py ADDRESS...

Each string of the package that holds a space (so it is read by people, whole or as a part of an
f-string) is turned by some letters as its module is imported: by as many as its place says, so that
who looks for a piece of a sentence does not find it, for his own copy of it reads otherwise again.
What the suite says then is printed as JSON, an entry an address; `hil_tests/test_words.py` compares
it with what it says in our words.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import re
import string
import sys
import zlib
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emgrig.hil_tests.judging.check import CheckInfo

_KEPT = re.compile(r"(\{[^}]*\}|%\(\w+\)\w|%[-\d.]*\w)")
"""What is filled in later: {channels}, %(default)s, %d."""


def other(sentence: str, place: str) -> str:
    """Return another sentence with the same places to be filled in."""
    n = 1 + zlib.crc32(place.encode()) % 25
    low, up = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(low + up, low[n:] + low[:n] + up[n:] + up[:n])
    parts = _KEPT.split(sentence)
    return "".join(p if _KEPT.fullmatch(p) else p.translate(table) for p in parts)


def _is_sentence(text: str) -> bool:
    return " " in text and any(c.isalpha() for c in text)


class Rewording(ast.NodeTransformer):
    """Turns the sentences of a module."""

    def __init__(self, module: str) -> None:
        self._module = module

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and _is_sentence(node.value):
            return ast.copy_location(ast.Constant(self._other(node.value, node)), node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        fixed = [p for p in node.values if isinstance(p, ast.Constant)]
        turns = _is_sentence("".join(str(p.value) for p in fixed))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)  # its format stays as it is
            elif isinstance(part, ast.Constant) and turns:
                part.value = self._other(str(part.value), node)
        return node

    def _other(self, text: str, node: ast.expr) -> str:
        return other(text, f"{self._module} {node.lineno} {node.col_offset}")


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = Rewording(fullname).visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "emgrig":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def _reword_declarations(suite: str) -> None:
    """Let the declarations of checks, which are read as text, read as they do when imported."""
    from emgrig.hil_tests.judging import declared

    read = declared.read_checks

    def reworded(source: str, name: str) -> "list[CheckInfo]":
        tree = Rewording(f"{suite}.{name.removesuffix('.py')}").visit(ast.parse(source))
        return read(ast.unparse(tree), name)

    declared.read_checks = reworded


def main() -> None:
    sys.meta_path.insert(0, _Finder())
    from pathlib import Path

    import emgrig.hil_tests.suite as suite
    from bringup_runs import run_of, said_of, words_of

    for path in sorted(Path(suite.__path__[0]).glob("test_*.py")):
        importlib.import_module(f"{suite.__name__}.{path.stem}")  # before pytest does it its way
    _reword_declarations(suite.__name__)
    found = {address: run_of(address) for address in sys.argv[1:]}
    said = {address: [said_of(run), words_of(run)] for address, run in found.items()}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
