#!/bin/sh
# pieeg-server 0.49.0 with 16 channels reads chip 1 when its DRDY falls, and then waits for DRDY of
# chip 2 to go low anew. Reading chip 1 clocks SCLK, and an ADS1299 takes DRDY high at the first SCLK even
# with its CS high (data sheet SBAS499C, 9.5.2.9). So if chip 2 had its result shortly before, its DRDY is
# high by then, and the wait is for its next result, nearly a period later. While that is read, chip 1 has
# its next result: SCLK takes its DRDY high at once, nobody sees it low, and the frame is lost. With one
# clock and chip 2 that little ahead every second frame is lost, for ever; with two oscillators the chips
# pass each other again and again, and it comes and goes. Frames are numbered after the loss, so nobody
# downstream can know.
# Instead: note the falling edges of both lines (the kernel counts and stamps them); read whoever has a
# result; give both chips one clock.
#
# The program's own classes run here; beneath them are the two chips' DRDY lines, and a clock.
#
# Output seen:
#     pieeg-server 0.49.0, chip 2 0.50 ms after chip 1: 250 of 250 frames, numbered 1 to 250
#     pieeg-server 0.49.0, chip 2 0.05 ms before chip 1: 125 of 250 frames, numbered 1 to 125
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --no-deps pieeg-server==0.49.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import types

import pieeg_server
from pieeg_server.hardware import PiEEGHardware

# the acquisition loop without scipy, which its spike filter (off by default) imports
stub = types.ModuleType("pieeg_server.spike_filter")
stub.HampelFilter = lambda num_channels: types.SimpleNamespace(enabled=False, apply=lambda sample: sample)
sys.modules["pieeg_server.spike_filter"] = stub
from pieeg_server.acquisition import AcquisitionLoop

PERIOD_US, LOOK_US, READ_US = 4000, 10, 60


class Machine:
    """Two chips that have a result each period; DRDY falls then, and rises at the first SCLK or just before the next."""

    def __init__(self, second_after_us):
        self.now_us = 0
        self.first_us = (2000, 2000 + second_after_us)
        self.read_us = [-1, -1]  # when SCLK last came, for each chip

    def drdy(self, chip):
        self.now_us += LOOK_US
        since = self.now_us - self.first_us[chip]
        if since < 0 or since % PERIOD_US > PERIOD_US - 3:
            return 1
        fell_us = self.now_us - since % PERIOD_US
        return int(self.read_us[chip] >= fell_us)

    def clock(self, n):
        self.now_us += READ_US
        self.read_us = [self.now_us, self.now_us]  # both chips see SCLK, to the last
        return [0xC0, 0, 8] + [0] * (n - 3)


class Events:
    def __init__(self):
        self.numbers = []

    def call_soon_threadsafe(self, call, frame):
        self.numbers.append(frame["n"])


def run(second_after_us):
    machine = Machine(second_after_us)
    hardware = PiEEGHardware(num_channels=16, profile="pi4")
    bus = types.SimpleNamespace(readbytes=machine.clock)
    hardware._spi1 = hardware._spi2 = bus
    hardware._drdy_get = lambda: 1 if over() else machine.drdy(0)
    hardware._drdy2_get = lambda: machine.drdy(1)
    events = Events()
    acquisition = AcquisitionLoop(hardware, events)

    def over():
        if machine.now_us > 250 * PERIOD_US + 1000:
            acquisition._stop_event.set()
        return acquisition._stop_event.is_set()

    acquisition._run_hardware()
    return events.numbers


seen = []
for after_us, word in ((500, "after"), (-50, "before")):
    numbers = run(after_us)
    seen.append(len(numbers))
    print(f"pieeg-server {pieeg_server.__version__}, chip 2 {abs(after_us) / 1000:.2f} ms {word} chip 1:"
          f" {len(numbers)} of 250 frames, numbered {numbers[0]} to {numbers[-1]}")
sys.exit(not (abs(seen[0] - 250) <= 1 and abs(seen[1] - 125) <= 1))
PY
