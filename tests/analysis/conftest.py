from pathlib import Path

import pytest

from emgrig.analysis.annotations import Expression, read_annotations

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data beside the checkout."""
    if not DATA.is_dir():
        pytest.skip("needs the folder ../shared/data beside the checkout")
    return DATA


@pytest.fixture(scope="session")
def expressions(data: Path) -> list[Expression]:
    return read_annotations(data / "casmemg" / "380_sort.xlsx")
