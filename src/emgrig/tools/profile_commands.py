"""`emgrig profiles`: list, show, check. A profile is put on a board by `emgrig registers apply`."""

from typing import Annotated

import typer

from emgrig.names import shown
from emgrig.tools.common.options import Json
from emgrig.tools.common.output import print_json, print_table, say

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Look at profiles: the settings of a whole board, as TOML.",
    epilog="docs/profiles.md says what a profile holds; registers apply puts one on a board.",
)
Named = Annotated[str, typer.Argument(metavar="PROFILE", help="A packaged name, or FILE.toml.")]


@app.command("list")
def list_profiles(as_json: Json = False) -> None:
    """List the profiles that come with the package."""
    from emgrig.driver.chip.profile import load_profile, packaged_profiles

    found = [load_profile(name) for name in packaged_profiles()]
    if as_json:
        print_json([{"name": one.source, "title": one.title} for one in found])
        return
    for one in found:
        say(f"{one.source}: {one.title}")


@app.command()
def show(profile: Named) -> None:
    """Print a profile as it is written, to start one of your own from.

    Example: emgrig profiles show facial-emg > mine.toml
    """
    from emgrig.driver.chip.profile import load_profile, profile_text

    load_profile(profile)
    typer.echo(shown(profile_text(profile)), nl=False)


@app.command()
def check(
    profile: Named,
    channels: Annotated[int, typer.Option(help="4, 6 or 8: of which part.")] = 8,
    as_json: Json = False,
) -> None:
    """Read a profile, and show what the registers of a chip will hold by it; needs no board.

    What the profile does not say has its value after RESET; channels that it does not list are
    powered down and shorted.

    Example: emgrig profiles check mine.toml
    """
    from emgrig.driver.chip.profile import load_profile
    from emgrig.driver.chip.register_file import RegisterFile

    if channels not in (4, 6, 8):
        raise ValueError(f"--channels {channels}: an ADS1299 has 4, 6 or 8")
    found = load_profile(profile)
    file = found.settings((channels,)).applied_to(RegisterFile.reset(channels), 0)
    rows = file.render()
    if as_json:
        keys = ("address", "register", "hex", "binary", "fields")
        print_json(
            {
                "title": found.title,
                "channels": {plan.channel: plan.name for plan in found.channels},
                "registers": [dict(zip(keys, row, strict=True)) for row in rows],
            }
        )
        return
    say(f"{found.source}: {found.title}")
    for plan in found.channels:
        say(f"channel {plan.channel}: {plan.name} ({plan.label})")
    print_table(["address", "register", "hex", "binary", "fields"], rows)
