"""Stream two seconds and print the level of each channel.

The board is the one that is named, or that of EMGRIG_BOARD: EMGRIG_BOARD=sim: python stream.py
"""

import sys

import numpy as np

import emgrig

with emgrig.plain_errors(), emgrig.connect(*sys.argv[1:2]) as board:
    print(board.identity)
    board.apply("facial-emg")
    with board.stream(duration_s=2.0) as stream:
        volts = np.concatenate([block.volts for block in stream])
    for name, level_uv in zip(board.channel_names, 1e6 * volts.std(axis=0), strict=True):
        print(f"{name:40s} {level_uv:8.2f} µV rms")
    print(f"{stream.totals.received} received, {stream.totals.lost} lost")
