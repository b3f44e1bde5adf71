"""`emgrig explain`: all that has a name can be looked up, and says what the program knows."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from emgrig.driver.chip.registers import PLACES
from emgrig.errors import ExitCode
from emgrig.hil_tests.diagnosis.causes import RULES
from emgrig.hil_tests.judging.declared import package_checks
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.simulator.faults.catalogue import ALL_FAULTS
from emgrig.simulator.faults.named import FAULTS
from emgrig.tools.explain import kept, pages
from emgrig.tools.explain.kept import find
from emgrig.tools.explain.topics import names, topics
from following import DOCS
from shell import Run

NAMES = [
    *sorted(package_checks()),
    *load_limits().limits,
    *(rule.key for rule in RULES),
    *(fault.name for fault in ALL_FAULTS),
    *(place.name for place in PLACES),
]


def test_what_is_kept_is_what_the_program_works_by() -> None:
    made = kept.text_of((topic, names(topic)) for topic in topics())
    said = "python -m emgrig.tools.explain.topics writes it anew"
    assert kept.FILE.read_text("utf-8") == made, said
    assert kept.topics() == topics()


def test_all_that_has_a_name_is_found() -> None:
    for name in NAMES:
        assert find(name), name


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("b9", ["check B9", "noise with shorted inputs", "channel-noisy"]),
        ("impedance", ["limit impedance", "at most 200 kΩ", "[impedance]"]),
        ("link-loss", ["cause link-loss", "packets-lost", "next step"]),
        ("packets-lost", ["found by", "B8", "link-loss", "--fault packets-lost"]),
        # The data sheet, 9.6.1.6 and 9.6.1.5.
        ("gain3", ["register CHnSET", "05h", "61h", "110 24", "101 test"]),
        ("LOFF", ["04h", "00h", "10 6uA", "10 31.25"]),
        ("loff_statp", ["12h", "read only"]),
        ("05h", ["register CHnSET: power, gain", "05h to 0Ch", "9.6.1.6"]),
        ("0x0c", ["register CHnSET"]),
        ("17", ["register CONFIG4", "9.6.1.17"]),
        ("3", ["exit codes", "no link: nobody answers"]),
        ("'delivery lateness'", ["limit delivery_lateness"]),
        ("'chip id'", ["limit chip_id"]),
        ("exit-codes", ["130", "Ctrl-C", "another protocol"]),
    ],
)
def test_what_is_said(shell: Run, word: str, expected: list[str]) -> None:
    said = shell(f"explain {word}")
    assert said.code == 0
    assert not [one for one in expected if one not in said.out]


def test_every_limit_and_exit_code_is_found_as_it_is_printed() -> None:
    """Bring-up prints the names of limits with spaces."""
    for name in load_limits().limits:
        assert name in {one.name for one in find(name.replace("_", " "))}
    for code in ExitCode:
        assert "exit-codes" in {one.name for one in find(str(int(code)))}


def test_the_list_of_faults_is_the_programs_own(shell: Run) -> None:
    (found,) = json.loads(shell("explain faults --json").out)
    assert found["kind"] == "list"
    told = dict(found["facts"])
    assert list(told) == list(FAULTS)
    for name, fault in FAULTS.items():
        assert told[name].startswith(fault.effect)
        assert ("found by " + fault.found_by in told[name]) == bool(fault.found_by)
    assert told["packets-lost"].endswith("; found by B8 as link-loss")
    said = shell("explain faults").out
    assert all(name in said for name in FAULTS)


@pytest.mark.parametrize("kind", ["check", "limit", "cause", "register"])
def test_each_kind_has_its_list(shell: Run, kind: str) -> None:
    (found,) = json.loads(shell(f"explain {kind}s --json").out)
    assert [name for name, _ in found["facts"]] == [
        one.name for one in topics() if one.kind == kind
    ]
    assert all(title for _, title in found["facts"])


def test_a_word_that_means_two_things_gives_both(shell: Run) -> None:
    kinds = [one["kind"] for one in json.loads(shell("explain brown-out --json").out)]
    assert kinds == ["cause", "fault"]


def test_a_wrong_word_is_told_what_is_near(shell: Run) -> None:
    said = shell("explain packets-losst")
    assert said.code == 2
    assert "did you mean packets-lost" in said.err


def test_alone_it_lists_what_there_is(shell: Run) -> None:
    said = shell("explain").out
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "check", "limit", "cause", "fault", "register", "exit codes", "list", "page"
    ]  # fmt: skip
    listed = json.loads(shell("explain --json").out)
    assert len([one for one in listed if one["kind"] != "page"]) == len(topics())
    assert {one["name"] for one in listed} >= {"bringup.md", "faq.md", "B9"}


def test_a_page_is_printed_as_it_is(shell: Run) -> None:
    text = (DOCS / "faq.md").read_text("utf-8")
    for word in ("faq", "faq.md", "docs/faq.md"):
        said = shell(f"explain {word}")
        assert (said.code, said.out.strip()) == (0, text.strip())


def test_pages_lie_where_pip_has_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "share" / "doc" / "emgrig" / "index.md"
    page.parent.mkdir(parents=True)
    page.touch()
    (page.parent / "bringup.md").write_text("# Bring-up\n", "utf-8")

    class Installed(metadata.PackagePath):
        def locate(self) -> Path:
            return page

    monkeypatch.setattr(pages, "__file__", str(tmp_path / "a" / "b" / "c" / "d" / "e.py"))
    monkeypatch.setattr(
        metadata, "files", lambda _: [Installed("../../../share/doc/emgrig/index.md")]
    )
    pages.folder.cache_clear()
    try:
        assert pages.title_of(pages.pages()["bringup.md"]) == "Bring-up"
        monkeypatch.setattr(metadata, "files", lambda _: [])
        pages.folder.cache_clear()
        assert pages.find_page("bringup") is None
    finally:
        monkeypatch.undo()
        pages.folder.cache_clear()
