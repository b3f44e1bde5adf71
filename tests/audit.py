"""Hold what emgrig depends on against public advisories: ``make audit``.

Pins (constraints.txt) and lower bounds (pyproject.toml) both: a bound that lets a version with an
advisory in is wrong though the pin is well. pip-audit asks; where it cannot, that is said, and the
exit code is not 0.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from places import ROOT

_BOUND = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([0-9][^,;\s]*)")
FOUND, NOT_TOLD = 1, 2  # exit codes


def lower_bounds(project: dict[str, Any]) -> list[str]:
    """Return each dependency, optional ones too, at the least version that is let in."""
    optional = project.get("optional-dependencies", {})
    said = [*project["dependencies"], *(one for group in optional.values() for one in group)]
    found = [match for one in said if (match := _BOUND.match(one))]
    return sorted({f"{match[1]}=={match[2]}" for match in found})


def verdict(answer: dict[str, Any], what: str) -> Iterator[tuple[int, str]]:
    """Say what pip-audit found, a line each with its exit code; 0 for the account in the end."""
    asked = answer["dependencies"]
    for one in asked:
        for advisory in one.get("vulns", ()):
            fixed = ", ".join(advisory.get("fix_versions", ())) or "no version"
            yield (
                FOUND,
                f"{what} {one['name']} {one['version']}: {advisory['id']}, mended in {fixed}",
            )
        if reason := one.get("skip_reason"):
            yield NOT_TOLD, f"{what} {one['name']}: not audited: {reason}"
    n_told = sum("skip_reason" not in one for one in asked)
    yield 0, f"{what}: {n_told} of {len(asked)} audited"


def ask(requirements: Iterable[str]) -> dict[str, Any]:
    """Let pip-audit ask; RuntimeError, with its last line, if it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("\n".join(requirements) + "\n", "utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--no-deps"]
        command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(last) from None
    return answer


def main() -> int:
    """Audit pins and bounds; return the exit code."""
    pins = (ROOT / "constraints.txt").read_text("utf-8").split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    codes = {0}
    for what, requirements in (("pin", pins), ("lower bound", lower_bounds(project))):
        try:
            lines = list(verdict(ask(requirements), what))
        except RuntimeError as error:
            lines = [(NOT_TOLD, f"{what}s were NOT audited: {error}")]
        codes.update(code for code, _ in lines)
        print("\n".join(text for _, text in lines))
    return FOUND if FOUND in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
