"""`emgrig compare`: one body into our simulated board and into a model of another amplifier."""

import json
from dataclasses import dataclass
from pathlib import Path

import edfio
import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.calibration.figures.response import sinc3_group_delay_s
from emgrig.driver.board import Board
from emgrig.recording.recorder import record
from emgrig.simulator.analog.tolerances import oscillator_error_ppm
from emgrig.simulator.sources.recordings import Recording
from emgrig.simulator.transport import SimTransport
from emgrig.tools.compare.read import EDGE_CLOCKS, open_source, paired, told_apart
from page_check import check_page
from shell import Run

WORLD_HZ, DURATION_S, RATE_HZ = 8000.0, 24.0, 2000
THEIR_HZ, OFFSET_S, PPM, GAIN = 1926.0, 0.0373, 40.0, 0.97
SEED = 6


@pytest.fixture
def run(shell: Run) -> Run:
    return lambda line: shell(f"compare {line}")


def muscle(seed: int) -> NDArray[np.float64]:
    """Bursts of surface EMG every 2.5 s over a quiet rest, V, at WORLD_HZ; nothing above 600 Hz."""
    rng = np.random.default_rng(seed)
    n = int((DURATION_S + 10) * WORLD_HZ)
    f = np.fft.rfftfreq(n, 1 / WORLD_HZ)
    shape = f * 120**2 / np.sqrt(f**2 + 60**2) / (f**2 + 120**2) / (1 + (f / 600) ** 24)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * shape, n)
    t = np.arange(n) / WORLD_HZ
    strength = 1 + 60 * np.clip(np.sin(2 * np.pi * t / 2.5), 0, None) ** 2
    return np.asarray(noise / noise.std() * strength * 1e-6)


@dataclass(frozen=True)
class Pair:
    """Two recordings of one body, and when ours began on the body's clock."""

    ours: Path
    reference: Path
    began_s: float


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("compare")
    world = Recording(np.tile(muscle(1)[:, None], 8), WORLD_HZ, end="hold")
    transport = SimTransport(f"bench&source=silence&seed={SEED}")
    board = transport.board
    board.front_ends[0].set_source(0, world)
    with Board(transport) as session:
        session.chip.set_rate(RATE_HZ)
        session.chip.configure(mux="normal", gain=12)
        session.chip.bias(amplifier=True)
        session.chip.reference(internal=True)
        session.clock.sleep(3.0)
        with session.stream(DURATION_S) as stream:
            blocks = list(stream)
    volts = np.concatenate([block.volts[:, 0] for block in blocks])
    began_s = board.true_s(blocks[0].board_time_us)
    ours = folder / "ours.csv"
    np.savetxt(ours, volts * 1e6, header="Zyg", comments="", fmt="%.4f")
    rate_hz = RATE_HZ * (1 + oscillator_error_ppm(SEED) * 1e-6)
    ours.with_suffix(".toml").write_text(
        f'rate_hz = {rate_hz}\nunit = "uV"\nresponse = "sinc3"\n'
        f"delay_s = {sinc3_group_delay_s(RATE_HZ) + EDGE_CLOCKS / 2_048_000}\n"
    )
    # The reference's clock shows OFFSET_S when ours begins, and runs fast.
    theirs_s = np.arange(int((DURATION_S + 0.5) * THEIR_HZ)) / THEIR_HZ
    body_s = began_s + (theirs_s - OFFSET_S) / (1 + PPM * 1e-6)
    seen = world.volts(body_s)[:, 0] / GAIN
    noise = np.random.default_rng(2).standard_normal(seen.size) * 1e-6
    lsb_v = 0.17e-6
    codes = np.round((seen + noise) / lsb_v)
    reference = folder / "reference.csv"
    np.savetxt(reference, codes * lsb_v * 1e6, header="EMG1", comments="", fmt="%.4f")
    reference.with_suffix(".toml").write_text(f'rate_hz = {THEIR_HZ}\nunit = "uV"\n')
    return Pair(ours, reference, began_s)


@pytest.mark.slow
def test_offset_clock_and_gain_are_the_true_ones(run: Run, pair: Pair, tmp_path: Path) -> None:
    said = run(f"{pair.ours} {pair.reference} --channels Zyg=EMG1 --json --report {tmp_path}")
    assert said.code == 0
    (found,) = json.loads(said.out)["pairs"]
    assert found["event_offset"]["value"] == pytest.approx(OFFSET_S, abs=0.003e-3)
    assert found["clock"]["value"] == pytest.approx(PPM, abs=1.0)
    assert found["amplitude_ratio"]["value"] == pytest.approx(GAIN, rel=0.005)
    assert found["correlation_raw"] > 0.99
    assert found["shares"]["alignment"] > 0.9
    assert sum(found["shares"].values()) == pytest.approx(1)
    page = (tmp_path / "index.html").read_text()
    assert page.count("<svg") == 1
    check_page(page, simulated=False)
    for words in ("alignment, each second", "Bland-Altman", "coherence", "why they differ"):
        assert words in page


@pytest.mark.slow
def test_the_table_says_it_in_words(run: Run, pair: Pair) -> None:
    said = run(f"{pair.ours} {pair.reference} --channels 1=1")
    assert said.code == 0
    for words in ("offset of one event", "ICC(A,1)", "difference as recorded: alignment", "ppm"):
        assert words in said.out


@pytest.mark.slow
def test_a_reference_that_is_shorter_than_ours_is_flagged(
    run: Run, pair: Pair, tmp_path: Path
) -> None:
    short = tmp_path / "short.csv"
    lines = pair.reference.read_text().splitlines()
    short.write_text("\n".join(lines[: int(12 * THEIR_HZ)]))
    short.with_suffix(".toml").write_text(pair.reference.with_suffix(".toml").read_text())
    said = run(f"{pair.ours} {short} --channels Zyg=EMG1")
    assert said.code == 0
    assert "the reference covers 11" in said.out


@pytest.mark.slow
def test_another_muscle_is_refused_in_one_line(run: Run, pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    step = round(WORLD_HZ / 2000)
    np.savetxt(other, muscle(99)[::step] * 1e6, header="EMG1", comments="")
    other.with_suffix(".toml").write_text('rate_hz = 2000\nunit = "uV"\n')
    said = run(f"{pair.ours} {other} --channels Zyg=EMG1")
    assert said.code == 2
    assert "no signal in common" in said.err
    assert len(said.err.strip().splitlines()) == 1


def edf(path: Path, labels: tuple[str, ...]) -> Path:
    values = np.random.default_rng(3).standard_normal(4000) * 50
    file, signal = (
        (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    )
    file([signal(values, 1000, label=one, physical_dimension="uV") for one in labels]).write(path)
    return path


def test_channels_of_the_same_name_go_together(tmp_path: Path) -> None:
    ours = open_source(edf(tmp_path / "a.edf", ("Zyg", "Corr", "Front")))
    theirs = open_source(edf(tmp_path / "b.edf", ("corr", "ZYG", "Other")))
    assert paired(ours, theirs, "") == [("Zyg", "ZYG"), ("Corr", "corr")]
    assert paired(ours, theirs, "Front=Other, 1=2") == [("Front", "Other"), ("1", "2")]
    only = open_source(edf(tmp_path / "c.edf", ("EMG",)))
    assert paired(only, open_source(edf(tmp_path / "d.edf", ("X",))), "") == [("EMG", "X")]
    with pytest.raises(ValueError, match=r"ours: EMG; reference: corr, ZYG, Other"):
        paired(only, theirs, "")


def test_what_emgrig_recorded_needs_no_description(tmp_path: Path) -> None:
    path = edf(tmp_path / "face.bdf", ("Zyg",))
    path.with_suffix(".json").write_text(
        json.dumps(
            {
                "format": "emgrig recording 2",
                "rate": {
                    "nominal_hz": 1000.0,
                    "measured_by_board_clock_hz": 1001.9,
                    "measured_by_host_clock_hz": 1002.0,
                },
                "samples": {"padding": 10, "filled": 3},
                "channels": [{"label": "Zyg"}],
                "is_simulated": True,
            }
        )
    )
    source = open_source(path)
    track = source.track("Zyg")
    assert track.rate_hz == 1002.0
    assert track.samples.size == 3990
    assert track.response == "sinc3"
    assert track.delay_s == pytest.approx(1.5e-3, rel=0.01)
    assert source.recording.is_simulated
    assert open_source(path, rate_hz=1003.0).track("Zyg").rate_hz == 1003.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate = 1000", "rate is not known"),
        ('rate_hz = "fast"', "expected a number"),
        ('response = "brown"', "expected flat or sinc3"),
        ("rate_hz = nan", "expected a number"),
        ("rate_hz = true", "expected a number"),
        (f"rate_hz = {10**400}", "expected a number"),
        ("rate_hz 1000", "is not TOML"),
    ],
)
def test_a_wrong_description_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = edf(tmp_path / "a.edf", ("Zyg",))
    path.with_suffix(".toml").write_text(text)
    with pytest.raises(ValueError, match=words):
        open_source(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("missing.bdf other.bdf", 5, "no recording missing.bdf"),
        ("{edf} {other}", 2, "which channels go together"),
        ("{edf} {edf} --channels EMG", 2, "ours=reference"),
        ("{csv} {csv} --channels EMG=EMG", 2, "does not say its rate and unit"),
        ("{edf} {edf} --channels Zyg=Nobody", 2, "no channel 'Nobody'"),
        ("{text} {text}", 5, "does not begin as an EDF"),
    ],
)
def test_bad_input_is_one_clear_line(
    run: Run, tmp_path: Path, line: str, code: int, words: str
) -> None:
    csv = tmp_path / "plain.csv"
    csv.write_text("EMG\n" + "\n".join(str(n) for n in range(50)))
    text = tmp_path / "text.edf"
    text.write_text("this is no EDF file")
    names = {
        "csv": csv,
        "text": text,
        "edf": edf(tmp_path / "a.edf", ("Zyg", "Corr")),
        "other": edf(tmp_path / "b.edf", ("Front", "Oris")),
    }
    said = run(line.format(**names))
    assert said.code == code
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_recording_agrees_with_itself(run: Run, tmp_path: Path) -> None:
    with Board(SimTransport("")) as board:
        board.apply("facial-emg")
        record(board, tmp_path / "a.bdf", 30.0)
    path = tmp_path / "a.bdf"
    path.with_suffix(".json").unlink()  # the file itself says who made it
    said = run(f"{path} {path} --channels 2=2 --json --report {tmp_path}/page")
    assert said.code == 0
    found = json.loads(said.out)
    assert found["warnings"] == ["a.bdf is SIMULATED: not recorded from a person"] * 2
    check_page((tmp_path / "page" / "index.html").read_text("utf-8"), simulated=True)
    (pair,) = found["pairs"]
    assert pair["correlation_raw"] == pytest.approx(1.0, abs=2e-5)
    assert pair["amplitude_ratio"]["value"] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.slow
def test_what_is_done_to_one_of_the_two_alone_is_said(run: Run, tmp_path: Path) -> None:
    with Board(SimTransport("")) as board:
        board.apply("facial-emg")
        record(board, tmp_path / "a.bdf", 10.0)
    ours = tmp_path / "a.bdf"
    measured_hz = open_source(ours).recording.measured_hz
    bare = tmp_path / "b.bdf"
    bare.write_bytes(ours.read_bytes())

    def notes(first: Path, second: Path) -> list[str]:
        said = told_apart(open_source(first), open_source(second))
        assert said == told_apart(open_source(second), open_source(first))
        return said

    done = f"a.bdf was equalised for sinc3 and put to its measured rate of {measured_hz:.3f} Hz"
    (said,) = notes(ours, bare)
    assert said.startswith("b.bdf was recorded by emgrig, and its sidecar b.json is not there")
    assert f"its response and measured rate are not known, while {done}" in said
    other = edf(tmp_path / "c.edf", ("Zyg",))
    (said,) = notes(ours, other)
    assert said.startswith("c.edf is taken as it stands: say in c.toml")
    toml = other.with_suffix(".toml")
    toml.write_text('response = "flat"\n')
    (said,) = notes(ours, other)
    assert "its measured rate is not known" in said
    assert "sinc3" not in said
    toml.write_text('response = "flat"\nrate_hz = 1000.0\n')
    assert not notes(ours, other)
    assert not notes(bare, bare)
    assert not notes(ours, ours)
    assert done in run(f"{ours} {bare} --channels 2=2").out


def two_channels(path: Path, second: NDArray[np.float64]) -> Path:
    """Bursts under strong mains, and another channel; 20 s at 1000 Hz."""
    step = round(WORLD_HZ / 1000)
    emg = muscle(3)[::step][:20_000] * 1e6
    t = np.arange(20_000) / 1000
    values = {"Zyg": emg + 2000 * np.sin(2 * np.pi * 50.02 * t), "Corr": second}
    signals = [
        edfio.BdfSignal(x, 1000, label=name, physical_dimension="uV", physical_range=(-9e3, 9e3))
        for name, x in values.items()
    ]
    edfio.Bdf(signals).write(path)
    return path


@pytest.mark.slow
def test_mains_does_not_mislead_and_a_channel_of_noise_is_named(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    ours = two_channels(tmp_path / "a.bdf", rng.standard_normal(20_000))
    theirs = two_channels(tmp_path / "b.bdf", rng.standard_normal(20_000))
    said = run(f"{ours} {theirs} --json")
    assert said.code == 0
    found = json.loads(said.out)
    (pair,) = found["pairs"]
    assert pair["offset"]["value"] == pytest.approx(0, abs=1e-6)
    assert pair["correlation_raw"] == pytest.approx(1, abs=1e-5)
    assert "50 Hz mains is a tenth of the power or more, half of the time" in pair["flags"]
    assert any(one.startswith("Corr against Corr is not compared: ") for one in found["warnings"])
    none = run(f"{ours} {theirs} --channels Corr=Corr,Zyg=Corr")
    assert none.code == 2
    assert none.err.count("no signal in common") == 1
    assert "Nor are 1 more" in none.err
    only = run(f"{ours} {theirs} --channels Corr=Corr")
    assert only.code == 2
    assert "no signal in common" in only.err


def test_what_is_marked_bad_is_left_out(run: Run, tmp_path: Path) -> None:
    step = round(WORLD_HZ / 1000)
    emg = muscle(3)[::step][:20_000] * 1e6
    broken = emg.copy()
    broken[9000:11_000] += 900 * np.random.default_rng(5).standard_normal(2000)
    for name, x, notes in (
        ("a", emg, ()),
        ("b", broken, (edfio.EdfAnnotation(9.0, 2.0, "bad cable"),)),
    ):
        signal = edfio.EdfSignal(x, 1000, label="Zyg", physical_dimension="uV")
        edfio.Edf([signal], annotations=notes).write(tmp_path / f"{name}.edf")
    said = run(f"{tmp_path}/a.edf {tmp_path}/b.edf --json")
    (pair,) = json.loads(said.out)["pairs"]
    assert pair["correlation_raw"] > 0.999
    assert pair["amplitude_ratio"]["value"] == pytest.approx(1, abs=5e-3)
    assert any("marked bad are left out" in flag for flag in pair["flags"])
