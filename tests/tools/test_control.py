"""`emgrig control`: a simulator that runs, through its control port."""

import json

import pytest

from emgrig.simulator.assembly import build_board
from emgrig.simulator.control.board import BoardControl
from emgrig.simulator.control.port import ControlPort
from emgrig.simulator.options import SimOptions
from emgrig.simulator.serve import serve_tcp
from shell import Run


def test_a_simulator_that_runs_is_changed_and_says_how_it_is(shell: Run) -> None:
    board = build_board(SimOptions(source="silence"))
    with (
        serve_tcp(board) as server,
        ControlPort(BoardControl(board, server, source="silence")) as port,
    ):
        said = shell(f"control {port.address} lift 3P --json")
        assert (said.code, said.err) == (0, "")
        assert json.loads(said.out)["lifted"] == ["3P"]
        assert "3P 10" in shell(f"control {port.address} contact 3P 10kohm").out
        assert json.loads(shell(f"control {port.address} speed max --json").out)["speed"] == "max"
        assert json.loads(shell(f"control {port.address} pause --json").out)["is_paused"]
        refused = shell(f"control {port.address} fault gremlins")
        assert refused.code == 2
        assert "no fault 'gremlins'" in refused.err
    gone = shell(f"control {port.address} status")
    assert (gone.code, gone.out) == (3, "")
    assert "no control port at" in gone.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("control :4399", "WORD"),
        ("control :4399 explode", "expected one of status, lift"),
        ("control :4399 lift", "expected lift ELECTRODE"),
        ("control :4399 contact 3P 10kV", "'kV'"),
        ("control 4399 status", "expected [HOST]:PORT"),
        ("simulate --tcp :0 --control x", "--control x"),
        ("simulate --tcp :0 --control 192.168.4.1:4399", "ssh tunnel"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(line: str, says: str, shell: Run) -> None:
    said = shell(line)
    assert said.code == 2
    assert says in said.err
