"""Recordings for the tests of the export: of a simulated face, and written by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import emgrig
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.recording.bdf.header import Channel, FileHead
from emgrig.recording.bdf.writer import BdfWriter
from emgrig.recording.facts import Annotation
from emgrig.recording.recorder import Recorder
from emgrig.recording.sidecar import FORMAT
from emgrig.recording.sync.tube import Tube

RATE_HZ = 1000.0
MARKERS = ("clip begin trial=3 clip=joy1 emotion=happiness", "key L", "rating value=6")


def record_face(
    path: Path,
    *,
    seconds: float = 1.5,
    contact: dict | None = None,
    address: str = "sim:face&fault=packets-lost:rate=0.03",
    gain_change: bool = False,
) -> None:
    """Record a simulated face with losses, markers and the digital tube; two parts if asked."""
    with emgrig.connect(address) as board:
        board.apply("facial-emg")
        tube = Tube(32)
        recorder = Recorder(board, path, profile="facial-emg", contact=contact)
        with recorder, board.stream(seconds) as stream:
            for number, block in enumerate(stream):
                recorder.feed(block)
                if number < len(MARKERS):
                    recorder.mark(MARKERS[number])
                if gain_change and number == 1:
                    board.chip.configure(channels=[3], gain=24)
                if block.n_samples:
                    at = block.first_conversion, block.board_time_us, block.n_samples
                    recorder.note_tube(tube.feed(*at, block.epoch.rate_hz))


def write_recording(
    path: Path,
    codes: np.ndarray,
    *,
    scales_uv: Sequence[float] | None = None,
    offset_uv: float = 0.0,
    rate_hz: float = RATE_HZ,
    annotations: Sequence[Annotation] = (),
    names: Sequence[str] | None = None,
    mux: str = "normal",
    contact: dict | None = None,
    registers: bytes | None = None,
) -> None:
    """Write a BDF+ file of these codes, shape (n_samples, n_channels), and a sidecar."""
    n_channels = codes.shape[1]
    scales_uv = scales_uv or [4.5e6 / 12 / 2**23] * n_channels
    names = names or [f"muscle {i + 1}" for i in range(n_channels)]
    channels = tuple(
        Channel(f"EMG {name}"[:16].rstrip(), scale, offset_uv=offset_uv)
        for name, scale in zip(names, scales_uv, strict=True)
    )
    head = FileHead(channels, rate_hz, 1.6e9 + 0.25, "made_up")
    planner = BdfWriter(head)
    _fill(planner, codes, annotations)
    plan = planner.finish()
    with path.open("wb") as file:
        writer = BdfWriter(head, file, plan)
        _fill(writer, codes, annotations)
        writer.finish()
    sidecar = _sidecar(path, names, channels, mux, registers)
    sidecar["contact"] = contact
    padding = [writer.padding] if writer.padding is not None else []
    sidecar["samples"] = {"padding": sum(one.n_samples for one in padding)}
    placed = [replace(one, sample=min(one.sample, len(codes))) for one in annotations]
    sidecar["annotations"] = [one.to_json(rate_hz) for one in (*placed, *padding)]
    path.with_suffix(".json").write_text(json.dumps(sidecar), encoding="utf-8")


def _fill(writer: BdfWriter, codes: np.ndarray, annotations: Sequence[Annotation]) -> None:
    for annotation in annotations:
        writer.annotate(annotation)
    writer.write(codes)


def _sidecar(
    path: Path,
    names: Sequence[str],
    channels: Sequence[Channel],
    mux: str,
    registers: bytes | None,
) -> dict:
    raw = registers or RegisterFile.reset().raw
    empty = ("start", "profile", "rate", "clock_fit", "calibration", "left_out")
    return {
        **dict.fromkeys((*empty, "n_annotations", "capture")),
        "format": FORMAT,
        "files": {"bdf": path.name, "capture": "none.capture", "part": 1, "parts": 1},
        "is_simulated": False,
        "software": {"converted_by": "emgrig 0", "recorded_by": ""},
        "board": {
            "address": "tcp://here",
            "serial_number": "S-1",
            "firmware": "",
            "channels_per_chip": 8,
        },
        "band": {"high_hz": 262.0},
        "registers": [{"sample": 0, "chips": [{"hex": raw.hex(" ").upper()}]}],
        "channels": [
            {"channel": i + 1, "name": name, "label": channel.label, "gain": 12.0, "mux": mux}
            for i, (name, channel) in enumerate(zip(names, channels, strict=True))
        ],
    }
