"""The fixture `bench`, in a firmware project's own pytest."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from emgrig.attach import pytest_bench
from emgrig.attach.pytest_entry import MARKER

pytestmark = pytest.mark.slow

IS_INSTALLED = any(one.name == "emgrig-attach" for one in entry_points(group="pytest11"))
PLUGIN = "emgrig-attach" if IS_INSTALLED else "emgrig.attach.pytest_entry"

TESTS = """
import pytest
from emgrig.attach.report.make import make_report

def setup(bench, hold_s=3e-6):
    bench.advance(0.2)
    for sent in (b"\\x11", b"\\x43\\x00\\xe0", b"\\x45\\x07" + b"\\x60" * 8, b"\\x08", b"\\x10"):
        bench.select()
        bench.exchange(sent)
        bench.advance(hold_s)
        bench.deselect()
        bench.advance(1e-3)

def test_right(bench):
    setup(bench)
    assert bench.options.processor.name == "mcu"

@pytest.mark.emgrig_bench(source="silence", channels=4, chips=2, processor="linux", seed=3)
def test_options(bench):
    assert (bench.n_chips, bench.options.chips[1].channels, bench.options.seed) == (2, 4, 3)
    assert bench.options.processor.name == "linux"
    setup(bench)

def test_too_early(bench):
    setup(bench, hold_s=0.0)

@pytest.mark.emgrig_bench(allow="tSCCS")
def test_allowed(bench):
    setup(bench, hold_s=0.0)

@pytest.mark.emgrig_bench(enforce=False)
def test_harmless(bench):
    setup(bench, hold_s=0.0)

def test_own_failure(bench):
    setup(bench, hold_s=0.0)
    assert bench.pin("DRDY") == 7

def test_nothing(bench):
    pass

@pytest.mark.emgrig_bench(colour="red")
def test_unknown(bench):
    pass

@pytest.mark.emgrig_bench(allow="tSCSC")
def test_allows_what_is_not(bench):
    pass

def test_without():
    pass
"""
EXPECTED = {
    "test_right": "",
    "test_options": "",
    "test_too_early": "tSCCS: CS went high 0.70 µs",
    "test_allowed": "",
    "test_harmless": "",
    "test_own_failure": "assert",
    "test_nothing": "nothing attached: no chip was ever selected",
    "test_unknown": f"{MARKER}: no 'colour'; there are chips, channels",
    "test_allows_what_is_not": "'tSCSC', which is no rule or cause",
    "test_without": "",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ET.Element]:
    """What pytest said in a folder that holds such tests alone, and its JUnit file."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_firmware.py").write_text(TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider",
         f"--junitxml={folder / 'junit.xml'}", str(folder)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ran.stdout + ran.stderr, ET.parse(folder / "junit.xml").getroot()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_test_fails_with_the_cause_or_passes(project: tuple[str, ET.Element], name: str) -> None:
    said, root = project
    case = next((one for one in root.iter("testcase") if one.get("name") == name), None)
    assert case is not None, said
    failures = [*case.findall("failure"), *case.findall("error")]
    words = " ".join((one.get("message") or "") + (one.text or "") for one in failures)
    assert bool(failures) == bool(EXPECTED[name]), words
    assert EXPECTED[name] in words
    if EXPECTED[name].startswith(("tSCCS", "nothing")):
        assert case.find("failure") is not None  # the test's own failure, not its teardown's


def test_the_report_is_shown_with_a_failure_and_in_the_junit_file(
    project: tuple[str, ET.Element],
) -> None:
    said, root = project
    assert said.count("Captured emgrig attach call") == 3
    assert "fix: keep CS low for 4 tCLK" in said
    case = next(one for one in root.iter("testcase") if one.get("name") == "test_right")
    (told,) = [one.get("value") for one in case.iter("property")]
    assert told is not None
    assert told.startswith("attach: CLEAN - SIMULATED, test_right: ")


def test_the_marker_has_one_name() -> None:
    assert pytest_bench.MARKER == MARKER


def test_what_is_not_asked_for_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_plain():\n"
        "    mine = [one for one in sys.modules if one.startswith('emgrig.attach')]\n"
        "    assert sorted(mine) == ['emgrig.attach', 'emgrig.attach.pytest_entry']\n"
        "    assert 'numpy' not in sys.modules\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:hypothesispytest"]
    ran = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
