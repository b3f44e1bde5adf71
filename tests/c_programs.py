"""Compiles C and C++ for tests, and runs it on a bench."""

import os
import subprocess
from pathlib import Path

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.c.build import compiler
from emgrig.attach.remote.server import serve

PROGRAMS = Path(__file__).parent / "attach" / "c" / "programs"
EXAMPLES = Path(__file__).parents[1] / "examples" / "attach"
POSIX = pytest.mark.skipif(os.name != "posix", reason="the C library's socket needs POSIX")

needs_compiler = pytest.mark.skipif(
    compiler(is_cpp=False) is None or compiler(is_cpp=True) is None,
    reason="no C and C++ compiler; install gcc or clang, or name them in CC and CXX",
)


def run(
    program: Path, bench: Bench, *arguments: str, seconds: str = "", address: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program on a bench that is served by this process."""
    with serve(bench, address) as server:
        told = {**os.environ, "EMGRIG_ATTACH": server.address, "EMGRIG_SECONDS": seconds}
        command = [str(program), *arguments]
        return subprocess.run(
            command, env=told, capture_output=True, text=True, check=False, timeout=100
        )
