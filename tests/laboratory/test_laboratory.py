"""A coordinator and two exporters on loopback; one exporter is killed, one holder is killed."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emgrig.errors import ExitCode

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(
        not Path(sys.executable).with_name("labgrid-coordinator").exists(),
        reason="pip install 'emgrig[labgrid]'",
    ),
    pytest.mark.skipif(sys.platform != "linux", reason="labgrid is for Linux"),
]
PATIENCE_S = 400.0  #: Of everything here that has no limit of its own.

ENVIRONMENT = """
targets:
  main:
    resources:
      RemotePlace: {{name: {place}}}
    drivers:
      EmgrigDriver: {{wait_s: 5, outage_s: 2}}
      EmgrigStrategy: {{folder: {folder}}}
imports: [emgrig.labgrid.parts]
"""
TESTS = """
import pathlib, time

def test_it_records(lab_board, target, tmp_path):
    made = target.get_driver("EmgrigDriver").record(str(tmp_path / "a.bdf"), 0.5)
    assert made.totals.lost == 0
    assert made.n_samples == 500

def test_it_is_recorded_while_its_machine_dies(lab_board, target):
    strategy = target.get_driver("EmgrigStrategy", activate=False)
    strategy.transition("recording")
    while not strategy.driver.n_samples:
        time.sleep(0.05)
    pathlib.Path("records").touch()
    while not pathlib.Path("dead").exists():
        time.sleep(0.05)
    try:
        strategy.transition("connected")
    finally:
        target.deactivate(strategy.driver)

def test_nothing_while_somebody_has_it(lab_board):
    raise AssertionError("it cannot be had")

def test_its_product_fails(lab_board):
    assert lab_board.identity.serial_number == "another"
"""
HOLDER = (
    "import sys, time; from emgrig.labgrid.locks import held_place\n"
    "with held_place(sys.argv[1], wait_s=30): print('held', flush=True); time.sleep(600)"
)


def until(done: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, what
        time.sleep(0.2)


class Laboratory:
    """The processes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[str]] = {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.environment = {**os.environ, "LG_COORDINATOR": self.address}
        (folder / "coordinator").mkdir()
        self.start("coordinator", *self.command("coordinator"), "-l", self.address)
        until(lambda: self.client("places").returncode == 0, "no coordinator")
        for name in ("left", "right"):
            board = self.start(f"board {name}", sys.executable, "-m", "emgrig", "simulate",
                               "--tcp", "127.0.0.1:0", "--source", "silence")  # fmt: skip
            assert board.stdout is not None
            address = board.stdout.readline().strip()
            (folder / f"{name}.yaml").write_text(
                f"{name}:\n  EmgrigBoard:\n    address: {address}\n"
            )
            self.start(name, *self.command("exporter"), "-c", self.address, "-n", name,
                       str(folder / f"{name}.yaml"))  # fmt: skip
            self.client("-p", name, "create")
            self.client("-p", name, "add-match", f"{name}/{name}/EmgrigBoard")
        until(lambda: self.client("resources").stdout.count("EmgrigBoard") == 2, "no resources")

    @staticmethod
    def command(what: str) -> list[str]:
        return [str(Path(sys.executable).with_name(f"labgrid-{what}"))]

    def start(self, name: str, *command: str) -> "subprocess.Popen[str]":
        with (self.folder / f"{name}.log").open("w") as log:
            made = subprocess.Popen(
                command, env=self.environment, cwd=self.folder / "coordinator",
                stdout=subprocess.PIPE if "board" in name else log, stderr=log, text=True,
            )  # fmt: skip
        self.processes[name] = made
        return made

    def client(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.command("client"), *words], env=self.environment, capture_output=True,
            text=True, timeout=PATIENCE_S,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def is_held(self, place: str) -> bool:
        said = self.client("-p", place, "show").stdout
        (holder,) = re.findall(r"acquired: (.*)", said)
        return bool(holder != "None")

    def pytest(self, place: str, test: str) -> "subprocess.Popen[str]":
        folder = self.folder / f"run {place} {test}"
        folder.mkdir()
        (folder / "env.yaml").write_text(ENVIRONMENT.format(place=place, folder=folder))
        (folder / "test_board.py").write_text(TESTS)
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "emgrig.labgrid.pytest_parts", "-p",
             "no:cacheprovider", "--rootdir", str(folder), "--lg-env", "env.yaml", "--lab-wait",
             "3", "test_board.py", "-k", test],
            env=self.environment, cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ran(self, run: "subprocess.Popen[str]") -> tuple[int, str]:
        said = run.communicate(timeout=PATIENCE_S)[0]
        return run.returncode, said


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path_factory.mktemp("laboratory"))
    yield made
    for name in made.processes:
        made.kill(name)
    for process in made.processes.values():
        if process.stdout is not None:
            process.stdout.close()


def test_a_board_is_recorded_and_its_place_given_back(laboratory: Laboratory) -> None:
    code, said = laboratory.ran(laboratory.pytest("left", "test_it_records"))
    assert code == 0, said
    assert not laboratory.is_held("left")


def test_a_product_that_fails_is_no_infrastructure(laboratory: Laboratory) -> None:
    code, said = laboratory.ran(laboratory.pytest("left", "test_its_product_fails"))
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "1 failed" in said
    assert not laboratory.is_held("left")


def test_the_place_of_a_holder_that_was_killed_is_given_back(laboratory: Laboratory) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, "left"], env=laboratory.environment,
        stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            assert laboratory.is_held("left")
            code, said = laboratory.ran(laboratory.pytest("left", "while_somebody_has_it"))
        finally:
            holder.kill()
    assert code == ExitCode.INFRASTRUCTURE, said
    assert "already acquired" in said
    until(lambda: not laboratory.is_held("left"), "the place was not given back")


def test_an_exporter_that_is_killed_is_no_failure_of_the_board(laboratory: Laboratory) -> None:
    run = laboratory.pytest("right", "machine_dies")
    folder = laboratory.folder / "run right machine_dies"
    until((folder / "records").exists, "it does not record")
    laboratory.kill("right")
    laboratory.kill("board right")
    (folder / "dead").touch()
    code, said = laboratory.ran(run)
    assert code == ExitCode.INFRASTRUCTURE, said
    assert "1 infrastructure" in said
    assert "failed" not in said.splitlines()[-1]
    assert not laboratory.is_held("right")
    again = laboratory.pytest("right", "test_it_records")
    code, said = laboratory.ran(laboratory.pytest("left", "records"))
    assert code == 0, "the other board goes on: " + said
    code, said = laboratory.ran(again)
    assert code == ExitCode.INFRASTRUCTURE, said
    assert "was not to be had in 3 s" in said
    assert not laboratory.is_held("right")
