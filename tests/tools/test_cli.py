"""The command line, as a shell sees it: what it prints, and its exit codes."""

import itertools
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emgrig.connect import GATEWAYS
from emgrig.tools import cli
from emgrig.tools.common import boards
from shell import Run

RESET_DUMP = "3E 96 C0 60 00 61 61 61 61 61 61 61 61 00 00 00 00 00 00 00 0F 00 00 00"


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


def test_info_says_who_is_there(run: Run) -> None:
    said = run("info sim:seed=7 --json")
    facts = json.loads(said.out)
    assert said.code == 0
    assert facts["serial_number"] == "SIM-0007"
    assert facts["simulated"] is True
    assert facts["chips"] == ["3Eh, 8 channels"]
    assert [row["mux"] for row in facts["channels"]] == ["shorted"] * 8
    assert "SIM-0007" in run("info sim:seed=7").out


def test_registers_are_dumped_as_the_data_sheet_resets_them(run: Run) -> None:
    assert run("registers dump sim: --hex").out.strip() == RESET_DUMP
    table = run("registers dump sim:").out
    assert "CONFIG3" in table
    assert "PD_REFBUF=external" in table
    rows = json.loads(run("registers dump sim: --json").out)[0]["registers"]
    assert len(rows) == 24


def test_one_register_is_read_by_name_and_by_address(run: Run) -> None:
    assert "61h" in run("registers read sim: CH1SET").out
    by_address = json.loads(run("registers read sim: 0x05 2 --json").out)
    assert [row["register"] for row in by_address] == ["CH1SET", "CH2SET"]


def test_a_write_is_proved_and_told(run: Run) -> None:
    said = run("registers write sim: CONFIG3=E0 CH1SET=0x60")
    assert said.code == 0
    assert "PD_REFBUF: external -> internal" in said.out
    assert said.out.endswith("2 written and proved by read-back (SIMULATED)\n")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ID=55", "ID is read-only"),
        ("LOFF_STATP=01", "LOFF_STATP is read-only"),
        ("CONFIG3=E1", "bits 00000001 are read-only and must be 0"),
        ("MISC2=01", "bit 0 is reserved and must be 0"),
        ("CH1SET=70", "reserved code 7"),
        ("CH1SET=60 05h=61", "CH1SET is given twice"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anybody_is_asked(
    run: Run, given: str, words: str
) -> None:
    said = run(f"registers write tcp://127.0.0.1:1 {given}")  # nobody listens there
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_force_lets_reserved_bits_through_and_says_what_was_not_proved(run: Run) -> None:
    said = run("registers write sim: MISC2=01 --force")
    assert "1 written and proved by read-back, but for reserved bits (SIMULATED)" in said.out
    assert run("registers write sim: ID=55 --force").code == 2
    assert "4 channels" in run("registers write sim:channels=4 CH8SET=60").err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("registers write sim: CH1SET=70", 2, "reserved code 7"),
        ("registers write sim: CH1SET", 2, "REGISTER=BYTE"),
        ("registers read sim: FOO", 2, "there is no register 'FOO'"),
        ("registers read sim: CH1SET --chip 2", 2, "there is no chip 2"),
        ("registers decode xyz", 2, "not a dump of hexadecimal bytes"),
        ("registers decode 3E96", 2, "24 bytes"),
        ("info nowhere:", 2, "tcp://"),
        ("info tcp://127.0.0.1:9", 3, "refused"),
        ("info 'sim:fault=miso-high'", 4, "MISO floats high"),
        ("info 'sim:fault=none-such'", 2, "miso-low"),
        ("info replay:no-such.capture", 5, "no-such.capture"),
        ("record sim: -o no-such-folder/a.bdf", 5, "does not exist"),
        ("record sim: -o a.txt", 2, ".bdf"),
        ("record sim: -o a.bdf --profile facial-emgg", 2, "did you mean 'facial-emg'"),
        ("convert no-such.capture", 5, "there is no capture no-such.capture"),
        ("simulate --tcp :99999", 2, "PORT"),
        ("simulate", 2, "--tcp"),
        ("simulate --tcp :0 --channels 7", 2, "4, 6 or 8"),
        ("simulate --tcp :0 --source face2", 2, "no source"),
        ("simulate --tcp :0 --fault packets-lost:rate=2", 2, "0 to 1"),
    ],
)
def test_what_goes_wrong_is_one_line_with_an_exit_code(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(line)
    assert said.code == code
    assert words in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == [], "something was left behind"


@pytest.mark.slow
def test_a_reference_that_is_off_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("record sim: -o off.bdf --duration 0.5 --profile keep")
    assert said.code == 0
    assert "reference is off" in said.err
    assert "reference is off" not in run("record sim: -o on.bdf --duration 0.5").err


def test_diff_is_an_exit_code(run: Run) -> None:
    assert run("registers diff sim:").code == 0
    said = run("registers diff sim: facial-emg --json")
    assert said.code == 1
    fields = {row["field"] for row in json.loads(said.out)}
    assert {"GAIN1", "MUX1", "PD_REFBUF"} <= fields


def test_a_dump_is_explained_without_a_board(run: Run) -> None:
    said = run(f'registers decode "{RESET_DUMP.replace("61", "70", 1)}"')
    assert said.code == 0
    assert "problem: CH1SET = 70h" in said.out
    assert "shifted" in run(f'registers decode "{RESET_DUMP.replace("3E", "1F")}"').out


@pytest.mark.slow
def test_a_recording_is_made_and_converted_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = json.loads(run("record sim: -o a.bdf --duration 1 --json").out)
    assert made["n_samples"] == 1000
    assert made["account"]["received"] == 1000 + made["account"]["unused"]
    assert made["files"] == ["a.capture", "a.bdf", "a.json"]
    first = Path("a.bdf").read_bytes()
    assert run("record sim: -o a.bdf --duration 1").code == 5
    asked = run("bringup replay:a.capture")
    assert asked.code == 2
    assert "a replay answers with what it recorded; bring-up needs a board" in asked.err
    assert not asked.out
    cannot = json.loads(run("info replay:a.capture --json").out)["cannot"]
    assert any("no other settings than those recorded" in one for one in cannot)
    assert json.loads(run("info sim: --json").out)["cannot"] == []
    assert run("convert a.capture").code == 5
    assert run("convert a.capture --overwrite").code == 0
    assert Path("a.bdf").read_bytes() == first
    assert "1000 samples recorded; nothing lost" in run("convert a.capture -o b.bdf").out


def test_every_fault_is_listed(run: Run) -> None:
    faults = json.loads(run("simulate --list-faults --json").out)
    assert len(faults) > 20
    assert {f["name"]: (f["found_by"], f["cause"]) for f in faults}["packets-lost"] == (
        "B8",
        "link-loss",
    )
    assert all(f["effect"] for f in faults)


def test_help_teaches_addresses_and_exit_codes(run: Run) -> None:
    said = run("--help").out
    assert "Exit codes" in said
    ours = set(GATEWAYS.names()) - {"socket", "rfc2217", "loop", "hwgrep"}  # pyserial's
    assert {"sim", "cyton", "spi"} < ours
    for scheme in ours:  # "cyton:///dev/ttyUSB0  an OpenBCI Cyton …"
        assert re.search(rf"^\W*{scheme}:\S*  \S", said, re.MULTILINE), scheme


#: Those whose line in the list is the first sentence of their help.
_SAME_WORDS = {
    *("convert", "demo", "info", "plot", "profiles", "record", "registers", "simulate"),
}


def test_the_list_of_commands_says_what_the_command_says_or_less() -> None:
    """It is written apart, since none of them is imported for it."""
    for name, later in cli.LATER.items():
        about = later.load(name).help.split("\n\n")[0].replace("\n", " ")
        assert later.help.endswith("."), name
        assert (later.help == about) == (name in _SAME_WORDS), name
        assert len(later.help) <= max(50, len(about)), name


@pytest.mark.parametrize(
    ("said", "meant"), [("brinup", "bringup"), ("recrod", "record"), ("registrs", "registers")]
)
def test_a_command_that_is_misspelt_is_told_the_nearest_of_all(
    run: Run, said: str, meant: str
) -> None:
    told = run(said)
    assert told.code == 2
    assert f"Did you mean '{meant}'" in told.err


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80])
def test_help_is_wrapped_once(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """No line of a description ends before the next line's first word would not fit."""
    monkeypatch.setenv("COLUMNS", str(columns))
    names = [*cli.LATER, "calibrate noise"]
    for name in names:
        about = run(f"{name} --help").out.partition("Usage:")[2].partition("\u256d")[0]
        lines = [line.strip() for line in about.splitlines()]
        lines = lines[lines.index("") :]  # what follows how it is called
        for line, after in itertools.pairwise(lines):
            if line and after:
                room = columns - 2 - len(line)
                assert room <= len(after.split()[0]), f"{name}: {line!r} and then {after!r}"


def test_help_answers_without_the_heavy_imports() -> None:
    code = (
        "import sys, emgrig.tools.cli; "
        "heavy = {'scipy', 'matplotlib', 'edfio', 'mne', 'pytest', 'pydantic'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_help_of_every_command_and_a_wrong_name_come_before_the_heavy_imports() -> None:
    """By what is loaded, since time depends on the machine."""
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_WORDS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


_FIRST_WORDS = """
import sys
from emgrig.connect import GATEWAYS
from emgrig.tools import cli
import scipy
heavy = {f"scipy.{part}" for part in scipy.__all__}
heavy |= {"matplotlib", "nicegui", "edfio", "mne", "pytest", "pandas"}
lines = [[name, "--help"] for name in cli.LATER]
lines += [[], ["--version"], ["analyse", "no-such.bdf"], ["compare", "no-such.bdf", "none.bdf"],
          ["convert", "no-such.capture"], ["grid", "none", "--annotations", "no-such.xlsx"],
          ["clock-report", "--annotations", "no-such.xlsx"],
          ["reproduce", "--annotations", "no-such.xlsx"],
          ["synthetic", "none", "--annotations", "no-such.xlsx"]]
for line in lines:
    sys.argv = ["emgrig", *line]
    try:
        cli.main()
    except SystemExit as end:
        assert line[1:] != ["--help"] or end.code == 0, line
    else:
        raise AssertionError(line)
    loaded = heavy & set(sys.modules)
    assert not loaded, (line, loaded)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_what_ends_a_service_or_closes_a_terminal_ends_a_command_as_ctrl_c_does(name: str) -> None:
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("this system has no such signal")
    before = signal.signal(number, signal.SIG_DFL)
    try:
        cli._end_as_by_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)  # a second one does not break off the closing
        signal.signal(number, signal.SIG_IGN)
        cli._end_as_by_ctrl_c()  # as under nohup
        signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("address", "duration", "outage", "total_s"),
    [
        ("tcp://a:1", None, None, float("inf")),
        ("tcp://a:1", 5.0, None, 30.0),
        ("tcp://a:1", 600.0, None, 600.0),
        ("tcp://a:1", None, 0.0, 0.0),
        ("tcp://a:1", 600.0, 7.0, 7.0),
        ("sim:", None, None, 30.0),
        ("replay:a.capture", None, None, 30.0),
    ],
)
def test_a_recording_goes_on_after_an_outage_of_any_length_unless_one_is_said(
    address: str, duration: float | None, outage: float | None, total_s: float
) -> None:
    given = boards.RecordOptions(
        address=[address], output=Path("a.bdf"), duration=duration, outage=outage
    )
    assert boards.patience(given, address).total_s == total_s
