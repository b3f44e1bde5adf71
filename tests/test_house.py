"""The house: links at the top, what a wheel and a source package hold, constraints that pin all."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from places import ROOT

LINKS = ("driver", "protocol", "hil_tests", "calibration", "tools")
PACKAGES = sorted(p.parent.name for p in (ROOT / "src/emgrig").glob("*/__init__.py"))


@pytest.mark.parametrize("name", LINKS)
def test_the_folders_at_the_top_lead_to_the_code(name: str) -> None:
    link = ROOT / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / "src/emgrig" / name


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and sdist from a copy of the tracked files, without network."""
    out = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("copy") / "emgrig"
    copy.mkdir()
    for name in ("src", "pyproject.toml", "README.md", "LICENSE", *LINKS):
        subprocess.run(["cp", "-a", str(ROOT / name), str(copy)], check=True)
    for stale in copy.glob("src/*.egg-info"):
        subprocess.run(["rm", "-r", str(stale)], check=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_wheel_and_source_package_hold_every_package_and_its_files(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.split("/", 1)[-1] for name in archive.getnames()}
    source = ROOT / "src"
    wanted = {
        str(path.relative_to(source))
        for path in (source / "emgrig").rglob("*")
        if path.suffix in {".py", ".toml", ".json", ".html", ".css", ".csv", ".js", ".typed"}
    }
    assert wanted - in_wheel == set()
    assert {f"src/{name}" for name in wanted} - in_sdist == set()
    tops = {name.split("/")[0] for name in in_wheel}
    assert tops <= {"emgrig", *(t for t in tops if t.endswith(".dist-info"))}, (
        "the links must not become packages of their own"
    )


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [
        *project["dependencies"],
        *(d for e in project["optional-dependencies"].values() for d in e),
    ]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    for requirement in named:
        name = requirement.split(">")[0].split("=")[0].split("[")[0].strip().lower()
        assert name == "emgrig" or name.replace("_", "-") in pinned, requirement
