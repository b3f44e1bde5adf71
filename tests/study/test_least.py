"""The least data set of docs/study.md: another program's recording, and two tables beside it."""

import re
from pathlib import Path

import numpy as np
import pytest

from places import ROOT
from shell import Run

edfio = pytest.importorskip("edfio", reason="pip install 'emgrig[dev]'")
pq = pytest.importorskip("pyarrow.parquet", reason="pip install 'emgrig[parquet]'")


def write_recording(path: Path) -> None:
    """A minute of two muscles: a strong contraction each, and 20 % of it in the clip."""
    rng = np.random.default_rng(5)
    signals = []
    for name, mvc_s, smile_s in (("Corr_L", 5, 34), ("Zyg_L", 15, 38)):
        level = np.full(60_000, 1.5)
        level[1000 * mvc_s : 1000 * (mvc_s + 3)] += 150 * np.hanning(3000)
        level[1000 * smile_s : 1000 * (smile_s + 1)] += 30 * np.hanning(1000)
        values = np.convolve(level * rng.normal(size=60_000), [0.5, 0.3, -0.4, -0.2], "same")
        signals.append(edfio.BdfSignal(values, 1000, label=name, physical_dimension="uV"))
    edfio.Bdf(signals).write(path)


@pytest.mark.long
@pytest.mark.slow
def test_the_least_data_set_of_the_documents_gives_events_of_its_clip(
    tmp_path: Path, shell: Run
) -> None:
    folder = tmp_path / "sub-01" / "emg"
    folder.mkdir(parents=True)
    page = (ROOT / "docs/study.md").read_text("utf-8")
    tables = re.findall(r"```\n((?:name|onset)\t.*?)```", page, re.S)
    for kind, text in zip(("channels", "events"), tables, strict=True):
        (folder / f"sub-01_task-faces_{kind}.tsv").write_text(text, "utf-8")
    about = re.search(r'\{"Name".*\}', page)
    assert about is not None
    (tmp_path / "dataset_description.json").write_text(about.group(), "utf-8")
    write_recording(folder / "sub-01_task-faces_emg.bdf")
    for word in ("init", "run", "report"):
        assert shell(f"study {word} {tmp_path}").code == 0
    results = tmp_path / "derivatives" / "emgrig-study"
    events = pq.read_table(results / "events.parquet").to_pylist()
    kept = [one for one in events if not one["left_out"]]
    assert [one["left_out"] for one in events if one["left_out"]] == ["part A"] * 2
    assert [(one["channel"], one["clip"], one["emotion"], one["rating"]) for one in kept] == [
        ("Corr_L", "joy1", "happiness", 6), ("Zyg_L", "joy1", "happiness", 6),
    ]  # fmt: skip
    assert [one["mvc_percent"] for one in kept] == pytest.approx([20, 20], abs=5)
