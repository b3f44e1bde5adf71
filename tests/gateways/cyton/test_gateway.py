"""A Cyton behind its gateway, on its twin: the contract, settings, scale, impedances."""

import numpy as np
import pytest
from numpy.typing import NDArray

import emgrig
from check_gateway import check_gateway, joined, numbers
from check_transport import check_transport
from emgrig.driver.board import Board
from emgrig.driver.can import Counting, Registers, Timing
from emgrig.electrodes import ContactSettings, check_contact
from emgrig.errors import BoardCannot
from emgrig.gateways.cyton.address import split_address
from emgrig.gateways.cyton.gateway import CytonGateway
from emgrig.protocol.account import Cause
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.transport import SimTransport
from gateways.cyton.cytons import (
    BOARDS,
    CODE_V,
    conversions_of,
    firmware_of,
    gateway_of,
    runs_of,
    transport_of,
    twin_of,
)

GAINS = (1, 2, 4, 6, 8, 12, 24)
#: CHnSET and both BIAS_SENS of a board that was just switched on.
FRESH = bytes.fromhex("68" * 8 + "FFFF")


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_it_passes_the_contract_of_gateways(board: str) -> None:
    check_gateway(lambda: twin_of(board))


@pytest.mark.slow
def test_it_is_a_transport() -> None:
    opened: list[SimTransport] = []

    def open_transport() -> CytonGateway:
        opened.append(transport_of())
        return gateway_of(opened[-1])

    def cut() -> None:
        opened[-1].board.cut_link()
        opened[-1].board.restore_link()

    check_transport(open_transport, cut=cut)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("cyton:///dev/ttyUSB0", ("serial:///dev/ttyUSB0?baud=115200", "cyton")),
        ("cyton:COM3?baud=230400&name=C1", ("serial:COM3?baud=230400", "C1")),
        ("cyton+tcp://h:1?name=lab", ("tcp://h:1", "lab")),
        ("cyton+sim:", ("sim:firmware=cyton", "cyton")),
        ("cyton+sim:bench&chips=2?name=b", ("sim:bench&chips=2&firmware=cyton", "b")),
        ("cyton+sim:firmware=cyton&seed=1", ("sim:firmware=cyton&seed=1", "cyton")),
    ],
)
def test_an_address_is_cut(address: str, expected: tuple[str, str]) -> None:
    assert split_address(address) == expected


def test_it_says_what_it_can_and_cannot() -> None:
    with Board(gateway_of(transport_of())) as board:
        can = board.can
        assert (can.registers, can.stated, can.rate_hz) == (Registers.ALL_READ, None, 0.0)
        assert (can.counting, can.modulus, can.timing) == (Counting.MODULO, 256, Timing.SAMPLES)
        assert board.chip.rate_hz == 250.0
        assert board.identity.firmware == "3.1.5"
        assert board.identity.is_simulated
        assert board.identity.series_ohm == (2200,) * 8
    with Board(gateway_of(transport_of("cyton-daisy"))) as board:
        assert board.chip.rate_hz == 125.0
        assert (board.can.modulus, board.chip.n_channels) == (128, 16)


@pytest.mark.slow
def test_settings_are_proved_and_scale_what_comes() -> None:
    transport = transport_of("cyton-daisy")
    with Board(gateway_of(transport)) as board:
        board.chip.configure(channels=[2, 11], gain=2, srb2=False)
        board.chip.configure(channels=[5], power_down=True)
        board.chip.lead_off(sense_p=[3], sense_n=[16])
        for chip, file in enumerate(board.chip.files):
            assert file.raw == firmware_of(transport).chips.rreg(chip, 0, 24)
        with board.stream(duration_s=0.4) as stream:
            blocks = list(stream)
        run = np.array(conversions_of(runs_of(firmware_of(transport))[-1], "cyton-daisy"))
        scale_v = np.full(16, CODE_V)
        scale_v[[1, 10]] *= 12
        np.testing.assert_allclose(
            joined(blocks), run[numbers(blocks)] * scale_v, rtol=0, atol=0.01 * CODE_V
        )
        assert not joined(blocks)[:, 4].any()


@pytest.mark.slow
def test_the_test_signal_is_switched_on_and_off() -> None:
    """Off is only behind a reset, after which all other settings are set anew."""
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        board.chip.configure(channels=[1], gain=4)
        board.chip.test_signal(amplitude=2, frequency="fast")
        assert board.chip.files[0].raw[2] == 0xD5
        assert board.chip.files[0].raw[5:15] == b"\x28" + FRESH[1:]
        board.chip.test_signal(on=False, amplitude=1, frequency="slow")
        assert board.chip.files[0].raw[2] == 0xC0
        assert board.chip.files[0].raw[4:15] == b"\x02\x28" + FRESH[1:]


@pytest.mark.slow
def test_what_no_letter_reaches_is_refused_and_changes_nothing() -> None:
    transport = transport_of()
    with Board(gateway_of(transport)) as board:
        before = board.chip.files
        for ask in (
            lambda: board.chip.set_rate(1000),
            lambda: board.chip.bias(amplifier=False),
            lambda: board.chip.lead_off(current="24nA"),
            lambda: board.chip.bias(sense_p=[1], sense_n=[2]),
            lambda: board.chip.test_signal(on=True, amplitude=1, frequency="dc"),
            lambda: board.apply("facial-emg"),
        ):
            with pytest.raises(BoardCannot, match="nothing was sent") as caught:
                ask()
            assert "\n" not in str(caught.value)
        with pytest.raises(emgrig.EmgrigError, match=r"opcode 06h"):
            board.chip.reset()
        assert firmware_of(transport).chips.rreg(0, 0, 24) == before[0].raw
        assert board.chip.read_registers() == before


@pytest.mark.slow
@pytest.mark.parametrize("board_name", BOARDS)
def test_the_scale_is_that_of_the_electrodes(board_name: str) -> None:
    """5 Hz and 50 mV at the electrodes, less what sinc³ and the Daisy's means take of them."""
    transport = transport_of(board_name, "sine:50mV,5Hz")
    with Board(gateway_of(transport)) as board:
        board.chip.configure(gain=6, srb2=False)
        with board.stream(duration_s=2.0) as stream:
            blocks = list(stream)
        clock = transport.board.bank.f_clk_hz / 2_048_000  # an oscillator's 0.5 %
        t_s = numbers(blocks) / (board.chip.rate_hz * clock)
    amplitude_v = _amplitude(joined(blocks), t_s)
    expected_v = 50e-3 * np.sinc(5 / 250) ** 3
    if board_name == "cyton-daisy":
        expected_v *= np.cos(np.pi * 5 / 250)  # the mean of two that are 4 ms apart
    np.testing.assert_allclose(amplitude_v / _true_gain(transport), expected_v, rtol=1e-3)


def _amplitude(volts: NDArray[np.float64], t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = 2 * np.pi * 5 * t_s
    waves = np.column_stack([np.sin(angle), np.cos(angle), np.ones_like(angle)])
    found = np.linalg.lstsq(waves, volts, rcond=None)[0]
    return np.hypot(found[0], found[1])


def _true_gain(transport: SimTransport) -> NDArray[np.float64]:
    """Return what each channel of the simulated chips makes of a volt at gain 6, over nominal."""
    made = []
    for part in transport.board.front_ends:
        assert isinstance(part, AnalogueFrontEnd)
        errors = part.tolerances
        made.append((1 + errors.gain_error[:, GAINS.index(6)]) / (1 + errors.reference_error))
    return np.concatenate(made)


@pytest.mark.slow
def test_impedances_have_4_over_pi_and_the_series_resistor_right() -> None:
    """As on a board of ours with the same electrodes, whose own resistors are 2.2 kohm too."""
    asked = ContactSettings(channels=(1, 4), quiet_s=1.0, current="6nA")
    with emgrig.connect("sim:seed=3") as board:
        ours = check_contact(board, asked)
    with emgrig.connect("cyton+sim:seed=3") as board:
        theirs = check_contact(board, asked)
        assert theirs.conditions.rate_hz == 250.0
        assert theirs.conditions.current == "6nA"
    for one, other in zip(ours.electrodes, theirs.electrodes, strict=True):
        assert one.impedance_ohm is not None
        assert other.impedance_ohm == pytest.approx(one.impedance_ohm, rel=0.12), one.electrode
    assert theirs.bias.is_off is None  # no letter of a Cyton asks it


def test_samples_that_are_means_are_not_measured() -> None:
    with (
        emgrig.connect("cyton+sim:chips=2&seed=3") as board,
        pytest.raises(BoardCannot, match="means of what its chips convert"),
    ):
        check_contact(board)


@pytest.mark.slow
def test_what_the_board_did_not_read_is_told_by_time() -> None:
    transport, rng = transport_of(), np.random.default_rng(5)
    read: list[NDArray[np.bool_]] = []

    def is_read(n: int) -> NDArray[np.bool_]:
        read.append(rng.random(n) > 0.02)
        return read[-1]

    with Board(gateway_of(transport)) as board:
        firmware = firmware_of(transport)
        firmware.read_filter = is_read
        with board.stream(duration_s=4.0) as stream:
            blocks = list(stream)
        frames = [frame for _, frame in firmware.sending.sent]
    lost = [block for block in blocks if block.lost_before]
    assert {block.cause for block in lost} == {Cause.BOARD}
    codes = np.concatenate([block.codes for block in blocks])
    expected = [conversions_of([(0, frame)])[0] for frame in frames[: len(codes)]]
    np.testing.assert_array_equal(codes, expected)
    conversion = np.flatnonzero(np.concatenate(read))[: len(codes)]
    np.testing.assert_array_equal(numbers(blocks), conversion - conversion[0])
    assert 10 < sum(block.lost_before for block in lost) <= stream.totals.lost_on_board
