"""The steps of the demo, and what they found."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import emgrig
from emgrig.calibration.figures.datasheet import typical_noise_uv_rms
from emgrig.calibration.figures.response import NOISE_BANDWIDTH_OF_RATE
from emgrig.calibration.procedures.sources import thermal_nv_per_rthz
from emgrig.driver.samples.block import Block
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.errors import TransportError
from emgrig.recording.convert import Recording
from emgrig.recording.levels import Progress
from emgrig.recording.recorder import record
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.assembly import build_board
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.options import MAX_SPEED, SimOptions
from emgrig.tools.common.logs import quiet_driver
from emgrig.tools.demo.check import ChannelMatch, match, seen_by_chip

PROFILE = "facial-emg"
ROOM_C = 26.85  # 300 K
"""What a demo makes, in its folder; all of it together."""
LEAST_SHARE = 0.98
"""So much of what was asked for must have been converted, or the demo is not complete."""


@dataclass
class DemoResult:
    """What the demo found; `problems` is empty if all is well."""

    source: str
    seed: int
    asked_s: float = 0.0
    address: str = ""
    identity: dict[str, object] = field(default_factory=dict)
    registers: list[tuple[str, ...]] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    account: dict[str, int] = field(default_factory=dict)
    conversions: int = 0
    lost: int = 0
    rate_hz: float = 0.0
    clock: dict[str, float] = field(default_factory=dict)
    n_annotations: int = 0
    files: list[str] = field(default_factory=list)
    matches: list[ChannelMatch] = field(default_factory=list)
    worst_bdf_error_codes: float = 0.0
    t_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    volts: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    gaps: list[tuple[float, float, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """True if nothing went wrong."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """Say in a line how it ended, and what that rests on."""
        n_samples = self.matches[0].n_samples if self.matches else 0
        rests = f"{len(self.matches)} channels, {n_samples} samples of each compared"
        word = "PASS" if self.is_good else "FAIL"
        problems = "".join(f"; {problem}" for problem in self.problems)
        return f"demo: {word} - SIMULATED, {rests}{problems}"

    def as_json(self) -> dict[str, object]:
        """Return everything but the samples."""
        left_out = ("t_s", "volts")
        said = {"verdict": self.verdict, "is_good": self.is_good, "simulated": True}
        return said | {k: v for k, v in asdict(self).items() if k not in left_out}

    def lines(self) -> list[str]:
        """Say it in a few lines."""
        worst = max(self.matches, key=lambda m: m.residual_uv_rms, default=None)
        account = (
            f"conversions: {self.conversions} produced = {self.account['received']} received "
            f"+ {self.lost} lost while the link was cut"
        )
        files = (
            f"files: {', '.join(self.files)}; {self.n_annotations} annotations; BDF+ against the "
            f"raw capture: {self.worst_bdf_error_codes:.3f} codes apart at most"
        )
        said = [
            f"board: {self.identity['serial_number']} (simulated), source {self.source}",
            f"registers: {len(self.registers)} read back and proved, profile {PROFILE}",
            account,
            files,
        ]
        if worst:
            said.append(
                f"against the electrodes: residual at most {worst.residual_uv_rms:.2f} µV rms "
                f"({worst.name}; noise expected {worst.expected_noise_uv_rms:.2f}), gain within "
                f"{max(m.gain_error for m in self.matches):.2%}, "
                f"{worst.n_samples} samples a channel"
            )
        return said


def run(
    folder: Path,
    *,
    seconds: float,
    source: str,
    seed: int,
    speed: float = 1.0,
    tell: Callable[[str], None],
) -> DemoResult:
    """Do all of it; what goes wrong is in the result's `problems`.

    Raises EmgrigError if the demo cannot even be done: no simulator, no link, no room.
    """
    result = DemoResult(source, seed, seconds)
    cut_s = seconds * 0.45
    fault = f"link-cut:from=start,at={cut_s:g},after=1.5"
    tell(f"starting a simulated board that sees {source}; its link will be cut once")
    with _simulator(source, seed, fault, speed) as address:
        result.address = address
        recording = _record(result, folder, seconds, tell)
    tell("comparing the recording with what the electrodes saw")
    blocks = _replay(recording)
    _take_account(result, recording, blocks)
    _compare_with_bdf(result, recording, blocks)
    twin = build_board(SimOptions(source=source, seed=seed))
    _compare_with_electrodes(result, blocks, twin)
    _judge(result)
    return result


@contextmanager
def _simulator(source: str, seed: int, fault: str, speed: float) -> Iterator[str]:
    """Run `emgrig simulate` as a process of its own; gives its address."""
    command = [sys.executable, "-m", "emgrig", "simulate", "--tcp", "127.0.0.1:0"]
    command += ["--source", source, "--seed", str(seed), "--fault", fault]
    command += ["--speed", "max" if speed == MAX_SPEED else f"{speed:g}"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            _, said = process.communicate()
            raise TransportError(f"the simulator did not start: {said.strip()}")
        yield address
    finally:
        process.terminate()
        process.communicate()


def _record(
    result: DemoResult, folder: Path, seconds: float, tell: Callable[[str], None]
) -> Recording:
    """Connect, apply the profile, record through the cut."""
    with emgrig.connect(result.address) as board:
        tell(f"connected to {board.identity}")
        file = board.apply(PROFILE)[0]
        tell(f"profile {PROFILE} applied; {len(file.raw)} registers proved by reading them back")
        result.identity = {
            "serial_number": board.identity.serial_number,
            "firmware": board.identity.firmware,
            "is_simulated": board.identity.is_simulated,
            "chips": board.identity.chip_count,
        }
        result.registers = [tuple(row) for row in file.render()]
        result.gains = board.chip.gains.tolist()
        result.rate_hz = board.chip.rate_hz
        result.names = list(board.channel_names)
        tell(f"recording {seconds:g} s")
        said = [0.0]

        def progress(now: Progress) -> None:
            if now.elapsed_s - said[0] >= 2.0:
                said[0] = now.elapsed_s
                tell(f"  {now.elapsed_s:5.1f} s, {now.n_samples} samples, {now.n_lost} lost")

        made = record(
            board, folder / "demo.bdf", seconds, overwrite=True, profile=PROFILE, progress=progress
        )
        _take_clock(result, board.synchronise())
        return made


def _take_clock(result: DemoResult, fit: ClockFit) -> None:
    result.clock = {
        "board clock faster than this computer's, ppm": fit.drift_ppm,
        "right to within, ppm": fit.drift_bound_ppm,
        "residual of the exchanges, µs": fit.residual_us,
        "least delay there and back, µs": fit.delay_us,
        "exchanges": float(fit.n_exchanges),
    }


def _replay(recording: Recording) -> list[Block]:
    """Read the raw capture back as a stream of blocks."""
    address = f"replay:{recording.capture_path}"
    # quiet: the cut was told when it happened
    with quiet_driver(), emgrig.connect(address) as board, board.stream() as stream:
        return [block for block in stream if block.n_samples or block.lost_before]


def _take_account(result: DemoResult, recording: Recording, blocks: list[Block]) -> None:
    totals = recording.totals
    result.account = asdict(totals)
    result.conversions, result.lost = totals.produced, totals.lost
    result.files = [path.name for path in (recording.capture_path, *recording.bdf_paths)]
    result.files += [path.name for path in recording.sidecar_paths]
    period_s = 1.0 / result.rate_hz
    begin = blocks[0].first_conversion
    kept = [block for block in blocks if block.n_samples]
    result.volts = np.concatenate([block.volts for block in kept])
    result.t_s = np.concatenate(
        [(block.first_conversion - begin + np.arange(block.n_samples)) * period_s for block in kept]
    )
    for block in blocks:
        if block.lost_before and block is not blocks[0]:
            end_s = (block.first_conversion - begin) * period_s
            gap = (end_s - block.lost_before * period_s, end_s, block.cause.words)
            result.gaps.append(gap)


def _compare_with_bdf(result: DemoResult, recording: Recording, blocks: list[Block]) -> None:
    """Read the BDF+ file as any other program would, and hold it against the raw bytes."""
    from edfio import read_bdf

    file = read_bdf(recording.bdf_paths[0])
    result.n_annotations = len(file.annotations)
    begin = blocks[0].first_conversion
    for column, signal in enumerate(file.signals):
        values = np.asarray(signal.data)
        scale_uv = float(blocks[0].epoch.scale_v[column]) * 1e6
        for block in blocks:
            at = block.first_conversion - begin
            shown = values[at : at + block.n_samples]
            error = np.abs(shown / scale_uv - block.codes[: len(shown), column])
            if error.size:
                result.worst_bdf_error_codes = max(result.worst_bdf_error_codes, float(error.max()))


def _compare_with_electrodes(result: DemoResult, blocks: list[Block], twin: SimulatedBoard) -> None:
    """Ask the same simulated electrodes again, and hold the recording against them."""
    f_clk_hz = twin.bank.f_clk_hz
    epoch = blocks[0].epoch
    period_s = 2_048_000.0 / epoch.rate_hz / f_clk_hz
    assert twin.truth is not None
    seen, recorded, times = [], [], []
    for piece in _pieces(blocks):
        n_samples = sum(block.n_samples for block in piece)
        first_edge_s = _first_edge_s(piece, twin, period_s)
        seen.append(seen_by_chip(twin.truth, first_edge_s, period_s, n_samples, f_clk_hz))
        recorded.append(np.concatenate([block.volts for block in piece]))
        times.append(first_edge_s + np.arange(n_samples) * period_s)
    seen_v, recorded_v = np.concatenate(seen), np.concatenate(recorded)
    t_s = np.concatenate(times)
    for column, name in enumerate(result.names):
        if seen_v[:, column].std() > 0:
            gain = int(epoch.gain[column])
            ohm = _electrodes_ohm(twin, column)
            expected = _expected_noise_uv_rms(gain, epoch.rate_hz, ohm)
            result.matches.append(
                match(column + 1, name, t_s, recorded_v[:, column], seen_v[:, column], expected)
            )


def _pieces(blocks: list[Block]) -> Iterator[list[Block]]:
    """Join blocks with nothing missing between them."""
    piece: list[Block] = []
    for block in blocks:
        if piece and block.lost_before:
            yield piece
            piece = []
        if block.n_samples:
            piece.append(block)
    if piece:
        yield piece


def _first_edge_s(piece: list[Block], twin: SimulatedBoard, period_s: float) -> float:
    """Return the true time of a piece's first edge; all its blocks' times have a say."""
    first = piece[0].first_conversion
    edges_s = [
        twin.true_s(block.board_time_us) - (block.first_conversion - first) * period_s
        for block in piece
    ]
    return float(np.mean(edges_s))


def _electrodes_ohm(twin: SimulatedBoard, channel_index: int) -> float:
    """Return the skin contacts and resistors of a channel, P and N, as this seed has them."""
    front_end = twin.front_ends[0]
    assert isinstance(front_end, AnalogueFrontEnd)
    pair = (front_end.world.p[channel_index], front_end.world.n[channel_index])
    return sum(electrode.r_ohm + electrode.series_ohm for electrode in pair)


def _expected_noise_uv_rms(gain: int, rate_hz: float, electrodes_ohm: float) -> float:
    """Return the data sheet's noise and the electrodes' thermal noise together, µV rms."""
    density_nv = thermal_nv_per_rthz(electrodes_ohm, ROOM_C)
    thermal_uv = density_nv * np.sqrt(NOISE_BANDWIDTH_OF_RATE * rate_hz) / 1e3
    return float(np.hypot(typical_noise_uv_rms(gain, round(rate_hz)), thermal_uv))


def _judge(result: DemoResult) -> None:
    """Say what is wrong, if anything is."""
    made_s = result.conversions / result.rate_hz if result.rate_hz else 0.0
    if made_s < LEAST_SHARE * result.asked_s:
        result.problems.append(f"incomplete: {made_s:.1f} of {result.asked_s:g} s recorded")
    if not result.lost or not result.gaps:
        result.problems.append("the link was cut, but nothing was counted as lost")
    if not result.n_annotations:
        result.problems.append("the BDF+ file marks no gap")
    if result.worst_bdf_error_codes > 0.5:
        result.problems.append(
            f"the BDF+ file is {result.worst_bdf_error_codes:.2f} codes off the raw capture"
        )
    if not result.matches:
        result.problems.append("no channel had a signal to compare")
    for one in result.matches:
        if not one.is_good:
            result.problems.append(
                f"channel {one.channel} differs from its electrodes: gain {one.gain:.4f}, "
                f"residual {one.residual_uv_rms:.2f} µV rms, expected "
                f"{one.expected_noise_uv_rms:.2f}"
            )
