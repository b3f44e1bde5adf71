"""A few hundred damaged files; `python tests/reading/damage.py` opens twenty thousand."""

import sys

import pytest

from reading import damage


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_damaged_files_are_read_or_refused_in_one_line() -> None:
    for library in ("pyxdf", "matio", "h5py", "pyarrow"):
        pytest.importorskip(library, reason="pip install 'emgrig[dev]'")
    counted, wrong, peak = damage.run(330, seed=3)
    assert wrong == []
    assert {word for _, word in counted} == {"read", "refused"}
    assert peak < damage.MOST_BYTES
