"""Causes that are not the chip's: nobody answers, the board or its link gave out.

The first rows of the table of causes, in order; see `emgrig.hil_tests.diagnosis.causes`.
"""

from emgrig.hil_tests.diagnosis import symptoms
from emgrig.hil_tests.diagnosis.medium import Medium
from emgrig.hil_tests.diagnosis.symptoms import Rule
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.judging.incident import IncidentKind

LINK_RULES: list[Rule] = [
    # Nobody there.
    Rule(
        "busy",
        symptoms.happened(IncidentKind.BUSY),
        "Another program holds the board",
        "close it (or wait until its link is gone), then run this again",
    ),
    Rule(
        "other-protocol",
        symptoms.happened(IncidentKind.OTHER_PROTOCOL),
        "What answers does not speak this version of the board link",
        "check port and baud rate; compare the first bytes with docs/protocol.md (A5 5A 01)",
    ),
    Rule(
        "silent",
        lambda e: e.layer is Layer.LINK and e.happened(IncidentKind.SILENT),
        "The link opens and nobody answers: the firmware is not up, waits for the chip, or this is "
        "another port",
        "look at the board's own log or lamp; reset it; then ask again",
    ),
    Rule(
        "no-board",
        lambda e: e.layer is Layer.LINK and not e.measurements("protocol_version"),
        "No board at this address",
        "check power, cable, network and address; a board that only sends frames is as silent if "
        "its chip does not convert",
        is_general=True,
        next_over={
            Medium.SERIAL: "check power, cable and the port's name (emgrig ports); a board that "
            "only sends frames is as silent if its chip does not convert",
            Medium.INSIDE: "is emgrig simulate, or what else serves the board here, running, and "
            "on this port?",
        },
    ),
    # Things that happened.
    Rule(
        "board-restart",
        symptoms.happened(IncidentKind.BOARD_STARTED),
        "The board's processor restarted: watchdog, or its supply dipped",
        "read the reset cause in the report; watch the board's supply while it sends",
    ),
    Rule(
        "link-gone",
        symptoms.is_link_gone,
        "The link was lost and did not come back: unplugged, out of reach, or the board lost power",
        "check cable and connector, the board's power, and the radio's signal; then run this again",
        next_over={
            Medium.SERIAL: "check cable and connector, and the board's power; then run this again",
            Medium.INSIDE: "see whether the program that serves the board still runs, and what it "
            "says; then run this again",
        },
    ),
    Rule(
        "link-cut",
        symptoms.is_link_back,
        "The link was cut while the board ran on",
        "check cable and connector, or the radio's signal; the board itself came back unharmed",
        next_over={
            Medium.SERIAL: "check cable and connector, and that the port does not fall asleep (USB "
            "power saving); the board itself came back unharmed",
            Medium.INSIDE: "there is no cable and no radio on this link: see what the program that "
            "serves the board says; the board itself came back unharmed",
        },
    ),
    Rule(
        "writes-ignored",
        lambda e: e.layer is Layer.IDENTITY and e.happened(IncidentKind.WRITES_IGNORED),
        "Registers can be read and not written: DIN does not reach the chip, or it is in RDATAC",
        "measure DIN at the chip while writing; is SDATAC sent before?",
    ),
    Rule(
        "brown-out",
        symptoms.is_brown_out,
        "Brown-out: the chip fell back to its reset values while the processor ran on",
        "watch AVDD, DVDD and RESET with a scope; a dip or a glitch of 1 µs is enough",
    ),
    Rule(
        "board-stopped",
        symptoms.has_stopped,
        "The board stopped sending: its chip fell back to reset (a brown-out), it started anew and "
        "waits, or it hangs; it cannot be asked which",
        "look at its supply and its lamp while it sends; switch it off and on, then run this again",
    ),
    # The link.
    Rule(
        "board-hangs",
        symptoms.happened(IncidentKind.NO_ANSWER, IncidentKind.SILENT),
        "The board stopped answering though the link is open: its firmware hangs",
        "reset it, and read its log; which request was the last is in the report",
    ),
    Rule(
        "host-slow",
        lambda e: e.number("link.thrown_away") > 0 and e.number("link.share_of_rate") < 0.9,
        "The link or this computer is too slow for the data rate: the board throws frames away",
        "lower the rate, raise the baud rate, or come nearer to the access point",
        next_over={
            Medium.SERIAL: "lower the rate, or raise the baud rate",
            Medium.NETWORK: "lower the rate, or come nearer to the access point",
            Medium.INSIDE: "lower the rate, or end what else keeps this computer busy",
        },
    ),
    Rule(
        "link-damage",
        symptoms.is_damaged,
        "Bytes are changed or lost on the link",
        "check baud rate, flow control and cable length; a slower rate tells",
        next_over={
            Medium.NETWORK: "a network delivers whole bytes: look at the line between the board's "
            "processor and its radio, and at its firmware's buffers; a slower rate tells",
            Medium.INSIDE: "there is no cable on this link: look at the program that serves the "
            "board",
        },
    ),
    Rule(
        "link-garbage",
        symptoms.is_garbage,
        "Somebody else writes on the link: bytes between packets, and no packet is missing",
        "switch off boot messages and debug output of the firmware",
    ),
    Rule(
        "link-reorder",
        lambda e: e.number("link.backwards") > 0 and symptoms.strays(e) == 0,
        "Packets come out of order",
        "use a stream (TCP, serial), not datagrams; look for two paths",
    ),
    Rule(
        "link-double",
        symptoms.is_doubled,
        "Packets come twice: the link sends them again though they arrived",
        "look at retransmission in the radio's or the firmware's driver",
    ),
    Rule(
        "lost-somewhere",
        symptoms.is_lost_somewhere,
        "Samples are missing: lost on the way, or never read by the board, which numbers none",
        "try another cable or port, or come nearer; if as many are missing, it is the board",
    ),
    Rule(
        "link-loss",
        symptoms.is_lossy,
        "Packets are lost on the link",
        "use TCP or flow control; try beside the board; compare with a cable",
        next_over={
            Medium.SERIAL: "use flow control or a higher baud rate; try another cable or port",
            Medium.INSIDE: "there is no cable and no radio on this link: look at the program that "
            "serves the board",
        },
    ),
    Rule(
        "two-clocks",
        symptoms.has_two_clocks,
        "The chips run on clocks of their own: at even steps the faster one has a conversion more",
        "wire CLK of one chip to that of the others (CLK_EN 1 there, CLKSEL low here); until then "
        "what has no partner is counted as missed, and the rest is whole",
    ),
    Rule(
        "reads-missed",
        symptoms.has_missed_reads,
        "The firmware comes too late for some conversions: its interrupt is starved",
        "raise the priority of data ready; keep flash writes and radio work out of its way",
    ),
    Rule(
        "late-or-lost",
        lambda e: not e.can.is_loss_known and e.has_failed("delivery_lateness"),
        "Samples come late, or some are lost: this board neither counts nor has a clock",
        "try another link; where there is none, nobody can tell which",
    ),
    Rule(
        "link-stall",
        lambda e: e.has_failed("delivery_lateness", "echo_slowest"),
        "The link stalls: nothing came for a while, then all at once",
        "switch off Wi-Fi power save; move to a free channel; try a cable",
        is_harmless=True,
        next_over={
            Medium.SERIAL: "end what else keeps this computer busy; switch off USB power saving; "
            "try another port, without a hub",
            Medium.BUS: "end what else keeps this computer busy, then run this again",
            Medium.INSIDE: "there is no cable and no radio on this link: end what else keeps this "
            "computer busy, then run this again",
        },
    ),
]
