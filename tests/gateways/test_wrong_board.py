"""Every board behind every other board's address: one line each, and an end in time."""

import pytest

from emgrig.errors import ExitCode
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


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("cyton:", ExitCode.USAGE, "cyton:: no port named; expected as in cyton:///dev/ttyUSB0"),
        ("hackeeg://", ExitCode.USAGE, "no port named; expected as in hackeeg:///dev/ttyUSB0"),
        ("frames:?template=knight", ExitCode.USAGE, "no port named; expected as in frames:///"),
        ("cyton:///dev/no-such", ExitCode.LINK, "no such serial port; those here: "),
        ("frames:///dev/no-such?template=knight", ExitCode.LINK, "no such serial port; those"),
        ("hackeeg:///etc/hostname", ExitCode.LINK, "no such serial port; those here: "),
        ("cyton+tcp://127.0.0.1:9", ExitCode.LINK, "nobody listens there; is the board on"),
        ("spi:no-such", ExitCode.USAGE, "expected spi:pieeg, spi:pieeg-16, spi:ti-evm, or a dev"),
    ],
)
def test_a_port_that_is_not_there_is_one_line(
    line: str, code: ExitCode, words: str, shell: Run
) -> None:
    said = shell(f"info '{line}'")
    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert words in said.err
