"""Which muscle a label names."""

import pytest

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.analysis.report.muscle_names import muscles_by_label
from emgrig.recording.bdf.channels import shortened


def muscle(label: str) -> int | None:
    return muscles_by_label(["EXG 1", label]).get(1)


@pytest.mark.parametrize("channel", MUSCLES)
def test_the_papers_names_are_known_whole_and_as_a_file_shortens_them(channel: int) -> None:
    name = MUSCLES[channel]
    written = [name, name.title(), name.upper(), f"EMG {name}", f"{name.replace(' ', '_')}_L"]
    for label in (*written, f"EMG {shortened(name, 12)}", f"{shortened(name, 9)} raw"):
        assert muscle(label) == channel, label


@pytest.mark.parametrize(
    ("label", "channel"),
    [
        ("OrbOc_L", 3), ("OrbOr_R", 6), ("ORBOC L", 3), ("OOc", 3), ("oculi", 3), ("oris", 6),
        ("Corr Raw", 2), ("CorrL", 2), ("M. corrugator supercilii sin.", 2),
        ("Zyg", 5), ("zygom. major (left)", 5), ("ZM left", 5),
        ("LLSAN", 4), ("lev. lab. sup.", 4), ("lev", 4),
        ("DAO_R", 7), ("Depr_L", 7), ("DepAngOris", 7), ("depressor anguli oris", 7),
        ("front", 1), ("lateral frontalis", 1),
    ],
)  # fmt: skip
def test_short_names_are_known(label: str, channel: int) -> None:
    assert muscle(label) == channel


@pytest.mark.parametrize(
    "label",
    [
        "orbicularis", "orb. o.", "OO", "Corr-Zyg", "oculi/oris",  # two may be meant, or are
        "zygomaticus minor", "ZygMin", "levator anguli oris", "depr. lab. inf.",
        "levator palpebrae superioris", "depressor supercilii",
        "", "EMG1", "level", "core", "corrected", "Trigger", "major", "nasi",
    ],
)  # fmt: skip
def test_what_may_be_another_muscle_is_not_guessed(label: str) -> None:
    assert muscle(label) is None
