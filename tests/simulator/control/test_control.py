"""The control port: a board is changed while somebody streams, on virtual time; then the port."""

import json
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.board import Board
from emgrig.errors import TransportError, WireError
from emgrig.simulator.assembly import build_board
from emgrig.simulator.control import client, words
from emgrig.simulator.control.board import BoardControl
from emgrig.simulator.control.port import ControlPort, check_host
from emgrig.simulator.options import MAX_SPEED, SimOptions, parse_query
from emgrig.simulator.serve import serve_tcp
from emgrig.simulator.transport import SimTransport
from emgrig.tools.control.command import request_of

DEADLINE_S = 300.0


def control_of(query: str = "") -> tuple[SimTransport, BoardControl]:
    transport = SimTransport(query)
    options = parse_query(query)
    return transport, BoardControl(transport.board, source=options.source, seed=options.seed)


def do(control: words.Controlled, line: str) -> dict[str, object]:
    """Ask as the command line does."""
    return words.answer(control, json.dumps(request_of(line.split())).encode())


def streamed(query: str, *lines: str) -> list[np.ndarray]:
    """Stream a second, do what a line says, stream another, and so on; volts of each second."""
    transport, control = control_of(query)
    seconds: list[list[np.ndarray]] = [[] for _ in range(len(lines) + 1)]
    with Board(transport) as board:
        board.apply("facial-emg")
        with board.stream(duration_s=1.5 * len(lines) + 1) as stream:
            begin_s = transport.clock.now_s()
            done = 0
            for block in stream:
                since_s = transport.clock.now_s() - begin_s
                if done < len(lines) and since_s > 1.5 * (done + 1) - 0.25:
                    assert do(control, lines[done])["ok"]
                    done += 1
                elif since_s % 1.5 < 1.25:
                    seconds[done].append(block.volts)
    assert all(seconds)
    return [np.concatenate(blocks) for blocks in seconds]


@pytest.mark.slow
def test_a_source_is_changed_under_way() -> None:
    before, after = streamed("source=sine:1mV,80Hz&seed=3", "source silence")
    assert np.ptp(before[:, 0]) > 1.5e-3  # 1 mV up and 1 mV down
    assert np.ptp(after[-200:, 0]) < 0.5e-3


@pytest.mark.slow
def test_an_electrode_is_lifted_and_put_back_under_way() -> None:
    first, lifted, back = streamed("source=silence&seed=3", "lift 3P", "contact 3P 10kohm")
    quiet, there, again = (float(np.std(volts[-200:, 2])) for volts in (first, lifted, back))
    # an open input takes the mains' current on a resistance a thousand times as large
    assert there > 20 * quiet
    assert again < 5 * quiet
    assert np.std(lifted[-200:, 1]) < 5 * np.std(first[-200:, 1])


def test_a_fault_comes_when_it_is_asked_for() -> None:
    transport, control = control_of("source=silence")
    with Board(transport) as board:
        board.apply("facial-emg")
        with board.stream(duration_s=1) as stream:
            assert sum(block.lost_before for block in stream) == 0
        assert do(control, "fault reads-missed:rate=0.2")["ok"]
        with board.stream(duration_s=1) as stream:
            lost = sum(block.lost_before for block in stream)
    assert 150 < lost < 250
    assert "reads-missed" in str(control.status()["faults"])


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, '"do" is None'),
        ({"do": "explode"}, "there are status, lift"),
        ({"do": ["lift"]}, "there are status, lift"),
        ({"do": "lift"}, 'expected "electrode", found nothing'),
        ({"do": "lift", "electrode": 3}, "expected a text"),
        ({"do": "lift", "electrode": "3"}, "as 3P or 3N"),
        ({"do": "lift", "electrode": "99P"}, "99"),
        ({"do": "contact", "electrode": "3P", "kohm": True}, "expected a number"),
        ({"do": "contact", "electrode": "3P", "kohm": -1}, "above 0"),
        ({"do": "fault", "fault": "gremlins"}, "no fault 'gremlins'"),
        ({"do": "fault", "fault": "miso-high:rate=2"}, "no parameter"),
        ({"do": "fault", "fault": "clock-wrong"}, "say it at the start"),
        ({"do": "source", "source": "noise?"}, "noise"),
        ({"do": "speed", "speed": "fast"}, "expected real, max"),
        ({"do": "speed", "speed": 2}, "nobody serves"),
        ({"do": "pause", "for": 1}, "expected nothing else, found for"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line_and_changes_nothing(
    request_: dict[str, object], says: str
) -> None:
    _, control = control_of("source=silence")
    before = control.status()
    said = words.answer(control, json.dumps(request_).encode())
    assert said["ok"] is False
    assert says in str(said["error"])
    assert "\n" not in str(said["error"])
    assert control.status() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside),
    max_leaves=6,
)
REQUESTS = st.fixed_dictionaries(
    {"do": st.sampled_from([*words.DEEDS]) | JSON},
    optional=dict.fromkeys(("electrode", "kohm", "fault", "source", "speed"), JSON),
)
LINES = st.binary(max_size=99) | (REQUESTS | JSON).map(lambda made: json.dumps(made).encode())


@pytest.mark.slow
@given(LINES)
def test_no_line_does_harm(line: bytes) -> None:
    kept = Kept()
    try:
        said = words.answer(kept, line)
    except words.NotUnderstood:
        assert not kept.asked
        return
    assert said["ok"] is not bool(said.get("error"))
    json.dumps(said, allow_nan=True)


# ---- the port -----------------------------------------------------------------------------------


class Kept:
    """Keeps what was asked for (implements `Controlled`)."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def status(self) -> dict[str, object]:
        return {"asked": len(self.asked)}

    def contact(self, electrode: str, kohm: float | None) -> None:
        self.asked.append((electrode, kohm))

    def fault(self, text: str) -> None:
        self.asked.append(text)

    source = fault

    def speed(self, speed: float) -> None:
        self.asked.append(speed)

    def pause(self, *, is_paused: bool) -> None:
        self.asked.append(is_paused)


def test_the_command_line_s_words_come_through_the_port() -> None:
    kept = Kept()
    with ControlPort(kept) as port:
        for line in ("lift 3P", "contact 8N 10kohm", "contact 1P 500ohm", "fault miso-high"):
            client.ask(port.address, request_of(line.split()), timeout_s=DEADLINE_S)
        for line in ("source silence", "speed max", "speed 2", "pause", "resume"):
            client.ask(port.address, request_of(line.split()), timeout_s=DEADLINE_S)
        status = client.ask(port.address, {"do": "status"}, timeout_s=DEADLINE_S)
    assert status == {"asked": 9}
    assert kept.asked == [
        ("3P", None), ("8N", 10.0), ("1P", 0.5), "miso-high", "silence", MAX_SPEED, 2.0, True,
        False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + b'{"do": "pause"}\n',
        b"[" * 100_000 + b"\n",
        b"x" * 200_000,
        b"\xff\xfe\n",
        b"3\n",
    ],
)
def test_who_speaks_something_else_is_let_go_at_once_and_others_go_on(sent: bytes) -> None:
    kept = Kept()
    with ControlPort(kept) as port:
        host, _, number = port.address.rpartition(":")
        with socket.create_connection((host, int(number)), timeout=DEADLINE_S) as link:
            said = bytearray()
            try:
                link.sendall(sent)
                while piece := link.recv(1 << 16):
                    said += piece
            except ConnectionError:
                pass  # it hung up in mid-sentence
        assert b'"ok": true' not in said
        client.ask(port.address, {"do": "pause"}, timeout_s=DEADLINE_S)
    assert kept.asked == [True]


@pytest.mark.slow
def test_nobody_and_somebody_else_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ValueError, match="no control port"):
            client.ask(f"{port}", {"do": "status"})
    with pytest.raises(TransportError, match="no control port at"):
        client.ask(f"127.0.0.1:{port}", {"do": "status"}, timeout_s=DEADLINE_S)
    with (
        serve_tcp(build_board(SimOptions(source="silence"))) as board,
        pytest.raises((WireError, TransportError)),
    ):
        client.ask(f"127.0.0.1:{board.port}", {"do": "status"}, timeout_s=0.5)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.4.1", "example.org", "127.0.0.1.x"])
def test_it_is_this_computer_s_only(host: str) -> None:
    with pytest.raises(ValueError, match="ssh tunnel"):
        check_host(host)
    check_host("127.0.0.2")
    check_host("::1")


def test_time_stands_still_while_it_is_paused_and_goes_on() -> None:
    board = build_board(SimOptions(source="silence"))
    with serve_tcp(board) as server:
        control = BoardControl(board, server, source="silence")
        do(control, "pause")
        then_s = board.now_s
        server._clock._host_start_s -= 5.0  # five seconds pass on the host
        with server.lock:
            server._step([])
        assert board.now_s == then_s
        do(control, "speed 10")
        assert control.status()["speed"] == 10.0
        assert control.status()["is_paused"] is True
        do(control, "resume")
        server._clock._host_start_s -= 5.0
        with server.lock:
            server._step([])
        assert board.now_s - then_s == pytest.approx(50.0, abs=10.0)
