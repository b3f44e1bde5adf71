"""Nothing is lost without a word: a link that loses packets, and what the blocks say about it.

The link is simulated, or that to the board whose address is named: python lost_samples.py auto
"""

import sys

import emgrig

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "sim:fault=packets-lost:rate=0.03"

with emgrig.plain_errors(), emgrig.connect(ADDRESS) as board:
    board.apply("facial-emg")
    expected = 0
    with board.stream(duration_s=5.0) as stream:
        for block in stream:
            if block.lost_before:
                print(f"before sample {block.first_conversion}: {block.lost_before} {block.cause}")
            assert block.first_conversion == expected + block.lost_before
            expected = block.first_conversion + block.n_samples
    print(f"{stream.totals.received} received + {stream.totals.lost} lost")
    assert stream.totals.received + stream.totals.lost == stream.totals.produced
