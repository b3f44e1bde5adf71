"""The table of causes: symptom → cause → next probe.

Rows are in order: what spoils everything above it comes first (a link that loses packets makes
every check fail). Each holds on facts alone, so the table can be tested without a board.
"""

from collections.abc import Callable, Sequence

from emgrig.hil_tests.diagnosis import symptoms
from emgrig.hil_tests.diagnosis.evidence import Evidence, Place
from emgrig.hil_tests.diagnosis.link_causes import LINK_RULES
from emgrig.hil_tests.diagnosis.symptoms import Rule, When
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.incident import IncidentKind

RULES: list[Rule] = [
    *LINK_RULES,
    # SPI.
    Rule(
        "miso-high",
        symptoms.either(symptoms.id_reads("FFh"), symptoms.has_frames_of("FF")),
        "MISO floats high: CS does not reach the chip, or the chip is unpowered or held in reset",
        "measure CS, AVDD, DVDD, RESET and PWDN at the chip; pull MISO down: if the "
        "reading follows, nobody drives it",
    ),
    Rule(
        "miso-low",
        symptoms.either(symptoms.id_reads("00h"), symptoms.has_frames_of("00")),
        "MISO stays low: no supply, SCLK not arriving, or MISO shorted",
        "if data ready lives (see the probe), supply and clock are well: look at SCLK, DIN and CS; "
        "if not, at supplies, RESET and PWDN",
    ),
    Rule(
        "bit-shift",
        symptoms.either(
            symptoms.id_reads(*symptoms.SHIFTED), symptoms.status_reads(*symptoms.SHIFTED_STATUS)
        ),
        "Bits arrive shifted: the sampling edge is off, SPI mode 0, 2 or 3 in place of 1",
        "set CPOL 0, CPHA 1; if it is set, look for delay on SCLK or MISO",
    ),
    Rule(
        "inverted",
        symptoms.id_reads(*symptoms.INVERTED),
        "Every bit is turned over: a level shifter inverts the line",
        "compare MISO on both sides of the level shifter",
    ),
    Rule(
        "other-part",
        symptoms.id_reads("90h", "91h", "92h", "D0h", "D1h", "D2h"),
        "This is an ADS1294, ADS1296 or ADS1298: other gains and another reference",
        "read the marking of the chip",
    ),
    Rule(
        "unstable-id",
        lambda e: e.has_failed("id_disagreements"),
        "The ID changes from read to read: the chip is in RDATAC, or bytes come too fast",
        "send SDATAC first; lower SCLK below 4 MHz or leave 2 µs between bytes",
    ),
    Rule(
        "unusual-id",
        lambda e: e.layer is Layer.IDENTITY and e.has_failed("chip_id"),
        "The ID is no ADS1299's",
        "write 01h to 0Dh and read it back (see the probe); compare with docs/bringup.md",
        is_general=True,
    ),
    Rule(
        "read-back",
        lambda e: e.has_failed("read_back_errors", "single_byte_errors"),
        "Registers do not hold what is written: edges, wire length, or bytes too fast",
        "lower SCLK; if single bytes work and bursts do not, leave 2 µs between bytes",
    ),
    Rule(
        "firmware-writes",
        lambda e: e.has_failed("registers_not_at_reset"),
        "After RESET some registers are not at their reset values",
        "B3 says which; the firmware writes them, or GPIO pins are driven",
    ),
    # Clock and data ready.
    Rule(
        "drdy-dead",
        lambda e: (
            e.happened(IncidentKind.NO_SAMPLES) and bool(e.probes.get("registers.canary_held"))
        ),
        "Data ready never comes though registers are fine: the DRDY line is open, START is held "
        "low, or there is no clock",
        "look at DRDY at the chip: if it pulses, the line or the interrupt is at fault; if not, "
        "START, CLKSEL and CLK",
    ),
    Rule(
        "rate-wrong",
        symptoms.has_misfit_rate,
        "Samples come at another rate than is stated: the chip's clock or its setting is another, "
        "or samples are lost before they are counted",
        "ask the board's maker which rate it was built with; measure CLK and DRDY at the chip",
    ),
    Rule(
        "drdy-slow",
        lambda e: e.can.stated is None and e.has_failed("rate_error") and symptoms.period_is_off(e),
        "Samples are lost before they are counted: data-ready edges are missed, since the test "
        "signal's period has too few samples",
        "look for DRDY edges that the interrupt does not see: pull-up, shared line, priority",
    ),
    Rule(
        "board-clock",
        lambda e: e.has_failed("board_clock_drift"),
        "The board's own clock drifts against this computer's",
        "check the board's crystal and its load capacitors; is the PLL set for it?",
    ),
    Rule(
        "clock-wrong",
        lambda e: e.has_failed("rate_error") and symptoms.period_is_exact(e),
        "The chip's clock is not 2.048 MHz: the rate is off, the test signal's period in samples "
        "is exact",
        "measure CLK; check CLKSEL and the external oscillator",
    ),
    # Frames.
    Rule(
        "reference-off",
        symptoms.all_railed,
        "No reference voltage: every channel is at full scale with shorted inputs",
        "measure VREFP (4.5 V) and VCAP1; look for a short at the reference capacitor",
    ),
    Rule(
        "spi-slip",
        lambda e: e.has_failed("wrong_status", "outliers", "wrong_length"),
        "Bytes are lost on SPI: frames lack a byte, or a read runs across data ready",
        "check the frame's length (27 bytes) and that a read ends before the next DRDY; raise SCLK",
    ),
    Rule(
        "frozen",
        lambda e: e.has_failed("repeated_frames"),
        "Frames repeat themselves: the firmware sends one conversion twice, or data are frozen",
        "let the firmware read on the DRDY edge, once",
    ),
    # Channels.
    Rule(
        "channel-railed",
        lambda e: bool(symptoms.railed(e)) and not symptoms.all_railed(e),
        "Channel {channels} is at full scale, with shorted inputs where the board can short them: "
        "input or amplifier damaged",
        "look for solder bridges at its pins; if there are none, replace the chip",
        channels=symptoms.railed,
    ),
    Rule(
        "channel-dead",
        lambda e: bool(symptoms.dead(e)),
        "Channel {channels} gives code 0 always: dead, or powered down",
        "compare CHnSET in the dump; if it is on, replace the chip",
        channels=symptoms.dead,
    ),
    Rule(
        "gain-stuck",
        lambda e: bool(e.probed("gains.stuck")),
        "The gain of channel {channels} does not follow its register",
        "write and read CHnSET by hand; if it holds and the gain does not follow, replace the chip",
        channels=lambda e: e.probed("gains.stuck"),
    ),
    Rule(
        "supply-low",
        symptoms.is_supply_low,
        "AVDD is low: the regulator drops out",
        "measure AVDD and the regulator's input under load; below 4.75 V the reference, and with "
        "it every reading, goes with AVDD",
        found=symptoms.supplies_read,
    ),
    Rule(
        "reference-wrong",
        symptoms.is_reference_wrong,
        "The reference is not 4.5 V: all readings scale with it",
        "measure VREFP; is an external reference fitted, does the regulator leave 4.75 V?",
        found=symptoms.supplies_read,
    ),
    Rule(
        "supply-or-reference",
        symptoms.is_supply_doubtful,
        "AVDD is low, or the reference is too high: the chip's own readings cannot tell which",
        "measure AVDD and VREFP",
        found=symptoms.supplies_read,
    ),
    Rule(
        "channel-noisy",
        lambda e: 0 < len(e.channels_above("noise_over_typical")) <= e.n_channels / 2,
        "Channel {channels} alone is noisy: solder or ESD damage",
        "short its pins outside; if it stays, replace the chip",
        channels=lambda e: e.channels_above("noise_over_typical"),
    ),
    Rule(
        "noisy-gain",
        symptoms.is_one_gain_noisy,
        "The noise is too high at one gain alone, on most channels: this gain's setting or its "
        "limit, not what all gains share",
        "read which gain in the report; write CHnSET by hand and read it back; measure again",
    ),
    Rule(
        "all-noisy",
        lambda e: len(e.channels_above("noise_over_typical")) > e.n_channels / 2,
        "All channels are noisy: supply or reference",
        "look at AVDD and VCAP1 to VCAP4; run from a battery; see if a tone is in it",
    ),
    Rule(
        "scale",
        symptoms.has_wrong_scale,
        "The test signal has the wrong size on channel {channels}: gain table or scale",
        "is it an ADS1298 gain table, or 2^24 for 2^23?",
        channels=lambda e: e.probed("gains.wrong_level"),
    ),
    Rule(
        "too-quiet",
        lambda e: bool(symptoms.quiet(e)),
        "Channel {channels} has less noise than the chip can have: wrong scale, or filtered before",
        "compare the gain in the dump with the test signal; is it 2^24 for 2^23?",
        channels=symptoms.quiet,
    ),
    Rule(
        "lost-samples",
        lambda e: e.has_failed("test_period_error"),
        "Samples are lost or invented before they are counted",
        "look for DRDY edges that the interrupt does not see",
    ),
    # Electrodes.
    Rule(
        "inputs-not-open",
        lambda e: e.is_open and e.has_failed("open_input_seen"),
        "Not seen as open, though --inputs open was said, electrode {channels}: something is on "
        "it, or the comparators do not work",
        "take everything off the inputs, or leave out --inputs open; if nothing is on them, look "
        "for solder or flux between the pins",
        channels=lambda e: e.bad_channels("open_input_seen") or ("bias",),
    ),
    Rule(
        "bias-off",
        lambda e: not e.is_open and bool(e.probes.get("bias.electrode_off")),
        "The bias electrode is off: nothing holds the body's potential",
        "fix the bias electrode and its wire",
    ),
    Rule(
        "nothing-connected",
        lambda e: e.n_channels > 1 and len(e.bad_channels("electrode_p_off")) >= e.n_channels - 1,
        "All inputs are open: nothing is connected",
        "connect electrodes or resistors, or say --inputs open",
    ),
    Rule(
        "electrode-off",
        lambda e: bool(symptoms.electrodes_off(e)),
        "Electrode {channels} is off, or its wire is broken",
        "press it on; if it stays off, swap its wire with a good one",
        channels=symptoms.electrodes_off,
    ),
    Rule(
        "electrode-bridged",
        lambda e: e.has_failed("shared_impedance"),
        "Electrodes of channels {channels} are connected: a bridge of gel or solder",
        "lift one electrode and dry the skin between; without electrodes, look for solder",
        channels=lambda e: e.bad_channels("shared_impedance"),
    ),
    Rule(
        "electrode-poor",
        lambda e: e.has_failed("impedance"),
        "Poor contact of electrode {channels}: dry gel or unprepared skin",
        "clean the skin, renew the gel, and measure again",
        channels=lambda e: e.probed("sides.poor") or e.bad_channels("impedance"),
    ),
    Rule(
        "mains",
        lambda e: e.has_failed("mains", "mains_over_typical"),
        "Mains on channel {channels}",
        "on one channel: its contact; on all: bias electrode, or a mains-powered computer",
        channels=lambda e: e.bad_channels("mains", "mains_over_typical"),
        is_general=True,
    ),
    Rule(
        "bias-level",
        lambda e: e.has_failed("bias_level"),
        "The bias loop does not hold mid-supply: BIASIN or BIASOUT is not connected",
        "measure BIASOUT and the feedback resistor",
    ),
    Rule(
        "channel-map",
        lambda e: e.has_failed("answering_channel_offset"),
        "Another channel answers than the one that is driven: byte offset or channel map",
        "compare the frame's bytes with docs/protocol.md",
    ),
]


def cause(
    key: str,
    words: str,
    next_step: str,
    *,
    channels: Callable[[Evidence], Sequence[Place]] | None = None,
    before: str = "",
) -> Callable[[When], When]:
    """Add a row to the table: the function that it decorates says if the facts fit.

    `words` and `next_step` are `Rule.cause` and `Rule.next_step`. A row with the same key is
    replaced; a new one stands before the row `before`, or is the last. Raises ValueError if there
    is no row `before`.
    """

    def declare(when: When) -> When:
        rule, keys = Rule(key, when, words, next_step, channels), [rule.key for rule in RULES]
        if key in keys:
            RULES[keys.index(key)] = rule
        else:
            RULES.insert(keys.index(before) if before else len(keys), rule)
        return when

    return declare
