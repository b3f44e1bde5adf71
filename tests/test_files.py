"""Files: whole or not there, never written over by chance, and a refusal in one line."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig import files
from emgrig.errors import RecordingError, TransportTimeout
from emgrig.files import free_stem, stem_of
from properties import examples
from shell import Run


def test_a_file_gets_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with files.whole_file(path) as unfinished:
        unfinished.write_text("half")
        assert path.read_text() == "before"
    assert path.read_text() == "half"
    with pytest.raises(ValueError, match="NaN"), files.whole_file(path) as unfinished:  # noqa: PT012
        unfinished.write_text("something else")
        raise ValueError("NaN")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "half")]


def test_a_full_disk_leaves_what_was_there_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.json"
    files.write_file(path, files.json_text({"µV": [1.5]}))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordingError) as caught:
        files.write_file(path, "more", "it is also in b.capture")
    assert str(caught.value) == (
        f"cannot write {path}: No space left on device; make room; it is also in b.capture"
    )
    assert path.read_bytes() == '{\n  "µV": [\n    1.5\n  ]\n}\n'.encode()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOENT, "check the name"),
        (errno.EACCES, "get the right"),
        (errno.EROFS, "choose another place"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EIO, ""),
    ],
)
def test_a_refusal_says_what_where_and_what_to_do(number: int, advice: str) -> None:
    with (
        pytest.raises(RecordingError) as caught,
        files.attempt("read", Path("a.bdf")),
    ):
        raise OSError(number, os.strerror(number), "somewhere")
    said = str(caught.value)
    assert said.startswith(f"cannot read a.bdf: {os.strerror(number)}")
    assert advice in said
    assert "Errno" not in said


def test_an_error_of_the_link_is_not_taken_for_one_of_a_file() -> None:
    with pytest.raises(TransportTimeout), files.attempt("write", Path("a.bdf")):
        raise TransportTimeout("nothing came")
    assert files.why(TransportTimeout("nothing came")) == "nothing came"
    assert files.why(OSError("no number")) == "no number"


def test_names_that_are_taken_or_cannot_be_are_refused(tmp_path: Path) -> None:
    taken = tmp_path / "a.csv"
    taken.write_text("")
    with pytest.raises(RecordingError, match=r"a\.csv exists; choose another name.*--overwrite"):
        files.check_output(taken, overwrite=False)
    files.check_output(taken, overwrite=True)
    files.check_output(tmp_path / "b.csv", overwrite=False)
    with pytest.raises(RecordingError, match="is a folder; choose the name of a file"):
        files.check_output(tmp_path, overwrite=True)
    with pytest.raises(RecordingError, match=r"the folder .*none does not exist; make it first"):
        files.check_output(tmp_path / "none" / "a.csv", overwrite=True)
    with pytest.raises(RecordingError, match=r"cannot make the folder .*a\.csv: .*another name"):
        files.make_folder(taken)
    assert files.make_folder(tmp_path / "x" / "y").is_dir()


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.json_text({"value": float("nan")})


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "analyse {0}/none.txt",
        "analyse {0}/none.bdf",
        "analyse {0}/none.csv --rate 1000",
        "clock-report --annotations {0}/none.xlsx",
        "calibrate noise sim: --amplifiers {0}/none.csv",
        "compare {0}/none.csv {0}/none.csv",
        "sync {0}/none.bdf {0}/none.csv",
        "export {0}/none.bdf --csv {0}/b.csv",
        "convert {0}/none.capture",
        "record sim: -o {0}/no/a.bdf",
        "analyse {0}/a.csv --rate 1000 -o {0}/a.csv",
        "bringup sim:fault=miso-high --report {0}/a.csv",
        "demo --report {0}/a.csv",
        "reproduce --figures {0}/a.csv",
    ],
)
def test_every_command_says_in_one_line_which_file_it_cannot_use(
    shell: Run, tmp_path: Path, line: str
) -> None:
    rows = "\n".join(f"{i % 7},{i % 5}" for i in range(4000))
    (tmp_path / "a.csv").write_text(f"time,EMG zyg [uV]\n{rows}\n")
    (tmp_path / "a.toml").write_text("")
    said = shell(line.format(tmp_path))
    last = said.err.strip().splitlines()[-1]
    assert said.code == 5, said
    assert str(tmp_path) in last.replace("\n", "")
    assert "Errno" not in said.err
    assert "Traceback" not in said.err


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=20
).filter(lambda name: name not in (".", ".."))
ENDINGS = (".html", "_events.tsv", ".eaf")
USUAL = [
    "P01.rest.edf",
    "P01.smile.edf",
    "P01.edf",
    "P01.bdf",
    "P01_run2.bdf",
    "Mü ller.csv.gz",
    ".gz",
]


@pytest.mark.slow
@examples(200)
@given(st.lists(NAMES | st.sampled_from(USUAL), min_size=2, max_size=2))
def test_results_of_two_recordings_never_have_one_name(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("results", numbered=True)
    for name in names:
        stem = free_stem(folder, stem_of(Path(name)), ENDINGS)
        made = [folder / f"{stem}{ending}" for ending in ENDINGS]
        assert not any(path.exists() for path in made)
        for path in made:
            path.touch(exist_ok=False)
    assert len(list(folder.iterdir())) == 2 * len(ENDINGS)
