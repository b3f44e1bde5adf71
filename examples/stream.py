"""Stream two seconds and print the level of each channel, from an address or the simulator."""

import sys

import numpy as np

import emgrig

address = sys.argv[1] if len(sys.argv) > 1 else "sim:"
with emgrig.connect(address) as board:
    print(board.identity)
    board.apply("facial-emg")
    with board.stream(duration_s=2.0) as stream:
        volts = np.concatenate([block.volts for block in stream])
    for name, level_uv in zip(board.channel_names, 1e6 * volts.std(axis=0), strict=True):
        print(f"{name:40s} {level_uv:8.2f} µV rms")
    print(f"{stream.totals.received} received, {stream.totals.lost} lost")
