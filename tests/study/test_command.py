"""`emgrig study` and `emgrig synthetic --bids`, as a shell sees them."""

import json
from pathlib import Path

import pytest

from emgrig.errors import ExitCode
from emgrig.filemodel import load
from emgrig.study.places import FOLDER
from emgrig.study.settings import Events, StudySettings, load_settings
from emgrig.study.template import template
from shell import Run
from tiny_study import coding_path, tiny, write_tiny

CODED = "onset\tduration\ttrial_type\tchannel\n51\t0.35\texpression\t5\n65\t0.4\texpression\t2\n"


def test_the_settings_that_init_writes_are_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(template('A "study"', ["anna"]), "utf-8")
    usual = StudySettings(title='A "study"', events=Events(coders=("anna",)))
    assert load(path, StudySettings, "study") == usual


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("micro_ms = 3", "events.micro_ms is 3"),
        ('sourse = "coding"', "sourse"),
        ('edges = "video"', "events.edges is 'video'"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_in_one_line_with_its_place(
    tmp_path: Path, line: str, said: str, shell: Run
) -> None:
    root = tmp_path / "study"
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / "study.toml").write_text(f"[events]\n{line}\n", "utf-8")
    done = shell(f"study run {root}")
    assert done.code == ExitCode.FILE
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("study run {0}", ExitCode.FILE, "begin with: emgrig study init"),
        ("study report {0}", ExitCode.FILE, "begin with: emgrig study init"),
        ("study init {0}", ExitCode.FILE, "it is no BIDS data set"),
        ("synthetic {0}/x --bids --clip-s 5", ExitCode.USAGE, "20 or more was expected"),
        ("synthetic {0}/x --bids --annotations a.xlsx", ExitCode.USAGE, "--bids takes no"),
        ("synthetic {0}/x", ExitCode.USAGE, "or --bids for a whole study"),
        ("synthetic {0} --bids", ExitCode.FILE, "is not an empty folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, line: str, code: ExitCode, said: str, shell: Run
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    done = shell(line.format(tmp_path))
    assert done.code == code
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.long
@pytest.mark.slow
def test_init_run_and_report_make_tables_page_methods_and_numbers(
    tmp_path: Path, shell: Run
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    root = tmp_path / "study"
    sessions = [tiny(1), tiny(2), tiny(3)]
    write_tiny(root, sessions)
    for one in sessions:
        for coder in ("anna", "bob"):
            coding_path(root, one, coder, "_events.tsv").write_text(CODED, "utf-8")
    done = shell(f"study init {root} --coder bob --coder anna --json")
    assert json.loads(done.out)["coders"] == ["bob", "anna"]
    assert load_settings(root).events.coders == ("bob", "anna")
    assert shell(f"study init {root}").code == ExitCode.FILE  # it is there
    assert "no codings of that name" in shell(f"study init {root} --coder carl --overwrite").err
    bad = root / "sub-03" / "emg" / "sub-03_task-faces_emg.bdf"
    bad.write_bytes(bad.read_bytes()[:1000])
    done = shell(f"study run {root} --json")
    said = json.loads(done.out)
    assert (done.code, said["n_made"]) == (ExitCode.VERDICT, 3)  # one failed
    assert list(said["failed"]) == ["sub-03_task-faces"]
    done = shell(f"study report {root}")
    assert done.code == 0, done.err
    out = root / FOLDER
    events = parquet.read_table(out / "events.parquet")
    recordings = parquet.read_table(out / "recordings.parquet").to_pylist()
    assert events.column("left_out").to_pylist() == [""] * 4
    assert events.schema.field("peak_uv").metadata == {b"unit": b"uV"}
    assert [row["status"] for row in recordings] == ["done", "done", "failed"]
    assert recordings[0]["mvc_uv_EMG zygom. major"] > 50
    assert recordings[2]["mvc_uv_EMG zygom. major"] is None
    page = (out / "report.html").read_text("utf-8")
    assert "1 recording failed" in page
    assert "is cut short" in page
    assert "SIMULATED" in page
    numbers = json.loads((out / "numbers.json").read_text("utf-8"))
    assert numbers["numbers"]["agree.expressions"] == 1.0
    assert (out / "methods.txt").read_text("utf-8").strip() == numbers["methods"]
    assert "2 recordings of simulated facial EMG" in numbers["methods"]
    assert str(tmp_path) not in page


@pytest.mark.long
@pytest.mark.slow
def test_a_synthetic_study_is_found_again(tmp_path: Path, shell: Run) -> None:
    """Of one participant: what is counted is exact or nearly so, what is measured is near."""
    pytest.importorskip("pyarrow")
    root = tmp_path / "study"
    done = shell(f"synthetic {root} --bids --participants 1 --clip-s 20 --seed 4 --lost 0.5")
    assert done.code == 0, done.err
    for line in ("init", "run", "report"):
        done = shell(f"study {line} {root}")
        assert done.code == 0, done.err
    found = json.loads((root / FOLDER / "numbers.json").read_text("utf-8"))
    truth = {one["key"]: (one["truth"], one["found"]) for one in found["truth"]}
    for key in ("n_lost", "n_gaps", "n_keys", "channels without MVC"):
        assert truth[f"recordings.{key}"][0] == truth[f"recordings.{key}"][1], key
    for key in ("units", "emotion", "side", "expressions"):
        assert truth[f"agree.{key}"][0] == pytest.approx(truth[f"agree.{key}"][1]), key
    made, seen = truth["recordings.film_ppm, worst"]
    assert seen == pytest.approx(made, abs=30)
    made, seen = truth["recordings.mvc_uv over truth, mean"]
    assert seen == pytest.approx(made, rel=0.05)
    n_found, n_made = truth["events.that are one that was made"]
    assert n_found == n_made > 7
    for name in ("muscle", "emotion", "rating"):
        made, seen = truth[f"events.of these with the same {name}"]
        assert made == seen, name
    made, seen = truth["events.of these with the same is_aware"]
    assert seen >= made - 1
    assert 0.75 * truth["events.in the tables"][0] <= n_found <= truth["events.in the tables"][0]
    for name, most_ms in (("onset_s", 30), ("offset_s", 60)):
        assert abs(truth[f"events.{name} less truth, median, ms"][1]) < most_ms
    assert truth["events.mvc_percent over truth, 50 %"][1] == pytest.approx(1.0, abs=0.1)
    assert truth["events.mvc_percent over truth, 95 %"][1] < 1.5
