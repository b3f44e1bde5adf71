"""Of any file with known true times, an impulse comes out within one sample, or it is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from emgrig.errors import RecordingError
from emgrig.reading import open_recording
from properties import examples
from reading import made

pq = pytest.importorskip("pyarrow.parquet", reason="pip install 'emgrig[parquet]'")

Writer = Callable[[Path, made.Take], Path]


@dataclass(frozen=True)
class Story:
    """What happened while somebody recorded: each of it at rows of the file so far."""

    n: int
    at: int
    ppm: float
    happened: tuple[tuple[str, int, int], ...]

    def told(self, rate_hz: float, channels: int) -> made.Take:
        one = made.take(self.n, rate_hz, at=self.at, ppm=self.ppm, channels=channels)
        for what, place, much in self.happened:
            begin = place % (len(one.number) - 40) + 5
            if what == "lost":
                one = made.without(one, begin, min(begin + much, len(one.number) - 10))
            elif what == "paused":
                one = made.paused(one, begin, much * 0.0137)
            else:
                one = made.doubled(one, begin, min(begin + much, len(one.number)))
        return one


def stories(*kinds: str, most: int = 150, ppm: float = 2000) -> st.SearchStrategy[Story]:
    event = st.tuples(st.sampled_from(kinds), st.integers(0, 5000), st.integers(1, most))
    return st.builds(
        Story,
        st.integers(400, 1500),
        st.integers(20, 380),
        st.sampled_from([0.0, 0.0, 40.0, -150.0, ppm, -ppm]),
        st.lists(event, max_size=3).map(tuple),
    )


def check(write: Writer, one: made.Take, suffix: str, told_hz: float | None = None) -> bool:
    """Return whether the file was read; fails if it was, and the impulse is somewhere else."""
    if one.values[:, 0].max() < made.IMPULSE_UV:
        return False
    with TemporaryDirectory() as folder:
        path = write(Path(folder, f"rec{suffix}"), one)
        try:
            found = open_recording(path, rate_hz=told_hz)
            values = found.values(0)
        except RecordingError:
            return False
        at_s = int(np.nanargmax(values)) / found.rate_hz
        off = (at_s - one.impulse_s) * one.rate_hz
        assert abs(off) <= 1.01, (off, found.rate_hz, found.rate_from, found.remarks)
    return True


ANY = ("lost", "paused", "doubled")


def _csv(digits: int) -> Writer:
    return lambda path, one: made.timed_table(path, one, one.time_s.round(digits))


def _csv_of_unix_time(path: Path, one: made.Take) -> Path:
    return made.timed_table(path, one, made.UNIX_S + one.time_s)


def _csv_in_ms(path: Path, one: made.Take) -> Path:
    columns = [1000 * one.time_s, *one.values.T]
    return made.table(path, ["ms", "a", "b"], columns)


def _mat(path: Path, one: made.Take) -> Path:
    savemat(path, {"data": one.values, "t": one.time_s})
    return path


def _parquet(path: Path, one: made.Take) -> Path:
    import pyarrow as pa

    columns = {"time": one.time_s, "zyg": one.values[:, 0], "corr": one.values[:, 1]}
    pq.write_table(pa.table(columns), path)
    return path


def _xdf(path: Path, one: made.Take) -> Path:
    return made.xdf(path, made.xdf_stream(1, 77 + one.time_s, one.values, rate_hz=one.rate_hz))


#: Files with a column of time, however it is written.
TIMED: dict[str, tuple[Writer, str]] = {
    "CSV in us": (_csv(6), ".csv"),
    "CSV in ms": (_csv(3), ".csv"),
    "CSV of Unix time": (_csv_of_unix_time, ".csv"),
    "CSV whose unit is ms": (_csv_in_ms, ".csv"),
    ".mat": (_mat, ".mat"),
    "Parquet": (_parquet, ".parquet"),
    "XDF": (_xdf, ".xdf"),
}


@pytest.mark.slow
@given(
    story=stories(*ANY),
    form=st.sampled_from(sorted(TIMED)),
    rate_hz=st.sampled_from([100.0, 1000.0, 2048.0]),
)
@examples(40)
def test_of_a_column_of_time(story: Story, form: str, rate_hz: float) -> None:
    write, suffix = TIMED[form]
    check(write, story.told(rate_hz, 2), suffix)


@pytest.mark.slow
@given(
    story=stories("lost", "doubled", most=200),
    jitter_s=st.sampled_from([0.0003, 0.001, 0.004]),
    seed=st.integers(0, 99),
)
@examples(25)
def test_of_stamps_that_jitter(story: Story, jitter_s: float, seed: int) -> None:
    """What is lost is longer than the jitter; of the rest the remark says that it is not seen."""
    one = made.take(story.n, 1000, at=story.at, ppm=story.ppm)
    late = np.random.default_rng(seed).uniform(0, jitter_s, story.n)
    stamps_s = np.maximum.accumulate(one.time_s + late)
    for _, place, much in story.happened[:1]:
        begin = place % (story.n - 300) + 100
        one, stamps_s = (
            made.without(one, begin, begin + much + int(2500 * jitter_s)),
            np.delete(stamps_s, np.s_[begin : begin + much + int(2500 * jitter_s)]),
        )
    check(lambda path, take: made.timed_table(path, take, stamps_s), one, ".csv")


#: How boards count: rows of a number, and the number of each sample.
COUNTED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Cyton": lambda n: n % 256,
    "Daisy": lambda n: 2 * n % 256,
    "Ganglion 0-200": lambda n: n % 201,
    "Ganglion 0-100 twice": lambda n: n // 2 % 101,
    "Ganglion 0-100 twice, 0 once": lambda n: (n % 201 + 1) // 2,
    "Ganglion 0-127": lambda n: n % 128,
    "never anew": lambda n: n,
}


@pytest.mark.long
@pytest.mark.slow
@given(
    story=stories(*ANY, most=700, ppm=150),
    late=st.integers(0, 40),
    seed=st.integers(0, 99),
    board=st.sampled_from(sorted(COUNTED)),
    version=st.sampled_from([4, 5, 6]),
)
@examples(40)
def test_of_an_index_and_times_of_arrival(
    story: Story, late: int, seed: int, board: str, version: int
) -> None:
    """Rows arrive in blocks: up to 40 samples late, which hides a drift of half a sample."""
    one = story.told(250, 4)
    arrived_s = _in_blocks(one, late, seed)
    check(
        lambda path, take: made.openbci(
            path, take, COUNTED[board](take.number), version, arrived_s
        ),
        one,
        ".txt",
    )


def _in_blocks(one: made.Take, late: int, seed: int) -> np.ndarray:
    """Return when rows arrived: each when the next block, of up to `late` samples, was whole."""
    if not late:
        return one.time_s
    rng = np.random.default_rng(seed)
    sent_s = np.cumsum(rng.integers(1, late + 1, 5000)) / one.rate_hz
    return sent_s[np.searchsorted(sent_s, one.time_s)]


@pytest.mark.slow
@given(
    story=stories(*ANY, most=700, ppm=150),
    late=st.integers(0, 20),
    seed=st.integers(0, 99),
    channels=st.sampled_from([4, 8, 16]),
)
@examples(15)
def test_of_brainflow(story: Story, late: int, seed: int, channels: int) -> None:
    rate_hz, board = {
        4: (200.0, "Ganglion 0-100 twice"), 8: (250.0, "Cyton"), 16: (125.0, "Daisy"),
    }[channels]  # fmt: skip
    one = story.told(rate_hz, channels)
    arrived_s = _in_blocks(one, late, seed)
    index = COUNTED[board](one.number)
    check(lambda path, take: made.brainflow(path, take, index, arrived_s), one, ".csv")


@pytest.mark.long
@pytest.mark.slow
@given(story=stories("lost", "doubled", most=90, ppm=0), board=st.sampled_from(sorted(COUNTED)))
@examples(25)
def test_of_an_index_alone(story: Story, board: str) -> None:
    """Without a clock a loss has to be shorter than a cycle, and a pause is not in the file."""
    one = _with_a_whole_cycle(story).told(250, 4)
    check(lambda path, take: made.openbci(path, take, COUNTED[board](take.number), 2), one, ".txt")


def _with_a_whole_cycle(story: Story) -> Story:
    """Let everything happen in the first 400 samples, and leave three cycles behind them."""
    happened = tuple((what, place % 300, much) for what, place, much in story.happened[:1])
    return Story(1200, story.at, 0.0, happened)


@pytest.mark.slow
@given(story=stories("lost", "doubled", most=15, ppm=0))
@examples(15)
def test_of_opensignals(story: Story) -> None:
    check(made.opensignals, _with_a_whole_cycle(story).told(1000, 2), ".txt")


def _records(story: Story, rate_hz: float, n_in_record: int) -> tuple[made.Take, np.ndarray]:
    """Return a take in whole data records, and when each began; things happen between records."""
    n_records = 12
    one = made.take(n_records * n_in_record, rate_hz, at=story.at % (n_records * n_in_record),
                    ppm=story.ppm)  # fmt: skip
    for what, place, much in story.happened:
        begin = place % (len(one.number) // n_in_record - 1) * n_in_record + n_in_record
        if what == "lost":
            one = made.without(one, begin, begin + n_in_record)
        elif what == "paused":
            one = made.paused(one, begin, much * 0.0137)
        else:
            one = made.doubled(one, begin - n_in_record, begin)
    return one, one.time_s[::n_in_record]


@pytest.mark.slow
@given(
    story=stories(*ANY, most=300),
    n_in_record=st.sampled_from([50, 250, 1000]),
    letter=st.sampled_from("DC"),
    suffix=st.sampled_from([".edf", ".bdf"]),
)
@examples(30)
def test_of_data_records(story: Story, n_in_record: int, letter: str, suffix: str) -> None:
    one, begins_s = _records(story, 500.0, n_in_record)

    def write(path: Path, take: made.Take) -> Path:
        codes = [np.round(10 * column).astype(int) for column in take.values.T]
        return made.edf(
            path, codes, n_in_record, record_s=f"{n_in_record / 500:g}",
            tals=[[made.tal(at) for at in begins_s - begins_s[0]]],
            reserved=f"{suffix[1:].upper()}+{letter}",
        )  # fmt: skip

    check(write, one, suffix)


@pytest.mark.slow
@given(story=stories("paused", ppm=0))
@examples(15)
def test_of_brainvision_segments(story: Story) -> None:
    one = story.told(1000, 2)

    def write(path: Path, take: made.Take) -> Path:
        rows = np.flatnonzero(np.diff(take.time_s) > 0.0015) + 1
        marks = [made.segment(0, 0.0), *(made.segment(i, take.time_s[i]) for i in rows.tolist())]
        made.brainvision(path, take.values * 10, 1000, markers=marks)
        return path

    assert check(write, one, ".vhdr")
