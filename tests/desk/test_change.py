"""What a page may do to a board: settings, one electrode; and what it is told when it may not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emgrig.desk.desk import Changing, Desk
from emgrig.desk.stream.board_settings import Wish, gain_words, why_not
from emgrig.desk.stream.contact import CheckState, Contact
from emgrig.desk.stream.gather import joined
from emgrig.desk.stream.hub import Hub
from emgrig.desk.stream.status import LinkState
from emgrig.driver.board import Board
from emgrig.driver.can import Can, Registers
from emgrig.driver.samples.block import Block
from emgrig.electrodes import Electrode, Light, Limits, follow_electrode
from emgrig.errors import EmgrigError
from emgrig.simulator.analog.world import Electrode as Contacts
from emgrig.simulator.faults import actions as do
from emgrig.simulator.transport import SimTransport


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    board = Board(SimTransport("seed=3"))
    board.apply("facial-emg")
    hub = Hub(board, profile="facial-emg")
    hub.start()
    with hub:
        yield Desk(hub, Contact(hub, Limits()), tmp_path, follow_most_s=3.0)


def run(desk: Desk, seconds: float) -> None:
    desk.hub.run_until(desk.hub.unix_s() + seconds)


def test_rate_and_gain_are_set_read_back_and_the_stream_goes_on(desk: Desk) -> None:
    hub = desk.hub
    run(desk, 1.0)
    came, at_tube, laid_out = hub.status().n_samples, hub.status().tube, hub.n_layouts
    desk.change(Wish(rate=2000, gain=24, channels=(2,)))
    assert desk.changing == Changing(said="2000 samples/s, gain 24 of c2: set, and read back")
    # By the registers themselves: CONFIG1 (01h) has DR = 011, CH2SET (06h) GAIN = 110.
    (file,) = hub.board.chip.read_registers()
    assert file.raw[0x01] & 0b111 == 0b011
    assert file.raw[0x06] >> 4 & 0b111 == 0b110
    assert gain_words(hub.board) == "c1 12, c2 24, c3 to c7 12"
    assert hub.n_layouts == laid_out + 1
    run(desk, 2.0)
    assert hub.rate_hz == 2000
    assert hub.views.scope.column_s == 0.01
    assert hub.status().n_samples - came > 3000
    assert hub.status().n_lost == 0
    assert hub.status().tube > at_tube
    assert np.isfinite(hub.last_uv(1.0)).all()
    desk.contact.follow()
    assert len(desk.contact.live) == 7


def test_a_gain_alone_leaves_the_pages_as_they_are(desk: Desk) -> None:
    laid_out = desk.hub.n_layouts
    desk.change(Wish(gain=6))
    assert gain_words(desk.hub.board) == "6"
    assert desk.hub.n_layouts == laid_out


def test_another_profile_has_other_channels(desk: Desk, tmp_path: Path) -> None:
    profile = tmp_path / "two.toml"
    profile.write_text(
        'title = "two"\n[board]\nrate = 500\nreference = "internal"\n'
        '[channels.2]\nname = "left"\n[channels.5]\nname = "right"\n'
    )
    run(desk, 1.0)
    desk.change(Wish(profile=str(profile)))
    run(desk, 1.5)
    assert desk.hub.channels == ((2, "left"), (5, "right"))
    assert desk.hub.profile == str(profile)
    assert desk.hub.last_uv(0.5).shape == (250, 2)
    assert desk.hub.views.look().since(0)[1].shape[2] == 2


def test_what_cannot_be_set_is_said_and_all_is_as_before(desk: Desk, tmp_path: Path) -> None:
    before = desk.hub.board.chip.files
    nothing_on = tmp_path / "none.toml"
    nothing_on.write_text("[board]\nrate = 500\n[channels.1]\npower_down = true\n")
    desk.change(Wish(profile=str(nothing_on)))
    assert "not set, what was before is put back" in desk.changing.problem
    assert "no channel is on" in desk.changing.problem
    run(desk, 1.0)
    assert desk.hub.board.chip.files == before
    assert desk.hub.rate_hz == 1000
    with pytest.raises(ValueError, match="nothing is to be changed"):
        desk.change(Wish())


def test_settings_stay_while_a_recording_is_on_and_it_says_why(desk: Desk) -> None:
    desk.start_recording("P01")
    run(desk, 1.0)
    with pytest.raises(ValueError, match="a recording is on"):
        desk.change(Wish(rate=500))
    with pytest.raises(ValueError, match="a recording is on"):
        desk.follow(1, "p")
    assert desk.followed is None
    status = desk.hub.status()
    assert set(desk.why_not_change(status).values()) == {"a recording is on: stop it first"}
    assert desk.why_not_check(status) == "a recording is on: stop it first"
    assert desk.why_not_record(status) == ""
    desk.hub.stop_recording()
    assert desk.why_not_check(desk.hub.status()) == ""


def test_every_reason_is_said(desk: Desk) -> None:
    run(desk, 0.5)
    status = desk.hub.status()
    assert desk.why_not_alone(status) == ""
    assert desk.why_not_alone(replace(status, link=LinkState.LOST)) == "no samples come"
    desk.contact.state = CheckState(is_on=True)
    assert desk.why_not_alone(status) == "the electrodes are being checked"
    desk.contact.state = CheckState()
    desk.changing = Changing(is_on=True)
    assert desk.why_not_alone(status) == "settings are being changed"
    desk.changing = Changing()
    desk.recorded_by = "the session"
    assert desk.why_not_change(status)["rate"] == "they are the session's"


def test_a_board_that_takes_no_settings_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = Can(registers=Registers.ALL_READ, register_list=(0x01,))
    monkeypatch.setattr(Board, "can", can)
    said = why_not(desk.hub.board)
    assert said["rate"] == ""
    assert said["gain"] == said["profile"] == "of the registers, only 01h can be written"


@pytest.mark.parametrize(("ohm", "light"), [(5e3, Light.GREEN), (80e3, Light.RED)])
def test_one_electrode_is_measured_again_and_again(desk: Desk, ohm: float, light: Light) -> None:
    """The value is that of the circuit: |R ∥ C| at 31.25 Hz, the current nominal ± 20 %."""
    transport = desk.hub.board._connection.link.transport
    assert isinstance(transport, SimTransport)
    do.change_world(
        transport.board, 0, lambda now: now.with_electrode("IN5P", Contacts(r_ohm=ohm, c_f=0.0))
    )
    before = desk.hub.board.chip.files
    desk.follow(5, "p")
    followed = desk.followed
    assert followed is not None
    assert not followed.is_on
    assert followed.n_values > 2
    electrode = followed.electrode
    assert electrode is not None
    assert electrode.impedance_ohm == pytest.approx(ohm, rel=0.25)
    assert electrode.light is light
    assert ("clean skin, new gel at c5 positive" in electrode.advice) is (light is Light.RED)
    assert desk.hub.board.chip.files == before  # no current is left on anybody
    run(desk, 1.0)
    assert desk.hub.status().link is LinkState.STREAMING


def test_one_electrode_is_left_as_soon_as_it_is_enough() -> None:
    board = Board(SimTransport("seed=3"))
    board.apply("facial-emg")
    seen: list[Electrode] = []

    def tell(electrode: Electrode) -> bool:
        seen.append(electrode)
        return len(seen) < 3

    with board:
        before = board.chip.files
        follow_electrode(board, 2, "n", tell)
        assert board.chip.files == before
        with pytest.raises(ValueError, match="expected p or n"):
            follow_electrode(board, 2, "x", tell)
    assert [one.electrode for one in seen] == ["c2n"] * 3
    assert all(one.impedance_ohm is not None for one in seen)


def test_a_measurement_that_fails_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EmgrigError("the board is gone")

    monkeypatch.setattr("emgrig.desk.desk.follow_electrode", fail)
    desk.follow(1, "p")
    assert desk.followed is not None
    assert not desk.followed.is_on
    assert desk.followed.problem == "it was not measured to the end: the board is gone"


def test_blocks_are_joined_only_where_nothing_is_between_them() -> None:
    board = Board(SimTransport("seed=3"))
    board.apply("facial-emg")
    with board, board.stream(1.0) as stream:
        whole = next(stream)

    def cut(begin: int, end: int, lost: int = 0) -> Block:
        return replace(
            whole, codes=whole.codes[begin:end], status=whole.status[begin:end],
            first_conversion=whole.first_conversion + begin, lost_before=lost, events=(),
        )  # fmt: skip

    first, *more = joined([cut(0, 4), cut(4, 9), cut(9, 16)])
    assert more == []
    assert np.array_equal(first.codes, whole.codes[:16])
    assert first.board_time_us == whole.board_time_us
    parts = joined([cut(0, 4), cut(6, 9, 2), cut(9, 12), cut(14, 16)])
    assert [part.n_samples for part in parts] == [4, 6, 2]
    assert sum(part.lost_before for part in parts) == 2
