"""Sources: what they give at any time, recordings from files, and the words that choose one."""

import gzip
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgrig.errors import RecordingError
from emgrig.simulator.quantities import VOLTS, parse_quantity
from emgrig.simulator.seams import Source
from emgrig.simulator.sources.face import Face
from emgrig.simulator.sources.kernel import spline_weights
from emgrig.simulator.sources.recordings import Recording, load_recording
from emgrig.simulator.sources.signals import (
    FORMS,
    MultiTone,
    Silence,
    Square,
    Tone,
    bench,
    parse_source,
    sine,
)
from places import RECORDINGS
from properties import examples


def seconds(start: float, stop: float, rate_hz: float) -> NDArray[np.float64]:
    return np.arange(round(start * rate_hz), round(stop * rate_hz)) / rate_hz


# ---- signals ------------------------------------------------------------------------------------


def test_silence_is_zero() -> None:
    assert not Silence(5).volts(np.arange(7.0)).any()
    assert Silence(5).volts(np.arange(7.0)).shape == (7, 5)


def test_a_sine_has_peak_frequency_and_phase() -> None:
    t_s = seconds(0, 1, 1000)
    seen = sine(3, [1e-3, 2e-3, 0.0], 37.0, np.pi / 2).volts(t_s)
    np.testing.assert_allclose(
        seen, np.outer(np.cos(2 * np.pi * 37 * t_s), [1e-3, 2e-3, 0]), atol=1e-15
    )


def test_tones_add_up() -> None:
    tones = MultiTone([Tone(10.0, (1.0, 0.0)), Tone(20.0, (0.5, 2.0), 0.3)])
    t_s = seconds(0, 0.5, 777)
    first = np.sin(2 * np.pi * 10 * t_s) + 0.5 * np.sin(2 * np.pi * 20 * t_s + 0.3)
    second = 2 * np.sin(2 * np.pi * 20 * t_s + 0.3)
    np.testing.assert_allclose(tones.volts(t_s), np.stack([first, second], axis=1), atol=1e-12)


def test_a_square_wave_begins_high() -> None:
    seen = Square(1, 2e-3, 5.0).volts(np.array([0.0, 0.09, 0.11, 0.19, 0.21]))
    assert seen[:, 0].tolist() == [2e-3, 2e-3, -2e-3, -2e-3, 2e-3]


def test_every_channel_of_the_bench_pattern_is_its_own() -> None:
    t_s = seconds(0, 1, 1000)
    spectrum = np.abs(np.fft.rfft(bench(8).volts(t_s), axis=0)) / 500
    for index in range(8):
        assert spectrum[17 + 6 * index, index] == pytest.approx(100e-6 * (index + 1), rel=1e-9)
        assert spectrum[120, index] == pytest.approx(50e-6, rel=1e-9)
        assert np.count_nonzero(spectrum[:, index] > 1e-9) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        sine(8, 1e-3, 37.0),
        Square(8, 1e-3, 3.0),
        bench(8),
        Recording(np.random.default_rng(1).normal(size=(9000, 8)), 1000.0),
        Recording(np.random.default_rng(1).normal(size=(50, 8)), 1000.0, end="hold"),
        Face(8, 3),
    ],
    ids=["sine", "square", "bench", "recording", "short recording", "face"],
)
@examples(8)
@given(cuts=st.lists(st.integers(0, 9_000), max_size=6), start=st.floats(0.0, 20.0))
def test_the_same_times_give_the_same_values_in_any_pieces(
    source: Source, cuts: list[int], start: float
) -> None:
    t_s = start + np.arange(9_000) / 2001.0
    whole = source.volts(t_s)
    assert whole.shape == (9_000, source.n_electrodes)
    pieces = [source.volts(piece) for piece in np.split(t_s, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_bad_signals_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one tone"):
        MultiTone([])
    with pytest.raises(ValueError, match="finite"):
        sine(8, float("nan"), 10.0)
    with pytest.raises(ValueError, match="frequency"):
        sine(8, 1.0, -1.0)
    with pytest.raises(ValueError, match="must be > 0"):
        Square(8, 1.0, 0.0)


# ---- recordings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "error"), [(0.1, 1e-4), (0.25, 1e-4), (0.4, 2e-3)])
def test_a_recording_is_band_limited_between_its_samples(part: float, error: float) -> None:
    rate = 1000.0
    frequency = part * rate
    recorded = np.sin(2 * np.pi * frequency * seconds(0, 4, rate))[:, None]
    t_s = np.linspace(1.0, 3.0, 12_345)
    seen = Recording(recorded, rate).volts(t_s)[:, 0]
    np.testing.assert_allclose(seen, np.sin(2 * np.pi * frequency * t_s), atol=error)


def test_the_weights_of_the_splines_are_those_of_scipy() -> None:
    fraction = np.linspace(0.0, 0.999, 50)
    spline = BSpline(np.arange(8.0) - 3.0, np.eye(4), 3)
    np.testing.assert_allclose(spline_weights(fraction), spline(fraction), atol=1e-15)


def test_a_recording_keeps_its_constants_and_its_samples() -> None:
    rng = np.random.default_rng(2)
    recorded = rng.normal(size=(5000, 3)) + np.array([0.1875, -5.0, 0.0])
    recording = Recording(recorded, 250.0)
    seen = recording.volts(np.arange(100, 4900) / 250.0)
    np.testing.assert_allclose(seen, recorded[100:4900], atol=0.02)  # white up to half the rate
    constant = Recording(np.full((100, 1), -0.1875), 250.0)
    np.testing.assert_allclose(constant.volts(np.linspace(0, 9, 999)), -0.1875, rtol=1e-12)


def test_a_recording_loops_or_holds() -> None:
    ramp = np.linspace(0.0, 1.0, 1000)[:, None] ** 2
    loop, hold = Recording(ramp, 100.0), Recording(ramp, 100.0, end="hold")
    assert loop.duration_s == 10.0
    late = np.array([5.0, 15.0, 25.0, 1005.0])
    np.testing.assert_allclose(loop.volts(late), loop.volts(late[:1])[0, 0], atol=1e-9)
    np.testing.assert_allclose(hold.volts(late)[1:], 1.0, atol=1e-9)


def test_memory_does_not_grow_with_time() -> None:
    recording = Recording(np.zeros((100, 2)), 1000.0)
    for minute in range(40):
        recording.volts(60.0 * minute + np.arange(10) / 10)
    assert len(recording._interpolator._blocks) <= 3


def test_bad_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Recording(np.zeros(5), 100.0)
    with pytest.raises(ValueError, match="shape"):
        Recording(np.zeros((0, 3)), 100.0)
    with pytest.raises(ValueError, match="sample 3 is not finite"):
        Recording(np.where(np.arange(5) == 3, np.nan, 0.0)[:, None], 100.0)
    with pytest.raises(ValueError, match="rate of 0"):
        Recording(np.zeros((5, 1)), 0.0)
    with pytest.raises(ValueError, match="loop or hold"):
        Recording(np.zeros((5, 1)), 1.0, end="stop")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("packed", [False, True])
def test_text_with_any_delimiter_loads(tmp_path: Path, delimiter: str, packed: bool) -> None:
    rows = [["left", "right"], ["1", "-2"], ["3.5", "4e1"], ["5", "6"]]
    text = "# a comment\nrecorded on Monday, at 3\n" + "\n".join(map(delimiter.join, rows)) + "\n\n"
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    seen = load_recording(path, rate_hz=10, unit="mV")
    np.testing.assert_allclose(seen.samples_v, [[1e-3, -2e-3], [3.5e-3, 40e-3], [5e-3, 6e-3]])
    by_name = load_recording(path, rate_hz=10, unit="V", columns=["right"], n_electrodes=3)
    np.testing.assert_allclose(by_name.samples_v, [[-2, 0, 0], [40, 0, 0], [6, 0, 0]])
    by_number = load_recording(path, rate_hz=10, unit="V", columns=[2, 1])
    np.testing.assert_allclose(by_number.samples_v[0], [-2, 1])


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_edf_and_bdf_load_with_their_own_rate_and_unit(tmp_path: Path, suffix: str) -> None:
    t_s = seconds(0, 4, 500)
    data = [100 * np.sin(2 * np.pi * f * t_s) for f in (7.0, 11.0)]
    if suffix == ".bdf":
        signals = [
            edfio.BdfSignal(d, 500, label=n, physical_dimension="uV", physical_range=(-200, 200))
            for d, n in zip(data, "ab", strict=True)
        ]
        edfio.Bdf(signals).write(tmp_path / "x.bdf")
    else:
        edf_signals = [
            edfio.EdfSignal(d, 500, label=n, physical_dimension="uV", physical_range=(-200, 200))
            for d, n in zip(data, "ab", strict=True)
        ]
        edfio.Edf(edf_signals).write(tmp_path / "x.edf")
    path = tmp_path / f"x{suffix}"
    seen = load_recording(path)
    assert seen.rate_hz == 500.0
    np.testing.assert_allclose(seen.samples_v, np.stack(data, axis=1) * 1e-6, atol=5e-9)
    assert load_recording(path, columns=["b"]).n_electrodes == 1
    with pytest.raises(ValueError, match="the header says 500 Hz"):
        load_recording(path, rate_hz=1000)
    with pytest.raises(ValueError, match="contradicts the file"):
        load_recording(path, unit="mV")


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "a.csv"
    good.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ValueError, match="give rate="):
        load_recording(good, unit="V")
    with pytest.raises(ValueError, match="give unit="):
        load_recording(good, rate_hz=10)
    with pytest.raises(ValueError, match="no channel 'c'; there are: 1 a, 2 b"):
        load_recording(good, rate_hz=10, unit="V", columns=["c"])
    with pytest.raises(ValueError, match="choose columns="):
        load_recording(good, rate_hz=10, unit="V", n_electrodes=1)
    with pytest.raises(RecordingError, match=r"no recording .*none\.csv"):
        load_recording(tmp_path / "none.csv", rate_hz=10, unit="V")
    bad = tmp_path / "bad.csv"
    bad.write_text("1,2\n3,4\n5,oops\n")
    with pytest.raises(RecordingError, match="oops"):
        load_recording(bad, rate_hz=10, unit="V")
    bad.write_text("just words\nand more\n")
    with pytest.raises(RecordingError, match="no two rows of numbers"):
        load_recording(bad, rate_hz=10, unit="V")
    broken = tmp_path / "broken.bdf"
    broken.write_bytes(b"\xffBIOSEMI" + b" " * 100)
    with pytest.raises(RecordingError):
        load_recording(broken)
    (tmp_path / "no.csv.gz").write_bytes(b"\x1f\x8bthis is not gzip")
    with pytest.raises(RecordingError, match="damaged"):
        load_recording(tmp_path / "no.csv.gz", rate_hz=10, unit="V")


@pytest.mark.parametrize(
    ("name", "options", "n_samples", "first_v"),
    [
        (
            "subvocal_cyton_face/P008_F_Sim.csv.gz",
            "rate=250&unit=uV",
            10_000,
            [6443.337e-6, -6266.557e-6, 7831.828e-6, 9789.863e-6, *[-0.1875] * 4],
        ),
        (
            "openbci_cyton_sample/OpenBCI_GUI-v6-blinks-jawClench-alpha.txt.gz",
            "rate=250&unit=uV&columns=1,2,3,4",
            7500,
            [61379.36e-6, 49492.89e-6, -16597.06e-6, -21309.75e-6, 0, 0, 0, 0],
        ),
        (
            "countenance_facial/femg_raw_exported_sample.txt.gz",
            "rate=1000&unit=mV&columns=Corr Raw,Zyg Raw",
            13150,
            [-0.00384521e-3, -0.0012207e-3, 0, 0, 0, 0, 0, 0],
        ),
        (
            "uci_lower_limb/3Amar.txt.gz",
            "rate=1000&unit=mV&columns=1,2,3,4",
            43665,
            [6.7e-6, -21e-6, 67.5e-6, -19.5e-6, 0, 0, 0, 0],
        ),
    ],
)
def test_the_recordings_of_others_load(
    name: str, options: str, n_samples: int, first_v: list[float]
) -> None:
    source = parse_source(f"file:{RECORDINGS / name}?{options}", 8)
    assert isinstance(source, Recording)
    assert source.samples_v.shape == (n_samples, 8)
    np.testing.assert_allclose(source.samples_v[0], first_v, rtol=1e-5)
    assert np.isfinite(source.volts(np.linspace(0, 20, 1000))).all()


# ---- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("silence", Silence),
        ("sine:10mV,37Hz", MultiTone),
        ("sine: 10 mV, 0.037 kHz, 90deg", MultiTone),
        ("square:1mV,5Hz", Square),
        ("tones:100uV@20Hz+50µV@120Hz", MultiTone),
        ("bench", MultiTone),
        ("face", Face),
        ("face?events_per_minute=6", Face),
        ("face:events_per_minute=0", Face),
    ],
)
@pytest.mark.parametrize("n_channels", [4, 6, 8, 16])
def test_words_make_sources(text: str, kind: type, n_channels: int) -> None:
    source = parse_source(text, n_channels, seed=1)
    assert isinstance(source, kind)
    assert source.n_electrodes == n_channels


def test_a_sine_by_words_is_the_sine_it_says() -> None:
    t_s = seconds(0, 0.1, 5000)
    seen = parse_source("sine:10mV,37Hz,90deg", 2).volts(t_s)
    np.testing.assert_allclose(seen[:, 1], 0.01 * np.cos(2 * np.pi * 37 * t_s), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense", "there are: silence"),
        ("", "there are: silence"),
        ("silence:3", "means nothing"),
        ("sine", "AMPLITUDE,FREQUENCY"),
        ("sine:1,37Hz", "expected one of: V"),
        ("sine:1mV,37", "expected one of: Hz"),
        ("sine:1e999V,37Hz", "not finite"),
        ("sine:1mV,-37Hz", "frequency"),
        ("square:1mV,0Hz", "must be > 0"),
        ("tones:1mV", "AMPLITUDE@FREQUENCY"),
        ("face?events=3", "there are events_per_minute"),
        ("face?events_per_minute=99", "0 to 12"),
        ("face?events_per_minute", "unit|number"),
        ("file:", "path is missing"),
        ("file:a.csv?rat=10", "no option 'rat'"),
        ("file:a.csv?rate=fast", "not a number"),
        ("file:a.csv?rate=10&unit=kg", "expected V, mV, uV or nV"),
    ],
)
def test_wrong_words_are_refused_with_what_is_allowed(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_source(text, 8)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@given(st.text(max_size=40))
def test_no_words_raise_anything_but_value_errors(text: str) -> None:
    for form in ("", *(f"{name}:" for name in FORMS if name != "file")):
        try:
            parse_source(form + text, 8)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("text", "value"), [("10mV", 0.01), ("-3 uV", -3e-6), ("1e3 nV", 1e-6), (" .5V ", 0.5)]
)
def test_quantities(text: str, value: float) -> None:
    assert parse_quantity(text, VOLTS) == pytest.approx(value, rel=1e-12)
