"""Another wording of every sentence changes no export, no result and no exit code."""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import io

import emgrig
from emgrig import sentences
from emgrig.driver.board import Board
from emgrig.driver.interruption import Happened
from emgrig.errors import EmgrigError
from emgrig.experiment.course.steps import MARKER
from emgrig.recording.facts import LABELS, Kind
from emgrig.recording.recorder import Recorder
from places import ROOT
from shell import Run, runner

OTHER = "≈"
ADDRESS = (
    "sim:face&seed=3&fault=packets-lost:rate=0.03&fault=spi-slip:rate=0.001"
    "&fault=electrode-off:channel=2&fault=link-cut:at=3,after=0.5&fault=brown-out:at=5"
    "&fault=board-restart:at=7"
)
#: Columns and keys that hold sentences; everything else is compared.
FOR_PEOPLE = {"annotation", "status_description"}


def scrambled(text: str) -> str:
    """Another text that shares no word with it, and is another one for another text."""
    return OTHER + text[::-1].swapcase()


def record_all(board: Board, path: Path) -> Recorder:
    """Record what goes wrong in ten seconds, a marker of each kind, and two changes of settings."""
    board.apply("facial-emg")
    board.chip.lead_off(comparators=True, sense_p=[1, 2, 3], sense_n=[1, 2, 3])
    recorder = Recorder(board, path, profile="facial-emg")
    with recorder, board.stream(10.0) as stream:
        for number, block in enumerate(stream):
            recorder.feed(block)
            if number == 3:
                recorder.mark("clip begin trial=1 channel=2")
                recorder.mark("key L", source="stimuli")
            if number == 6:
                board.chip.configure(channels=[3], mux="shorted")
            if number == 9:
                board.chip.configure(channels=[3], gain=24)
        happened = [one.reason.happened for one in stream.recoveries]
    assert set(happened) == {Happened.LINK_LOST, Happened.CHIP_LOST, Happened.BOARD_STARTED}
    return recorder


def outcome(folder: Path, run: Run) -> dict[str, object]:
    """Record, export in every format, analyse, and ask for what is refused."""
    with emgrig.connect(ADDRESS) as board:
        made = record_all(board, folder / "a.bdf").close()
    codes = {
        line: run(line.format(folder)).code
        for line in (
            "export {0}/a.bdf --csv {0}/a.csv --parquet {0}/a.parquet",
            "export {0}/a.bdf --mat {0}/a.mat",
            "export {0}/a.bdf --mat {0}/a.mat --hold-gaps",
            "export {0}/a.bdf --bids {0}/study --subject 01 --task faces",
            "export {0}/none.bdf --csv {0}/b.csv",
            "analyse {0}/a.bdf -o {0}/analysed",
            "analyse {0}/a-2.bdf -o {0}/analysed",
            "convert {0}/a.capture -o {0}/again.bdf --json",
            "convert {0}/a.csv -o {0}/b.bdf",
            "electrodes sim:face&fault=electrode-off:channel=2 --channels 1,2,3 --calibration none",
            "electrodes sim:face --channels 1,2 --calibration none",
            "info sim:face&fault=miso-high",
            "record sim:face&fault=drdy-dead -o {0}/dead.bdf --duration 1",
        )
    }
    return {
        "codes": codes,
        "totals": made.totals,
        "n_samples": made.n_samples,
        "sidecars": [facts(path) for path in made.sidecar_paths],
        "csv": {path.name: path.read_bytes() for path in folder.glob("a*.csv")},
        "parquet": {
            path.name: pd.read_parquet(path).to_csv() for path in folder.glob("a*.parquet")
        },
        "mat": {path.name: io.loadmat(path)["data"].tolist() for path in folder.glob("*.mat")},
        "bids": {str(p.relative_to(folder)): table(p) for p in folder.glob("study/**/*.tsv")},
        "analysed": {p.name: p.read_bytes() for p in folder.glob("analysed/*.tsv")},
        "contact": lights(folder / "data/emgrig/contact"),
    }


def facts(path: Path) -> list[object]:
    """Annotations of a sidecar without their sentences, and what else it counts."""
    content = json.loads(path.read_text("utf-8"))
    annotations = [without_words(one) for one in content["annotations"]]
    return [annotations, content["n_annotations"], content["samples"], content["capture"]]


def without_words(value: object) -> object:
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if key not in ("text", "link_said")}
        return {key: without_words(item) for key, item in kept.items()}
    return value


def table(path: Path) -> str:
    """A table without the columns that hold sentences."""
    read = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return read.drop(columns=FOR_PEOPLE & set(read.columns)).to_csv()


def lights(folder: Path) -> list[object]:
    """Lights and findings of the checks of electrodes that were kept."""
    checks = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return [
        [(one["electrode"], one["light"], one["finding"]) for one in check["electrodes"]]
        + [check["bias"]["light"], *((one["channel"], one["light"]) for one in check["channels"])]
        for check in checks
    ]


@pytest.fixture
def reworded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Put another wording behind every sentence and error, and take even MNE's BAD_ away."""

    def begin() -> None:
        say = Exception.__str__
        monkeypatch.setattr(sentences, "reword", scrambled)
        for kind in LABELS:
            monkeypatch.setitem(LABELS, kind, OTHER)
        monkeypatch.setattr(EmgrigError, "__str__", lambda self: scrambled(say(self)))

    return begin


@pytest.mark.long
@pytest.mark.slow
def test_another_wording_changes_nothing_but_the_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    reworded: Callable[[], None],
) -> None:
    monkeypatch.setattr("emgrig.simulator.clock.time.time", lambda: 1.8e9)  # the same start
    found = []
    for name in ("usual", "other"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
        if name == "other":
            reworded()
        found.append(outcome(folder, runner(monkeypatch, capfd)))
    usual, other = found
    assert usual.keys() == other.keys()
    for what in usual:
        assert usual[what] == other[what], what
    said = [
        one
        for path in sorted((tmp_path / "other").glob("a*.json"))
        for one in json.loads(path.read_text("utf-8"))["annotations"]
    ]
    # All of this was in it, and all of it was said in other words.
    kinds = {one["kind"] for one in said}
    assert kinds >= set(Kind) - {Kind.OVERFLOW, Kind.TRIGGER, Kind.COUNTER, Kind.OTHER_EVENT}
    assert all(one["text"].startswith(OTHER) for one in said if one["kind"] != Kind.MARKER)
    assert {0, 2, 5} <= set(usual["codes"].values())  # well, refused, cannot be read
    assert any(row for row in usual["analysed"].values())


@pytest.mark.slow
def test_only_the_bdf_file_tells_what_mne_can_be_told(tmp_path: Path, shell: Run) -> None:
    """Without its sidecar a file is anybody's: BAD_ is left out, and that nothing says why."""
    with emgrig.connect("sim:face&seed=3&fault=packets-lost:rate=0.03") as board:
        board.apply("facial-emg")
        with Recorder(board, tmp_path / "a.bdf") as recorder, board.stream(4.0) as stream:
            for block in stream:
                recorder.feed(block)
    sidecar = json.loads((tmp_path / "a.json").read_text("utf-8"))
    missing = sidecar["samples"]["filled"]
    for name in ("a.json", "a.capture"):
        (tmp_path / name).unlink()
    said = shell(f"analyse {tmp_path}/a.bdf -o {tmp_path}")
    assert said.code == 0
    assert said.out.count(f"{missing} samples missing in ") == 7
    assert "call bad were left out; no sidecar of emgrig says why" in said.out
    assert "SIMULATED" in said.out
    refused = shell(f"export {tmp_path}/a.bdf --csv {tmp_path}/a.csv")
    assert refused.code == 5
    assert "a.json is missing" in refused.err


# No sentence is looked into.

PACKAGES = (
    *("analysis", "calibration", "comparison", "desk", "driver", "electrodes", "experiment"),
    *("hil_tests", "protocol", "recording", "tools"),
)
SENTENCE = re.compile(r"[A-Za-z]\S* \S*[A-Za-z(%]")
LOOKS = frozenset(
    (
        *("startswith", "endswith", "partition", "rpartition", "removeprefix", "removesuffix"),
        *("find", "index", "count", "match", "search", "fullmatch", "findall", "compile"),
    )
)
#: What is no sentence of ours: other programs' texts, words of a plan, a kind of note, markers.
ALLOWED = frozenset(
    {
        ("driver/transports/serial_port.py", "exclusively lock"),
        ("experiment/course/steps.py", MARKER.pattern),
        ("recording/notes.py", "marker goes on"),
        ("tools/explain/topics.py", r"\S+ \((9[0-9.]+)\)[:;,] *"),
        ("recording/notes.py", "tube shown"),
        ("tools/register_commands.py", "0123456789abcdefABCDEF xXhH,;:"),
        *(
            (module, rule)
            for module in ("analysis/signal/indicators.py", "experiment/files/record.py")
            for rule in ("mean of maxima", "median of maxima", "recording range")
        ),
    }
)  # fmt: skip


def looked_for(tree: ast.AST) -> Iterator[str]:
    """Texts that a module compares with, or looks for, as far as they stand in its code."""
    for node in ast.walk(tree):
        sought: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            sought = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            sought = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            sought = list(node.args) if node.func.attr in LOOKS else []
        for one in sought:
            for part in ast.walk(one):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.slow
def test_no_module_looks_into_a_sentence() -> None:
    found = {
        (path.relative_to(ROOT / "src/emgrig").as_posix(), text)
        for package in PACKAGES
        for path in (ROOT / "src/emgrig" / package).rglob("*.py")
        for text in looked_for(ast.parse(path.read_text("utf-8")))
        if SENTENCE.search(text)
    }
    assert found - ALLOWED == set()
    assert "mean of maxima" in {text for _, text in found}  # what there is, is found


def test_the_scan_finds_what_it_is_for() -> None:
    parsing = ast.parse(
        'if "lost its registers" in said or re.match(r"electrode (on|off)", x): ...'
    )
    assert set(looked_for(parsing)) == {"lost its registers", "electrode (on|off)"}
    assert np.all([SENTENCE.search(text) for text in looked_for(parsing)])
