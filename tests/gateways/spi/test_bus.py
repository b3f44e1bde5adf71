"""Chips on the SPI bus of a simulated machine, through the gateway: all samples, and none wrong."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import emgrig
from check_gateway import Twin, check_gateway, joined, numbers
from check_transport import check_transport
from emgrig.attach.shims.host import Host
from emgrig.driver.board import Board
from emgrig.driver.can import Line as Pin
from emgrig.driver.interruption import Happened
from emgrig.driver.samples.block import Block
from emgrig.driver.seams import RealClock
from emgrig.gateways.spi.bank import SpiBank
from emgrig.gateways.spi.hardware import Hardware
from emgrig.gateways.spi.transport import SpiTransport
from emgrig.gateways.spi.wiring import parse_address
from emgrig.protocol.packets import Line, SampleFlag
from gateways.spi.machine import Machine, codes_of, machine
from properties import runs

pytestmark = pytest.mark.slow

ADDRESS = {name: f"spi:{name}?name=T1" for name in ("pieeg", "pieeg-16", "ti-evm")}
#: One code at gain 24 and 4.5 V (SBAS499C, equation 8).
CODE_V = 4.5 / 24 / 2**23


def measure(board: Board, rate: int) -> None:
    """Have all channels measure their electrodes at gain 24."""
    board.chip.reference(internal=True)
    board.chip.set_rate(rate)
    board.chip.configure(gain=24, mux="normal")


def amplitude_v(volts: NDArray[np.float64], rate_hz: float) -> float:
    """Return the amplitude of 5 Hz."""
    phase = 2 * np.pi * 5 * np.arange(len(volts)) / rate_hz
    waves = np.column_stack([np.sin(phase), np.cos(phase), np.ones_like(phase)])
    return float(np.hypot(*np.linalg.lstsq(waves, volts, rcond=None)[0][:2]))


@pytest.mark.parametrize("name", ["pieeg", "ti-evm"])
def test_it_passes_the_contract_of_gateways(name: str) -> None:
    """The contract's samples are those that the converter made, at their numbers."""
    with machine(name) as here:

        def open_twin() -> Twin:
            board = emgrig.connect(ADDRESS[name])
            measure(board, 250)
            return Twin(board, lambda: here.truths[0].codes() * CODE_V, 0.01 * CODE_V)

        check_gateway(open_twin)


def test_it_is_a_transport() -> None:
    with machine():
        check_transport(lambda: SpiTransport(ADDRESS["pieeg"]))


@pytest.mark.parametrize("name", ADDRESS)
def test_no_time_of_the_data_sheet_is_broken_and_no_result_is_left(name: str) -> None:
    """As the chip saw it: the report of `emgrig attach` on our own driver."""
    with machine(name) as here, emgrig.connect(ADDRESS[name]) as board:
        measure(board, 1000)
        with board.stream(duration_s=0.1) as stream:
            list(stream)
    for chip in here.bench.facts().chips:
        assert chip.breaches == ()
        assert chip.n_produced == chip.n_read > 100
        assert chip.n_torn == 0


def test_it_says_what_it_is_and_what_is_not_wired() -> None:
    with machine("pieeg"), emgrig.connect("spi:pieeg") as board:
        assert board.identity.is_simulated
        assert board.identity.serial_number.startswith("pieeg-")
        assert board.can.lines == ()
        assert board.can.stated is None
        assert board.can.is_loss_exact
    with machine("ti-evm"), emgrig.connect(ADDRESS["ti-evm"]) as board:
        assert board.can.lines == tuple(Pin)
        board.chip.configure(gain=6)
        board.set_line(Line.RESET, high=False)
        board.set_line(Line.RESET, high=True)
        assert {one.gain.word for one in board.chip.read_registers()[0].channels()} == {24}
    with machine("pieeg-16"), emgrig.connect(ADDRESS["pieeg-16"]) as board:
        assert board.identity.layout.n_channels == 16


def test_registers_stay_from_one_program_to_the_next() -> None:
    with machine():
        with emgrig.connect(ADDRESS["pieeg"]) as board:
            board.chip.configure(gain=6)
        with emgrig.connect(ADDRESS["pieeg"]) as board:
            assert {one.gain.word for one in board.chip.files[0].channels()} == {6}


def test_chips_that_convert_while_nobody_reads_do_not_end_the_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """START high and no run: the kernel's buffer overflows for as long as it likes."""
    monkeypatch.setattr("emgrig.gateways.spi.hardware.EVENT_BUFFER", 8)
    monkeypatch.setattr("emgrig.gateways.spi.conversions.MOST_UNSEEN", 50)
    with machine("ti-evm") as here, emgrig.connect(ADDRESS["ti-evm"]) as board:
        with board.stream(duration_s=0.1) as stream:
            list(stream)
        board.set_line(Line.START, high=True)
        here.host.sleep(1.0)
        board.set_line(Line.START, high=False)
        assert board.chip.read_registers()[0].raw[0] == 0x3E
        with board.stream(duration_s=0.1) as stream:
            list(stream)
        assert (stream.totals.received, stream.totals.lost) == (25 + stream.totals.unused, 0)


@pytest.mark.parametrize("name", ["pieeg", "ti-evm"])
def test_a_restart_resets_the_chips_by_pin_or_opcode(name: str) -> None:
    with machine(name), emgrig.connect(ADDRESS[name]) as board:
        board.chip.configure(gain=6)
        board.ports[0].command(0x10)  # RDATAC
        board.reboot()
        assert {one.gain.word for one in board.chip.read_registers()[0].channels()} == {24}


def test_chips_that_were_held_in_reset_begin_at_their_defaults() -> None:
    with machine("ti-evm") as here:
        with emgrig.connect(ADDRESS["ti-evm"]) as board:
            board.chip.configure(gain=6)
        here.bench.set_pin("PWDN", 0)
        with emgrig.connect(ADDRESS["ti-evm"]) as board:
            assert {one.gain.word for one in board.chip.files[0].channels()} == {24}


def test_a_board_in_mid_stream_of_a_program_that_crashed_answers() -> None:
    with machine() as here:
        for byte in (0x11, 0x08, 0x10):  # SDATAC, START, RDATAC
            here.host.transfer(bytes([byte]), chip=0, mode=1, sclk_hz=1e6)
        here.host.sleep(0.5)
        with emgrig.connect(ADDRESS["pieeg"]) as board:
            assert board.chip.files[0].raw[0] == 0x3E


def test_the_time_of_transports_is_the_machine_s() -> None:
    """Else a bring-up here would hold the chips' clock against another time."""
    clock = RealClock()
    with machine():
        begin_s, begin_unix_s = clock.now_s(), clock.unix_s()
        clock.sleep(3600.0)
        assert clock.now_s() - begin_s == pytest.approx(3600.0, abs=0.1)
        assert clock.unix_s() - begin_unix_s == pytest.approx(3600.0, abs=0.1)


def test_board_time_is_the_kernel_s_of_each_edge() -> None:
    """4 ms a conversion at 250 SPS of a clock that is right: its sample packets say so."""
    with machine(), emgrig.connect(ADDRESS["pieeg"]) as board:
        with board.stream(duration_s=2.0) as stream:
            blocks = list(stream)
        starts = [(block.first_conversion, block.board_time_us) for block in blocks]
        for (first, at_us), (later, then_us) in pairwise(starts):
            assert then_us - at_us == pytest.approx(4000 * (later - first), abs=1.001)


def test_settings_change_in_mid_stream_and_scale_what_follows() -> None:
    """1 mV at the electrodes is 1 mV at each gain, but for what sinc³ takes (9.3.2.1)."""
    with machine(source="sine:1mV,5Hz"), emgrig.connect(ADDRESS["pieeg"]) as board:
        measure(board, 250)
        with board.stream() as stream:
            for gain in (6, 1, 12, 24):
                blocks: list[Block] = []
                while sum(block.n_samples for block in blocks) < 200:
                    blocks.append(next(stream))
                    assert (blocks[-1].epoch.scale_v == blocks[0].epoch.scale_v).all(), (
                        "one epoch a time"
                    )
                assert amplitude_v(joined(blocks)[:, 0], 250) == pytest.approx(
                    1e-3 * np.sinc(5 / 250) ** 3, rel=5e-3
                )
                board.chip.configure(gain=gain)
                while (blocks[0].epoch.scale_v == next(stream).epoch.scale_v).all():
                    pass


def test_a_frame_whose_fixed_bits_are_wrong_is_flagged() -> None:
    """From the shift on every status word begins with 0110 in place of 1100 (9.4.4.2)."""
    with machine() as here, emgrig.connect(ADDRESS["pieeg"]) as board:
        measure(board, 250)
        with board.stream(duration_s=2.0) as stream:
            blocks = [next(stream)]
            here.bench.put_fault("bit-shift")
            blocks += list(stream)
    n_good = 0
    for block in blocks:
        is_right = (block.status >> 20 == 0b1100).all()
        assert is_right == (block.flags & SampleFlag.STATUS_WRONG == 0)
        if is_right:
            codes = np.rint(block.volts / CODE_V).astype(np.int64)
            rows = rows_of(codes, here.truths[0].codes())
            np.testing.assert_array_equal(rows, numbers([block]))
            n_good += block.n_samples
    assert 0 < n_good < 500


def test_a_chip_that_loses_its_supply_in_a_run_is_told() -> None:
    with machine() as here, emgrig.connect(ADDRESS["pieeg"]) as board:
        board.apply("facial-emg")
        with board.stream(duration_s=1.0) as stream:
            next(stream)
            here.bench.chip().brown_out()
            list(stream)
        assert [one.reason.happened for one in stream.recoveries] == [Happened.CHIP_LOST]
        assert board.chip.read_registers()[0].raw[5] == 0x50  # gain 12 again


# ---- two chips ----------------------------------------------------------------------------------


def rows_of(codes: NDArray[np.int64], truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each row lies in the truth, whose rows differ from each other."""
    place = {row.tobytes(): number for number, row in enumerate(truth)}
    assert len(place) == len(truth)
    return np.array([place[row.tobytes()] for row in codes])


@pytest.mark.parametrize("ppm", [(0.0, 5000.0), (0.0, -5000.0), (-2500.0, 2500.0)])
def test_two_oscillators_lose_nothing_without_a_count(ppm: tuple[float, float]) -> None:
    with machine("pieeg-16", ppm=ppm) as here, emgrig.connect(ADDRESS["pieeg-16"]) as board:
        measure(board, 1000)
        with board.stream(duration_s=0.6) as stream:
            blocks = list(stream)
        codes = np.rint(joined(blocks) / CODE_V).astype(np.int64)
        taken = [
            rows_of(codes[:, 8 * chip : 8 * chip + 8], here.truths[chip].codes()) for chip in (0, 1)
        ]
        totals = stream.totals
        counted = numbers(blocks)
    for rows in taken:
        assert (np.diff(rows) >= 1).all(), "in order, and none twice"
    # What one chip made and is not there is a conversion that was counted as lost.
    n_board = totals.received + totals.lost
    surplus = abs(ppm[1] - ppm[0]) * 1e-6 * n_board
    assert totals.lost == pytest.approx(surplus, abs=1.5)
    gaps = [int((np.diff(rows) - 1).sum()) for rows in taken]
    assert sum(gaps) == int((np.diff(counted) - 1).sum())
    # Both halves of a row are of one time, to a conversion.
    period_s = [1e-3 / (1 + one * 1e-6) for one in ppm]
    apart_s = taken[0] * period_s[0] - taken[1] * period_s[1]
    assert np.abs(apart_s).max() < 1.1e-3


# ---- an operating system that lets programs wait ------------------------------------------------


class BusyMachine(Host):
    """A machine whose scheduler takes its time, by a seed: before, between and after calls."""

    seed = 0
    stalls_s = (0.0, 60e-6, 0.9e-3, 1.7e-3, 25e-3)

    def _stall(self) -> None:
        rng = vars(self).setdefault("rng", np.random.default_rng(self.seed))
        if rng.random() < vars(self).get("share", 0.0):
            self.sleep(rng.choice(self.stalls_s) * rng.uniform(0.5, 1.5))

    def transfer(self, mosi: bytes, **options: object) -> bytes:
        self._stall()
        miso = super().transfer(mosi, **options)  # type: ignore[arg-type]
        self._stall()
        return miso

    def wait(self, watches: list, timeout_s: float | None) -> bool:  # type: ignore[type-arg]
        came = super().wait(watches, timeout_s)
        self._stall()
        return came


def set_up(bank: SpiBank) -> None:
    """Set the chips up by hand: internal reference, gain 24, inputs, 1 kSPS; START, RDATAC."""
    for chip in range(len(bank)):
        for sent in ("11", "43 00 E0", "41 00 94", "45 07 60 60 60 60 60 60 60 60"):
            bank.transfer(chip, bytes.fromhex(sent))
    bank.broadcast(b"\x10")
    bank.broadcast(b"\x08")
    bank.begin_count()


def test_what_was_not_read_before_a_command_is_lost_and_counted() -> None:
    """After SDATAC the chip sends no frame any more: what would be read then is nobody's."""
    with machine() as here:
        wiring = parse_address(ADDRESS["pieeg"])
        hardware = Hardware(wiring)
        bank = SpiBank(hardware, wiring)
        set_up(bank)
        before = bank.read(bank.now_s + 0.01)
        here.host.sleep(0.0028)  # three results at 1 kSPS
        bank.broadcast(b"\x11")
        bank.broadcast(b"\x10")
        after = bank.read(bank.now_s + 0.01)
        hardware.close()
    codes = np.concatenate([codes_of(part.data) for part in (before, after)])
    index = np.concatenate([before.index, after.index])
    np.testing.assert_array_equal(rows_of(codes, here.truths[0].codes()), index)
    assert set(np.diff(index)) == {1, 4}
    assert bank.losses.late == 3


@pytest.mark.parametrize("preset", ["pieeg", "pieeg-16"])
@pytest.mark.parametrize("begin", range(0, 50, 5))
def test_no_frame_is_wrong_however_late_the_reader_is(
    preset: str, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 seeds: late, torn, edges without room in the kernel's buffer; all counted, none wrong."""
    monkeypatch.setattr("emgrig.gateways.spi.hardware.EVENT_BUFFER", 8)
    total = lost = 0
    for seed in range(begin, begin + 5):
        monkeypatch.setattr(BusyMachine, "seed", seed)
        with machine(preset, seed=seed, ppm=(0.0, 3000.0), host_of=BusyMachine) as here:
            n_good, n_all = frames_of_a_busy_run(preset, here, share=0.02 * (1 + seed % 5))
        total, lost = total + n_all, lost + n_all - n_good
    assert 0 < lost < total


def frames_of_a_busy_run(preset: str, here: Machine, share: float) -> tuple[int, int]:
    """Run for 80 ms; return how many frames came, of how many, having checked each."""
    wiring = parse_address(ADDRESS[preset])
    hardware = Hardware(wiring)
    bank = SpiBank(hardware, wiring)
    set_up(bank)
    vars(here.host)["share"] = share
    parts = [bank.read(bank.now_s + 0.02) for _ in range(4)]
    vars(here.host)["share"] = 0.0
    parts.append(bank.read(bank.now_s + 0.003))
    hardware.close()
    frames = np.concatenate([part.data for part in parts])
    index = np.concatenate([part.index for part in parts])
    assert (np.diff(index) > 0).all()
    for chip, truth in enumerate(here.truths):
        codes = truth.codes()
        rows = rows_of(codes_of(frames, chip), codes)
        if len(here.truths) == 1:
            np.testing.assert_array_equal(rows, index)  # its own number, lost ones counted
            assert bank.n_falls in (len(codes), len(codes) - 1)
        assert (np.diff(rows) > 0).all()
    losses = bank.losses
    missed = bank.n_falls - len(frames)
    of_chips = losses.late + losses.torn + losses.unseen + losses.alone
    assert missed <= of_chips
    if not of_chips:
        assert missed == 0
    return len(frames), bank.n_falls


class NoisyMachine(BusyMachine):
    """A busy machine on whose bus bits flip while results are read."""

    flips = 0.0

    def transfer(self, mosi: bytes, **options: object) -> bytes:
        miso = super().transfer(mosi, **options)
        rng = vars(self).setdefault("flipping", np.random.default_rng([self.seed, 1]))
        if len(miso) != 27 or rng.random() >= vars(self).get("flips", 0.0):
            return miso
        at, bit = int(rng.integers(27)), int(rng.integers(8))
        flipped = miso[:at] + bytes((miso[at] ^ 1 << bit,)) + miso[at + 1 :]
        vars(self).setdefault("flipped", []).append(flipped)
        return flipped


@pytest.mark.nightly
@pytest.mark.parametrize("begin", range(0, runs(10, nightly=100), 5))
def test_no_sample_that_is_delivered_is_wrong_but_for_bits_that_nobody_can_see(
    begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late reader and flipped bits, through the whole driver: a frame has no checksum.

    Each sample is the converter's at its number, or one whose bits the bus has flipped; of those
    the fixed bits of the status word tell some.
    """
    n_flipped = n_lost = 0
    for seed in range(begin, begin + 5):
        monkeypatch.setattr(NoisyMachine, "seed", seed)
        with machine(seed=seed, host_of=NoisyMachine) as here:
            with emgrig.connect(ADDRESS["pieeg"]) as board:
                measure(board, 1000)
                vars(here.host).update(share=0.02 * (1 + seed % 5), flips=0.05)
                with board.stream(duration_s=0.1) as stream:
                    blocks = list(stream)
            flipped = vars(here.host).get("flipped", [])
            truth = here.truths[0].codes()
        got = np.rint(joined(blocks) / CODE_V).astype(np.int64)
        number = numbers(blocks)
        wrong = (got != truth[number]).any(axis=1)
        bad = codes_of(np.frombuffer(b"".join(flipped), np.uint8).reshape(-1, 27))
        assert {row.tobytes() for row in got[wrong]} <= {row.tobytes() for row in bad}
        status = np.concatenate([block.status[:, 0] for block in blocks])
        for block in blocks:
            is_odd = bool((block.status >> 20 != 0b1100).any())
            is_said = bool(block.flags & SampleFlag.STATUS_WRONG)
            is_cut = block.first_conversion + block.n_samples == 100  # flags are of whole packets
            assert is_said == is_odd or (is_said and is_cut)
        assert len(status) == stream.totals.received - stream.totals.unused
        n_flipped, n_lost = n_flipped + len(flipped), n_lost + stream.totals.lost
    assert n_flipped > 0
    assert n_lost > 0
