"""The synthetic study: as many of each as the paper has, where it says, and the same each time."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from emgrig.analysis.paper.printed import EMOTIONS
from emgrig.reading import open_recording
from emgrig.study.course import read_course
from emgrig.study.settings import Names
from emgrig.study.synthetic.design import TrueSession, deal, session
from emgrig.study.synthetic.files import About, stem, write_session
from emgrig.study.synthetic.samples import make
from emgrig.study.synthetic.writing import write_study
from tiny_study import tiny


@pytest.fixture(scope="module")
def sessions() -> list[TrueSession]:
    hands = enumerate(deal(35, 0), 1)
    return [session(n, hand, seed=0, clip_s=30, lost_percent=0.5) for n, hand in hands]


def test_thirty_five_participants_are_dealt_what_table_6_counts_and_21_that_have_no_emg() -> None:
    hands = deal(35, 0)
    counts = Counter(card for hand in hands for card in hand)
    for emotion, row in EMOTIONS.items():
        assert counts[emotion, "micro", True] == row.micro
        assert counts[emotion, "macro", True] == row.macro
    assert sum(n for (_, _, is_seen), n in counts.items() if not is_seen) == 21
    assert {len(hand) for hand in hands} == {11, 12}
    assert deal(70, 0)[:35] == hands
    assert deal(3, 0) == hands[:3]


def test_expressions_lie_in_clips_of_their_emotion_and_never_meet(
    sessions: list[TrueSession],
) -> None:
    for one in sessions:
        trials = {t.trial: t for t in one.trials}
        ends = 0.0
        for e in one.expressions:
            trial = trials[e.trial]
            assert trial.begin_s < e.onset_s < e.offset_s < trial.end_s
            assert e.emotion in (trial.emotion, "other")
            assert e.onset_s > ends
            assert (e.offset_s - e.onset_s <= 0.5) == (e.kind == "micro")
            ends = e.offset_s


def test_durations_and_keys_are_those_of_the_paper_within_the_spread_of_so_many_draws(
    sessions: list[TrueSession],
) -> None:
    of = {
        kind: [e for s in sessions for e in s.expressions if e.kind == kind]
        for kind in ("micro", "macro")
    }
    for kind, mean, sd in (("micro", 0.317, 0.079), ("macro", 1.161, 0.823)):
        drawn = np.array([e.offset_s - e.onset_s for e in of[kind]])
        assert abs(drawn.mean() - mean) < 3 * sd / np.sqrt(drawn.size)
    assert len({s.clock_ppm for s in sessions}) == 35
    n_aware = sum(e.is_aware for e in of["macro"])
    assert 20 < n_aware < 60  # 39 of 147 in table 5, four SDs on either side


@pytest.mark.slow
def test_the_markers_tell_the_course_that_was_made(tmp_path: Path) -> None:
    one = tiny(1)
    write_session(tmp_path, one, make(one, seed=0))
    path = tmp_path / "sub-01" / "emg" / f"{stem(one)}_events.tsv"
    found = read_course(path, Names())
    assert [(t.clip, t.emotion, t.rating, t.keys_s) for t in found.trials] == [
        (t.clip, t.emotion, t.rating, t.key_s) for t in one.trials
    ]
    assert [(c.begin_s, c.end_s) for c in found.contractions] == [
        (c.begin_s, c.end_s) for c in one.contractions
    ]
    assert len(found.levels_uv) == 7
    bdf = path.with_name(f"{stem(one)}_emg.bdf")
    assert open_recording(bdf).is_simulated
    bdf.with_suffix(".json").unlink()  # by its header alone
    assert open_recording(bdf).is_simulated


@pytest.mark.slow
def test_the_same_seed_makes_the_same_bytes_and_another_other_ones(tmp_path: Path) -> None:
    one = tiny(1, lost_percent=1.0)
    files = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        write_session(tmp_path / name, one, make(one, seed=seed))
        files.append((tmp_path / name / "sub-01" / "emg" / f"{stem(one)}_emg.bdf").read_bytes())
    assert files[0] == files[1] != files[2]


@pytest.mark.long
@pytest.mark.slow
def test_the_validator_of_bids_finds_no_error(tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("bids-validator-deno is not installed: pip install 'emgrig[dev]'")
    write_study(tmp_path / "study", About(1, 0, 20.0, 0.5))
    done = subprocess.run(
        [validator, tmp_path / "study", "--format", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [str(one) for one in issues if one["severity"] == "error"] == []
