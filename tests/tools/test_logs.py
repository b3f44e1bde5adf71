"""-v and --log: what happens, on the terminal and in a file."""

import logging
import socket
from pathlib import Path

import pytest

from emgrig.driver.transports.tcp import TcpTransport
from emgrig.errors import TransportError
from emgrig.tools.common import logs
from shell import Run


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


def test_more_is_said_when_it_is_asked_for(run: Run) -> None:
    assert run("info sim:channels=4").err == ""
    assert "INFO emgrig.driver" in run("info sim:channels=4 -v").err
    said = run("registers read sim:channels=4 ID -vv")
    assert "DEBUG emgrig.driver" in said.err
    assert "ID" in said.out
    assert run("info sim:channels=4").err == "", "the next command is as quiet as before"


def test_a_log_has_each_exchange_and_what_ended_it(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "emgrig.log"
    assert run(f"info sim:channels=4 --log {kept}").err == ""
    assert run(f"info tcp://127.0.0.1:1 --log {kept}").code == 3
    text = kept.read_text("utf-8")
    assert f"emgrig.tools.common.logs: emgrig {version()}: info sim:channels=4" in text
    assert "READ_REGISTERS" in text
    assert "TransportError" in text
    assert all(line[:2] == "20" for line in text.splitlines() if "DEBUG" in line)


def version() -> str:
    from emgrig.version import __version__

    return __version__


def test_a_log_that_cannot_be_written_is_said_before_anything_is_sent(
    run: Run, tmp_path: Path
) -> None:
    said = run(f"info sim: --log {tmp_path / 'none' / 'x.log'}")
    assert said.code == 5
    assert "cannot write" in said.err


def test_no_handler_is_left_open(run: Run, tmp_path: Path) -> None:
    run(f"info sim:channels=4 --log {tmp_path / 'a.log'}")
    run("--version")
    files = [one for one in logging.getLogger().handlers if isinstance(one, logging.FileHandler)]
    assert not [one for one in files if one.baseFilename.startswith(str(tmp_path))]


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_wait_for_a_board_is_told_once_beside_the_results(
    verbose: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also with -v, which shows what is logged; not before the port is had."""
    logs.set_up()
    logs._more(verbose)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TransportError, match="cannot listen"):
            TcpTransport(f"tcp-listen://127.0.0.1:{port}", timeout_s=0.01)
        assert "waiting" not in capfd.readouterr().err
    with pytest.raises(TransportError, match="no board connected"):
        TcpTransport(f"tcp-listen://127.0.0.1:{port}", timeout_s=0.01)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", f"waiting for a board on port {port}, 0.01 s\n")
    logs.set_up()
