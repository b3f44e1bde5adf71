"""A BDF+D file of hours, written record by record: noise, bursts, mains, an offset, two pauses."""

from pathlib import Path

import numpy as np

CODE_UV = 0.0223517
#: Pauses: after which record, and how long, s.
PAUSES = {0.3: 4.0, 0.7: 90.0}
_TEXT_BYTES = 60


def write_long_bdf(path: Path, hours: float, *, n_channels: int = 8, rate_hz: int = 2000) -> int:
    """Write a recording of one-second data records; return the number of data records."""
    n_records = round(hours * 3600)
    labels = [f"EMG {i}" for i in range(1, n_channels + 1)] + ["BDF Annotations"]
    counts = [rate_hz] * n_channels + [_TEXT_BYTES // 3]
    top = 8388607
    columns: list[tuple[int, list[object]]] = [
        (16, [*labels]), (80, [""] * len(labels)), (8, [*["uV"] * n_channels, ""]),
        (8, [*[f"{-top * CODE_UV:.1f}"[:8]] * n_channels, -1]),
        (8, [*[f"{top * CODE_UV:.1f}"[:8]] * n_channels, 1]),
        (8, [*[-top] * n_channels, -8388608]), (8, [*[top] * n_channels, 8388607]),
        (80, [""] * len(labels)), (8, [*counts]), (32, [""] * len(labels)),
    ]  # fmt: skip
    head = b"\xffBIOSEMI" + _text(80, "X X X X") + _text(80, "Startdate 02-JAN-2026 X X X")
    head += _text(8, "02.01.26") + _text(8, "10.00.00") + _text(8, 256 * (len(labels) + 1))
    head += _text(44, "BDF+D") + _text(8, n_records) + _text(8, 1) + _text(4, len(labels))
    head += b"".join(_text(width, one) for width, cells in columns for one in cells)
    with path.open("wb") as file:
        file.write(head)
        for record in _records(n_records, n_channels, rate_hz):
            file.write(record)
    return n_records


def _records(n_records: int, n_channels: int, rate_hz: int):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    pool = rng.normal(0, 1, 7 * n_channels * rate_hz)
    t = np.arange(rate_hz) / rate_hz
    mains = 6 * np.sin(2 * np.pi * 50 * t)
    offset_uv = rng.uniform(-40_000, 40_000, (n_channels, 1))
    pauses = {int(share * n_records): lasts for share, lasts in PAUSES.items()}
    onset_s = 0.0
    for record in range(n_records):
        at = int(rng.integers(0, pool.size - n_channels * rate_hz))
        noise = pool[at : at + n_channels * rate_hz].reshape(n_channels, rate_hz)
        loud = np.where(
            rng.random((n_channels, 1)) < 0.1, rng.lognormal(4, 0.6, (n_channels, 1)), 0
        )
        shape = np.exp(-(((t - 0.5) / 0.12) ** 2))
        x = offset_uv + 3 * noise + loud * shape * noise + mains
        codes = np.rint(x / CODE_UV).astype("<i4")
        packed = codes.view(np.uint8).reshape(n_channels, rate_hz, 4)[..., :3]
        text = f"+{onset_s:.6g}\x14\x14\0" if onset_s < 1e5 else f"+{onset_s:.1f}\x14\x14\0"
        if record % 600 == 5:
            text += f"+{onset_s + 0.25:.2f}\x14clip {record // 600} begins\x14\0"
        yield packed.tobytes() + text.encode().ljust(_TEXT_BYTES, b"\0")
        onset_s += 1 + pauses.get(record, 0)


def _text(width: int, value: object) -> bytes:
    return str(value).encode().ljust(width)
