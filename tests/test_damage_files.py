"""A few damaged files of each kind; `python tests/damage_files.py` reads 3000 of each."""

import sys

import pytest

import damage_files
from properties import runs
from reading.damage import MOST_BYTES


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_damaged_files_of_every_kind_are_read_or_refused_in_one_line() -> None:
    pytest.importorskip("openpyxl", reason="pip install 'emgrig[dev]'")
    counted, wrong, peak = damage_files.run(runs(9, nightly=3000), seed=5)
    assert wrong == []
    assert {name for name, _ in counted} == set(damage_files.READERS)
    assert {word for _, word in counted} == {"read", "refused"}
    assert peak < MOST_BYTES
