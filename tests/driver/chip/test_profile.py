"""Profiles: the packaged one byte by byte, and what is refused in those that users write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.chip.profile import Profile, load_profile, packaged_profiles, parse_profile
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.settings import SECTIONS, parse


def registers(profile: Profile, n_channels: int = 8, before: RegisterFile | None = None) -> str:
    before = before or RegisterFile.reset(n_channels)
    return profile.settings((n_channels,)).applied_to(before, 0).raw.hex(" ").upper()


def test_facial_emg_sets_what_the_fact_sheet_says() -> None:
    expected = "3E 94 C0 EC 00 50 50 50 50 50 50 50 81 7F 7F 00 00 00 00 00 0F 00 00 00"
    assert registers(load_profile("facial-emg")) == expected


def test_facial_emg_does_not_depend_on_what_was_before_but_for_the_wiring() -> None:
    before = RegisterFile.from_hex(
        "3E F6 C7 7E EA 0F 0F 0F 0F 0F 0F 0F 0F 80 80 80 80 80 00 00 5B 20 00 0A"
    )
    # CLK_EN, DAISY_EN and GPIO stay; all else is the profile's
    expected = "3E F4 C0 EC 00 50 50 50 50 50 50 50 81 7F 7F 00 00 00 00 00 5B 00 00 00"
    assert registers(load_profile("facial-emg"), before=before) == expected


def test_facial_emg_has_the_papers_muscles() -> None:
    profile = load_profile("facial-emg")
    assert profile.labels == {n: f"c{n}" for n in range(1, 8)}
    assert list(profile.names.values()) == [
        "frontalis",
        "corrugator supercilii",
        "orbicularis oculi",
        "levator labii superioris alaeque nasi",
        "zygomaticus major",
        "orbicularis oris",
        "depressor anguli oris",
    ]


@pytest.mark.parametrize("n_channels", [4, 6])
def test_facial_emg_is_refused_on_smaller_parts(n_channels: int) -> None:
    with pytest.raises(ValueError, match=rf"facial-emg does not fit.*has 1 to {n_channels}"):
        load_profile("facial-emg").settings((n_channels,))


def test_on_two_chips_the_second_is_switched_off() -> None:
    settings = load_profile("facial-emg").settings((8, 8))
    second = settings.applied_to(RegisterFile.reset(), 1).raw
    assert second[1:4] == bytes.fromhex("94 C0 EC")
    assert second[5:15] == b"\x81" * 8 + bytes(2)


@pytest.mark.parametrize("name", packaged_profiles())
def test_every_packaged_profile_loads(name: str) -> None:
    profile = load_profile(name)
    assert profile.title
    parts = (8,) if max(plan.channel for plan in profile.channels) <= 8 else (8, 8)
    settings = profile.settings(parts)
    for chip, _ in enumerate(parts):
        assert not settings.applied_to(RegisterFile.reset(), chip).problems()


def test_the_perifacial_profile_sets_sixteen_channels_of_two_chips_alike() -> None:
    """CHnSET 50h: gain 12, normal (SBAS499C, 9.6.1.6); all in the bias; 1000 SPS; reference on."""
    profile = load_profile("perifacial-emg")
    assert [plan.label for plan in profile.channels] == [f"p{n}" for n in range(1, 17)]
    first, second = (profile.settings((8, 8)).applied_to(RegisterFile.reset(), n) for n in (0, 1))
    assert first.raw[5:15] == second.raw[5:15] == b"\x50" * 8 + b"\xff\xff"
    assert first.raw[1] & 7 == second.raw[1] & 7 == 4
    assert first.raw[3] & 0x80
    with pytest.raises(ValueError, match="does not fit"):
        profile.settings((8,))


def test_a_user_writes_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        [board]
        rate = 2000
        reference = "internal"
        srb1 = true
        clock_output = true
        [lead_off]
        current = "6nA"
        frequency = 31.25
        sense_p = [1, 2]
        [test_signal]
        on = true
        amplitude = 2
        frequency = "fast"
        [channels.1]
        name = "corrugator"
        gain = 8
        [channels.2]
        mux = "test"
        [channels.3]
        power_down = true
        srb2 = true
        """
    )
    profile = load_profile(path)
    expected = "3E B3 D5 E0 02 40 65 E9 81 81 81 81 81 00 00 03 00 00 00 00 0F 20 00 00"
    assert registers(profile) == expected
    assert profile.names == {1: "corrugator", 2: "channel 2", 3: "channel 3"}
    assert profile.labels[2] == "ch2"
    assert load_profile(str(path)) == profile


def test_an_empty_profile_switches_all_channels_off() -> None:
    expected = "3C 96 C0 60 00 81 81 81 81 00 00 00 00 00 00 00 00 00 00 00 0F 00 00 00"
    assert registers(parse_profile("", "empty"), 4) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[bord]\nrate = 1000", r"there is no bord; did you mean 'board'\?"),
        ("[board]\nrate = 1200", r"board\.rate: 1200 is not allowed.*16000, 8000"),
        ('[board]\nrefrence = "internal"', r"no board\.refrence; did you mean 'reference'\?"),
        ('[board]\nreference = "both"', r"internal \(true\) or external \(false\)"),
        ("board = 3", r"board is 3; a table, \[board\], was expected"),
        ("[bias]\nsense_p = 7", r"bias\.sense_p: 7 is not allowed; it is a list of channels"),
        ("[bias]\nsense_p = [[1]]", r"bias\.sense_p: .*list of channels"),
        ("[defaults]\ngain = 5", r"defaults\.gain: 5 is not allowed.*1, 2, 4, 6, 8, 12, 24"),
        ("[channels.1]\ngain = true", r"channels\.1\.gain: True is not allowed"),
        ("[channels.1]\ngan = 1", r"no channels\.1\.gan; did you mean 'gain'\?"),
        ("[channels.1]\nname = 3", r"channels\.1\.name is 3; a text in quotes was expected"),
        ("[defaults]\nname = 'x'", r"no defaults\.name"),
        ("[channels.0]", r"channels\.0"),
        ("[channels.01]", r"channels\.01"),
        (
            "[channels.left]",
            r"there is no channels\.left; the number of a channel, 1 or more, was expected",
        ),
        ("channels = [1, 2]", r"channels is \[1, 2\]; a table, \[channels\], was expected"),
        ("channels.1 = 12", r"channels\.1 is 12; a table, \[channels\.1\], was expected"),
        ("title = 3", r"title is 3; a text in quotes was expected"),
        ("[channels.1]\n[channels.1]", "is not TOML"),
        ("what?", "is not TOML"),
    ],
)
def test_a_mistake_is_refused_with_file_key_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"profile mine\.toml.*{message}|mine.*{message}"):
        parse_profile(text, "mine.toml")


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"'facial_emg'; did you mean 'facial-emg'\?"):
        load_profile("facial_emg")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.toml cannot be read: No such file"):
        load_profile(tmp_path / "none.toml")
    with pytest.raises(ValueError, match="cannot be read"):
        load_profile(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(ValueError, match="UTF-8"):
        load_profile(tmp_path / "latin.toml")


_LINES = st.sampled_from(
    [
        "[board]", "[bias]", "[channels.1]", "[channels.9]", "[defaults]", "rate = 500", "gain = 2",
        "gain = [", "name = ''", "sense_p = [9]", "sense_p = [8]", "title = 'x'", "channels = 1",
    ]
)  # fmt: skip


@pytest.mark.slow
@given(lines=st.lists(_LINES | st.text(max_size=8), max_size=6))
def test_any_text_is_a_profile_or_refused(lines: list[str]) -> None:
    problem = "profile any"
    try:
        parse_profile("\n".join(lines), "any").settings((8,))
    except ValueError as error:
        problem = str(error)
    assert problem.startswith("profile any")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.slow
@given(section=st.sampled_from(["board", "bias", "lead_off", "test_signal"]), value=_VALUES)
def test_any_value_for_any_key_is_taken_or_refused(section: str, value: object) -> None:
    for key in SECTIONS[section]:
        problem = f"{section}.{key}: "
        try:
            parse(section, key, value)
        except ValueError as error:
            problem = str(error)
        assert problem.startswith(f"{section}.{key}: ")


def test_a_file_that_was_named_by_half_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("", "utf-8")
    with pytest.raises(
        ValueError, match=r"no profile 'mine'.*; the file mine\.toml is named whole"
    ):
        load_profile("mine")
