"""Write the table of docs/profiles.md from the settings that profiles are read by.

Run ``python tests/profile_tables.py docs/profiles.md`` after they changed; a test holds the two
together.
"""

import re
import sys
from pathlib import Path

from emgrig.driver.chip.settings import SECTIONS, Setting

_BLOCK = re.compile(r"(<!-- table: settings -->\n).*?(<!-- end -->)", re.DOTALL)
_TITLES = {"channel": "channels.N, defaults"}
#: Where a listed channel differs from the value after RESET.
_ON = {"mux": "normal", "gain": "24"}


def _allowed(setting: Setting) -> str:
    if setting.register.CHANNEL_BITS:
        return "a list of channels, or all"
    return setting.field.allowed().removeprefix("one of ")


def table() -> str:
    lines = ["| section | key | may be | left out | register |", "|---|---|---|---|---|"]
    for section, settings in SECTIONS.items():
        for key, setting in settings.items():
            left_out = setting.field.word(setting.register.RESET)
            if section == "channel":
                left_out = _ON.get(key, left_out)
            register = setting.register.NAME.format(n="n")
            title = _TITLES.get(section, section)
            lines.append(
                f"| `[{title}]` | `{key}` | {_allowed(setting)} | {left_out} | "
                f"{register} {setting.field.title('n')} |"
            )
    return "\n".join(lines) + "\n"


def fill(document: str) -> str:
    """Return `document` with the table made anew."""
    return _BLOCK.sub(lambda found: found[1] + table() + found[2], document)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(fill(target.read_text("utf-8")), "utf-8")
