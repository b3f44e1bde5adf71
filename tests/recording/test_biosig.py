"""What BioSig makes of our files; Debian has it as biosig-tools."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from exported import write_recording

SAVE2GDF = shutil.which("save2gdf")


@pytest.mark.skipif(SAVE2GDF is None, reason="save2gdf is not here: Debian's biosig-tools has it")
def test_biosig_sees_labels_units_rate_and_scale(tmp_path: Path) -> None:
    codes = np.arange(-600, 600, dtype=np.int32).reshape(-1, 2)
    write_recording(tmp_path / "a.bdf", codes, names=["frontalis", "zygomaticus major"])
    done = subprocess.run(
        [str(SAVE2GDF), "-JSON", "a.bdf"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    head = json.loads(done.stdout)
    assert (head["TYPE"], head["Samplingrate"]) == ("BDF", 1000.0)
    assert head["NumberOfSamples"] >= len(codes)
    first, second = (head["CHANNEL"][i] for i in (0, 1))
    assert (first["Label"], first["PhysicalUnit"]) == ("EMG frontalis", "uV")
    assert second["Label"].startswith("EMG zygomaticus")
    assert first["scaling"] == pytest.approx(4.5e6 / 12 / 2**23, rel=1e-5)
    assert first["offset"] == pytest.approx(0, abs=1e-9)
