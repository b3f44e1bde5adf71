"""The demo: the whole way on a small scale, and what its own check is worth."""

import math
from pathlib import Path

import numpy as np
import pytest

from emgrig.simulator.sources.signals import parse_source
from emgrig.tools.demo import page as demo_page
from emgrig.tools.demo import run as demo_run
from emgrig.tools.demo.check import match, seen_by_chip
from page_check import check_page


@pytest.mark.long
@pytest.mark.slow
def test_the_whole_way_passes_and_makes_a_page(tmp_path: Path) -> None:
    told: list[str] = []
    result = demo_run.run(
        tmp_path, seconds=8.0, source="face", seed=3, speed=math.inf, tell=told.append
    )
    assert result.problems == []
    lost = sum(count for name, count in result.account.items() if name.startswith("lost"))
    assert result.conversions == result.account["received"] + lost
    assert result.account["lost_in_outages"] > 0
    assert len(result.matches) == 7
    page = demo_page.write(tmp_path / "index.html", result).read_text("utf-8")
    assert "PASS" in page
    assert "<svg" in page
    check_page(page, simulated=True)
    assert (tmp_path / "signals.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("frequency_hz", [10.0, 100.0, 300.0])
def test_the_filter_of_the_check_is_the_data_sheets(frequency_hz: float) -> None:
    """|H| at 1000 SPS by the closed formula (SBAS499C, equation 5)."""
    source = parse_source(f"sine:1mV,{frequency_hz:g}Hz", 1)
    seen = seen_by_chip(source, 1.0, 1e-3, 2000, 2_048_000.0)[:, 0]
    t_s = 1.0 - 9 / 2_048_000 - 1.5e-3 + np.arange(2000) * 1e-3
    turn = 2 * np.pi * frequency_hz * t_s
    fitted, *_ = np.linalg.lstsq(np.column_stack([np.sin(turn), np.cos(turn)]), seen, rcond=None)
    x = np.pi * frequency_hz / 1000
    exact = abs(np.sin(x) / (1024 * np.sin(x / 1024))) ** 3
    assert np.hypot(*fitted) == pytest.approx(1e-3 * exact, rel=1e-3)
    assert fitted[1] == pytest.approx(0.0, abs=2e-6)  # in phase: the delay is right


@pytest.mark.parametrize(
    ("gain", "noise_uv", "good"), [(1.0, 0.3, True), (1.02, 0.3, False), (1.0, 3.0, False)]
)
def test_the_check_fails_what_is_wrong(gain: float, noise_uv: float, good: bool) -> None:
    rng = np.random.default_rng(5)
    t_s = np.arange(5000) * 1e-3
    seen = 20e-6 * rng.standard_normal(5000)
    mains = 2e-6 * np.sin(2 * np.pi * 50 * t_s + 1)
    recorded = gain * seen + 1e-4 + mains + noise_uv * 1e-6 * rng.standard_normal(5000)
    found = match(1, "c1", t_s, recorded, seen, expected_noise_uv_rms=0.32)
    assert found.is_good is good
    assert found.gain == pytest.approx(gain, abs=3 * found.gain_sigma)
    assert found.mains_uv == pytest.approx(2.0, rel=0.1)
    assert found.offset_uv == pytest.approx(100, rel=0.01)
