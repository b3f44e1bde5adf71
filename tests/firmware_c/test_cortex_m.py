"""The core on a Cortex-M: how large it is, and that it says there what it says here.

Skips without a compiler for ARM and Unicorn; `pip install unicorn ziglang` brings both.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emgrig.simulator.assembly import build_board
from emgrig.simulator.firmware.model import FIRMWARES
from emgrig.simulator.options import parse_query
from firmware_core import CORE, needs_c
from firmware_cortex import (
    HERE,
    compile_for_arm,
    image,
    needs_cortex_m,
    needs_cross_compiler,
)
from same_bytes import RUN_STEPS, play

pytestmark = pytest.mark.slow

CODE_BYTES = 8192
RAM_BYTES = 24 * 1024
"""Issue 14: for one chip."""


@pytest.fixture(autouse=True)
def named() -> Iterator[None]:
    """Let `firmware=` name the core here, and on the Cortex-M."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FIRMWARES._ours, "core", "firmware_core:CoreFirmware")
        patch.setitem(FIRMWARES._ours, "cortex", "firmware_cortex:CortexFirmware")
        yield


@needs_cross_compiler
def test_the_image_with_all_around_it_has_less_than_8_kib() -> None:
    assert len(list(CORE.glob("*.c"))) == 6
    assert 4096 < len(image()) < CODE_BYTES


@needs_cross_compiler
@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m4"])
@pytest.mark.parametrize(("bound", "fits"), [(RAM_BYTES, True), (8192, False)])
def test_a_board_of_one_chip_fits_in_24_kib(
    cpu: str, bound: int, fits: bool, tmp_path: Path
) -> None:
    """The compiler itself says so; a kilobyte is left for the stack."""
    source = tmp_path / "size.c"
    source.write_text(
        f'#include "emg_board.h"\n'
        f"typedef char fits[(sizeof(struct emg_board) <= {bound - 1024}u) ? 1 : -1];\n"
        f"extern fits nothing;\n"
    )
    words = ["-c", "-o", str(tmp_path / "size.o")]
    if fits:
        compile_for_arm([source], words, cpu)
    else:  # the question can be answered with no
        with pytest.raises(AssertionError, match="size"):
            compile_for_arm([source], words, cpu)


@needs_c
@needs_cortex_m
@pytest.mark.parametrize("query", ["bench&source=sine:1mV,37Hz&chips=2", "face"])
def test_it_says_there_what_it_says_here(query: str) -> None:
    """Byte for byte, times and words too: it is the same source."""
    said = [
        play(build_board(parse_query(f"{query}&firmware={name}")), RUN_STEPS)
        for name in ("core", "cortex")
    ]
    assert said[0] == said[1]
    assert sum(map(len, said[0])) > 20_000


def test_the_files_of_the_image_are_there() -> None:
    assert {path.name for path in HERE.iterdir()} >= {"image.c", "link.ld", "string.h"}
