"""What an extra brings is missed in one way: one line, the install line that works, one code."""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emgrig.errors import ExitCode, MissingExtra, exit_code_for
from emgrig.extras import pip, require
from places import ROOT
from shell import Run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
#: What is imported of each extra, and a command that needs it and can do nothing without.
NEEDED = {
    "analysis": ("openpyxl", "clock-report --annotations {0}/a.xlsx"),
    "elan": ("pympi.Elan", "analyse {0}/a.csv --rate 1000 -o {0} --video {0}/a.mp4"),
    "matlab": ("matio", "export {0}/a.bdf --mat {0}/a.mat --as-table"),
    "bench": ("pyvisa", "calibrate bench-gain sim: --bench a,b"),
    "desk": ("nicegui", "desk sim:"),
    "lsl": ("pylsl", "record sim: -o {0}/b.bdf --lsl --duration 1"),
    "video": ("cv2", "sync {0}/t.bdf --video {0}/a.mp4"),
    "xdf": ("pyxdf", "analyse {0}/a.xdf"),
    "spi": ("spidev", "info spi:pieeg"),
    "mixed": ("statsmodels.api", "study report {0} --mixed"),
    "parquet": ("pyarrow", "export {0}/a.bdf --parquet {0}/a.parquet"),
}


def can_be_had(extra: str) -> bool:
    named = map(Requirement, PROJECT["optional-dependencies"][extra])
    return any(one.marker is None or one.marker.evaluate() for one in named)


HERE = [extra for extra in NEEDED if can_be_had(extra)]


def hide(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)


@pytest.mark.parametrize("extra", HERE)
def test_the_line_that_installs_it_names_what_the_project_names(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = NEEDED[extra][0]
    hide(module, monkeypatch)
    with pytest.raises(MissingExtra, match=r"^this needs .*, which is not installed: ") as caught:
        require(module, extra, "this")
    for wanted in PROJECT["optional-dependencies"][extra]:
        name = wanted.partition(">")[0].partition("=")[0]
        assert f"'{name}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert exit_code_for(caught.value) is ExitCode.FILE


def test_without_metadata_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'emgrig\[parquet\]'$"):
        require("pyarrow", "parquet", "Parquet")


def test_what_cannot_be_had_here_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    only_elsewhere = ['mat-io>=1.0; python_version < "3" and extra == "matlab"']
    monkeypatch.setattr(metadata, "requires", lambda _: only_elsewhere)
    monkeypatch.setitem(sys.modules, "matio", None)
    with pytest.raises(
        MissingExtra, match=r"for this Python or system: mat-io only for python_version < \"3\"$"
    ):
        require("matio", "matlab", "a table")


def test_a_library_that_lacks_something_itself_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_library.py").write_text("import what_it_lacks\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks"):
        require("broken_library", "desk", "the page")


@pytest.mark.slow
@pytest.mark.parametrize("extra", HERE)
def test_a_command_without_its_extra_ends_with_one_line_and_one_code(
    extra: str, shell: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if extra in ("matlab", "parquet"):
        assert shell(f"record sim: -o {tmp_path}/a.bdf --duration 1").code == 0
    if extra == "elan":
        rows = "".join(f"{n % 7}\n" for n in range(5000))
        (tmp_path / "a.csv").write_text(f"EMG (uV)\n{rows}", "utf-8")
    if extra == "xdf":
        (tmp_path / "a.xdf").write_bytes(b"XDF:")
    if extra == "analysis":
        (tmp_path / "a.xlsx").touch()
    module, line = NEEDED[extra]
    hide(module, monkeypatch)
    said = shell(line.format(tmp_path))
    assert said.code == ExitCode.FILE, said.err
    assert f"needs {module}, which is not installed: " in said.err
    assert "pip install '" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("here/.venv/bin/pip", "pip"),
        ("elsewhere/bin/pip", str(Path(".venv/bin/python")) + " -m pip"),
        (None, str(Path(".venv/bin/python")) + " -m pip"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths are quoted there")
def test_the_install_line_is_that_of_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str | None, said: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "here/.venv/bin/python"))
    found = None if first is None else str(tmp_path / first)
    monkeypatch.setattr("emgrig.extras.shutil.which", lambda _name: found)
    assert pip() == said
