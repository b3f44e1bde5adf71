"""Stream an ADS1299 on a Raspberry Pi: 100 frames, the first channel in microvolts.

It has one fault, which a stranger might take weeks to find. On the bench:

    emgrig attach --wiring wiring.toml -- python read_emg.py

With --mended the fault is not there.
"""

import sys
import time

import gpiod
import spidev
from gpiod.line import Direction, Edge, Value

DRDY, RESET = 25, 23
GAIN = 24
MICROVOLTS = 4.5e6 / GAIN / 2**23  # a code, SBAS499C equation 8

spi = spidev.SpiDev()
spi.open(0, 0)
spi.mode = 1
spi.max_speed_hz = 2_000_000

settings = {
    DRDY: gpiod.LineSettings(direction=Direction.INPUT, edge_detection=Edge.FALLING),
    RESET: gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.ACTIVE),
}
with gpiod.request_lines("/dev/gpiochip0", consumer="emg", config=settings) as lines:
    time.sleep(0.2)  # power-on, 2^18 clocks and some
    lines.set_value(RESET, Value.INACTIVE)
    time.sleep(0.001)
    lines.set_value(RESET, Value.ACTIVE)
    time.sleep(0.001)
    if "--mended" in sys.argv:
        spi.xfer2([0x11])  # SDATAC: after RESET the chip reads out by itself, and takes no register
    spi.xfer2([0x43, 0x00, 0xE0])  # CONFIG3: internal reference
    spi.xfer2([0x41, 0x01, 0x94, 0xC0])  # CONFIG1, CONFIG2: 1000 samples a second
    spi.xfer2([0x45, 0x07, *[0x60] * 8])  # CHnSET: gain 24, electrodes
    time.sleep(0.2)  # the reference settles
    spi.xfer2([0x08])  # START
    spi.xfer2([0x10])  # RDATAC

    last = None
    for _ in range(100):
        if not lines.wait_edge_events(1.0):
            sys.exit("no data ready")
        event = lines.read_edge_events()[-1]
        frame = bytes(spi.readbytes(27))
        if last is not None and event.line_seqno != last + 1:
            print(f"{event.line_seqno - last - 1} frames lost", file=sys.stderr)
        last = event.line_seqno
        code = int.from_bytes(frame[3:6], "big", signed=True)
        print(f"{event.timestamp_ns / 1e9:.6f} {code * MICROVOLTS:.3f}")
