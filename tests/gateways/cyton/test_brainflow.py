"""The twin, held by somebody else's program: BrainFlow 5.23.0 over a pseudo-terminal.

It is installed from the registry into a folder of its own; where it cannot be reached these tests
are skipped, and say so. What is BrainFlow's own fault is pinned here, with its version.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.simulator.assembly import build_board
from emgrig.simulator.options import parse_query
from emgrig.simulator.serve import serve_pty
from gateways.cyton.cytons import codes_of, mean

pytestmark = [pytest.mark.slow, pytest.mark.long]

VERSION = "5.23.0"
CLIENT = Path(__file__).with_name("brainflow_client.py")


@pytest.fixture(scope="module")
def brainflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not hasattr(os, "openpty"):
        pytest.skip("this system has no pseudo-terminals")
    folder = tmp_path_factory.mktemp("brainflow")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--no-compile", "--target", str(folder)]
    done = subprocess.run(
        [*command, f"brainflow=={VERSION}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or "pip failed").splitlines()[-1]
        pytest.skip(f"cannot be installed here: {said}")
    return folder


@dataclass(frozen=True)
class Taken:
    """What BrainFlow said, and the codes that the twin's chips gave, packet by packet."""

    uv: NDArray[np.float64]  #: Shape (n_samples, n_channels).
    number: NDArray[np.int64]
    answers: list[str]
    codes: list[list[int]]


def taken(folder: Path, out: Path, board: str, n_samples: int, *commands: str) -> Taken:
    chips = 2 if board == "cyton-daisy" else 1
    query = f"bench&source=sine:3mV,7Hz&firmware=cyton&seed=5&chips={chips}"
    twin = build_board(parse_query(query))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    with serve_pty(twin, speed=8.0) as server:
        port = server.address.removeprefix("serial://")
        arguments = [port, board, str(n_samples), ",".join(commands), str(out / "taken.npz")]
        subprocess.run(
            [sys.executable, "-W", "ignore", str(CLIENT), *arguments],
            env=environment, check=True, timeout=60,
        )  # fmt: skip
        sent = list(twin.firmware.sending.sent)
    with np.load(out / "taken.npz") as found:
        return Taken(
            found["uv"].T,
            found["number"].astype(np.int64),
            found["answers"].tolist(),
            [codes_of(frame) for _, frame in sent],
        )


def test_values_numbers_and_gains_are_those_of_the_chip(brainflow: Path, tmp_path: Path) -> None:
    """Within half a code, and none missing; gain 2 and 12 by x…X, 24 else."""
    said = taken(brainflow, tmp_path, "cyton", 1500, "x1010110Xx2050110X")
    assert said.answers == ["Success: Channel set for 1$$$Success: Channel set for 2$$$"]
    n = len(said.number)
    assert n >= 1500
    assert said.number.tolist() == [k % 256 for k in range(n)]
    code_uv = 4.5e6 / 2**23 / np.array([2, 12, 24, 24, 24, 24, 24, 24])
    expected = np.array(said.codes[:n]) * code_uv
    assert (np.abs(said.uv - expected) <= 0.5 * code_uv).all()
    assert (np.ptp(said.uv[500:], axis=0) > 1000).all()  # not nothing


def test_a_daisys_values_are_the_means_and_the_first_is_wrong(
    brainflow: Path, tmp_path: Path
) -> None:
    """A fault of the firmware's that BrainFlow hands on: the first Daisy sample is half of it."""
    said = taken(brainflow, tmp_path, "cyton-daisy", 600, "xQ020110X")
    n, codes = len(said.number), said.codes
    assert said.number.tolist() == [2 * k % 256 for k in range(n)]
    code_uv = 4.5e6 / 2**23 / np.array([24.0] * 8 + [4.0] + [24.0] * 7)
    expected = []
    for k in range(n):
        before = codes[2 * k - 1][8:] if k else [0] * 8
        own = [mean(*pair) for pair in zip(codes[2 * k][:8], codes[2 * k + 1][:8], strict=True)]
        daisy = [mean(*pair) for pair in zip(before, codes[2 * k][8:], strict=True)]
        expected.append(own + daisy)
    assert (np.abs(said.uv - np.array(expected) * code_uv) <= 0.5 * code_uv).all()
    np.testing.assert_allclose(said.uv[0, 8:], np.array(codes[0][8:]) * code_uv[8:] / 2, atol=1)


def test_brainflow_keeps_a_gain_that_the_board_has_lost(brainflow: Path, tmp_path: Path) -> None:
    """BrainFlow 5.23.0: ~ puts all gains back to 24; what it says stays scaled by the old one."""
    said = taken(brainflow, tmp_path, "cyton", 300, "x1000110X", "~6")
    assert said.answers[1] == "Success: Sample rate is 250Hz$$$"
    own_uv = np.array([codes[0] for codes in said.codes[: len(said.uv)]]) * 4.5e6 / 2**23 / 24
    np.testing.assert_allclose(said.uv[:, 0], 24 * own_uv, rtol=1e-5)
