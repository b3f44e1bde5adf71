"""Short scripts that a person would write, one a library; each prints frames as hex, a line each.

All set the chip up alike: internal reference, gain 24, the internal test signal as a level (DC).
"""

SET_UP = """
WRITES = [(0x03, 0xE0), (0x02, 0xD7), (0x01, 0x96)] + [(0x05 + n, 0x65) for n in range(8)]

def set_up(send, sleep):
    send([0x06]); sleep(0.001)
    send([0x11]); sleep(0.001)
    for address, value in WRITES:
        send([0x40 | address, 0x00, value])
    sleep(0.2)
    send([0x08])
    send([0x10])
"""

POLLING = (
    SET_UP
    + """
import time
import spidev
import RPi.GPIO as GPIO

GPIO.setmode(GPIO.BCM)
GPIO.setup(25, GPIO.IN)
GPIO.setup([23, 24], GPIO.OUT, initial=GPIO.HIGH)
time.sleep(0.2)
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = 1
set_up(spi.xfer2, time.sleep)
for _ in range(20):
    while GPIO.input(25):
        pass
    print(bytes(spi.readbytes(27)).hex())
GPIO.cleanup()
spi.close()
"""
)

WAITING = (
    SET_UP
    + """
from time import sleep
import spidev
from RPi import GPIO

GPIO.setmode(GPIO.BOARD)
GPIO.setup(22, GPIO.IN)
sleep(0.2)
spi = spidev.SpiDev(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = 0b01
set_up(spi.xfer, sleep)
for _ in range(20):
    assert GPIO.wait_for_edge(22, GPIO.FALLING, timeout=100) == 22
    print(bytes(spi.xfer([0] * 27)).hex())
"""
)

CALLING = (
    SET_UP
    + """
import time
import spidev
import RPi.GPIO as GPIO

frames = []
GPIO.setmode(GPIO.BCM)
GPIO.setup(25, GPIO.IN, pull_up_down=GPIO.PUD_UP)
time.sleep(0.2)
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = 1
set_up(spi.xfer2, time.sleep)
GPIO.add_event_detect(25, GPIO.FALLING, callback=lambda pin: frames.append(spi.readbytes(27)))
while len(frames) < 20:
    time.sleep(0.001)
GPIO.remove_event_detect(25)
for frame in frames[:20]:
    print(bytes(frame).hex())
"""
)

GPIOD_2 = (
    SET_UP
    + """
import datetime
import time
import gpiod
import spidev
from gpiod.line import Direction, Edge, Value

time.sleep(0.2)
spi = spidev.SpiDev()
spi.open_path("/dev/spidev0.0")
spi.max_speed_hz = 1_000_000
spi.mode = 1
with gpiod.request_lines(
    "/dev/gpiochip0",
    consumer="drdy",
    config={
        25: gpiod.LineSettings(direction=Direction.INPUT, edge_detection=Edge.FALLING),
        "GPIO22": gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE),
    },
) as request:
    set_up(spi.xfer2, time.sleep)
    last = None
    for number in range(1, 21):
        assert request.wait_edge_events(datetime.timedelta(seconds=0.1))
        (event,) = request.read_edge_events()
        assert event.line_offset == 25
        assert event.event_type is event.Type.FALLING_EDGE
        assert event.line_seqno == number, event
        period = event.timestamp_ns - last if last is not None else 4_000_000
        assert abs(period - 4_000_000) < 2, period
        last = event.timestamp_ns
        print(bytes(spi.xfer2([0] * 27)).hex())
"""
)

GPIOD_1 = (
    SET_UP
    + """
import time
import gpiod
import spidev

time.sleep(0.2)
chip = gpiod.Chip("gpiochip0")
reset = chip.get_line(23)
reset.request(consumer="reset", type=gpiod.LINE_REQ_DIR_OUT, default_vals=[1])
drdy = chip.get_line(25)
drdy.request(consumer="drdy", type=gpiod.LINE_REQ_EV_FALLING_EDGE)
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = 1
set_up(spi.xfer2, time.sleep)
for _ in range(20):
    assert drdy.event_wait(sec=1)
    event = drdy.event_read()
    assert event.type == gpiod.LineEvent.FALLING_EDGE
    print(bytes(spi.xfer2([0] * 27)).hex())
"""
)

LGPIO = (
    SET_UP
    + """
import time
import lgpio

frames = []
chip = lgpio.gpiochip_open(0)
lgpio.gpio_claim_output(chip, 23, 1)
lgpio.gpio_claim_alert(chip, 25, lgpio.FALLING_EDGE)
spi = lgpio.spi_open(0, 0, 1_000_000, 1)
time.sleep(0.2)
set_up(lambda sent: lgpio.spi_xfer(spi, sent), time.sleep)

def ready(chip, gpio, level, timestamp):
    count, data = lgpio.spi_read(spi, 27)
    assert (count, gpio, level) == (27, 25, 0)
    frames.append(data)

alert = lgpio.callback(chip, 25, lgpio.FALLING_EDGE, ready)
while len(frames) < 20:
    time.sleep(0.01)
alert.cancel()
for frame in frames[:20]:
    print(bytes(frame).hex())
lgpio.gpiochip_close(chip)
"""
)

MACHINE = (
    SET_UP
    + """
import utime
from machine import SPI, Pin
from micropython import const

N = const(20)
frames = []
spi = SPI(0, baudrate=1_000_000, polarity=0, phase=1, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
cs = Pin(17, Pin.OUT, value=1)
drdy = Pin(20, Pin.IN)
utime.sleep_ms(200)

def send(values):
    got = bytearray(len(values))
    cs.off()
    spi.write_readinto(bytes(values), got)
    utime.sleep_us(3)
    cs.on()
    utime.sleep_us(2)
    return got

def ready(pin):
    frames.append(send(bytes(27)))

set_up(send, utime.sleep)
drdy.irq(ready, Pin.IRQ_FALLING)
begin = utime.ticks_ms()
while len(frames) < N:
    utime.sleep_ms(1)
drdy.irq(None)
assert 70 < utime.ticks_diff(utime.ticks_ms(), begin) < 100
for frame in frames:
    print(frame.hex())
"""
)

DEVICE_FILES = (
    SET_UP
    + """
import fcntl
import os
import struct
import time
import spidev

time.sleep(0.2)
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 1_000_000
spi.mode = 1
chip = os.open("/dev/gpiochip0", os.O_RDWR)

def take(line, flags, level=0):
    request = bytearray(364)
    struct.pack_into("I", request, 0, line)
    struct.pack_into("I", request, 256, flags)
    request[260] = level
    struct.pack_into("I", request, 356, 1)
    fcntl.ioctl(chip, 0xC16CB403, request)
    return struct.unpack_from("i", request, 360)[0]

reset, drdy = take(23, 2, 1), take(25, 1)
values = bytearray(64)
set_up(spi.xfer2, time.sleep)
for _ in range(20):
    while True:
        fcntl.ioctl(drdy, 0xC040B408, values)
        if not values[0]:
            break
    print(bytes(spi.readbytes(27)).hex())
for file in (reset, drdy, chip):
    os.close(file)
"""
)
