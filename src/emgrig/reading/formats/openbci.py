"""Texts of the OpenBCI GUI, of all versions, of its SD card, and of BrainFlow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emgrig.errors import RecordingError
from emgrig.reading.formats.dialect import Dialect, find_dialect, numbers
from emgrig.reading.indices import by_index
from emgrig.reading.recording import Mark, Recording
from emgrig.reading.runs import Floats
from emgrig.reading.signals import signal
from emgrig.reading.timebase import agree, lost_and_marked
from emgrig.sentences import counted

_RATE = re.compile(r"Sample Rate\s*=\s*([\d.]+)", re.IGNORECASE)
_CHANNELS = re.compile(r"Number of channels\s*=\s*(\d+)", re.IGNORECASE)
#: Unix time in s or ms, between 2001 and 2128.
_UNIX_S, _UNIX_MS = (1e9, 5e9), (1e12, 5e12)


def read_openbci(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read a text of the OpenBCI GUI: with a heading from version 5.0.3 on, without one before."""
    comments = [line for line in lines[:60] if line.startswith("%")]
    head = " ".join(comments)
    rate, count = _RATE.search(head), _CHANNELS.search(head)
    stated = agree(None if rate is None else (float(rate[1]), "the heading"), told_hz)
    if stated is None or not stated[0] > 0:
        raise RecordingError(
            "an OpenBCI text was expected to name its sample rate; give it (--rate)"
        )
    dialect = find_dialect(lines)
    columns = _columns(dialect, None if count is None else int(count[1]), lines)
    stamp = _stamp_column(lines[dialect.first + 1 : dialect.first + 40])
    table = numbers(lines, dialect, [0, *columns, *([] if stamp is None else [stamp[0]])])
    # Version 5 writes one row of zeros ahead of the samples.
    table = table[1:] if len(table) > 1 and not table[0].any() and table[1].any() else table
    stamps = None if stamp is None else table[:, -1] * stamp[1]
    values = table[:, 1 : 1 + len(columns)]
    base = by_index(table[:, 0], stated[0], stated[1], list(values.T), stamps)
    signals = tuple(
        signal(f"EXG {place + 1}", "uV", f"column {i + 1}") for place, i in enumerate(columns)
    )
    missing = base.runs.n_samples - int(base.runs.rows[:, 2].sum())
    lost = (lost_and_marked(missing),) if missing else ()
    return Recording(
        path=path,
        source="OpenBCI text",
        signals=signals,
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: values[:, i],
        remarks=(*lost, *base.remarks),
    )


def _columns(dialect: Dialect, n_channels: int | None, lines: Sequence[str]) -> list[int]:
    named = [i for i, name in enumerate(dialect.names) if re.match(r"E[XEM]G Channel", name)]
    if named:
        return named
    if n_channels is None:
        # Version 2 does not say it: index, channels, three of the accelerometer.
        row = lines[dialect.first].count(",") + 1
        n_channels = min(row - 1, 16 if row >= 17 else 8 if row >= 9 else 4)
    if not 0 < n_channels < dialect.n_columns:
        raise RecordingError(
            f"an OpenBCI text of {dialect.n_columns} columns cannot hold {n_channels} channels"
        )
    return list(range(1, n_channels + 1))


def _stamp_column(rows: Sequence[str]) -> tuple[int, float] | None:
    """Return the column of the time of arrival, and its unit in s; None if there is none."""
    cells = [row.split(",") for row in rows if row.strip()]
    for i in range(1, min(map(len, cells), default=0)):
        try:
            values = [float(row[i]) for row in cells]
        except ValueError:
            continue
        for (low, high), factor in ((_UNIX_S, 1.0), (_UNIX_MS, 1e-3)):
            if all(low < value < high for value in values):
                return i, factor
    return None


def is_sd_card(lines: Sequence[str]) -> bool:
    """Whether it is what the firmware writes to the card: rows of hexadecimal cells."""
    few = [line.strip() for line in lines[:50] if line.strip() and not line.startswith("%")]
    cell = r"[0-9A-Fa-f]"
    row = re.compile(rf"{cell}{{2}}(,{cell}{{6}}){{4,16}}(,{cell}{{0,4}})*,?")
    fits = [row.fullmatch(line) is not None for line in few]
    return len(fits) >= 2 and sum(fits) >= 0.8 * len(fits)


#: The index and the codes of a row; four digits and less are the accelerometer's.
_SD_ROW = re.compile(r"[0-9A-Fa-f]{2}(,[0-9A-Fa-f]{6})+(?![0-9A-Fa-f])")
#: One code of the Cyton at gain 24: 4.5 V / 24 / (2**23 - 1).
_CYTON_UV = 4.5e6 / 24 / (2**23 - 1)


def read_sd_card(path: Path, lines: Sequence[str], told_hz: float | None) -> Recording:
    """Read the hexadecimal text of the OpenBCI SD card: index, 24-bit codes, the accelerometer."""
    rows = [found[0] for line in lines if (found := _SD_ROW.match(line.strip())) is not None]
    widths = [row.count(",") for row in rows]
    n = int(np.bincount(widths or [0]).argmax())
    whole = [row.split(",") for row, width in zip(rows, widths, strict=True) if width == n]
    if n < 1 or len(whole) < 2:
        raise RecordingError(f"{len(whole)} whole rows of hexadecimal cells; 2 or more expected")
    codes = np.array([[int(cell, 16) for cell in row] for row in whole], np.int64)
    values = codes[:, 1:]
    values -= (values >= 1 << 23) * (1 << 24)
    rate = agree(None, told_hz) or (250.0 if n <= 8 else 125.0, "the board's usual rate")
    base = by_index(codes[:, 0].astype(np.float64), *rate, list(values.T.astype(np.float64)))
    remarks = ["codes scaled for a gain of 24, which the card does not say"]
    if told_hz is None:
        remarks.append(f"the card does not say the rate: {rate[0]:g} Hz are taken (--rate)")
    n_cut = sum(bool(line.strip()) and line[:1] != "%" for line in lines) - len(whole)
    if n_cut:
        remarks.append(f"{counted(n_cut, 'row is cut and was', 'rows are cut and were')} left out")
    return Recording(
        path=path,
        source="OpenBCI SD card",
        signals=tuple(signal(f"EXG {i + 1}", "uV", f"column {i + 2}") for i in range(n)),
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: values[:, i] * _CYTON_UV,
        remarks=(*remarks, *base.remarks),
    )


@dataclass(frozen=True)
class _Layout:
    """Columns of a board in a file of BrainFlow: exg, time, marker, and its rates, Hz."""

    board: str
    exg: range
    time: int
    marker: int
    rates_hz: tuple[float, ...]


#: By their number of columns (BrainFlow 5, brainflow_boards.cpp).
_BRAINFLOW = {
    24: _Layout("Cyton", range(1, 9), 22, 23, (250.0, 1000.0)),
    32: _Layout("Cyton with Daisy", range(1, 17), 30, 31, (125.0, 1000.0)),
    15: _Layout("Ganglion", range(1, 5), 13, 14, (200.0,)),
}


def brainflow_layout(lines: Sequence[str]) -> int | None:
    """Return the number of columns if it is what BrainFlow's write_file makes; else None."""
    cells = lines[0].rstrip("\r\n").split("\t")
    layout = _BRAINFLOW.get(len(cells))
    if layout is None:
        return None
    try:
        stamp = float(cells[layout.time])
        float(cells[0])
    except ValueError:
        return None
    return len(cells) if _UNIX_S[0] < stamp < _UNIX_S[1] else None


def read_brainflow(
    path: Path, lines: Sequence[str], n_columns: int, told_hz: float | None
) -> Recording:
    """Read what BrainFlow writes: tabs, no heading, µV, the time of arrival in s."""
    layout = _BRAINFLOW[n_columns]
    dialect = Dialect(0, "\t", is_comma=False, n_columns=n_columns)
    wanted = [0, *layout.exg, layout.time, layout.marker]
    table = numbers(lines, dialect, wanted)
    index, values, stamps, marker = table[:, 0], table[:, 1:-2], table[:, -2], table[:, -1]
    rate = agree(None, told_hz) or _usual_rate(layout, stamps)
    base = by_index(index, rate[0], rate[1], list(values.T), stamps)
    marks = tuple(
        Mark(base.runs.sample_of(row) / base.rate_hz, 0.0, f"{marker[row]:g}")
        for row in np.flatnonzero(np.nan_to_num(marker)).tolist()
    )
    return Recording(
        path=path,
        source=f"BrainFlow ({layout.board} by its columns)",
        signals=tuple(signal(f"EXG {i}", "uV", f"column {i + 1}") for i in layout.exg),
        rate_hz=base.rate_hz,
        rate_from=base.rate_from,
        runs=base.runs,
        column=lambda i: values[:, i],
        marks=marks,
        remarks=base.remarks,
    )


def _usual_rate(layout: _Layout, stamps: Floats) -> tuple[float, str]:
    """Return the rate of the board that the times of arrival fit."""
    span_s = float(stamps[-1] - stamps[0])
    found_hz = (stamps.size - 1) / span_s if span_s > 0 else 0.0
    nearest = min(layout.rates_hz, key=lambda rate_hz: abs(rate_hz - found_hz))
    if not 0.5 < found_hz / nearest < 1.2:
        rates = " or ".join(f"{rate_hz:g}" for rate_hz in layout.rates_hz)
        raise RecordingError(
            f"its columns are those of a {layout.board} at {rates} Hz, the time stamps give "
            f"{found_hz:.4g} Hz; give the rate (--rate)"
        )
    return nearest, f"the rate of a {layout.board}"
