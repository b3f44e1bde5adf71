"""The order of clips: what it guarantees, counted over many seeds and participants."""

from collections import Counter
from itertools import pairwise

import pytest

from emgrig.experiment.course.order import clip_order, group_size, williams_square
from emgrig.experiment.files.plan import Clip


def clips(n_emotions: int = 6, n_each: int = 4) -> list[Clip]:
    return [
        Clip(f"e{emotion}-{i}", f"{i}.mp4", f"e{emotion}", 0.0)
        for emotion in range(n_emotions)
        for i in range(n_each)
    ]


def blocks(order: tuple[Clip, ...], n_emotions: int) -> list[list[str]]:
    names = [clip.emotion for clip in order]
    return [names[i : i + n_emotions] for i in range(0, len(names), n_emotions)]


@pytest.mark.parametrize("n", range(2, 11))
def test_in_the_square_everything_follows_everything_equally_often(n: int) -> None:
    rows = williams_square(n)
    assert all(sorted(row) == list(range(n)) for row in rows)
    follows = Counter(pair for row in rows for pair in pairwise(row))
    assert len(follows) == n * (n - 1)
    assert len(set(follows.values())) == 1
    for place in zip(*rows, strict=True):
        assert len(set(Counter(place).values())) == 1


@pytest.mark.parametrize("seed", range(100))
def test_blocks_hold_each_emotion_once_and_none_comes_twice_in_a_row(seed: int) -> None:
    order = clip_order(clips(), seed, 1 + seed % 7)
    assert sorted(clip.id for clip in order) == sorted(clip.id for clip in clips())
    assert all(len(set(block)) == 6 for block in blocks(order, 6))
    assert all(a.emotion != b.emotion for a, b in pairwise(order))


@pytest.mark.parametrize("seed", range(40))
def test_no_pair_comes_twice_inside_the_blocks_of_a_participant(seed: int) -> None:
    inside = [p for block in blocks(clip_order(clips(), seed, 5), 6) for p in pairwise(block)]
    assert len(set(inside)) == len(inside) == 20


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("first", [1, 4, 31])
def test_three_participants_are_balanced(seed: int, first: int) -> None:
    """12 blocks: each of the 30 ordered pairs twice, each emotion twice at each place."""
    assert group_size(6, 4) == 3
    of_all = [
        block
        for number in range(first, first + 3)
        for block in blocks(clip_order(clips(), seed, number), 6)
    ]
    follows = Counter(pair for block in of_all for pair in pairwise(block))
    assert set(follows.values()) == {2}
    assert len(follows) == 30
    for place in zip(*of_all, strict=True):
        assert set(Counter(place).values()) == {2}


@pytest.mark.parametrize(("n_emotions", "n_each"), [(3, 1), (3, 4), (4, 3), (5, 2), (7, 4), (6, 8)])
def test_other_numbers_of_emotions_and_clips(n_emotions: int, n_each: int) -> None:
    some = clips(n_emotions, n_each)
    of_all = []
    for number in range(1, group_size(n_emotions, n_each) + 1):
        order = clip_order(some, 3, number)
        assert {clip.id for clip in order} == {clip.id for clip in some}
        assert all(a.emotion != b.emotion for a, b in pairwise(order))
        of_all += blocks(order, n_emotions)
    follows = Counter(pair for block in of_all for pair in pairwise(block))
    assert len(follows) == n_emotions * (n_emotions - 1)
    assert len(set(follows.values())) == 1


def test_the_same_seed_and_number_give_the_same_order_however_the_plan_lists_them() -> None:
    assert clip_order(clips(), 5, 2) == clip_order(clips()[::-1], 5, 2)


@pytest.mark.slow
def test_seeds_and_participants_differ() -> None:
    orders = {clip_order(clips(), seed, number) for seed in range(20) for number in range(1, 7)}
    assert len(orders) == 120


@pytest.mark.slow
def test_every_clip_comes_at_every_block_and_every_emotion_first() -> None:
    """Over 300 participants; by chance alone one of 24 clips would miss a block once in 1e35."""
    orders = [clip_order(clips(), 1, number) for number in range(1, 301)]
    places = {(clip.id, i // 6) for order in orders for i, clip in enumerate(order)}
    assert len(places) == 24 * 4
    assert len({order[0].emotion for order in orders}) == 6


def test_no_clips_no_order() -> None:
    assert clip_order([], 1, 1) == ()
