"""What `make audit` makes of the answers of pip-audit, and of the project's bounds."""

import tomllib

import pytest

import audit
from places import ROOT


def test_bounds_are_read_with_extras_and_markers() -> None:
    project = {
        "dependencies": ["numpy>=2.0", "rich"],
        "optional-dependencies": {"a": ["dask[x]>=1.5; python_version < '4'", "emgrig[a]"]},
    }
    assert audit.lower_bounds(project) == ["dask==1.5", "numpy==2.0"]


def test_the_pages_library_is_bound_above_its_advisories() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (bound,) = (one for one in audit.lower_bounds(project) if one.startswith("nicegui"))
    version = tuple(map(int, bound.partition("==")[2].split(".")))
    pinned = next(
        one for one in (ROOT / "constraints.txt").read_text("utf-8").split() if "nicegui==" in one
    )
    assert (3, 10) < version <= tuple(map(int, pinned.partition("==")[2].split(".")))


def test_an_advisory_is_named_with_the_version_that_mends_it() -> None:
    answer = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]},
            {"name": "b", "version": "1", "vulns": []},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    assert list(audit.verdict(answer, "pin")) == [
        (audit.FOUND, "pin a 1: X-1, mended in 2"),
        (audit.NOT_TOLD, "pin c: not audited: not found"),
        (0, "pin: 2 of 3 audited"),
    ]


def test_without_a_network_it_says_so_and_is_not_green(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(_: object) -> dict[str, object]:
        raise RuntimeError("no network")

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main() == audit.NOT_TOLD
    assert "pins were NOT audited: no network" in capsys.readouterr().out
    monkeypatch.setattr(audit, "ask", lambda _: {"dependencies": []})
    assert audit.main() == 0
