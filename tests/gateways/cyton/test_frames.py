"""Packets of a Cyton: found, numbered and paired, whatever the link does to them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.gateways.cyton.frames import CytonDecoder, CytonNumbering
from emgrig.gateways.placed import Placed
from gateways.cyton.cytons import BOARDS, PACKET, codes_of, mean, packet, stream
from properties import runs


def placed(pieces: list[bytes], *, has_daisy: bool = False) -> list[Placed]:
    """Feed pieces of one run, as they come."""
    decoder, numbering = CytonDecoder(), CytonNumbering()
    numbering.has_daisy = has_daisy
    numbering.begin(0.0)
    made = []
    for piece in pieces:
        rows, is_cut = decoder.feed(piece)
        if len(rows):
            made.append(numbering.place(rows, is_cut))
    return made


def conversions(pieces: list[bytes], *, has_daisy: bool = False) -> dict[int, list[int]]:
    """Return the codes of each conversion that comes out, by its number; none comes twice."""
    found: dict[int, list[int]] = {}
    last = -1
    for one in placed(pieces, has_daisy=has_daisy):
        for number, row in zip(one.conversion.tolist(), one.frames, strict=True):
            assert number > last
            last = number
            chips = [row[at : at + 24].tobytes() for at in range(0, len(row), 24)]
            found[number] = codes_of(b"".join(bytes(3) + chip for chip in chips))
    return found


def own_codes(packets: list[bytes]) -> list[list[int]]:
    return [codes_of(bytes(3) + one[2:26]) for one in packets]


def test_a_whole_run_comes_out_but_for_its_last_packet() -> None:
    made = stream(300)
    expected = dict(enumerate(own_codes(made)[:-1]))  # nothing behind the last proves it
    assert conversions([b"".join(made)]) == expected
    data = b"".join(made[:60])
    assert list(conversions([data[at : at + 1] for at in range(len(data))])) == list(range(59))


@pytest.mark.parametrize("n_lost", [1, 3, 200, 255, 256, 257, 512, 1000, 5000])
@pytest.mark.parametrize("period_ms", [4.0, 3.91, 4.09])
def test_a_hole_is_as_long_as_it_is(n_lost: int, period_ms: float) -> None:
    """Also of whole turns of the counter, which the time tells; the clocks may be 2.3 % apart."""
    before, behind = 500, 300
    made = stream(before + n_lost + behind, period_ms=period_ms)
    kept = made[:before] + made[before + n_lost :]
    found = conversions([b"".join(kept[:250]), b"".join(kept[250:])])
    truth = own_codes(made)
    assert all(truth[number] == codes for number, codes in found.items())
    assert len(found) >= len(kept) - 4
    assert max(found) == len(made) - 2


def test_a_packet_of_two_halves_whole_turns_apart_is_no_sample() -> None:
    """Its number, its ends and what stands behind it are right; the time before it is not."""
    made = stream(800)
    for cut in (1, 2, 5, 14, 26, 28, 29, 31, 32):
        mixed = made[300][:cut] + made[556][cut:]
        data = b"".join([*made[:300], mixed, *made[557:]])
        found = conversions([data])
        truth = own_codes(made)
        assert all(truth[number] == codes for number, codes in found.items()), cut
        assert len(found) >= 538


def test_what_the_board_did_not_send_is_missing_by_time() -> None:
    """Its counter does not jump: the time stamps do."""
    missed = {100, 250, 251, 252, 400}
    sent = [k for k in range(600) if k not in missed]
    made = [packet(n, 9000 + 4 * k, [k] * 8) for n, k in enumerate(sent)]
    found = conversions([b"".join(made[:90]), b"".join(made[90:])])
    assert {number: codes[0] for number, codes in found.items()} == {k: k for k in sent[:-1]}
    cut = [one.is_cut for one in placed([b"".join(made)])]
    assert not np.concatenate(cut).any()  # nothing was lost on the link


def test_a_late_packet_is_no_hole() -> None:
    rng = np.random.default_rng(1)
    late = rng.integers(0, 3, 2000)  # up to 2 ms
    made = [packet(k, 7000 + 4 * k + int(late[k]), [k] * 8) for k in range(2000)]
    found = conversions([b"".join(made[at : at + 70]) for at in range(0, 2000, 70)])
    assert {number: codes[0] for number, codes in found.items()} == {k: k for k in range(1999)}


def test_the_counter_of_49_days_turns_over() -> None:
    made = [packet(k, 2**32 - 400 + 4 * k, [k] * 8) for k in range(300)]
    found = conversions([b"".join(made)])
    assert list(found) == list(range(299))


def test_packets_that_came_twice_are_left_out() -> None:
    made = stream(300)
    twice = [*made[:100], made[99], *made[100:]]
    found = conversions([b"".join(twice)])
    truth = own_codes(made)
    assert all(truth[number] == codes for number, codes in found.items())
    assert set(range(299)) - set(found) <= {99}


def test_a_daisy_is_paired_with_the_packet_behind_it() -> None:
    made = stream(401)
    found = conversions([b"".join(made[:151]), b"".join(made[151:])], has_daisy=True)
    own = own_codes(made)
    assert found == {n: own[2 * n + 3] + own[2 * n + 2] for n in range(199)}


def test_pairs_with_a_hole_in_them_are_left_out() -> None:
    made = stream(400)
    for lost in ({100}, {101}, {100, 101}, {101, 102}):
        kept = [one for n, one in enumerate(made) if n not in lost]
        found = conversions([b"".join(kept)], has_daisy=True)
        own = own_codes(made)
        assert all(codes == own[2 * n + 3] + own[2 * n + 2] for n, codes in found.items())
        assert max(found) == 197
        assert 3 >= 198 - len(found) >= 1
    # A result that was never sent makes the Daisy's mean one of two that are 8 ms apart.
    late = [packet(n, 9000 + 4 * (n + (n > 200)), [n] * 8) for n in range(400)]
    found = conversions([b"".join(late)], has_daisy=True)
    assert all(codes == [2 * n + 3] * 8 + [2 * n + 2] * 8 for n, codes in found.items() if n < 99)
    assert all(codes[0] != 201 for codes in found.values())


def damaged(data: bytes, seed: int) -> bytes:
    """Lose pieces, whole turns of the counter too, and put garbage in; no bit is changed.

    A packet has no checksum: nobody can see a changed bit.
    """
    rng = np.random.default_rng([seed, 33])
    out, at = bytearray(), 0
    for place in np.sort(rng.integers(10 * PACKET, len(data) - 300 * PACKET, 7)).tolist():
        if place < at:
            continue
        out += data[at:place]
        at = place
        kind = rng.integers(4)
        if kind == 0:
            at += int(rng.integers(1, 40 * PACKET))
        elif kind == 1:
            at += PACKET * int(rng.integers(1, 4))
        elif kind == 2:
            at += PACKET * 256
        else:
            out += rng.integers(0, 256, int(rng.integers(1, 3 * PACKET)), np.uint8).tobytes()
    return bytes(out + data[at:])


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_no_fault_of_the_link_gives_a_wrong_sample(board: str) -> None:
    """Every sample is one that was sent, and in its place: so many are lost as are said to be."""
    made = stream(2400, period_ms=4.03)
    own, data = own_codes(made), b"".join(made)
    if board == "cyton":
        truth = dict(enumerate(own))
    else:
        truth = {n: own[2 * n + 3] + own[2 * n + 2] for n in range(1198)}
    n_lost = 0
    for seed in range(runs(20, 2000)):
        rng = np.random.default_rng([seed, 99])
        harmed = damaged(data, seed)
        edges = [0, *np.sort(rng.integers(0, len(harmed), 8)).tolist(), len(harmed)]
        pieces = [harmed[a:b] for a, b in pairwise(edges)]
        found = conversions(pieces, has_daisy=board != "cyton")
        wrong = [number for number, codes in found.items() if truth.get(number) != codes]
        assert not wrong, f"seed {seed}"
        assert max(found) == max(truth) - 1 + (board != "cyton")
        n_lost += len(truth) - len(found)
    assert n_lost > 1000


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=70),
            st.sampled_from([b"\xa0", b"\xc4", b"$$$", b"OpenBCI V3"]),
            st.tuples(st.integers(0, 400), st.integers(1, 12)).map(
                lambda span: b"".join(stream(span[1], begin=span[0]))
            ),
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_any_bytes_whole_or_in_pieces_give_the_same(parts: list[bytes], has_daisy: bool) -> None:
    """Nothing raises; frames do not depend on how the bytes were cut."""
    data = b"".join(parts)
    decoder, whole = CytonDecoder(), CytonDecoder()
    cut = [row.tobytes() for part in parts for row in decoder.feed(part)[0]]
    assert cut == [row.tobytes() for row in whole.feed(data)[0]]
    placed(parts, has_daisy=has_daisy)


def test_the_mean_of_the_tests_is_that_of_c() -> None:
    """(-3) / 2 is -1 in C, and 3 / 2 is 1."""
    assert [mean(-1, -2), mean(1, 2), mean(-4, 2), mean(-(2**23), -(2**23))] == [
        -1,
        1,
        -1,
        -(2**23),
    ]
