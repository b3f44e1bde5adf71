import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.signal.filters import envelope
from emgrig.analysis.spotting.casmemg import Parameters, casmemg_code, clip_around, paper_text
from emgrig.analysis.spotting.grid import Grid, clip_answers, search
from properties import examples


def bursts(n_samples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=2, size=n_samples)
    for _ in range(3):
        start = int(rng.integers(0, n_samples - 200))
        x[start : start + int(rng.integers(100, 700))] *= rng.uniform(2, 10)
    return x


def slow_baseline(env: np.ndarray, p: Parameters) -> list[tuple[int, int]]:
    """The published rule, window by window and counting from 1, as emg.md 1.5 describes it."""
    starts = list(range(1, len(env) - p.window + 1, p.step))
    frames = [env[s - 1 : s + p.window] for s in starts]
    n = len(frames)
    mark = [None, *(bool(f.mean() >= p.scale * env.mean()) for f in frames)]
    found = []
    position = 2
    while position < n:
        length = 1
        while mark[position] and position + length <= n and mark[position + length]:
            length += 1
        if length < p.run:
            position += 1
            continue
        last = position + length - 1
        early = position - p.back if position - p.back >= 1 else position
        late = last + p.ahead if last + p.ahead <= n else last
        onset = starts[early - 1] + int(frames[early - 1].argmin())
        offset = starts[late - 1] + int(frames[late - 1].argmin())
        found.append((onset - 1, offset - 1))
        position += length
    return found


parameter_sets = st.builds(
    Parameters,
    window=st.sampled_from([20, 40, 60, 80, 100]),
    step=st.sampled_from([10, 20, 30]),
    scale=st.sampled_from([1.0, 1.5, 2.0]),
    run=st.integers(2, 5),
    back=st.integers(2, 6),
    ahead=st.integers(2, 6),
)


@pytest.mark.slow
@examples(60)
@given(chosen=parameter_sets, n_samples=st.integers(300, 4000), seed=st.integers(0, 99))
def test_the_baseline_equals_a_window_by_window_reading(
    chosen: Parameters, n_samples: int, seed: int
) -> None:
    x = bursts(n_samples, seed)
    expected = slow_baseline(envelope(x, 1000.0)[:, 0], chosen)
    found = casmemg_code(x, parameters=chosen)
    assert [(int(a), int(b)) for a, b in found] == expected


@pytest.mark.long
@pytest.mark.slow
@examples(3)
@given(n_samples=st.integers(1200, 3000), seed=st.integers(0, 99))
def test_the_grid_answers_as_the_published_loop_does_set_by_set(n_samples: int, seed: int) -> None:
    env = envelope(bursts(n_samples, seed), 1000.0)[:, 0]
    grid = Grid(window=(20, 60), step=(10, 30), back=(2, 6), ahead=(3, 6))
    answers = clip_answers(env, grid)
    for chosen, answer in zip(grid.parameters(), answers, strict=True):
        kept = [
            (a, b)
            for a, b in slow_baseline(env, chosen)
            if sum(env[a : b + 1]) >= 1  # an empty range sums to 0
        ]
        expected = (min(a for a, _ in kept), max(b for _, b in kept)) if kept else (-1, -1)
        assert tuple(answer) == expected


def test_the_published_grid_has_4500_sets() -> None:
    assert Grid().size == len(Grid().parameters()) == 4500


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_search_is_the_same_on_one_core_and_on_two(n_jobs: int) -> None:
    clips = [bursts(1500 + 10 * i, i) for i in range(12)]
    truth = np.array([[500, len(x) - 500] for x in clips])
    grid = Grid(window=(60,), step=(30,))
    seen: list[tuple[int, int]] = []
    found = search(clips, truth, grid=grid, n_jobs=n_jobs, progress=lambda *p: seen.append(p))
    expected = np.stack([clip_answers(envelope(x, 1000.0)[:, 0], grid) for x in clips], axis=1)
    np.testing.assert_array_equal(found.detected, expected)
    assert len(found.scores) == grid.size
    assert seen[-1] == (12, 12)


@pytest.mark.slow
def test_the_search_is_the_same_on_a_dask_cluster_of_two_workers() -> None:
    distributed = pytest.importorskip("distributed")
    clips = [bursts(1500 + 10 * i, i) for i in range(12)]
    truth = np.array([[500, len(x) - 500] for x in clips])
    grid = Grid(window=(60,), step=(30,))
    # By TCP on this machine: without a protocol it looks for a network, and there may be none.
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        protocol="tcp://",
        host="127.0.0.1",
    ) as cluster:
        there = search(clips, truth, grid=grid, scheduler=cluster.scheduler_address)
    np.testing.assert_array_equal(there.detected, search(clips, truth, grid=grid).detected)


@pytest.mark.parametrize(
    "bad", [{"run": 1}, {"window": 0}, {"step": 0}, {"scale": 0.0}, {"scale": np.nan}, {"back": -1}]
)
def test_parameters_the_published_loop_cannot_take_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Parameters(**bad)  # type: ignore[arg-type]


def test_a_clip_that_is_too_short_or_has_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="one window"):
        casmemg_code(bursts(300, 0)[:60])
    x = bursts(2000, 0)
    x[1000] = np.nan
    with pytest.raises(ValueError, match="gap"):
        casmemg_code(x)
    with pytest.raises(ValueError, match="gap"):
        paper_text(x)
    with pytest.raises(ValueError, match="one channel"):
        casmemg_code(np.zeros((2000, 7)))
    with pytest.raises(ValueError, match="does not vary"):
        paper_text(np.zeros(2000))


def test_the_texts_reading_searches_the_whole_range_around_one_peak() -> None:
    x = np.random.default_rng(3).normal(scale=1, size=2000)
    x[800:1200] *= 20 * np.hanning(400)
    (event,) = paper_text(x, parameters=Parameters(back=10, ahead=12))
    assert 600 < event[0] < 900
    assert 1150 < event[1] < 1500


def test_the_baseline_always_fires_on_rest_with_the_papers_scale() -> None:
    rest = [np.random.default_rng(i).normal(scale=2, size=1300) for i in range(22)]
    fired = sum(casmemg_code(x, parameters=Parameters(run=2)).shape[0] > 0 for x in rest)
    assert fired == 22  # emg.md 1.6


def test_a_clip_has_half_a_second_either_side() -> None:
    clip = clip_around(6606, 6906, 60_000)
    assert (clip.start, clip.stop, clip.onset, clip.offset) == (6106, 7406, 500, 800)
    edge = clip_around(250, 700, 1000)
    assert (edge.start, edge.stop, edge.onset, edge.offset) == (0, 1000, 250, 700)


def test_the_published_clip_is_199_samples_late_and_its_tail_is_taken_whole() -> None:
    clip = clip_around(6606, 6906, 60_000, reading="code")
    assert (clip.start, clip.stop) == (6106 + 199 - 1, 7406 + 199)
    assert (clip.onset, clip.offset) == (499, 799)
    tail = clip_around(58_000, 58_900, 60_000, reading="code")
    assert (tail.stop, tail.offset) == (60_000, 60_000 - 199 - 58_900 - 1)


@pytest.mark.parametrize("times", [(700, 600), (5, 5), (-1, 5), (10, 99_999)])
def test_a_reversed_or_outside_expression_is_refused(times: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="reversed or outside"):
        clip_around(*times, 60_000)


def test_truth_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="truth has shape"):
        search([bursts(1500, 0)], np.array([[500, 1000], [500, 1000]]))
