"""What a request ends in that is not answered as it should be, in words that help."""

from emgrig.errors import BoardBusy, EmgrigError, RequestRefused, TransportTimeout, WireError
from emgrig.protocol.decoder import DecoderCounts, ReplyPacket
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import ErrorCode, Request

_HINTS = {
    ErrorCode.BUSY: "; another program holds it: close that, or wait until its link is gone",
    ErrorCode.IN_RDATAC: "; the chip must leave RDATAC first: stop the stream",
    ErrorCode.NO_SUCH_CHIP: "; HELLO says how many chips there are",
    ErrorCode.CHIP_SILENT: "; run `emgrig bringup` to find out why",
    ErrorCode.NOT_SUPPORTED: "; identity.capabilities says what this board can do",
    ErrorCode.UNKNOWN_REQUEST: "; its firmware is older than this program",
}


def raise_refusal(request: Request, reply: ReplyPacket) -> None:
    """Raise RequestRefused if the board answered ERROR; BoardBusy if another program holds it."""
    if reply.error is None:
        return
    code = reply.error.code
    hint = _HINTS.get(ErrorCode(code), "") if code in ErrorCode.__members__.values() else ""
    kind = BoardBusy if code == ErrorCode.BUSY else RequestRefused
    raise kind(request.name, code, reply.error.text, hint)


def no_answer(where: str, tried: str, counts: DecoderCounts, first_bytes: bytes) -> EmgrigError:
    """Tell silence, a foreign protocol and a board that does not answer apart.

    Parameters
    ----------
    where : str
        The address.
    tried : str
        What was asked, how often and for how long, in words.
    counts : DecoderCounts
        What came.
    first_bytes : bytes
        What came first.
    """
    if counts.packets:
        return TransportTimeout(
            f"{where}: {tried} and not answered, though "
            f"{counts.packets} good packets came; {counts.skipped_bytes} bytes were damaged"
        )
    if not first_bytes:
        return TransportTimeout(
            f"{where}: {tried} and nothing came back at all; "
            "is it the right port, and does the board have power?"
        )
    seen = first_bytes.hex(" ").upper()
    if counts.bad_version and counts.last_version != VERSION and not counts.bad_crc:
        older = "the board's firmware" if counts.last_version < VERSION else "emgrig"
        return WireError(
            f"{where}: it may speak version {counts.last_version} of the board link, this "
            f"program version {VERSION}: update {older}; first bytes seen: {seen}"
        )
    return WireError(
        f"{where}: what comes is not the board link (a packet begins A5 5A 01); first bytes "
        f"seen: {seen}; another device, another firmware, or the wrong baud rate?"
    )
