"""`emgrig info`: who is there."""

from typing import TYPE_CHECKING

from emgrig.tools.common.options import Address, Json
from emgrig.tools.common.output import out, print_facts, print_json, print_table

if TYPE_CHECKING:
    from emgrig.driver.board import Board


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
    identity = board.identity
    stats = board.stats()
    fit = board.synchronise()
    return {
        "address": board.address,
        "simulated": identity.is_simulated,
        "serial_number": identity.serial_number,
        "firmware": f"{identity.firmware} ({identity.git_revision})",
        "protocol": identity.protocol_version,
        "chips": [f"{f.raw[0]:02X}h, {f.n_channels} channels" for f in board.chip.files],
        "nominal_rate_hz": board.chip.rate_hz,
        "reference_v": identity.vref_v,
        "series_ohm": list(identity.series_ohm),
        "uptime_s": round(stats.uptime_us / 1e6, 3),
        "brown_outs": stats.brown_outs,
        "missed_conversions": stats.missed_drdy,
        "transmit_overflows": stats.transmit_overflows,
        "link_delay_us": round(fit.delay_us, 1),
    }


def _channels(board: "Board") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
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
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "none"
    return str(value)
