"""The faults, an entry each: all that is said of a fault anywhere is made from its entry here.

Which check must find it, and which cause it must name, are those of `emgrig bringup`;
docs/adding-a-fault.md goes through the steps.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from emgrig.simulator.analog.world import ChannelFault
from emgrig.simulator.faults import actions as do
from emgrig.simulator.faults.fault import Fault, Parameter, SwitchOn, Values, number, whole
from emgrig.simulator.faults.link import Accident, add_garbage, damage, double, lose
from emgrig.simulator.firmware.spi import (
    DeadDrdy,
    ShiftedMiso,
    SlippedFrames,
    SlowDrdy,
    StuckMiso,
    WireFault,
)

CHANNEL: Final = Parameter(1, "", "channel, 1 is the first", 1, 32, is_whole=True)
GAINS: Final = ("1", "2", "4", "6", "8", "12", "24")
SIDE: Final = Parameter("p", "", "which input", words=("p", "n"))
RATE: Final = Parameter(0.01, "", "share of the packets", 0, 1)
AT: Final = Parameter(1.0, "s", "when, true time since power-on")


def _act(action: Callable[..., None], *keys: str) -> SwitchOn:
    """Do something to the board, with the values of these parameters."""
    return lambda board, values, _seed: action(board, *(values[key] for key in keys))


def _wire_fault(make: Callable[[Values, int], WireFault]) -> SwitchOn:
    return lambda board, values, seed: do.add_wire_fault(
        board, lambda chip: make(values, seed + chip)
    )


def _accident(accident: Accident | None) -> SwitchOn:
    return lambda board, values, seed: do.add_accident(
        board, accident, number(values, "rate"), seed
    )


# ---- the faults ---------------------------------------------------------------------------------

ALL_FAULTS: Final = (
    Fault(
        "miso-high",
        "every byte reads FFh",
        found_by="B2",
        is_of_the_chip=True,
        switch_on=_wire_fault(lambda _values, _seed: StuckMiso(1)),
    ),
    Fault(
        "miso-low",
        "every byte reads 00h",
        found_by="B2",
        is_of_the_chip=True,
        switch_on=_wire_fault(lambda _values, _seed: StuckMiso(0)),
    ),
    Fault(
        "bit-shift",
        "ID reads 1Fh (early) or 7Ch (late), the status nibble is wrong",
        found_by="B2",
        is_of_the_chip=True,
        switch_on=_wire_fault(
            lambda values, _seed: ShiftedMiso(
                whole(values, "bits"), early=values["sampled"] == "early"
            )
        ),
        parameters={
            "bits": Parameter(1, "", "how many bits", 1, 7, is_whole=True),
            "sampled": Parameter("early", "", "when MISO is sampled", words=("early", "late")),
        },
        variants=("sampled=late",),
    ),
    Fault(
        "spi-slip",
        "now and then a frame lacks a byte and the rest moves up",
        found_by="B7",
        is_of_the_chip=True,
        switch_on=_wire_fault(lambda values, seed: SlippedFrames(number(values, "rate"), seed)),
        parameters={"rate": Parameter(0.01, "", "share of the frames", 0, 1)},
        variants=("rate=0.002",),
    ),
    Fault(
        "drdy-dead",
        "registers are fine, no samples come",
        found_by="B6",
        is_of_the_chip=True,
        switch_on=_wire_fault(lambda _values, _seed: DeadDrdy()),
    ),
    Fault(
        "drdy-slow",
        "samples come at a fraction of the rate, numbers without a gap",
        found_by="B6",
        is_of_the_chip=True,
        switch_on=_wire_fault(lambda values, _seed: SlowDrdy(whole(values, "factor"))),
        parameters={
            "factor": Parameter(2, "", "one edge in so many is seen", 2, 1000, is_whole=True)
        },
        variants=("factor=3",),
    ),
    Fault(
        "reads-missed",
        "conversions are missing, marked as missed by the board",
        found_by="B8",
        switch_on=lambda board, values, seed: do.miss_reads(board, number(values, "rate"), seed),
        parameters={"rate": Parameter(0.01, "", "share of the conversions", 0, 1)},
        variants=("rate=0.001",),
    ),
    Fault(
        "clock-wrong",
        "the data rate is off by a factor, the test signal's period in samples is not",
        found_by="B6",
        is_of_the_chip=True,
        parameters={"factor": Parameter(1.09, "", "of 2.048 MHz", 0.1, 4)},
        clock_factor=lambda values: number(values, "factor"),
        variants=("factor=0.95", "factor=2"),
    ),
    Fault(
        "brown-out",
        "samples stop, registers are at their defaults",
        found_by="B6",
        is_of_the_chip=True,
        switch_on=_act(do.brown_out),
        parameters={"at": AT},
        variants=("at=10", "at=40"),
    ),
    Fault(
        "board-restart",
        "BOOT event, the run is gone, sequence and conversions begin at 0",
        found_by="B6",
        switch_on=_act(do.restart),
        parameters={"at": AT},
        variants=("at=25",),
    ),
    Fault(
        "reference-off",
        "codes at full scale whatever the input",
        found_by="B9",
        is_of_the_chip=True,
        switch_on=_act(do.set_reference, "volts"),
        parameters={"volts": Parameter(0.0, "V", "what VREFP settles to", 0, 5)},
        variants=("volts=0.5",),
    ),
    Fault(
        "supply-low",
        "the supply reading (MUX 011) is low",
        found_by="B13",
        is_of_the_chip=True,
        switch_on=_act(do.set_supply, "avdd"),
        parameters={"avdd": Parameter(4.0, "V", "AVDD", 0, 5.5)},
        variants=("avdd=4.5",),
    ),
    Fault(
        "channel-dead",
        "one channel reads code 0",
        found_by="B9",
        is_of_the_chip=True,
        switch_on=_act(partial(do.channel_fault, ChannelFault.DEAD), "channel"),
        parameters={"channel": CHANNEL},
        variants=("channel=5",),
    ),
    Fault(
        "channel-railed",
        "one channel is at full scale",
        found_by="B9",
        is_of_the_chip=True,
        switch_on=_act(partial(do.channel_fault, ChannelFault.RAILED), "channel"),
        parameters={"channel": CHANNEL},
        variants=("channel=8",),
    ),
    Fault(
        "channel-noisy",
        "one channel has more noise than the data sheet",
        found_by="B9",
        is_of_the_chip=True,
        switch_on=_act(partial(do.channel_fault, ChannelFault.NOISY), "channel", "factor"),
        parameters={"channel": CHANNEL, "factor": Parameter(5.0, "", "of the usual noise", 0, 1e6)},
        variants=("channel=3,factor=3",),
    ),
    Fault(
        "gain-stuck",
        "the test signal of one channel does not follow the gain setting",
        found_by="B9",
        is_of_the_chip=True,
        switch_on=_act(partial(do.channel_fault, ChannelFault.GAIN_STUCK), "channel", "gain"),
        parameters={"channel": CHANNEL, "gain": Parameter("1", "", "the gain it has", words=GAINS)},
        variants=("channel=2,gain=6", "channel=7,gain=12", "channel=4,gain=24"),
    ),
    Fault(
        "electrode-off",
        "the lead-off bit is set, the channel floats",
        found_by="B16",
        is_of_the_chip=True,
        switch_on=_act(do.take_off, "channel", "side"),
        parameters={"channel": CHANNEL, "side": SIDE},
        variants=("channel=4,side=n",),
    ),
    Fault(
        "electrode-poor",
        "the impedance of one electrode is high, more mains on its channel",
        found_by="B17",
        is_of_the_chip=True,
        switch_on=_act(do.make_poor, "channel", "side", "kohm"),
        parameters={
            "channel": CHANNEL,
            "side": SIDE,
            "kohm": Parameter(500.0, "kΩ", "resistance of the contact"),
        },
        variants=("channel=6,side=n,kohm=1000",),
    ),
    Fault(
        "electrode-bridged",
        "two channels show nearly the same signal",
        found_by="B17",
        is_of_the_chip=True,
        switch_on=_act(do.bridge, "channel", "other", "side", "ohm"),
        parameters={
            "channel": CHANNEL,
            "other": Parameter(2, "", "the other channel", 1, 32, is_whole=True),
            "side": SIDE,
            "ohm": Parameter(100.0, "Ω", "resistance of the bridge", 1e-3),
        },
        variants=("channel=3,other=7,side=n",),
    ),
    Fault(
        "bias-off",
        "more mains on all channels, the bias lead-off bit is set",
        found_by="B19",
        is_of_the_chip=True,
        switch_on=_act(do.take_off_bias),
    ),
    Fault(
        "packets-lost",
        "conversion numbers and sequence numbers jump",
        found_by="B8",
        cause="link-loss",
        switch_on=_accident(lose),
        parameters={"rate": RATE},
        variants=("rate=0.003",),
    ),
    Fault(
        "packets-doubled",
        "some packets come twice",
        found_by="B8",
        cause="link-double",
        switch_on=_accident(double),
        parameters={"rate": RATE},
        variants=("rate=0.003",),
    ),
    Fault(
        "packets-reordered",
        "some packets come behind their successor",
        found_by="B8",
        cause="link-reorder",
        switch_on=_accident(None),
        parameters={"rate": RATE},
        variants=("rate=0.003",),
    ),
    Fault(
        "packets-damaged",
        "bad CRC now and then, and the packet is missing",
        found_by="B8",
        cause="link-damage",
        switch_on=_accident(damage),
        parameters={"rate": RATE},
        variants=("rate=0.003",),
    ),
    Fault(
        "link-garbage",
        "bytes between packets that belong to none",
        found_by="B8",
        switch_on=_accident(add_garbage),
        parameters={"rate": RATE},
    ),
    Fault(
        "link-stall",
        "nothing comes for a while, then much at once; frames may be thrown away",
        found_by="B8",
        switch_on=_act(do.stall_link, "for", "every"),
        parameters={
            "at": AT,
            "for": Parameter(0.5, "s", "how long", 1e-3),
            "every": Parameter(0.0, "s", "again after so long; 0: once"),
        },
        variants=("at=12,for=0.8",),
    ),
    Fault(
        "link-cut",
        "the connection is lost and comes back",
        found_by="B6",
        switch_on=_act(do.cut_link, "after"),
        parameters={
            "at": Parameter(1.0, "s", "when, true time"),
            "from": Parameter("power-on", "", "what `at` counts from", words=("power-on", "start")),
            "after": Parameter(1.0, "s", "how long nobody can connect"),
        },
        variants=("at=20,after=2",),
    ),
    Fault(
        "host-slow",
        "frames are thrown away on the board, with overflow events",
        found_by="B6",
        switch_on=_act(do.limit_link, "bytes_per_s"),
        parameters={"bytes_per_s": Parameter(20_000.0, "B/s", "throughput", 1)},
        variants=("bytes_per_s=40000",),
    ),
    Fault(
        "clock-drift",
        "board time drifts against the PC's",
        found_by="B6",
        cause="board-clock",
        switch_on=_act(do.drift, "ppm"),
        parameters={"ppm": Parameter(200.0, "ppm", "how much too fast", -50_000, 50_000)},
        variants=("ppm=-300",),
    ),
)
