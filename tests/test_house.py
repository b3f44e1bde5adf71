"""The house: links, packages and what they hold, one version, pins, and what GitHub reads."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml

import emgrig
from places import ROOT

LINKS = ("driver", "protocol", "hil_tests", "calibration", "tools")
#: What lies about in a folder in which somebody works.
UNTRACKED = (".git", ".venv", "build", "dist", "demo-report", "__pycache__", "*.egg-info")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.skipif(
    os.name != "posix" or not (ROOT / ".git").exists(),
    reason="the links are in a clone of the repository, where there are links",
)
@pytest.mark.parametrize("name", LINKS)
def test_the_folders_at_the_top_lead_to_the_code(name: str) -> None:
    link = ROOT / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / "src/emgrig" / name


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what is tracked."""
    made = tmp_path_factory.mktemp("copy") / "emgrig"
    left_out = shutil.ignore_patterns(*UNTRACKED, ".*_cache", ".hypothesis")
    return Path(shutil.copytree(ROOT, made, symlinks=True, ignore=left_out))


@pytest.fixture(scope="module")
def built(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source package from the copy, and the wheel from that, without network."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def in_wheel(built: Path) -> dict[str, bytes]:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.long
@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(
    in_wheel: dict[str, bytes], copy: Path
) -> None:
    source = copy / "src"
    wanted = {p.relative_to(source).as_posix() for p in source.glob("emgrig/**/*") if p.is_file()}
    about = f"emgrig-{emgrig.__version__}.dist-info/"
    docs = f"emgrig-{emgrig.__version__}.data/data/share/doc/emgrig/"
    wanted |= {docs + path.name for path in (ROOT / "docs").glob("*.md")}
    assert {name for name in in_wheel if not name.startswith(about)} == wanted


@pytest.mark.slow
def test_the_source_package_holds_all_that_is_tracked_and_so_its_tests(
    built: Path, copy: Path
) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    tracked = {
        path.relative_to(copy).as_posix()
        for path in copy.rglob("*")
        if path.is_file() and not path.is_symlink() and ".egg-info" not in str(path)
    }
    assert tracked - packed == set()
    assert {name.partition("/")[0] for name in packed}.isdisjoint(LINKS)
    assert {"tests/data/README.md", "docs/index.md", "constraints.txt"} <= packed


@pytest.mark.slow
def test_there_is_one_version(in_wheel: dict[str, bytes]) -> None:
    (metadata,) = (name for name in in_wheel if name.endswith(".dist-info/METADATA"))
    assert message_from_bytes(in_wheel[metadata])["Version"] == emgrig.__version__
    newest = re.search(r"^## (\S+?),", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == emgrig.__version__


def test_the_workflow_runs_on_every_system_and_python_that_is_declared() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    declared = [line.rpartition(" :: ")[2] for line in PROJECT["classifiers"]]
    assert matrix["python"] == [word for word in declared if re.fullmatch(r"3\.\d+", word)]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    runners = {"Linux": "ubuntu", "MacOS": "macos", "Windows": "windows"}
    systems = [word for word in declared if word in runners]
    assert sorted(matrix["os"]) == sorted(f"{runners[word]}-latest" for word in systems)
    assert len(systems) == len([c for c in PROJECT["classifiers"] if c.startswith("Operating")])


def test_the_workflow_names_folders_that_exist_and_actions_by_their_hash() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    folders = re.findall(r"\btests/[\w./]+", text)
    assert folders
    assert [name for name in folders if not (ROOT / name).exists()] == []
    actions = re.findall(r"uses: (\S+)", text)
    assert actions
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in actions)


@pytest.mark.parametrize("name", ["bug-with-a-board", "bug-without-a-board", "new-board"])
def test_an_issue_form_asks_for_what_can_be_looked_into(name: str) -> None:
    path = ROOT / ".github/ISSUE_TEMPLATE" / f"{name}.yml"
    form = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    ids = [part["id"] for part in fields]
    assert len(set(ids)) == len(ids)
    assert all(part["attributes"]["label"] for part in fields)
    text = path.read_text("utf-8")
    assert "record.json" in text
    assert "capture" in text


def test_the_citation_says_what_the_project_says() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    assert [one["name"] for one in cited["authors"]] == [one["name"] for one in PROJECT["authors"]]
    assert cited["license"] == PROJECT["license"]
    assert PROJECT["urls"]["Documentation"].startswith(cited["repository-code"])


def test_every_dependency_is_pinned() -> None:
    named = [
        *PROJECT["dependencies"],
        *(d for e in PROJECT["optional-dependencies"].values() for d in e),
    ]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    for requirement in named:
        name = requirement.split(">")[0].split("=")[0].split("[")[0].strip().lower()
        assert name == "emgrig" or name.replace("_", "-") in pinned, requirement
