"""How strong a part of a recording is, in % of the MVC: taken in it, from another one, or told.

A contraction is a sine of so many µV: its mean rectified value is 2 / pi of that, and so are mean
and peak of the envelope, but for what the filters' ends do.
"""

import csv
import json
import math
from pathlib import Path

import edfio
import numpy as np
import pytest
from typer.testing import CliRunner

from emgrig.errors import exit_code_for
from emgrig.tools.analyse.commands import app
from page_check import check_page

pytestmark = pytest.mark.slow

RATE_HZ, SINE_HZ = 1000, 130.0
MUSCLES = ("EMG zygomaticus", "EMG corrugator")
MAXIMUM_UV, SMILE_UV = 300.0, 60.0


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is None or isinstance(result.exception, SystemExit):
        return result.exit_code, result.output
    return int(exit_code_for(result.exception)), f"error: {result.exception}"


def write(
    path: Path,
    contractions: list[tuple[int, float, float, float]],
    marks: list[tuple[float, float | None, str]],
    *,
    labels: tuple[str, ...] = MUSCLES,
    rate_hz: int = RATE_HZ,
    unit: str = "uV",
    rail_s: tuple[float, float] | None = None,
) -> Path:
    """Write a minute of rest with contractions: channel index, begin s, end s, amplitude uV."""
    x = np.random.default_rng(3).normal(scale=0.5, size=(60 * rate_hz, len(labels)))
    t_s = np.arange(len(x)) / rate_hz
    for channel, begin_s, end_s, uv in contractions:
        held = (begin_s <= t_s) & (t_s < end_s)
        x[held, channel] += uv * np.sin(2 * np.pi * SINE_HZ * t_s[held])
    if rail_s is not None:
        x[(rail_s[0] <= t_s) & (t_s < rail_s[1]), 0] = 5000.0
    signals = [
        edfio.BdfSignal(
            one, rate_hz, label=label, physical_dimension=unit, physical_range=(-5000, 5000)
        )
        for one, label in zip(x.T, labels, strict=True)
    ]
    edfio.Bdf(signals, annotations=[edfio.EdfAnnotation(*one) for one in marks]).write(path)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A maximum of each muscle, a smile of 4 s between a longer mark, and smiles as moments."""
    return write(
        tmp_path / "one.bdf",
        [
            *((0, 9.0, 14.0, MAXIMUM_UV), (1, 19.0, 24.0, 200.0), (0, 29.0, 36.0, SMILE_UV)),
            (0, 44.0, 51.0, 2 * SMILE_UV),
        ],
        [
            *((10.0, None, "maximum zyg"), (13.0, None, "relax"), (20.0, 3.0, "maximum corr")),
            *((30.0, None, "smile"), (45.0, None, "Smile"), (58.0, None, "end")),
        ],
    )


def levels(folder: Path, name: str = "one") -> dict[tuple[str, str], dict[str, str]]:
    with (folder / f"{name}_parts.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {(row["part"], row["channel"]): row for row in rows}


def analyse(recording: Path, *options: object) -> tuple[int, str]:
    return run("analyse", recording, "-o", recording.parent, "--overwrite", *options)


def test_a_part_is_a_share_of_the_maximum_in_the_same_file(recording: Path) -> None:
    options = ("--mvc", "1=maximum zyg", "--mvc", "2=20.5:23.5", "--part", "30.5:35")
    code, text = analyse(recording, *options)
    assert code == 0, text
    zygomaticus, corrugator = levels(recording.parent).values()
    mean_rectified = 2 / math.pi
    assert float(zygomaticus["mean"]) == pytest.approx(SMILE_UV * mean_rectified, rel=0.02)
    assert float(zygomaticus["mvc"]) == pytest.approx(MAXIMUM_UV * mean_rectified, rel=0.02)
    share = 100 * SMILE_UV / MAXIMUM_UV
    assert float(zygomaticus["mean_mvc_percent"]) == pytest.approx(share, rel=0.02)
    assert float(zygomaticus["peak_mvc_percent"]) == pytest.approx(share, rel=0.02)
    assert float(corrugator["mvc"]) == pytest.approx(200 * mean_rectified, rel=0.02)
    assert float(corrugator["peak_mvc_percent"]) < 1
    assert (zygomaticus["onset"], zygomaticus["duration"]) == ("30.500", "4.500")
    assert zygomaticus["missing_share"] == "0.000"
    for words in ("% MVC", "20.0", "MVC: EMG zygomaticus 19"):
        assert words in text
    assert "no % MVC" not in text


def test_marks_name_parts_each_time_they_were_made(recording: Path) -> None:
    """From the mark on, to the next one, or for 5 s; the case of its letters does not matter."""
    code, text = analyse(recording, "--mvc", "1=maximum zyg", "--part", "smile", "--part", "end")
    assert code == 0, text
    found = levels(recording.parent)
    mine = {part: row for (part, channel), row in found.items() if channel == MUSCLES[0]}
    assert [(one["onset"], one["duration"]) for one in mine.values()] == [
        *(("30.000", "5.000"), ("45.000", "5.000"), ("58.000", "2.000")),
    ]
    assert list(mine) == ["smile 1", "Smile 2", "end"]
    percent = [float(one["mean_mvc_percent"]) for one in mine.values()]
    assert percent[:2] == pytest.approx([20, 40], rel=0.02)
    assert "MVC: EMG zygomaticus 19" in text  # 10 to 13 s: up to the mark behind it
    code, text = analyse(recording, "--mvc", "2=MAXIMUM CORR", "--part", "maximum corr")
    row = levels(recording.parent)["maximum corr", MUSCLES[1]]
    assert (row["onset"], row["duration"]) == ("20.000", "3.000")  # as long as the mark
    assert float(row["peak_mvc_percent"]) == pytest.approx(100, abs=0.1)


def test_a_part_that_goes_on_behind_the_end_is_told_up_to_it(recording: Path) -> None:
    code, text = analyse(recording, "--part", "50:1000")
    assert code == 0, text
    row = levels(recording.parent)["50.0 to 60.0 s", MUSCLES[0]]
    assert (row["onset"], row["duration"]) == ("50.000", "10.000")
    assert "1000" not in text


def test_a_mark_that_was_made_twice_is_as_long_as_one(tmp_path: Path) -> None:
    """By the page and by another program: less than a sample lies between them."""
    marks = [(30.0, None, "smile"), (30.0004, None, "smile"), (33.0, None, "relax")]
    path = write(tmp_path / "one.bdf", [(0, 29.0, 36.0, SMILE_UV)], marks)
    code, text = analyse(path, "--part", "smile")
    assert code == 0, text
    found = [row for (_, channel), row in levels(tmp_path).items() if channel == MUSCLES[0]]
    assert [one["duration"] for one in found] == ["3.000", "3.000"]
    assert [float(one["mean"]) for one in found] == pytest.approx(
        [SMILE_UV * 2 / math.pi] * 2, rel=0.02
    )


def test_the_maximum_can_be_a_recording_of_its_own(recording: Path) -> None:
    other = write(
        recording.with_name("max.bdf"), [(0, 10.0, 14.0, 150.0)], [], labels=MUSCLES[::-1]
    )
    code, text = analyse(recording, "--mvc", other, "--part", "30.5:35")
    assert code == 0, text
    row = levels(recording.parent)["30.5 to 35.0 s", MUSCLES[1]]
    assert row["mvc"] != "n/a"
    assert float(row["mvc"]) == pytest.approx(150 * 2 / math.pi, rel=0.1)  # the sine's ends ring
    # The other muscle rests in it: what noise reaches there is nobody's maximum.
    assert levels(recording.parent)["30.5 to 35.0 s", MUSCLES[0]]["mvc"] == "n/a"
    assert "max.bdf, EMG zygomaticus: no MVC: from 0.0 to 60.0 s it reaches" in text
    assert "no % MVC of EMG zygomaticus: it needs the maximum" in " ".join(text.split())
    code, text = analyse(recording, "--mvc", other, "--mvc", "2=500", "--part", "30.5:35")
    assert levels(recording.parent)["30.5 to 35.0 s", MUSCLES[1]]["mvc"] == "500.0", (
        "told goes first"
    )


def test_what_cannot_be_known_is_a_line(recording: Path) -> None:
    folder = recording.parent
    write(folder / "slow.bdf", [(0, 10.0, 14.0, 150.0)], [], rate_hz=500)
    write(folder / "strangers.bdf", [(0, 10.0, 14.0, 150.0)], [], labels=("A", "B"))
    write(folder / "rest.bdf", [], [])
    write(folder / "angle.bdf", [(0, 10.0, 14.0, 150.0)], [], unit="deg")
    for options, code, words in (
        (
            ("--mvc", folder / "slow.bdf"),
            5,
            "20-225 Hz and 20-450 Hz: amplitudes cannot be compared",
        ),
        (("--mvc", folder / "strangers.bdf"), 5, "it has A, B, and EMG zygomaticus"),
        (
            ("--mvc", folder / "rest.bdf"),
            5,
            "no MVC can be taken from it; EMG zygomaticus: no MVC: ",
        ),
        (("--mvc", folder / "angle.bdf"), 5, "its unit is deg, not a voltage"),
        (("--mvc", "none.bdf"), 2, "there is no such file"),
        (("--mvc", "3=maximum zyg"), 2, "a channel from 1 to 2"),
        (("--mvc", "1=max"), 2, "there is no mark 'max'; expected START:END in s, or one of: max"),
        (("--mvc", "1=50:70"), 0, ""),  # up to the end
        (("--part", "60:61"), 2, "no stretch of a recording of 60.0 s"),
        (("--part", "5:5"), 2, "5 to 5 s is no stretch"),
        (("--part", "5:5.0001"), 2, "5 to 5.0001 s is no stretch"),  # no sample is in it
        (("--mvc", "1=inf"), 2, "a level above 0, as 5=310"),
        (("--mvc", "²=5"), 2, "a channel from 1 to 2"),
        (("--part", "5:4.x"), 2, "there is no mark '5:4.x'"),
        (("--part", "1.2.3:4"), 2, "START:END in seconds"),
    ):
        found, text = analyse(recording, *options)
        assert (found, words in text) == (code, True), (options, text)


def test_where_nothing_was_contracted_there_is_no_maximum(recording: Path) -> None:
    code, text = analyse(recording, "--mvc", "1=52:57", "--part", "30:35")
    assert code == 0
    assert "channel 1 (EMG zygomaticus): no MVC: from 52.0 to 57.0 s it reaches" in text
    assert levels(recording.parent)["30.0 to 35.0 s", MUSCLES[0]]["mean_mvc_percent"] == "n/a"


def test_missing_and_clipped_samples_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path / "one.bdf",
        [(0, 9.0, 14.0, MAXIMUM_UV), (0, 29.0, 36.0, SMILE_UV)],
        [(31.0, 1.0, "BAD_gap")],
        rail_s=(11.0, 11.05),
    )
    code, text = analyse(path, "--mvc", "1=10:13", "--part", "30:35", "--part", "31.2:31.8")
    assert code == 0, text
    assert "channel 1 (EMG zygomaticus): its MVC is clipped: the true one is higher" in text
    assert "30.0 to 35.0 s, EMG zygomaticus: 20.0% is missing" in text
    assert "31.2 to 31.8 s, EMG zygomaticus: 100.0% is missing" in text
    assert levels(tmp_path)["31.2 to 31.8 s", MUSCLES[0]]["mean"] == "n/a"


def test_the_page_and_the_machine_have_the_same(recording: Path) -> None:
    code, text = analyse(recording, "--mvc", "1=maximum zyg", "--part", "smile", "--json")
    told = json.loads(text[text.index("{") :])
    assert code == 0
    assert told["channels"][0]["mvc_uv"] == pytest.approx(MAXIMUM_UV * 2 / math.pi, rel=0.02)
    assert told["channels"][1]["mvc_uv"] is None
    first = told["parts"][0]
    assert (first["part"], first["channel"], first["begin_s"]) == ("smile 1", 1, 30.0)
    page = (recording.parent / "one.html").read_text("utf-8")
    check_page(page, simulated=False)
    assert "How strong, part by part" in page
    assert f'<td class="n">{first["mean_mvc_percent"]:.1f}</td>' in page
    analyse(recording)
    assert "part by part" not in (recording.parent / "one.html").read_text("utf-8")


def test_results_of_a_run_before_stay(recording: Path) -> None:
    run("analyse", recording, "-o", recording.parent, "--part", "smile")
    before = (recording.parent / "one_parts.tsv").read_bytes()
    run("analyse", recording, "-o", recording.parent, "--part", "0:5")
    assert (recording.parent / "one_parts.tsv").read_bytes() == before
    assert levels(recording.parent, "one_run2")
