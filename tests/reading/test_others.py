"""AcqKnowledge, OpenSignals and the UCI logs, as they export text."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from reading import made

ONE = made.take(400, 500, at=100)


@pytest.mark.parametrize(
    ("unit", "factor"), [("mV", 1e3), ("Volts", 1e6), ("uV", 1.0), ("microvolts", 1.0)]
)
def test_acqknowledge_says_names_units_and_its_step(
    tmp_path: Path, unit: str, factor: float
) -> None:
    found = open_recording(made.acqknowledge(tmp_path / "a.txt", ONE, unit))
    assert (found.rate_hz, found.rate_from, found.labels) == (500, "line 2", ("EMG 1", "EMG 2"))
    np.testing.assert_allclose(found.matrix(), factor * ONE.values)


@pytest.mark.parametrize(
    ("line", "rate_hz"),
    [("0.5 msec/sample", 2000), ("0.001 sec/sample", 1000), ("250 samples/sec", 250)],
)
def test_acqknowledge_says_its_step_in_three_ways(
    tmp_path: Path, line: str, rate_hz: float
) -> None:
    path = made.acqknowledge(tmp_path / "a.txt", ONE)
    path.write_text(path.read_text().replace("2 msec/sample", line))
    rows = path.read_text().splitlines()
    rows[8:] = [row.partition(",")[2] for row in rows[8:]]  # no column of time
    path.write_text("\n".join(rows))
    assert open_recording(path).rate_hz == rate_hz


def test_acqknowledge_whose_minutes_contradict_its_step_is_refused(tmp_path: Path) -> None:
    path = made.acqknowledge(tmp_path / "a.txt", ONE)
    path.write_text(path.read_text().replace("2 msec/sample", "1 msec/sample"))
    with pytest.raises(RecordingError, match=r"gives 500.*line 2 says 1000 Hz"):
        open_recording(path)


def test_acqknowledge_keeps_the_gaps_of_its_minutes(tmp_path: Path) -> None:
    path = made.acqknowledge(tmp_path / "a.txt", ONE)
    rows = path.read_text().splitlines()
    del rows[100:150]
    path.write_text("\n".join(rows))
    assert open_recording(path).runs.gaps.tolist() == [[91, 141]]


@pytest.mark.parametrize(
    ("old", "new"), [("2 channels", "0 channels"), ("2 channels", "90 channels"), ("2 ch", "x ch")]
)
def test_acqknowledge_without_its_channels_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = made.acqknowledge(tmp_path / "a.txt", ONE)
    path.write_text("\n".join(path.read_text().replace(old, new).splitlines()[:60]))
    with pytest.raises(RecordingError, match=r"a\.txt: .*name its channels in line 3"):
        open_recording(path)


def test_opensignals_gives_codes_whose_unit_nobody_said(tmp_path: Path) -> None:
    found = open_recording(made.opensignals(tmp_path / "a.txt", ONE))
    np.testing.assert_array_equal(found.matrix(), np.round(512 + ONE.values))
    assert found.units == ("", "")
    assert (found.rate_hz, found.labels) == (500, ("EMG (1)", "EMG (2)"))


def test_opensignals_losses_are_gaps(tmp_path: Path) -> None:
    path = made.opensignals(tmp_path / "a.txt", made.without(ONE, 200, 209))
    assert open_recording(path).runs.gaps.tolist() == [[200, 209]]


@pytest.mark.parametrize(
    ("old", "new"),
    [("{", "["), ('"sampling rate"', '"rate"'), ("500", "0"), ("500", "-5"), ("500", "1e999")],
)
def test_an_opensignals_heading_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str
) -> None:
    path = made.opensignals(tmp_path / "a.txt", ONE)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecordingError, match=r"a\.txt: the heading of OpenSignals"):
        open_recording(path)


def test_a_uci_log_has_the_rate_of_its_page_and_says_so(tmp_path: Path) -> None:
    found = open_recording(made.uci(tmp_path / "a.txt", ONE))
    np.testing.assert_allclose(found.matrix(), 1e3 * ONE.values, atol=0.1)
    assert (found.rate_hz, found.remarks) == (
        1000, ("rate of 1000 Hz taken from the data set's page",),
    )  # fmt: skip
