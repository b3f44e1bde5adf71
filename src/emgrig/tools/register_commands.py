"""`emgrig registers`: dump, read, write, apply, diff, decode."""

from typing import TYPE_CHECKING, Annotated

import typer

from emgrig.errors import ExitCode
from emgrig.tools.common.options import Address, Json, SaidAddress
from emgrig.tools.common.output import print_json, print_table, say

if TYPE_CHECKING:
    from emgrig.driver.chip.register_file import RegisterFile

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Look at and change the 24 registers of each ADS1299.",
    epilog="Registers are named as in the data sheet (CH1SET) or by address (05, 0x05, 05h).",
)

Chip = Annotated[int, typer.Option(help="Chip number on the board; 1 is the first.", min=1)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change; nothing is written.")
]
WIDEST = 8
"""Channels of the largest part: what this one does not have, no board has."""
SIMULATED = " (SIMULATED)"
HEADER = ["address", "register", "hex", "binary", "fields"]


@app.command()
def dump(
    address: Address,
    as_json: Json = False,
    as_hex: Annotated[bool, typer.Option("--hex", help="Print the bytes alone.")] = False,
) -> None:
    """Read every register and show it in words."""
    import emgrig

    with emgrig.connect(address) as board:
        files = board.chip.read_registers()
        is_simulated = board.identity.is_simulated
    if as_hex:
        for file in files:
            say(file.raw.hex(" ").upper())
        return
    if as_json:
        told = {"simulated": is_simulated}
        made = [(f.raw.hex(), _rows_json(f.render())) for f in files]
        print_json([{"hex": raw, **told, "registers": rows} for raw, rows in made])
        return
    for number, file in enumerate(files, start=1):
        title = f"chip {number}, ADS1299 with {file.n_channels} channels{SIMULATED * is_simulated}"
        print_table(HEADER, file.render(), title=title)


@app.command()
def read(
    address: SaidAddress,
    register: Annotated[str, typer.Argument(help="Name or address of the first register.")],
    count: Annotated[int, typer.Argument(help="How many.", min=1, max=24)] = 1,
    chip: Chip = 1,
    as_json: Json = False,
) -> None:
    """Read one register, or COUNT from it on.

    Example: emgrig registers read sim: CH1SET 8
    """
    import emgrig

    first = _address_of(register)
    with emgrig.connect(address) as board:
        rows = _pick(board.chip.read_registers(), chip).render()[first : first + count]
        is_simulated = board.identity.is_simulated
    if as_json:
        print_json([{**row, "simulated": is_simulated} for row in _rows_json(rows)])
    else:
        print_table(HEADER, rows, title="SIMULATED" if is_simulated else None)


@app.command()
def write(
    address: SaidAddress,
    assignments: Annotated[list[str], typer.Argument(help="REGISTER=BYTE, as CH1SET=0x60.")],
    chip: Chip = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Let reserved codes and bits through.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write registers as one transaction, proved by reading all of them back.

    On a mismatch the old values are restored, and the error names register, field, expected and
    found. Read-only registers and bits, reserved codes and bits are refused before anything is
    sent.

    Example: emgrig registers write sim: CONFIG3=E0 CH1SET=0x60
    """
    import emgrig
    from emgrig.driver.chip.settings import Settings

    wanted = [_assignment(text) for text in assignments]
    _refuse_in_vain(wanted, WIDEST, force=force)
    with emgrig.connect(address) as board:
        before = _pick(board.chip.files, chip)
        _refuse_in_vain(wanted, before.n_channels, force=force)
        settings = [
            Settings.of_bytes(chip - 1, register, bytes([byte]), before.n_channels, force=force)
            for register, byte in wanted
        ]
        if dry_run:
            after = sum(settings[1:], settings[0]).applied_to(before, chip - 1)
        else:
            after = _pick(board.chip.apply(*settings), chip)
        is_simulated = board.identity.is_simulated
    _say_changes(before, after)
    if dry_run:
        say(f"nothing was written (--dry-run){SIMULATED * is_simulated}")
        return
    unproved = ", but for reserved bits" if force else ""
    say(f"{len(wanted)} written and proved by read-back{unproved}{SIMULATED * is_simulated}")


@app.command("apply")
def apply_profile(
    address: SaidAddress,
    profile: Annotated[str, typer.Argument(help="A packaged profile, or FILE.toml.")],
    dry_run: DryRun = False,
) -> None:
    """Put a profile on a board, as one transaction, proved by reading all registers back.

    Example: emgrig registers apply tcp://192.168.4.1:4299 facial-emg --dry-run
    """
    import emgrig
    from emgrig.connect import link_first

    with link_first(address):
        from emgrig.driver.chip.profile import load_profile

        wanted = load_profile(profile)
        board_there = emgrig.connect(address)
    with board_there as board:
        before = board.chip.read_registers()
        settings = wanted.settings(board.chip.parts)
        if dry_run:
            after = tuple(settings.applied_to(file, n) for n, file in enumerate(before))
        else:
            after = board.chip.apply(settings)
        is_simulated = board.identity.is_simulated
    for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        _say_changes(old, new, f"chip {number} " if len(after) > 1 else "")
    done = "nothing was written (--dry-run)"
    if not dry_run:
        done = f"profile {wanted.source} applied; {24 * len(after)} registers proved by read-back"
    say(f"{done}{SIMULATED * is_simulated}")


def _say_changes(before: "RegisterFile", after: "RegisterFile", of_chip: str = "") -> None:
    for change in before.differences(after):
        say(f"{of_chip}{change.register} {change.field}: {change.old} -> {change.new}")


@app.command()
def diff(
    address: Address,
    against: Annotated[
        str, typer.Argument(help='"reset", a profile (facial-emg, FILE.toml), or 24 bytes in hex.')
    ] = "reset",
    chip: Chip = 1,
    as_json: Json = False,
) -> None:
    """Compare the registers with what they should be; exit code 1 if they differ.

    Example: emgrig registers diff tcp://192.168.4.1:4299 facial-emg
    """
    import emgrig
    from emgrig.driver.chip.profile import load_profile
    from emgrig.driver.chip.register_file import RegisterFile

    with emgrig.connect(address) as board:
        found = _pick(board.chip.read_registers(), chip)
        is_simulated = board.identity.is_simulated
        if against == "reset":
            expected = RegisterFile.reset(found.n_channels)
        elif _is_hex(against):
            expected = RegisterFile.from_hex(against, found.n_channels)
        else:
            settings = load_profile(against).settings(board.chip.parts)
            expected = settings.applied_to(found, chip - 1)
    wrong = {place.address for place, _ in expected.wrong_bits(found)}
    changes = [d for d in expected.differences(found) if d.address in wrong]
    if as_json:
        keys = ("register", "field", "old", "new")
        said = [{k: getattr(d, k) for k in keys} for d in changes]
        print_json([{**one, "simulated": is_simulated} for one in said])
    elif changes:
        rows = [(d.register, d.field, d.old, d.new) for d in changes]
        say(f"{len(changes)} differences from {against}{SIMULATED * is_simulated}")
        print_table(["register", "field", f"expected ({against})", "found"], rows)
    else:
        say(f"no difference from {against}{SIMULATED * is_simulated}")
    if changes:
        raise typer.Exit(ExitCode.VERDICT)


@app.command()
def decode(
    dump_hex: Annotated[list[str], typer.Argument(metavar="HEX", help="24 bytes from 00h to 17h.")],
    channels: Annotated[
        int | None,
        typer.Option(metavar="N", help="Read it as a part of 4, 6 or 8; else as its ID says."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain a dump of 24 bytes, from any program, without a board.

    Example: emgrig registers decode "3E 96 C0 60 00 61 61 61 61 61 61 61 61 00 00 00 00 00 00 00
    0F 00 00 00"
    """
    from emgrig.driver.chip.identity import USUAL_IDS, explain_id
    from emgrig.driver.chip.register_file import RegisterFile

    file = RegisterFile.from_hex(" ".join(dump_hex))
    if channels not in (None, 4, 6, 8):
        raise typer.BadParameter(f"--channels {channels}: expected 4, 6 or 8")
    own = USUAL_IDS.get(file.raw[0])
    n_channels = channels or own or WIDEST
    file = RegisterFile(file.raw, n_channels)
    meaning = explain_id(file.raw[0])
    if as_json:
        rows = _rows_json(file.render())
        print_json(
            {
                "id": meaning,
                "channels": n_channels,
                "problems": list(file.problems()),
                "registers": rows,
            }
        )
        return
    say(f"ID {file.raw[0]:02X}h: {meaning}")
    if n_channels != own:
        why = "as --channels says" if channels else "for the ID says no number"
        say(f"read as a part of {n_channels} channels, {why}")
    print_table(HEADER, file.render())
    for problem in file.problems():
        say(f"problem: {problem}")


def _refuse_in_vain(wanted: list[tuple[int, int]], n_channels: int, *, force: bool) -> None:
    """Raise ValueError for what cannot be written, or not be proved afterwards."""
    from emgrig.driver.chip.registers import PLACES

    addresses = [address for address, _ in wanted]
    for address, byte in wanted:
        place = PLACES[address]
        if addresses.count(address) > 1:
            raise ValueError(f"{place.name} is given twice; say which byte it is to hold")
        problem = place.unwritable(byte, n_channels)
        if not problem and not force:
            problem = "; ".join(place.problems(byte, n_channels))
            problem = problem and f"{place.name} = {byte:02X}h: {problem}"
        if problem:
            raise ValueError(problem)


def _rows_json(rows: "tuple[tuple[str, ...], ...]") -> list[dict[str, str]]:
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


def _pick(files: "tuple[RegisterFile, ...]", chip: int) -> "RegisterFile":
    if chip > len(files):
        raise ValueError(f"there is no chip {chip}: this board has {len(files)}")
    return files[chip - 1]


def _is_hex(text: str) -> bool:
    return len(text) >= 47 and all(c in "0123456789abcdefABCDEF xXhH,;:" for c in text)


def _address_of(register: str) -> int:
    """Return the address of a register named as in the data sheet or by number."""
    from emgrig.driver.chip.registers import PLACES

    names = {place.name: place.address for place in PLACES}
    if register.upper() in names:
        return names[register.upper()]
    address = _read_hex(register)
    if not 0 <= address < len(PLACES):
        raise ValueError(
            f"there is no register {register!r}: say an address 00h to 17h, or one of "
            f"{', '.join(names)}"
        )
    return address


def _read_hex(text: str) -> int:
    """Read 05, 0x05 or 05h; -1 if it is none of them."""
    try:
        return int(text.lower().removesuffix("h").removeprefix("0x"), 16)
    except ValueError:
        return -1


def _assignment(text: str) -> tuple[int, int]:
    """Read ``REGISTER=BYTE``; the byte is hexadecimal."""
    name, equals, value = text.partition("=")
    byte = _read_hex(value.strip())
    if not equals or not 0 <= byte <= 0xFF:
        raise ValueError(f"{text!r} is not REGISTER=BYTE with a byte 00 to FF in hexadecimal")
    return _address_of(name.strip()), byte
