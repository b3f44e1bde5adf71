"""The fakes beside the real modules: the same names and arguments; and rpi-lgpio on top of one.

The real ones are installed from the registry, or these tests are skipped.
"""

import contextlib
import enum
import inspect
import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from attach.shims import scripts
from attach.shims.test_behaviour import host_of
from attach.shims.test_peers import installed
from attach.shims.test_scripts import bench_of, check
from emgrig.attach.shims.fakes import gpiod2, lgpio
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.wiring import PRESETS

pytestmark = pytest.mark.slow

#: Made by the module itself, not by whoever uses it.
NOT_CALLED = ("LineRequest.__init__", "LineInfo.__init__")


def offered(module: ModuleType) -> dict[str, object]:
    """Return a module's names, with arguments, members or values, as JSON holds them."""
    made: dict[str, object] = {}
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if inspect.isclass(value) and issubclass(value, enum.Enum):
            made[name] = sorted(value.__members__)
        elif inspect.isclass(value):
            for inner in dir(value):
                found = inspect.getattr_static(value, inner)
                if inspect.isfunction(found) and (inner == "__init__" or inner[0] != "_"):
                    made[f"{name}.{inner}"] = list(inspect.signature(found).parameters)[1:]
        elif inspect.isroutine(value):
            made[name] = list(inspect.signature(value).parameters)
        elif isinstance(value, int):
            made[name] = value
    return made


def really_offered(name: str, folder: Path) -> dict[str, object]:
    code = "\n".join(
        [
            "import enum, importlib, inspect, json, sys",
            "from types import ModuleType",
            inspect.getsource(offered),
            f"sys.path.insert(0, {str(folder)!r})",
            f"print(json.dumps(offered(importlib.import_module({name!r}))))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("name", "requirement"),
    [("gpiod", "gpiod==2.4.0"), ("gpiod.line", "gpiod==2.4.0"), ("lgpio", "lgpio==0.2.2.0")],
)
def test_a_fake_has_names_and_arguments_of_the_real_one(
    name: str, requirement: str, tmp_path: Path
) -> None:
    host = host_of()
    fakes = {**gpiod2.make(host), "lgpio": lgpio.make(host)}
    fake = offered(fakes[name])
    real = really_offered(name, installed(tmp_path, requirement))
    assert len(fake) > 5
    odd = {
        key: (value, real.get(key))
        for key, value in fake.items()
        if key not in NOT_CALLED and real.get(key) != value
    }
    assert odd == {}


# its wait_for_edge goes by Python's own queues, and so by the machine's clock
@pytest.mark.parametrize("script", ["POLLING", "CALLING"])
def test_rpi_lgpio_reads_every_frame_on_the_fake_lgpio(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's RPi.GPIO, unmodified, which rests on lgpio."""
    folder = installed(tmp_path, "rpi-lgpio==0.6")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("RPI_LGPIO_REVISION", "c03111")  # a Raspberry Pi 4
    monkeypatch.setenv("RPI_LGPIO_CHIP", "0")
    bench = bench_of()
    host = Host(bench, PRESETS["generic"], call_s=5e-6, limit_s=10)
    out = io.StringIO()
    with in_front(host), contextlib.redirect_stdout(out):
        for name in ("RPi", "RPi.GPIO"):
            del sys.modules[name]
        import RPi.GPIO  # type: ignore[import-untyped]

        assert Path(RPi.GPIO.__file__).is_relative_to(folder)
        exec(getattr(scripts, script), {"__name__": "__main__"})
    check(out.getvalue(), bench)
