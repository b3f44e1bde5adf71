"""Plans: what is taken, and what is refused in one line with its place."""

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.errors import RecordingError
from emgrig.experiment.files.plan import Participant, check_clips, load_plan
from emgrig.experiment.files.record import differences
from places import ROOT
from session_plans import a_plan, plan_text, write_plan


def test_the_example_is_the_papers_experiment(tmp_path: Path) -> None:
    """Section 4: seven movements, three times, 24 clips of six emotions; the key L."""
    text = resources.files("emgrig.experiment.files").joinpath("example.toml").read_text("utf-8")
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    plan = load_plan(tmp_path / "plan.toml")
    assert [m.channel for m in plan.part_a.movements] == [1, 2, 3, 4, 5, 6, 7]
    assert plan.part_a.repetitions == 3
    assert len(plan.part_b.clips) == 24
    assert len({clip.emotion for clip in plan.part_b.clips}) == 6
    assert (plan.part_b.key, plan.participant.number) == ("L", 1)


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    text = resources.files("emgrig.experiment.files").joinpath("example.toml").read_text("utf-8")
    (tmp_path / "long.toml").write_text(text, encoding="utf-8")
    clips = text[text.index("[[part_b.clips]]") :]
    short = f'[participant]\ncode = "P01"\n[part_b]\nseed = 1\n{clips}'
    (tmp_path / "short.toml").write_text(short, encoding="utf-8")
    long, left_out = (load_plan(tmp_path / f"{name}.toml") for name in ("long", "short"))
    assert differences(long.content(), left_out.content()) == []
    assert long.recording == left_out.recording


def test_the_example_in_the_examples_is_the_packaged_one() -> None:
    text = resources.files("emgrig.experiment.files").joinpath("example.toml").read_text("utf-8")
    assert (ROOT / "examples/session.toml").read_text("utf-8") == text


@pytest.mark.parametrize("code", ["P01", "07", "a-1_B", "X" * 15 + "1"])
def test_codes_are_taken(code: str) -> None:
    assert Participant(code).code == code


@pytest.mark.parametrize(
    "code", ["Anna Smith", "Anna", "anna", "", "P 01", "P01 ", "Ä1", "P" * 17 + "1", "../1", "P.1"]
)
def test_names_and_what_is_no_code_are_refused(code: str) -> None:
    with pytest.raises(ValueError, match="codes only, no names"):
        Participant(code)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "P01"', "", "participant.code is missing"),
        ('code = "P01"', "code = 1", "participant.code is 1; a text"),
        (
            "rest_s = 3.0",
            "rest_s = 1.0",
            "part_a.rest_s is 1.0; a number from 2 to 120 was expected",
        ),
        ("rest_s = 3.0", 'rest_s = "3"', "part_a.rest_s is '3'; a number"),
        ("rest_s = 3.0", "rest = 3.0", "no part_a.rest; did you mean 'rest_s'"),
        ("rest_s = 3.0", "repetitions = 2.5", "part_a.repetitions is 2.5; a whole number"),
        (
            "rest_s = 3.0",
            'rule = "peak"',
            "part_a.rule is 'peak'; one of 'maximum', 'mean of maxima'",
        ),
        ("rest_s = 3.0", "limits = 3", "part_a.limits is 3; a table"),
        (
            "rest_s = 3.0",
            "limits = {attempts = 0}",
            "part_a.limits.attempts is 0; a whole number from 1 to 20 was",
        ),
        (
            "rest_s = 3.0",
            "movements = [{channel = 9}]",
            "part_a.movements[1]: instruction is missing",
        ),
        (
            "rest_s = 3.0",
            "movements = [{channel = 1}, {channel = 1}]",
            "part_a: movements names channel 1 2 times",
        ),
        ("seed = 7", "seed = -1", "part_b.seed is -1"),
        ("seed = 7", "key = 'LL'", "part_b.key is 'LL'; one letter"),
        ("seed = 7", "key = 'É'", "part_b.key is 'É'; one letter"),
        ("seed = 7", "[recording]\nmains_hz = 55", "recording.mains_hz is 55; 50, 60 or 0"),
        ('emotion = "fear"', 'emotion = "fear "', "part_b.clips[3].emotion is 'fear '"),
        ('emotion = "fear"', 'emotion = "anger"', "cannot be balanced: anger 2, disgust 1"),
        ('id = "fear1"', 'id = "anger1"', "has the id 'anger1' 2 times"),
        ("[part_a]", "[part_c]", "there is no part_c; did you mean"),
        ("[part_a]", "[part_a", "is not TOML"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = plan_text()
    assert old in text
    path = write_plan(tmp_path, text.replace(old, new, 1))
    with pytest.raises(ValueError, match="plan") as caught:
        load_plan(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not a text file"):
        load_plan(tmp_path / "a.toml")
    with pytest.raises(ValueError, match="cannot be read"):
        load_plan(tmp_path / "none.toml")


def test_all_missing_clips_are_said_at_once(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    check_clips(plan)
    (tmp_path / "clips/fear1.mp4").unlink()
    (tmp_path / "clips/anger1.mp4").write_bytes(b"")
    with pytest.raises(RecordingError) as caught:
        check_clips(plan)
    assert "2 of 6 clips" in str(caught.value)
    named = plan_text().replace("clips/fear1.mp4", f"clips/{'x' * 5000}.mp4", 1)
    too_long = load_plan(write_plan(tmp_path, named))
    with pytest.raises(RecordingError, match="1 of 6 clips") as long_name:
        check_clips(too_long)
    assert len(str(long_name.value)) < 500
    assert "fear1.mp4 (fear1)" in str(caught.value)
    assert "anger1.mp4 (anger1, empty)" in str(caught.value)


@pytest.mark.parametrize(
    "file",
    ["../other.mp4", "{above}/other.mp4", "clips/../../other.mp4", "out.mp4", "outside/other.mp4"],
)
def test_a_clip_outside_the_plans_folder_is_refused(tmp_path: Path, file: str) -> None:
    """The page would show it to whoever may see the page; also by a link that leads out."""
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "other.mp4").write_bytes(b"not for the page")
    (folder / "out.mp4").symlink_to("../other.mp4")
    (folder / "outside").symlink_to("..", target_is_directory=True)
    named = file.format(above=tmp_path)
    path = write_plan(folder, plan_text().replace("clips/fear1.mp4", named, 1))
    with pytest.raises(ValueError, match="not in the plan's folder") as caught:
        load_plan(path)
    assert "part_b.clips[3].file" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_link_inside_the_plans_folder_is_followed(tmp_path: Path) -> None:
    path = write_plan(tmp_path, plan_text().replace("clips/fear1.mp4", "same.mp4", 1))
    (tmp_path / "same.mp4").symlink_to("clips/fear1.mp4")
    check_clips(load_plan(path))
    plan = load_plan(path)
    (tmp_path / "same.mp4").unlink()
    (tmp_path / "same.mp4").symlink_to(__file__)  # turned elsewhere, after the plan was read
    shown = [plan.shown_path(clip) for clip in plan.part_b.clips]
    assert shown[2] is None
    assert shown.count(None) == 1
    there = str(tmp_path / "clips" / "fear1.mp4")
    check_clips(load_plan(write_plan(tmp_path, plan_text().replace("clips/fear1.mp4", there, 1))))


def test_the_place_in_the_design_is_the_last_number_of_the_code(tmp_path: Path) -> None:
    assert a_plan(tmp_path, code="P17").participant.number == 17
    assert a_plan(tmp_path, code="2-P03b").participant.number == 3
    assert a_plan(tmp_path, code="P00").participant.number == 1


def test_a_seed_from_outside_replaces_that_of_the_plan(tmp_path: Path) -> None:
    path = write_plan(tmp_path, plan_text(seed=7))
    assert load_plan(path, seed=99).part_b.seed == 99


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ValueError, match=r"any\.toml") as caught:
        load_plan(path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_differs_between_two_plans_is_said(tmp_path: Path) -> None:
    before = a_plan(tmp_path).content()
    after = a_plan(tmp_path, length_s=4.0, seed=8).content()
    said = differences(before, after)
    assert "part_b.seed was 7, is 8" in said
    assert "part_b.clips[1].length_s was 3.0, is 4.0" in said
    assert len(said) == 7
