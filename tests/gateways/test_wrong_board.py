"""Every board behind every other board's address: one line each, and an end in time."""

from collections.abc import Callable

import pytest

from emgrig.errors import ExitCode
from emgrig.gateways.meower.datagrams import Datagram, FramedPorts
from emgrig.simulator.transport import SimTransport
from shell import Run

QUERY = {
    "native": "firmware=native",
    "cyton": "firmware=cyton",
    "cyton-daisy": "firmware=cyton&chips=2",
    "hackeeg": "firmware=hackeeg",
    "meower": "firmware=meower&chips=2",
    "cerelog": "firmware=cerelog",
    "ardeeg": "firmware=ardeeg",
    "knight": "firmware=knight",
    "eegfrontier": "firmware=eegfrontier&channels=4",
}
TEMPLATES = ("cerelog", "ardeeg", "knight", "eegfrontier")
GATEWAYS = ("cyton", "hackeeg", "meower")
#: What happened, what was expected, and what to do: parts of every line.
HAPPENED = ("what comes is no", "nothing came", "nothing came back at all", "answered in 6 s")
TO_DO = ("is it ", "wrong ")


def address(asked: str, there: str) -> str:
    place = f"sim:bench&seed=3&{QUERY[there]}"
    if asked in TEMPLATES:
        return f"frames+{place}?template={asked}"
    return f"{asked}+{place}" if asked in GATEWAYS else place


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["native", *GATEWAYS, *TEMPLATES])
def test_another_board_behind_the_right_port_is_one_line(asked: str, shell: Run) -> None:
    others = [one for one in QUERY if one.removesuffix("-daisy") != asked]
    for there in others:
        said = shell(f"info '{address(asked, there)}'")
        case = f"{asked} at {there}: {said.err}"
        assert said.code == ExitCode.LINK, case
        assert said.out == "", case
        assert said.err.count("\n") == 1, case
        assert said.err.startswith(f"error: {address(asked, there)}: "), case
        assert any(words in said.err for words in HAPPENED), case
        assert any(words in said.err for words in TO_DO), case
        assert "Traceback" not in said.err


#: What an older (or newer) firmware says instead, and the line that says what to do.
OLD: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "native, older": (
        "sim:bench&seed=3",
        lambda data: data.replace(b"\xa5\x5a\x01", b"\xa5\x5a\x00"),
        "version 0 of the board link, this program version 1: update the board's firmware",
    ),
    "native, newer": (
        "sim:bench&seed=3",
        lambda data: data.replace(b"\xa5\x5a\x01", b"\xa5\x5a\x02"),
        "version 2 of the board link, this program version 1: update emgrig",
    ),
    "cyton": (
        address("cyton", "cyton"),
        lambda data: data.replace(b"v3.1.5", b"v2.0.1"),
        "this Cyton has firmware 2.0.1; its letters are known here from 3.0.0 on: update it",
    ),
    "hackeeg": (
        address("hackeeg", "hackeeg"),
        lambda _: b"406 Error: Unrecognized command.\r\n\r\n",
        "older firmware, which knows no JSON Lines; load version v0.3.x",
    ),
    "meower": (
        address("meower", "meower"),
        lambda _: b"ERR: got unknown family\r\n",
        "no Meower, or has another firmware: update it to that of October 2025",
    ),
    "eegfrontier": (
        address("eegfrontier", "eegfrontier"),
        lambda data: data.replace(b"\x01\x01", b"\x01\x02"),
        "another firmware",
    ),
}


@pytest.mark.parametrize("board", OLD)
def test_an_older_firmware_is_one_line_that_says_what_to_do(
    board: str, monkeypatch: pytest.MonkeyPatch, shell: Run
) -> None:
    line, says, words = OLD[board]
    read, receive = SimTransport.read, FramedPorts.receive

    def old(self: SimTransport, max_bytes: int, /, *, timeout_s: float) -> bytes:
        return says(read(self, max_bytes, timeout_s=timeout_s))

    def old_datagrams(self: FramedPorts, *, timeout_s: float) -> list[Datagram]:
        came = receive(self, timeout_s=timeout_s)
        return [one._replace(payload=says(one.payload)) for one in came]

    if board == "meower":
        monkeypatch.setattr(FramedPorts, "receive", old_datagrams)
    else:
        monkeypatch.setattr(SimTransport, "read", old)
    said = shell(f"info '{line}'")
    assert (said.code in (ExitCode.LINK, ExitCode.DEVICE), said.out) == (True, ""), said.err
    assert said.err.count("\n") == 1, said.err
    assert words in said.err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("cyton:", ExitCode.USAGE, "cyton:: no port named; expected as in cyton:///dev/ttyUSB0"),
        ("hackeeg://", ExitCode.USAGE, "no port named; expected as in hackeeg:///dev/ttyUSB0"),
        ("frames:?template=knight", ExitCode.USAGE, "no port named; expected as in frames:///"),
        ("cyton:///dev/no-such", ExitCode.LINK, "cyton:///dev/no-such: no such serial port; those"),
        (
            "frames:///dev/no-such?template=knight",
            ExitCode.LINK,
            "frames:///dev/no-such?template=knight: no such serial port; those",
        ),
        ("hackeeg:///etc/hostname", ExitCode.LINK, "hackeeg:///etc/hostname: no such serial port"),
        (
            "cyton+tcp://127.0.0.1:9",
            ExitCode.LINK,
            "cyton+tcp://127.0.0.1:9: connection refused: nobody",
        ),
        ("spi:no-such", ExitCode.USAGE, "expected spi:pieeg, spi:pieeg-16, spi:ti-evm, or a dev"),
    ],
)
def test_a_port_that_is_not_there_is_one_line(
    line: str, code: ExitCode, words: str, shell: Run
) -> None:
    said = shell(f"info '{line}'")
    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert words in said.err
