"""The order of the clips: random, balanced, and the same again from the same seed and number.

A clip's emotion decides its place; blocks hold each emotion once. The blocks are rows of a
Williams square (E. J. Williams, Aust. J. Sci. Res. A 2, 149, 1949), in which every emotion
follows every other equally often. A participant uses as many rows as there are blocks, and a
*group* of consecutive participants uses every row equally often: three participants for six
emotions with four clips each.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from emgrig.experiment.files.plan import Clip

_TRIES = 20_000
_GROUP, _CLIPS = 1, 2  # keys of the random streams


def williams_square(n: int) -> list[tuple[int, ...]]:
    """Return the rows of a Williams design for n treatments: n rows, or 2 n if n is odd.

    Each treatment is at each place equally often, and each follows each other equally often.
    """
    first = [0]
    for step in range(1, n):
        first.append((first[-1] + (step if step % 2 else -step)) % n)
    rows = [tuple((x + shift) % n for x in first) for shift in range(n)]
    return rows if n % 2 == 0 else rows + [tuple(reversed(row)) for row in rows]


def group_size(n_emotions: int, n_blocks: int) -> int:
    """Return how many consecutive participants make up a balanced group."""
    n_rows = n_emotions if n_emotions % 2 == 0 else 2 * n_emotions
    return n_rows // math.gcd(n_rows, n_blocks)


def clip_order(clips: Sequence[Clip], seed: int, number: int) -> tuple[Clip, ...]:
    """Put clips in order for one participant.

    Guaranteed: every block holds each emotion once; no emotion comes twice in a row, also across
    blocks; no row of the square, so no ordered pair of emotions inside blocks, comes twice for one
    participant while there are rows enough; over the participants of a group, numbers ``k g + 1``
    to ``k g + g`` with `group_size` g, every ordered pair inside blocks and every emotion at every
    place of a block comes equally often. Not balanced: what follows what across the border of two
    blocks, and which clip of an emotion comes first; both are random.

    There are three or more emotions with as many clips each; none gives an empty order. `seed` is
    that of the experiment, `number`, from 1, that of the participant.
    """
    if not clips:
        return ()
    emotions = sorted({clip.emotion for clip in clips})
    n_blocks = len(clips) // len(emotions)
    size = group_size(len(emotions), n_blocks)
    group, member = divmod(number - 1, size)
    blocks = _group_blocks(len(emotions), n_blocks, np.random.default_rng([seed, group, _GROUP]))
    rng = np.random.default_rng([seed, number, _CLIPS])
    waiting = {}
    for index, emotion in enumerate(emotions):
        own = sorted((clip for clip in clips if clip.emotion == emotion), key=lambda c: c.id)
        waiting[index] = [own[i] for i in rng.permutation(len(own))]
    mine = blocks[member * n_blocks : (member + 1) * n_blocks]
    return tuple(waiting[emotion].pop() for row in mine for emotion in row)


def _group_blocks(n: int, n_blocks: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Draw the blocks of all participants of a group; emotions have random places in the square."""
    names = rng.permutation(n)
    rows = [tuple(int(names[x]) for x in row) for row in williams_square(n)]
    for _ in range(_TRIES):
        drawn = _draw(rows, n_blocks, rng)
        if drawn is not None:
            return drawn
    raise ValueError(f"no balanced order was found for {n} emotions in {n_blocks} blocks")


def _draw(
    rows: list[tuple[int, ...]], n_blocks: int, rng: np.random.Generator
) -> list[tuple[int, ...]] | None:
    """Draw one row after the other, or None if it comes to a dead end."""
    size = group_size(len(rows[0]), n_blocks)
    left = Counter(dict.fromkeys(range(len(rows)), size * n_blocks // len(rows)))
    most = -(-n_blocks // len(rows))
    drawn: list[tuple[int, ...]] = []
    for _ in range(size):
        mine: Counter[int] = Counter()
        for block in range(n_blocks):
            fitting = [
                index
                for index in range(len(rows))
                if left[index]
                and mine[index] < most
                and not (block and drawn[-1][-1] == rows[index][0])
            ]
            if not fitting:
                return None
            weights = np.array([left[index] for index in fitting], dtype=np.float64)
            index = int(rng.choice(fitting, p=weights / weights.sum()))
            left[index] -= 1
            mine[index] += 1
            drawn.append(rows[index])
    return drawn
