"""`emgrig config`: what is set once, and where it came from."""

from dataclasses import dataclass
from pathlib import Path

from emgrig.tools.common.defaults import EXAMPLE, KEYS, NAME, read_defaults, user_folder
from emgrig.tools.common.options import Printed, flag, takes
from emgrig.tools.common.output import out, print_json, print_table, say


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(Printed):
    """What `emgrig config` takes."""

    example: bool = flag("Print a file to start from.")


@takes
def config(given: ConfigOptions) -> None:
    """Say what commands take where the command line does not say it, and where that came from.

    The command line comes first, then EMGRIG_BOARD (the address), then emgrig.toml in this folder,
    then emgrig.toml in the user's own settings.

    Example: emgrig config --example > emgrig.toml
    """
    if given.example:
        out.print(EXAMPLE, end="", markup=False)
        return
    found = read_defaults()
    if given.as_json:
        print_json(
            {
                key: {"value": found[key].value, "from": found[key].where} if key in found else None
                for key in KEYS
            }
        )
        return
    rows = [
        (key, str(found[key].value), found[key].where) if key in found else (key, "", "not set")
        for key in KEYS
    ]
    print_table(("setting", "value", "from"), rows, whole=("setting",))
    say(f"files: {Path.cwd() / NAME}, then {user_folder() / NAME}")
