"""typer's help and its words for a wrong line, without what they have for Markdown and tracebacks.

It imports both of rich, with pygments, markdown-it and attrs, wherever a help or an error is shown;
that is more than all the rest of it, and no command here has Markdown or shows a traceback.
"""

import importlib
import sys
from types import ModuleType
from typing import Any, Final

_UNUSED: Final = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
_HELP: Final = "typer.rich_utils"


class _WhenUsed(type):
    """Kind of a class that stands for another, which is imported if it is used after all."""

    module: str

    def real(cls) -> Any:
        """Import it."""
        return getattr(importlib.import_module(cls.module), cls.__name__)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.real()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.real(), name)


def load() -> None:
    """Import typer's help, unless it has been."""
    if _HELP in sys.modules:
        return
    stands = {module: ModuleType(module) for module in _UNUSED if module not in sys.modules}
    for module, stand in stands.items():
        setattr(stand, _UNUSED[module], _WhenUsed(_UNUSED[module], (), {"module": module}))
    sys.modules.update(stands)
    try:
        importlib.import_module(_HELP)
    finally:
        for module in stands:
            del sys.modules[module]
