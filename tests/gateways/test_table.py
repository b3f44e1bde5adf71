"""Each command on each board's twin: what works, partly, or is refused; docs/boards.md has it.

A test that fails prints the table that the document should have. What takes long over a simulated
bus is run by `make nightly`.
"""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from bringup_runs import short_of_losses
from gateways.spi.machine import machine
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
MACHINES = {
    "`spi:pieeg`": partial(machine, "pieeg", source="silence"),
    "`spi:pieeg-16`": partial(machine, "pieeg-16", source="silence"),
}
#: What by day is left as the document has it: a bring-up over a simulated bus takes 20 s.
NIGHTLY = {
    ("`spi:pieeg`", "bringup"),
    *(
        ("`spi:pieeg-16`", name)
        for name in ("bringup", "record", "calibrate", "electrodes", "record --profile")
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
    stated = "scale is stated" if "the scale is stated" in said.out else ""
    loss = re.search(r"^loss is (.*?)(?:: .*)?$", said.out, re.MULTILINE)
    limits = "; ".join(filter(None, [stated, f"loss {loss[1]}" if loss else ""]))
    return f"partly: {limits}" if limits else "works"


def made(run: Run, folder: Path, kept: Mapping[str, Mapping[str, str]]) -> str:
    """Run them all but what is kept by day, and return the table."""
    names = list(COMMANDS)
    lines = ["| board | " + " | ".join(f"`{name}`" for name in names) + " |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for board, address in BOARDS.items():
        cells = []
        for name in names:
            if (board, name) in NIGHTLY and not is_nightly():
                cells.append(kept[board][name])
                continue
            line = OWN.get((board, name), COMMANDS[name]).format(f"'{address}'", folder)
            with MACHINES.get(board, nullcontext)(), short_of_losses():
                cells.append(outcome(line, run(line)))
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
