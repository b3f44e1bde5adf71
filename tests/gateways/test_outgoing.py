"""What a gateway sends: packets of the board link, read back by the driver's decoder."""

import numpy as np
import pytest

from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.placed import Placed
from emgrig.protocol.account import LossAccount
from emgrig.protocol.decoder import Decoder, SamplePackets
from emgrig.protocol.packets import SampleFlag


def placed(first: int, n: int, *, is_cut: bool = False) -> Placed:
    cut = np.zeros(n, np.bool_)
    cut[0] = is_cut
    number = first + np.arange(n)
    frames = np.repeat(number.astype(np.uint8)[:, None], 27, axis=1)
    return Placed(frames, number, 4000 * number, cut)


def out_of(per_packet: int, *, tells_where: bool = True) -> Outgoing:
    out = Outgoing(tells_where=tells_where)
    out.begin_run(per_packet, 0)
    return out


def came(out: Outgoing) -> tuple[list[SamplePackets], LossAccount, int]:
    decoder, account = Decoder(), LossAccount()
    account.begin_run()
    out.flush()
    items = [one for one in decoder.feed(out.take(1 << 20)) if isinstance(one, SamplePackets)]
    for item in items:
        account.add(item)
    return items, account, decoder.counts.skipped_bytes


def flags(items: list[SamplePackets]) -> list[int]:
    return [flag for item in items for flag in item.flags.tolist()]


@pytest.mark.parametrize("per_packet", [1, 4])
def test_a_gap_right_behind_a_full_packet_is_marked(per_packet: int) -> None:
    out = out_of(per_packet)
    out.samples(placed(0, 4))
    out.samples(placed(6, 4))
    items, account, _ = came(out)
    missed = int(SampleFlag.CONVERSION_MISSED)
    assert flags(items) == [0] * (4 // per_packet) + [missed] + [0] * (4 // per_packet - 1)
    assert (account.totals.lost_on_board, account.totals.lost_on_link) == (2, 0)


@pytest.mark.parametrize(("tells_where", "flag"), [(True, 0), (False, 1)])
def test_a_hole_on_the_way_is_a_number_that_is_not_there(tells_where: bool, flag: int) -> None:
    """Where nobody can tell whether the board read them, it is marked as missed, too."""
    out = out_of(4, tells_where=tells_where)
    out.samples(placed(0, 4))
    out.samples(placed(7, 4, is_cut=True))
    items, account, _ = came(out)
    assert flags(items) == [0, flag]
    assert (account.totals.lost_on_board, account.totals.lost_on_link) == (0, 3)


def test_stray_bytes_and_frames_that_came_again_are_counted_and_nothing_else_changes() -> None:
    out = out_of(4)
    out.samples(placed(0, 6))
    out.stray(21)
    out.again(2)
    out.samples(placed(6, 4))
    items, account, n_stray = came(out)
    assert n_stray == 21
    assert account.totals.repeated == 2
    assert account.totals.lost == 0
    assert account.totals.received == 10
    first = [number for item in items for number in item.first_conversion.tolist()]
    assert first == [0, 4, 5, 5, 6]


def test_nothing_that_came_before_a_run_comes_again_in_it() -> None:
    out = out_of(4)
    out.again(3)
    assert not out
