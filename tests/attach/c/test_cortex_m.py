"""The example for a Cortex-M4: what its waits are worth depends on the processor's clock."""

import importlib.util
from types import ModuleType

import pytest

from c_programs import EXAMPLES
from emgrig.simulator.chip.violations import Rule, Severity

EXAMPLE = EXAMPLES / "cortex_m" / "run.py"


def loaded() -> ModuleType:
    """Load the example as a module."""
    spec = importlib.util.spec_from_file_location("cortex_m_run", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


needs_both = pytest.mark.skipif(
    importlib.util.find_spec("unicorn") is None or loaded().cross_compiler() is None,
    reason="needs unicorn and a cross compiler: pip install unicorn ziglang",
)


@pytest.mark.slow
@needs_both
@pytest.mark.parametrize(("clock_mhz", "is_in_time"), [(16, True), (168, False)])
def test_the_firmware_is_right_on_a_slow_processor_and_loses_sdatac_on_a_fast_one(
    clock_mhz: float, is_in_time: bool
) -> None:
    processor = loaded().run(clock_mhz)
    facts = processor.bench.facts()
    (chip,) = facts.chips
    assert (chip.n_read, chip.n_missed, len(processor.microvolts)) == (50, 0, 50)
    if is_in_time:
        assert chip.counts == {}
        for claim in facts.claims:  # equation 8
            assert claim.microvolts == pytest.approx(claim.code * 9e6 / 24 / 2**24, abs=0.002)
    else:
        first = chip.breaches[0]
        assert (first.rule, first.severity, first.sent) == (Rule.T_SCCS, Severity.LOST, b"\x11")


def test_what_an_elf_file_loads_is_found() -> None:
    """An ELF file of one segment, written by hand after the specification (32 bits, little)."""
    header = bytearray(52)
    header[28:32] = (52).to_bytes(4, "little")  # e_phoff
    header[42:46] = bytes([32, 0, 1, 0])  # e_phentsize, e_phnum
    words = (1, 84, 0x0800_0000, 0x0800_0004, 3, 3, 5, 4)  # PT_LOAD, offset, vaddr, paddr, sizes
    segment = b"".join(word.to_bytes(4, "little") for word in words)
    assert loaded().flash_of(bytes(header) + segment + b"abc") == b"\0\0\0\0abc"
