"""Each command on each board's twin: what works, partly, or is refused; docs/boards.md has it.

A test that fails prints the table that the document should have. What takes long over a simulated
bus is run by `make nightly`.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from bringup_runs import short_of_losses
from gateways.hosted import in_a_session, mvc_levels, on_a_desk, plan_for
from gateways.spi.machine import Machine, machine
from places import ROOT
from properties import is_nightly
from shell import Run, Said

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / "docs" / "boards.md"
_BLOCK = re.compile(r"(<!-- table: commands -->\n).*?(<!-- end -->)", re.DOTALL)
BOARDS = {
    "the board link": "sim:bench&seed=1",
    "`spi:pieeg`": "spi:pieeg?name=T1",
    "`spi:pieeg-16`": "spi:pieeg-16?name=T1",
    "`cerelog`": "frames+sim:bench&seed=1&firmware=cerelog?template=cerelog",
    "`ardeeg`": "frames+sim:bench&seed=1&firmware=ardeeg?template=ardeeg",
    "`knight`": "frames+sim:bench&seed=1&firmware=knight?template=knight",
    "`eegfrontier`": "frames+sim:bench&seed=1&firmware=eegfrontier&channels=4?template=eegfrontier",
    "HackEEG": "hackeeg+sim:bench&seed=1",
    "Meower": "meower+sim:bench&seed=1",
    "`cyton`": "cyton+sim:seed=3",
    "`cyton-daisy`": "cyton+sim:seed=3&chips=2",
}
#: A machine whose bus the board is on.
ON_A_BUS = {"`spi:pieeg`": "pieeg", "`spi:pieeg-16`": "pieeg-16"}
IN_A_SESSION_BY_DAY = ("the board link", "`knight`", "`cyton`")
#: What by day is left as the document has it: a bring-up over a simulated bus takes 20 s.
NIGHTLY = {
    ("`spi:pieeg`", "bringup"),
    *((board, "session") for board in BOARDS if board not in IN_A_SESSION_BY_DAY),
    *(
        ("`spi:pieeg-16`", name)
        for name in (
            *("bringup", "record", "calibrate", "electrodes", "record --profile"),
            "desk",
        )
    ),
}
COMMANDS = {
    "info": "info {0}",
    "record": "record {0} --duration 1 -o {1}/a.bdf --overwrite",
    "bringup": "bringup {0} --soak 1 --report {1}/report --overwrite",
    "registers": "registers dump {0}",
    "electrodes": "electrodes {0} --quick",
    "calibrate": "calibrate noise {0} --gains 24 --rates 1000 --duration 10",
    "record --profile": "record {0} --duration 1 --profile facial-emg -o {1}/c.bdf --overwrite",
    "desk": "",  # its hub, below: the page is the same for every board
    "session": "session {1}/plan.toml {0} --script auto -o {1}/session --restart",
}
#: Where a board has another way to the same end.
OWN = {
    ("`cyton`", "electrodes"): "electrodes {0}",
    ("`cyton`", "calibrate"): "calibrate noise {0} --gains 24 --rates 250 --duration 10",
    ("`cyton-daisy`", "electrodes"): "electrodes {0}",
    ("`cyton-daisy`", "calibrate"): "calibrate noise {0} --gains 24 --rates 250 --duration 10",
}


def outcome(command: str, said: Said) -> str:
    """Return what a cell of the table says."""
    if said.code == 4 and "cannot" in said.err and "nothing was sent" in said.err:
        return "refused"
    assert said.code == 0, f"{command}: exit code {said.code}\n{said.out}\n{said.err}"
    if asked := re.search(r"is good: (\d+ of \d+ checks)", said.out):
        return f"partly: {asked[1]}"
    assert "not complete" not in said.out
    unchecked = "electrodes not checked" if "without a check of the electrodes" in said.err else ""
    stated = "scale is stated" if "the scale is stated" in said.out else ""
    loss = re.search(r"^loss is (.*?)(?:: .*)?$", said.out, re.MULTILINE)
    return partly(unchecked, stated, f"loss {loss[1]}" if loss else "")


def partly(*limits: str) -> str:
    """Return what a cell says of something that works, but for these."""
    said = "; ".join(filter(None, limits))
    return f"partly: {said}" if said else "works"


def on_machine(board: str, source: str) -> AbstractContextManager[Machine | None]:
    """Put the machine in front whose bus a board is on, if it is on one."""
    preset = ON_A_BUS.get(board)
    return nullcontext() if preset is None else machine(preset, source=source)


def cell(run: Run, name: str, board: str, there: Machine | None, folder: Path) -> str:
    """Do what a column names with a board, and return what the cell says."""
    address = BOARDS[board]
    if name == "desk":
        return partly(*on_a_desk(address, folder))
    if name == "session":
        address = address.replace("bench&", "")  # a bench sees no face
        plan = plan_for(address, folder)
        if there is not None:
            in_a_session(address, plan, there, folder)
            return "works"
    line = OWN.get((board, name), COMMANDS[name]).format(f"'{address}'", folder)
    said = outcome(line, run(line))
    if name == "session":
        assert all(level > 0 for level in mvc_levels(folder))
    return said


def made(run: Run, folder: Path, kept: Mapping[str, Mapping[str, str]]) -> str:
    """Run them all but what is kept by day, and return the table."""
    names = list(COMMANDS)
    lines = ["| board | " + " | ".join(f"`{name}`" for name in names) + " |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for board in BOARDS:
        cells = []
        for name in names:
            if (board, name) in NIGHTLY and not is_nightly():
                cells.append(kept[board][name])
                continue
            source = "face" if name == "session" else "silence"
            with on_machine(board, source) as there, short_of_losses():
                cells.append(cell(run, name, board, there, folder))
        lines.append(f"| {board} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cells_of(table: str) -> dict[str, dict[str, str]]:
    """Return the cells of a table by board and command."""
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    names = [name.strip("`") for name in rows[0][1:]]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows[1:]}


@pytest.mark.long
@pytest.mark.nightly
def test_the_document_has_what_each_command_does(shell: Run, tmp_path: Path) -> None:
    text = DOCUMENT.read_text("utf-8")
    found = _BLOCK.search(text)
    assert found is not None
    table = made(shell, tmp_path, cells_of(found[0]))
    expected = found[1] + table + found[2]
    if found[0] != expected:
        pytest.fail(f"docs/boards.md is not what the commands do; it should have\n{table}")
