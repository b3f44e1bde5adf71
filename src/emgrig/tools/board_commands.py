"""`emgrig info`: who is there."""

from typing import TYPE_CHECKING

from emgrig.tools.common.options import Address, Json
from emgrig.tools.common.output import out, print_facts, print_json, print_table

if TYPE_CHECKING:
    from emgrig.driver.board import Board
    from emgrig.protocol.packets import Stats


def info(address: Address, as_json: Json = False) -> None:
    """Say who is at ADDRESS: board, firmware, chip, settings, clock, counters.

    Nothing is changed on the board.

    Examples:

      emgrig info sim:

      emgrig info tcp://192.168.4.1:4299 --json
    """
    import emgrig

    with emgrig.connect(address) as board:
        facts = _facts(board)
        channels = _channels(board)
    if as_json:
        print_json({**facts, "channels": channels})
        return
    print_facts([(name.replace("_", " "), _words(value)) for name, value in facts.items()])
    out.print()
    print_table(
        ["channel", "name", "gain", "mux", "powered"],
        [[_words(v) for v in row.values()] for row in channels],
    )


def _facts(board: "Board") -> dict[str, object]:
    from emgrig.driver.can import Timing

    identity = board.identity
    stats = board.stats()
    fit = None if board.can.timing is not Timing.ASKED else board.synchronise()
    is_stated = board.can.stated is not None
    return {
        "address": board.address,
        "simulated": identity.is_simulated,
        "serial_number": identity.serial_number,
        "firmware": f"{identity.firmware} ({identity.git_revision})",
        "protocol": identity.protocol_version,
        "chips": [f"{board.can.chip}, {n} channels" for n in board.chip.parts]
        if is_stated
        else [f"{f.raw[0]:02X}h, {f.n_channels} channels" for f in board.chip.files],
        "scale": board.can.scale_words,
        "loss": board.can.loss_words,
        "cannot": [*board.can.limits, *_limits_of_replay(board.address)],
        "nominal_rate_hz": board.chip.rate_hz,
        "reference_v": identity.vref_v,
        "reference": _reference(board),
        "series_ohm": list(identity.series_ohm),
        **_counters(stats, is_told=not is_stated),
        "link_delay_us": None if fit is None else round(fit.delay_us, 1),
    }


def _limits_of_replay(address: str) -> tuple[str, ...]:
    """Say what a raw capture cannot that its board could; nothing of another address."""
    if address.partition(":")[0].lower() != "replay":
        return ()
    return (
        "a replay: it takes no other settings than those recorded, and no reset",
        "it sends what was recorded, run by run, and nothing behind the last",
    )


def _reference(board: "Board") -> str:
    """Say which reference the volts rest on, as far as the registers tell."""
    from emgrig.driver.chip.registers import Config3

    if board.can.stated is not None:
        return "stated, not read"
    if all(file.get(Config3).internal_reference for file in board.chip.files):
        return "the chip's own is on"
    return "the chip's own is off; its volts are what the board states"


def _counters(stats: "Stats", *, is_told: bool) -> dict[str, object]:
    """Return the board's own counters; of a board that only sends frames, none is known."""
    counters = {
        "uptime_s": round(stats.uptime_us / 1e6, 3),
        "brown_outs": stats.brown_outs,
        "missed_conversions": stats.missed_drdy,
        "transmit_overflows": stats.transmit_overflows,
    }
    return {name: count if is_told else None for name, count in counters.items()}


def _channels(board: "Board") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if board.can.stated is not None:
        return [
            {"channel": n, "name": name, "gain": gain, "mux": "not told", "powered": True}
            for n, (name, gain) in enumerate(
                zip(board.channel_names, board.chip.gains.tolist(), strict=True), start=1
            )
        ]
    for file in board.chip.files:
        for settings in file.channels():
            rows.append(
                {
                    "channel": len(rows) + 1,
                    "name": board.channel_names[len(rows)],
                    "gain": settings.gain.word,
                    "mux": settings.mux.word,
                    "powered": not settings.power_down,
                }
            )
    return rows


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not told"
    if isinstance(value, list):
        joint = "; " if any(isinstance(v, str) and " " in v for v in value) else ", "
        return joint.join(str(v) for v in value) or "none"
    return str(value)
