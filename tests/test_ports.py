"""Ports of ours are this computer's unless told otherwise."""

import inspect
import socket
from dataclasses import fields

from emgrig.attach.control import serve_control
from emgrig.simulator.assembly import build_board
from emgrig.simulator.bench.server import BenchServer
from emgrig.simulator.control.port import ControlPort
from emgrig.simulator.options import SimOptions
from emgrig.simulator.serve import serve_tcp
from emgrig.tools.common.options import Served, host_port


def test_a_port_without_an_address_is_on_loopback() -> None:
    assert host_port(":4299") == ("127.0.0.1", 4299)
    assert host_port("0.0.0.0:4299") == ("0.0.0.0", 4299)  # told
    assert {one.name: one.default for one in fields(Served)}["host"] == "127.0.0.1"
    for serves in (serve_tcp, BenchServer, ControlPort, serve_control):
        assert inspect.signature(serves).parameters["host"].default == "127.0.0.1"


def test_a_simulator_listens_where_it_says() -> None:
    with serve_tcp(build_board(SimOptions())) as server:
        assert server.address == f"tcp://127.0.0.1:{server.port}"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as there:
            assert there.getpeername()[0] == "127.0.0.1"
