"""Blocks that came soon after each other as one: what is done with a block has a price a piece."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from emgrig.driver.samples.block import Block


def joined(blocks: Iterable[Block]) -> list[Block]:
    """Join consecutive blocks where nothing is between them: no loss, no event, same settings."""
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and _follows(groups[-1][-1], block):
            groups[-1].append(block)
        else:
            groups.append([block])
    return [_one(group) for group in groups]


def _follows(before: Block, block: Block) -> bool:
    return (
        block.epoch is before.epoch
        and not block.lost_before
        and not block.events
        and bool(block.n_samples and before.n_samples)
        and block.first_conversion == before.first_conversion + before.n_samples
    )


def _one(group: Sequence[Block]) -> Block:
    first, *more = group
    if not more:
        return first
    flags = 0
    for block in group:
        flags |= block.flags
    return replace(
        first,
        codes=np.concatenate([block.codes for block in group]),
        status=np.concatenate([block.status for block in group]),
        flags=flags,
    )
