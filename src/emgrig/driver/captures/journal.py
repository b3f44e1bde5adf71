"""What a connection notes down, so that its raw bytes can be understood later without the board.

Every entry is a dict that JSON can hold, with its `kind` and `unix_s`. `identity` and `epoch`
entries are read back by `read_identity` and `read_epoch`; what the others say is for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch, make_epoch
from emgrig.errors import RecordingError
from emgrig.protocol.packets import Capability

Entry = dict[str, object]
Journal = Callable[[Entry], None]


def identity_entry(identity: BoardIdentity, address: str) -> Entry:
    """Note which board it is."""
    fields = asdict(identity) | {"capabilities": int(identity.capabilities)}
    return {"kind": "identity", "address": address, **fields}


def read_identity(entry: Mapping[str, object]) -> BoardIdentity:
    """Read an `identity` entry, also one that came through JSON; RecordingError if it is none."""
    fields = {
        key: value for key, value in entry.items() if key not in ("kind", "address", "unix_s")
    }
    try:
        for key in ("channels_wired", "series_ohm", "chip_ids"):
            fields[key] = tuple(_list(fields[key]))
        fields["capabilities"] = Capability(_int(fields["capabilities"]))
        return BoardIdentity(**fields)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"not an identity entry: {error!r}") from error


def epoch_entry(epoch: Epoch, identity: BoardIdentity, names: Sequence[str]) -> Entry:
    """Note the settings from an epoch on."""
    return {
        "kind": "epoch",
        "number": epoch.number,
        "registers": [raw.hex() for raw in epoch.registers],
        "channels_per_chip": identity.layout.channels_per_chip,
        "f_clk_hz": identity.f_clk_hz,
        "vref_v": identity.vref_v,
        "gains": epoch.gain.tolist(),
        "rate_hz": epoch.rate_hz,
        "channel_names": list(names),
    }


def read_epoch(entry: Mapping[str, object]) -> Epoch:
    """Read an `epoch` entry; the scale is worked out anew from its register bytes.

    Raises
    ------
    RecordingError
        If it is none.
    DeviceError
        If its registers have no meaning.
    """
    try:
        channels = _int(entry["channels_per_chip"])
        files = [
            RegisterFile(bytes.fromhex(str(raw)), channels) for raw in _list(entry["registers"])
        ]
        return make_epoch(
            _int(entry["number"]),
            files,
            f_clk_hz=_float(entry["f_clk_hz"]),
            vref_v=_float(entry["vref_v"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"not an epoch entry: {error!r}") from error


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value


def _float(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is no list")
    return list(value)
