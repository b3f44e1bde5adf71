"""Symptoms, and the form of a row: what the table of causes is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from emgrig.driver.chip.identity import USUAL_IDS
from emgrig.hil_tests.diagnosis.evidence import Evidence, Place
from emgrig.hil_tests.diagnosis.medium import Medium
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.incident import IncidentKind

When = Callable[[Evidence], bool]


@dataclass(frozen=True)
class Rule:
    """One row.

    `when` says if the facts fit. In the words of `cause`, `{channels}` stands for what `channels`
    returns, channels or electrodes. `next_step` tells it from what else it could be, or mends it;
    `next_over` are other words for it, by what lies between board and computer. `found` says what
    was read of the board beside the check. A rule that `is_general` fits whenever its check fails,
    so it says nothing beside a better row; one that `is_harmless` spoils no other check, so any
    other row that fits goes before it.
    """

    key: str
    when: When
    cause: str
    next_step: str
    channels: Callable[[Evidence], Sequence[Place]] | None = None
    is_general: bool = False
    is_harmless: bool = False
    next_over: Mapping[Medium, str] = field(default_factory=dict)
    found: Callable[[Evidence], str] | None = None

    def places(self, evidence: Evidence) -> tuple[Place, ...]:
        """Return the channels or electrodes that it is about."""
        return tuple(self.channels(evidence)) if self.channels else ()

    def told(self, evidence: Evidence) -> str:
        """Return the cause with its channels, in words."""
        return self.cause.format(channels=", ".join(map(str, self.places(evidence))))

    def advice(self, evidence: Evidence) -> str:
        """Return what to do next, for the link that this board has."""
        return self.next_over.get(evidence.medium, self.next_step)


_SAME_READING = 0.035
"""Readings of supplies that agree so well have one cause."""


def happened(*kinds: IncidentKind) -> When:
    """Make a symptom: one of these happened in the check that failed."""
    return lambda e: e.happened(*kinds)


def is_link_gone(evidence: Evidence) -> bool:
    """Say if the link was lost in the check that failed, and did not come back."""
    return evidence.failed is not None and any(
        incident.kind is IncidentKind.LINK_LOST and incident.value is None
        for incident in evidence.failed.incidents
    )


def is_link_back(evidence: Evidence) -> bool:
    """Say if the link was lost in the check that failed, and came back each time."""
    return evidence.happened(IncidentKind.LINK_LOST) and not is_link_gone(evidence)


def either(*symptoms: When) -> When:
    """Make a symptom: one of these."""
    return lambda e: any(symptom(e) for symptom in symptoms)


def id_reads(*bytes_read: str) -> When:
    """Make a symptom: the ID reads one of these."""
    return lambda e: e.layer is Layer.IDENTITY and e.value("chip_id") in bytes_read


def _is_shifted(byte: int, id_byte: int) -> bool:
    """Tell an ID moved by one to three bits, whatever comes in from the side."""
    late = any(byte & 0xFF << n & 0xFF == id_byte << n & 0xFF for n in (1, 2, 3))
    early = any(byte & 0xFF >> n == id_byte >> n for n in (1, 2, 3))
    return late or early


#: First four bits of a status word, 1100, moved by one or two bits either way.
SHIFTED_STATUS = (0b0110, 0b0011, 0b1000, 0b1001)
SHIFTED = tuple(
    f"{byte:02X}h" for byte in range(256) if any(_is_shifted(byte, one) for one in USUAL_IDS)
)
"""What the ID of a part with 8, 6 or 4 channels reads then, as B2 measures it."""
INVERTED = tuple(f"{~one & 0xFF:02X}h" for one in USUAL_IDS)
"""The same with every bit turned over."""


def strays(e: Evidence) -> float:
    """Return bytes that belonged to no packet."""
    return max(
        e.number("link.stray_bytes"), e.number("echo.stray_bytes"), e.number("link_damaged_bytes")
    )


def is_garbage(e: Evidence) -> bool:
    """Stray bytes, and no packet is missing, for all that the board can tell."""
    if not (e.can.is_loss_known and e.knows("link.lost")):
        return False
    return strays(e) > 0 and e.number("link.lost") + e.number("echo.repeats") == 0


def is_damaged(e: Evidence) -> bool:
    """Stray bytes, and packets are missing, or nobody can tell whether some are."""
    return strays(e) > 0 and not is_garbage(e)


def is_doubled(e: Evidence) -> bool:
    """Say if samples come again, and conversion numbers never go backwards."""
    n_again = e.number("link.doubled") + e.number("link.repeated")
    return n_again > 0 and e.number("link.backwards") == 0 and strays(e) == 0


def is_lossy(e: Evidence) -> bool:
    """Packets are missing on the link, and nothing else is wrong with it."""
    return _misses_packets(e) and e.number("link.unplaced") == 0


def thrown_away(e: Evidence) -> float:
    """Return frames that the board threw away, in the check or since."""
    return max(e.number("link.thrown_away"), e.number("thrown_away"))


def _misses_packets(e: Evidence) -> bool:
    if thrown_away(e) > 0:
        return False
    return e.number("link.lost") > 0 and strays(e) == 0 and e.number("link.backwards") == 0


def is_lost_somewhere(e: Evidence) -> bool:
    """Say if samples are missing, and the board numbers none of them."""
    return _misses_packets(e) and e.number("link.unplaced") > 0 and not has_missed_reads(e)


def has_stopped(e: Evidence) -> bool:
    """Say if a board that cannot be asked sends nothing any more."""
    return e.can.stated is not None and e.probes.get("link.packets") == 0


def status_reads(*nibbles: int) -> When:
    """Make a symptom: no status word begins as it should, and most begin with one of these.

    Four bits of 1100 and the lead-off bits, 0 if nothing is off.
    """

    def holds(e: Evidence) -> bool:
        usual = e.value("usual_status")
        return isinstance(usual, str) and int(usual[:1], 16) in nibbles

    return holds


def has_frames_of(byte: str) -> When:
    """Make a symptom: status words are made of one byte."""
    return lambda e: e.value("usual_status") == f"{byte * 3}h"


def has_misfit_rate(e: Evidence) -> bool:
    """Say if a rate that only is stated is not the one that comes."""
    return e.can.stated is not None and e.has_failed("rate_error")


def has_missed_reads(e: Evidence) -> bool:
    """Say if the board did not read some conversions."""
    on_board = max(e.number("link.lost_on_board"), e.number("lost_on_board"))
    return on_board > 0 and thrown_away(e) == 0


def has_two_clocks(e: Evidence) -> bool:
    """Say if chips drift past each other: of several, one conversion is alone at even steps."""
    return e.number("link.chips") > 1 and e.number("link.hole_every") > 0 and has_missed_reads(e)


def is_brown_out(e: Evidence) -> bool:
    """Say if the chip is at its reset values, though it was set."""
    return e.happened(IncidentKind.CHIP_LOST) or (
        bool(e.probes.get("registers.at_reset")) and e.layer is not Layer.RECOVERY
    )


def period_is_exact(e: Evidence) -> bool:
    """Say if the test signal's period has as many samples as it should."""
    return e.knows("test_period.ratio") and abs(e.number("test_period.ratio") - 1) < 0.005


def period_is_off(e: Evidence) -> bool:
    """Say if it was measured and has not."""
    return e.knows("test_period.ratio") and not period_is_exact(e)


def all_railed(e: Evidence) -> bool:
    """Every channel is at full scale with shorted inputs."""
    return e.n_channels > 1 and len(e.probed("codes.railed")) == e.n_channels


def is_one_gain_noisy(e: Evidence) -> bool:
    """Say if of several gains one alone is noisy: supply and reference would spoil others too."""
    measured = e.measurements("noise_over_typical")
    noisy = {_gain_of(m.name) for m in measured if m.channels_above}
    return len(noisy) == 1 and len({_gain_of(m.name) for m in measured}) > 1


def _gain_of(name: str) -> str:
    """Return the gain in the name of a measurement, as noise_gain_24_at_1000."""
    return name.partition("_gain_")[2].partition("_")[0]


def railed(e: Evidence) -> Sequence[Place]:
    """Channels at the rail: with shorted inputs, or whatever is on them."""
    return e.probed("codes.railed") or tuple(e.bad_channels("share_at_rail"))


def dead(e: Evidence) -> Sequence[Place]:
    """Channels that give 0 always."""
    return e.probed("codes.dead") or tuple(e.bad_channels("share_at_zero"))


def quiet(e: Evidence) -> list[int]:
    """Channels with too little noise, that do not stand still."""
    others = {
        *e.probed("codes.dead"),
        *e.probed("codes.railed"),
        *e.channels_above("noise_over_typical"),
    }
    return [c for c in e.bad_channels("noise_over_typical") if c not in others]


def has_wrong_scale(e: Evidence) -> bool:
    """Say if the scale is off on a channel that is not dead, railed or stuck."""
    explained = ("codes.dead", "codes.railed", "gains.stuck")
    others = {channel for name in explained for channel in e.probed(name)}
    return bool(set(e.probed("gains.wrong_level")) - others)


def reference(e: Evidence) -> float:
    """Return the reference as the supplies tell it, V; 0 if it is not known."""
    return e.number("supplies.reference_v") or e.number("reference_voltage")


def is_supply_low(e: Evidence) -> bool:
    """Say if AVDD is low: the reading is, and no wrong reference alone explains both readings.

    A reference that a low AVDD pulls down with it reads AVDD as 4.5 V or a little more, however low
    both are; DVDD, which nothing pulls, then reads too high.
    """
    return _reads_low(e) and e.number("supplies.unexplained") > _SAME_READING


def is_supply_doubtful(e: Evidence) -> bool:
    """Say if AVDD reads low, and two causes explain it as well."""
    return _reads_low(e) and not is_supply_low(e) and not is_reference_wrong(e)


def _reads_low(e: Evidence) -> bool:
    return 0.5 < e.number("supplies.avdd_v") < 4.8


def is_reference_wrong(e: Evidence) -> bool:
    """Say if the reference is off by itself, and a low supply does not explain it."""
    is_off = reference(e) > 0 and not 4.3 <= reference(e) <= 4.7
    return is_off and not all_railed(e) and not is_supply_low(e)


def supplies_read(e: Evidence) -> str:
    """Say what the chip reads of its supplies, by the reference that it is said to have."""
    avdd_v, dvdd_v = e.number("supplies.avdd_v"), e.number("supplies.dvdd_v")
    return f"the chip reads its own supplies as AVDD {avdd_v:.2f} V, DVDD {dvdd_v:.2f} V"


def electrodes_off(e: Evidence) -> list[Place]:
    """Name electrodes that are off: 1P, 3N."""
    sides: list[Place] = [f"{c}P" for c in e.bad_channels("electrode_p_off")]
    return sides + [f"{c}N" for c in e.bad_channels("electrode_n_off")]
