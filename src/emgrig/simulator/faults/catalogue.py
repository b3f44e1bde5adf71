"""The faults: what one sees of each, which check finds it, its cause, and its parameters.

Checks are those of the bring-up list, B0 to B24.
"""

from collections.abc import Callable
from typing import Final

from emgrig.simulator.analog.world import ChannelFault
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults import actions as do
from emgrig.simulator.faults.fault import Fault, Parameter, SwitchOn, Values, number, whole, word
from emgrig.simulator.faults.link import Accident, add_garbage, damage, double, lose
from emgrig.simulator.firmware.spi import (
    DeadDrdy,
    ShiftedMiso,
    SlippedFrames,
    SlowDrdy,
    StuckMiso,
    WireFault,
)

CHANNEL: Final = Parameter(1.0, "", "channel, 1 is the first", 1, 32, is_whole=True)
GAINS: Final = ("1", "2", "4", "6", "8", "12", "24")
SIDE: Final = Parameter("p", "", "which input", words=("p", "n"))
RATE: Final = Parameter(0.01, "", "share of the packets", 0, 1)


def _channel_fault(kind: ChannelFault, key: str = "") -> SwitchOn:
    def switch_on(board: SimulatedBoard, values: Values, seed: int) -> None:  # noqa: ARG001
        value = float(values[key]) if key else 1.0
        do.channel_fault(board, whole(values, "channel"), kind, value)

    return switch_on


def _wire_fault(make: Callable[[Values, int], WireFault]) -> SwitchOn:
    def switch_on(board: SimulatedBoard, values: Values, seed: int) -> None:
        do.add_wire_fault(board, lambda chip: make(values, seed + chip))

    return switch_on


def _shifted(values: Values, seed: int) -> WireFault:  # noqa: ARG001 - all are made alike
    return ShiftedMiso(whole(values, "bits"), early=word(values, "sampled") == "early")


def _accident(accident: Accident) -> SwitchOn:
    def switch_on(board: SimulatedBoard, values: Values, seed: int) -> None:
        do.add_accident(board, accident, number(values, "rate"), seed)

    return switch_on


# ---- the faults ---------------------------------------------------------------------------------

ALL_FAULTS: Final = (
    Fault(
        "miso-high",
        "every byte reads FFh",
        "B2",
        "MISO floats high or is stuck: CS or DOUT open, chip without power or held in reset",
        _wire_fault(lambda _values, _seed: StuckMiso(1)),
    ),
    Fault(
        "miso-low",
        "every byte reads 00h",
        "B2",
        "MISO is low: no supply, SCLK not arriving, or MISO shorted",
        _wire_fault(lambda _values, _seed: StuckMiso(0)),
    ),
    Fault(
        "bit-shift",
        "ID reads 1Fh (early) or 7Ch (late), the status nibble is wrong",
        "B2",
        "sampling edge off by a bit: SPI mode 0, 2 or 3 in place of 1",
        _wire_fault(_shifted),
        {
            "bits": Parameter(1.0, "", "how many bits", 1, 7, is_whole=True),
            "sampled": Parameter("early", "", "when MISO is sampled", words=("early", "late")),
        },
    ),
    Fault(
        "spi-slip",
        "now and then a frame lacks a byte and the rest moves up",
        "B7",
        "bytes lost on SPI: frame length, interrupted reads, or a read across DRDY",
        _wire_fault(lambda values, seed: SlippedFrames(number(values, "rate"), seed)),
        {"rate": Parameter(0.01, "", "share of the frames", 0, 1)},
    ),
    Fault(
        "drdy-dead",
        "registers are fine, no samples come",
        "B6",
        "DRDY does not reach the processor: line open",
        _wire_fault(lambda _values, _seed: DeadDrdy()),
    ),
    Fault(
        "drdy-slow",
        "samples come at a fraction of the rate, numbers without a gap",
        "B12",
        "samples are lost before they are counted: DRDY edges are missed",
        _wire_fault(lambda values, _seed: SlowDrdy(whole(values, "factor"))),
        {"factor": Parameter(2.0, "", "one edge in so many is seen", 2, 1000, is_whole=True)},
    ),
    Fault(
        "reads-missed",
        "conversions are missing, marked as missed by the board",
        "B8",
        "the firmware comes too late: interrupts starved (flash write, Wi-Fi)",
        lambda board, values, seed: do.miss_reads(board, number(values, "rate"), seed),
        {"rate": Parameter(0.01, "", "share of the conversions", 0, 1)},
    ),
    Fault(
        "clock-wrong",
        "the data rate is off by a factor, the test signal's period in samples is not",
        "B6",
        "master clock is not 2.048 MHz: wrong external clock or CLKSEL",
        None,
        {"factor": Parameter(1.09, "", "of 2.048 MHz", 0.1, 4)},
    ),
    Fault(
        "brown-out",
        "samples stop, registers are at their defaults",
        "B23",
        "brown-out: the chip's supply dipped and its registers are lost",
        lambda board, _values, _seed: do.brown_out(board),
        {"at": Parameter(1.0, "s", "when, true time since power-on")},
    ),
    Fault(
        "board-restart",
        "BOOT event, the run is gone, sequence and conversions begin at 0",
        "B23",
        "the board's processor restarted: watchdog or supply",
        lambda board, _values, _seed: do.restart(board),
        {"at": Parameter(1.0, "s", "when, true time since power-on")},
    ),
    Fault(
        "reference-off",
        "codes at full scale whatever the input",
        "B10",
        "no reference voltage: REFBUF or VREFP capacitor dead",
        lambda board, values, _seed: do.set_reference(board, number(values, "volts")),
        {"volts": Parameter(0.0, "V", "what VREFP settles to", 0, 5)},
    ),
    Fault(
        "supply-low",
        "the supply reading (MUX 011) is low",
        "B14",
        "AVDD is low: regulator drop-out",
        lambda board, values, _seed: do.set_supply(board, number(values, "avdd")),
        {"avdd": Parameter(4.0, "V", "AVDD", 0, 5.5)},
    ),
    Fault(
        "channel-dead",
        "one channel reads code 0",
        "B11",
        "this channel gives nothing: powered down or dead",
        _channel_fault(ChannelFault.DEAD),
        {"channel": CHANNEL},
    ),
    Fault(
        "channel-railed",
        "one channel is at full scale",
        "B10",
        "this channel is at the rail: input or amplifier damaged",
        _channel_fault(ChannelFault.RAILED),
        {"channel": CHANNEL},
    ),
    Fault(
        "channel-noisy",
        "one channel has more noise than the data sheet",
        "B9",
        "this channel alone is noisy: solder or ESD damage",
        _channel_fault(ChannelFault.NOISY, "factor"),
        {"channel": CHANNEL, "factor": Parameter(5.0, "", "of the usual noise", 0, 1e6)},
    ),
    Fault(
        "gain-stuck",
        "the test signal of one channel does not follow the gain setting",
        "B21",
        "the gain of this channel is not what its register says",
        _channel_fault(ChannelFault.GAIN_STUCK, "gain"),
        {"channel": CHANNEL, "gain": Parameter("1", "", "the gain it has", words=GAINS)},
    ),
    Fault(
        "electrode-off",
        "the lead-off bit is set, the channel floats",
        "B18",
        "electrode off or its wire broken",
        lambda board, values, _seed: do.take_off(
            board, whole(values, "channel"), word(values, "side")
        ),
        {"channel": CHANNEL, "side": SIDE},
    ),
    Fault(
        "electrode-poor",
        "the impedance of one electrode is high, more mains on its channel",
        "B18",
        "poor contact: dry gel or unprepared skin",
        lambda board, values, _seed: do.make_poor(
            board,
            whole(values, "channel"),
            word(values, "side"),
            1e3 * number(values, "kohm"),
        ),
        {
            "channel": CHANNEL,
            "side": SIDE,
            "kohm": Parameter(500.0, "kΩ", "resistance of the contact"),
        },
    ),
    Fault(
        "electrode-bridged",
        "two channels show nearly the same signal",
        "B18",
        "two electrodes are connected: gel bridge",
        lambda board, values, _seed: do.bridge(
            board,
            whole(values, "channel"),
            whole(values, "other"),
            word(values, "side"),
            number(values, "ohm"),
        ),
        {
            "channel": CHANNEL,
            "other": Parameter(2.0, "", "the other channel", 1, 32, is_whole=True),
            "side": SIDE,
            "ohm": Parameter(100.0, "Ω", "resistance of the bridge", 1e-3),
        },
    ),
    Fault(
        "bias-off",
        "more mains on all channels, the bias lead-off bit is set",
        "B19",
        "bias electrode off or its wire broken: nothing holds the body",
        lambda board, _values, _seed: do.take_off_bias(board),
    ),
    Fault(
        "packets-lost",
        "conversion numbers and sequence numbers jump",
        "B8",
        "packets lost on the link",
        _accident(lose),
        {"rate": RATE},
    ),
    Fault(
        "packets-doubled",
        "some packets come twice",
        "B8",
        "packets doubled by the link: retransmission",
        _accident(double),
        {"rate": RATE},
    ),
    Fault(
        "packets-reordered",
        "some packets come behind their successor",
        "B8",
        "packets come out of order: datagrams, or two paths",
        lambda board, values, seed: do.add_reordering(board, number(values, "rate"), seed),
        {"rate": RATE},
    ),
    Fault(
        "packets-damaged",
        "bad CRC now and then, and the packet is missing",
        "B8",
        "bytes changed or lost on the link: baud rate, no flow control, long cable",
        _accident(damage),
        {"rate": RATE},
    ),
    Fault(
        "link-garbage",
        "bytes between packets that belong to none",
        "B0",
        "somebody else writes on the link: boot messages, debug output",
        _accident(add_garbage),
        {"rate": RATE},
    ),
    Fault(
        "link-stall",
        "nothing comes for a while, then much at once; frames may be thrown away",
        "B8",
        "the link stalls: Wi-Fi power save, busy radio",
        lambda board, values, _seed: do.stall_link(
            board, number(values, "for"), number(values, "every")
        ),
        {
            "at": Parameter(1.0, "s", "when, true time since power-on"),
            "for": Parameter(0.5, "s", "how long", 1e-3),
            "every": Parameter(0.0, "s", "again after so long; 0: once"),
        },
    ),
    Fault(
        "link-cut",
        "the connection is lost and comes back",
        "B23",
        "the link was cut while the board ran on",
        lambda board, values, _seed: do.cut_link(board, number(values, "after")),
        {
            "at": Parameter(1.0, "s", "when, true time"),
            "from": Parameter("power-on", "", "what `at` counts from", words=("power-on", "start")),
            "after": Parameter(1.0, "s", "how long nobody can connect"),
        },
    ),
    Fault(
        "host-slow",
        "frames are thrown away on the board, with overflow events",
        "B8",
        "the link or the PC is too slow for the data rate",
        lambda board, values, _seed: do.limit_link(board, number(values, "bytes_per_s")),
        {"bytes_per_s": Parameter(20_000.0, "B/s", "throughput", 1)},
    ),
    Fault(
        "clock-drift",
        "board time drifts against the PC's",
        "B8",
        "the board's crystal is off",
        lambda board, values, _seed: do.drift(board, number(values, "ppm")),
        {"ppm": Parameter(200.0, "ppm", "how much too fast", -50_000, 50_000)},
    ),
)
