"""Boards that only send frames, behind their gateway: on their twins, damaged, and in any bytes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgrig
from check_gateway import Twin, check_gateway, joined, numbers, place_of
from check_transport import check_transport
from emgrig.driver.board import Board
from emgrig.driver.can import Can, Counting, Timing
from emgrig.errors import TransportTimeout, WireError
from emgrig.gateways.counting import Numbering
from emgrig.gateways.decoding import FrameDecoder
from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.template import (
    load_template,
    packaged_templates,
    parse_template,
    spoken,
)
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import Decoder, SamplePackets
from emgrig.protocol.framing import PacketType, encode_packet
from emgrig.protocol.packets import Request, RequestHeader, StartArguments
from emgrig.simulator.transport import SimTransport
from gateways.twins import (
    NAMES,
    STEP_V,
    Sent,
    bytes_of,
    firmware_of,
    gateway_of,
    transport_of,
    twin_of,
    volts_of,
)
from properties import examples

N_SEEDS = 100


@pytest.fixture(scope="module")
def sent() -> Callable[[str], Sent]:
    """Return what each twin sends in six seconds; made once."""
    held: dict[str, Sent] = {}

    def get(name: str) -> Sent:
        if name not in held:
            held[name] = bytes_of(name, 6.0)
        return held[name]

    return get


# ---- the contract -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_contract_of_gateways(name: str) -> None:
    check_gateway(lambda: twin_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_transport(name: str) -> None:
    opened: list[SimTransport] = []

    def open_transport() -> FrameGateway:
        opened.append(transport_of(name))
        return gateway_of(name, opened[-1])

    def cut() -> None:
        opened[-1].board.cut_link()
        opened[-1].board.restore_link()

    check_transport(open_transport, cut=cut)


def test_the_native_board_passes_the_contract_too() -> None:
    """What the contract asks of a board that can do all is nothing that ours does not do."""

    def open_twin() -> Twin:
        board = emgrig.connect("sim:bench&source=sine:1mV,7Hz")
        return Twin(board, lambda: np.empty((0, 8)), 0.0)

    from check_gateway import check_what_it_cannot_is_refused, check_what_it_says_of_itself

    check_what_it_says_of_itself(open_twin)
    check_what_it_cannot_is_refused(open_twin)


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_is_that_of_the_electrodes(name: str) -> None:
    """5 Hz and 50 mV at the electrodes come out, but for what sinc³ takes (SBAS499C, 9.3.2.1)."""
    with Board(gateway_of(name, transport_of(name, "sine:50mV,5Hz"))) as board:
        with board.stream(duration_s=2.0) as stream:
            volts = joined(list(stream))
        t_s = np.arange(len(volts)) / board.chip.rate_hz
    waves = np.column_stack(
        [np.sin(2 * np.pi * 5 * t_s), np.cos(2 * np.pi * 5 * t_s), np.ones_like(t_s)]
    )
    found = np.linalg.lstsq(waves, volts, rcond=None)[0]
    # All chips run at 250 SPS; the Knight sends each second conversion.
    expected_v = 50e-3 * np.sinc(5 / 250) ** 3
    # What is stated is nominal: the gain of a chip is right to some tenths of a percent.
    np.testing.assert_allclose(np.hypot(found[0], found[1]), expected_v, rtol=5e-3)


# ---- what templates say -------------------------------------------------------------------------


def test_what_the_boards_can_follows_from_their_templates() -> None:
    can = {name: load_template(name).can for name in packaged_templates()}
    assert set(can) == set(NAMES)
    assert {name: one.counting for name, one in can.items()} == {
        "cerelog": Counting.NOT,
        "ardeeg": Counting.NOT,
        "knight": Counting.MODULO,
        "eegfrontier": Counting.NOT,  # it counts what it sent, not what its chip made
    }
    assert {name for name, one in can.items() if one.timing is Timing.NONE} == {"ardeeg", "knight"}
    assert can["knight"].modulus == 256
    assert not can["ardeeg"].is_loss_known
    for one in can.values():
        assert Can.from_hello(one.to_hello(), n_channels=len(one.stated.gains)) == one
        assert one.lines == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_packaged_template_says_where_it_is_from_and_what_nobody_tried(name: str) -> None:
    template = load_template(name)
    assert template.facts_from
    assert any("tried on a board" in text for text in template.unconfirmed)


def test_the_handshake_of_the_cerelog_is_the_one_of_its_reader() -> None:
    """AA BB, 2, time, 1, 4, sum of these, CC DD, as the maker's reader packs it."""
    at_s = 0x12345678
    body = bytes((2, 0x12, 0x34, 0x56, 0x78, 1, 4))
    expected = b"\xaa\xbb" + body + bytes((sum(body) & 0xFF,)) + b"\xcc\xdd"
    assert spoken(load_template("cerelog").link.hello, at_s + 0.9) == expected


GOOD = """
title = "Mine"
facts_from = "its firmware"
[frame]
bytes = 16
fixed = { 0 = "A5 5A" }
[channels]
at = 4
count = 4
bits = 24
bytes = 3
rate_hz = 500.0
gains = [6.0]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Mine"\n', "", "title"),
        ("bytes = 16", "bytes = 15", "channels ends at byte 16, a frame has 15"),
        ('"A5 5A"', '"A5 5"', "frame.fixed"),
        ("{ 0 =", "{ 15 =", "fixed.15 ends at byte 17, a frame has 16"),
        ("{ 0 =", "{ first =", "the place of a byte"),
        ("count = 4", "count = 5", "channels.count"),
        ("gains = [6.0]", "gains = [6.0, 6.0]", "2 gains; expected 1 or 4"),
        ("bits = 24\nbytes = 3", "bits = 24\nbytes = 2", "codes of 24 bits in 2 bytes"),
        ('fixed = { 0 = "A5 5A" }', "fixed = {}", "neither fixed bytes nor a checksum"),
        ("[channels]", "[counter]\nat = 2\nbytes = 1\nmodulus = 300\n[channels]", "modulus 300"),
        ("[channels]", "[counter]\nat = 2\nbytes = 1\nmodulus = 1\n[channels]", "modulus 1"),
        ("[channels]", "[status]\nlead_off_p = 2\n[channels]", "expected both or none"),
        ("[channels]", '[link]\nhello = "sum8"\n[channels]', "sum8 has no"),
        ("[channels]", '[link]\nstart = "A."\n[channels]', "half a byte"),
        ("rate_hz = 500.0", "rate_hz = 0.0", "rate_hz"),
        ("rate_hz = 500.0", "rate_hz = 500.0\ncolour = 3", "colour"),
    ],
)
def test_a_template_that_makes_no_sense_is_one_line(old: str, new: str, words: str) -> None:
    assert parse_template(GOOD, "mine.toml").channels.count == 4
    assert old in GOOD
    with pytest.raises(ValueError, match=r"mine\.toml") as caught:
        parse_template(GOOD.replace(old, new), "mine.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("frames:///dev/null", "which board"),
        ("frames+tcp://127.0.0.1:1?template=none", "there is no template 'none'; there are ard"),
        ("frames+tcp://127.0.0.1:1?template=nothing.toml", "nothing.toml"),
        ("frames+nothing:x?template=knight", "is no address"),
        ("frames+udp://x?template=knight", r"expected udp://\[HOST\]:PORT"),
    ],
)
def test_an_address_that_makes_no_sense_is_one_line(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        emgrig.connect(address)
    assert "\n" not in str(caught.value)


# ---- who is there -------------------------------------------------------------------------------


def test_another_board_behind_the_right_port_is_told() -> None:
    with pytest.raises(WireError, match="no frame of 21 bytes as NeuroPawn Knight") as caught:
        gateway_of("knight", transport_of("ardeeg"))
    assert "another board" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_board_that_says_nothing_is_told() -> None:
    with pytest.raises(TransportTimeout, match="nothing came in 5 s"):
        gateway_of("knight", transport_of("cerelog"))


def test_a_simulated_one_is_called_so() -> None:
    with Board(gateway_of("knight")) as board:
        assert board.identity.is_simulated
        assert "16 bits" in str(board.identity)


# ---- damage -------------------------------------------------------------------------------------


def with_faults(data: bytes, name: str, seed: int) -> bytes:
    """Damage what a twin sent: pieces lost, garbage put in; bits flipped where a sum can tell.

    A board without a checksum cannot show a flipped bit: none is made there.
    """
    rng = np.random.default_rng([seed, len(name)])
    template = load_template(name)
    n, out, at = template.frame.bytes, bytearray(), 0
    for place in np.sort(rng.integers(10 * n, len(data) - 10 * n, 6)).tolist():
        if place < at:
            continue
        out += data[at:place]
        at = place
        kind = rng.integers(3 if template.frame.checksum else 2)
        if kind == 0:
            at += int(rng.integers(1, 40 * n))
        elif kind == 1:
            out += rng.integers(0, 256, int(rng.integers(1, 3 * n)), np.uint8).tobytes()
        else:
            out.append(data[at] ^ 1 << int(rng.integers(8)))
            at += 1
    return bytes(out + data[at:])


def pieces(data: bytes, seed: int) -> list[bytes]:
    """Cut bytes as a link does."""
    rng = np.random.default_rng([seed, 99])
    edges = np.sort(rng.integers(0, len(data), 8)).tolist()
    return [data[a:b] for a, b in zip([0, *edges], [*edges, len(data)], strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cerelog", "knight", "eegfrontier"])
def test_no_fault_of_the_link_gives_a_wrong_sample(name: str, sent: Callable[[str], Sent]) -> None:
    template, whole = load_template(name), sent(name)
    first = FrameDecoder(template).feed(whole.data)[0]
    truth = {row.tobytes(): k for k, row in enumerate(first)}
    assert len(truth) >= 0.9 * len(whole.frames)
    n_lost = n_said = 0
    for seed in range(N_SEEDS):
        decoder, numbering = FrameDecoder(template), Numbering(template)
        numbering.begin(0.0)
        damaged = with_faults(whole.data, name, seed)
        rows, said = [], []
        for piece in pieces(damaged, seed):
            placed = numbering.place(*decoder.feed(piece))
            rows += [row.tobytes() for row in placed.frames]
            said += placed.conversion.tolist()
        places = [truth[row] for row in rows]  # KeyError: a sample that was never sent
        assert places == sorted(set(places)), f"seed {seed}: out of order, or twice"
        lost = places[-1] - places[0] + 1 - len(places)
        assert lost > 0
        n_lost += lost
        n_said += said[-1] + 1 - len(said)
        # In its place, each of them.
        assert [number - said[0] for number in said] == [k - places[0] for k in places], seed
    assert n_said == n_lost


@pytest.mark.slow
def test_no_fault_of_the_net_gives_a_wrong_sample(sent: Callable[[str], Sent]) -> None:
    """Datagrams of fifty frames: lost, cut short, with a byte too many, or of somebody else."""
    template, data = load_template("ardeeg"), sent("ardeeg").data
    n = 50 * template.frame.bytes
    whole = [data[at : at + n] for at in range(0, len(data) - n + 1, n)]
    truth = {data[at : at + 27] for at in range(0, len(data), 27)}
    for seed in range(N_SEEDS):
        rng = np.random.default_rng([seed, 27])
        decoder, rows, n_good = FrameDecoder(template, is_datagram=True), [], 0
        for datagram in whole:
            kind = rng.integers(8)
            made = {
                0: b"",
                1: datagram[: int(rng.integers(1, n))],
                2: datagram + rng.integers(0, 256, int(rng.integers(1, 27)), np.uint8).tobytes(),
                3: rng.integers(0, 256, n, np.uint8).tobytes(),
            }.get(int(kind), datagram)
            n_good += len(made) // template.frame.bytes if kind != 3 and len(made) % 27 == 0 else 0
            rows += [row.tobytes() for row in decoder.feed(made)[0]]
        assert set(rows) <= truth
        assert len(rows) == len(set(rows)) == n_good


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cerelog", "knight", "eegfrontier"])
def test_a_loss_reaches_the_account_with_its_place(name: str) -> None:
    class Lossy(SimTransport):
        n_read = 0

        def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
            data = super().read(max_bytes, timeout_s=timeout_s)
            self.n_read += len(data)
            if self.n_read > 6000 and not self.dropped:
                self.dropped = True
                return data[: len(data) // 2] + data[len(data) // 2 + 300 :]
            return data

        dropped = False

    query = transport_of(name).address.removeprefix("sim:")
    transport = Lossy(query)
    with Board(gateway_of(name, transport)) as board:
        with board.stream(duration_s=4.0) as stream:
            blocks = list(stream)
        frames = [data for _, _, data in firmware_of(transport).sent]
        truth = volts_of(frames, name)
        step_v = STEP_V.get(name, 1e-10)
        begin = place_of(blocks[0].volts, truth, step_v)
        np.testing.assert_allclose(
            joined(blocks), truth[begin + numbers(blocks)], rtol=0, atol=step_v
        )
        gaps = [block for block in blocks if block.lost_before]
        assert len(gaps) == 1
        assert gaps[0].lost_before == stream.totals.lost
        assert gaps[0].cause is Cause.LINK
        assert gaps[0].is_estimate is not board.can.is_loss_counted


def test_a_whole_turn_of_the_counter_is_seen_by_time_alone() -> None:
    text = GOOD.replace(
        "[channels]",
        "[counter]\nat = 2\nbytes = 1\nmodulus = 16\n[time]\nat = 3\nbytes = 1\nunit_us = 1000.0\n"
        "[channels]",
    )
    template = parse_template(text, "mine.toml")
    conversions = np.array([0, 1, 2, 40, 41, 73, 74, 74, 75])
    rows = np.zeros((len(conversions), 16), np.uint8)
    rows[:, 2], rows[:, 3] = conversions % 16, conversions * 2 % 256  # 500 SPS: 2 ms each
    cut = np.zeros(len(rows), np.bool_)
    numbering = Numbering(template)
    numbering.begin(0.0)
    placed = numbering.place(rows, cut)
    assert placed.conversion.tolist() == [0, 1, 2, 40, 41, 73, 74, 75]
    assert numbering.repeated == 1
    assert (placed.time_us == placed.conversion * 2000).all()
    without = parse_template(
        GOOD.replace("[channels]", text.split("[time]")[0].split("}")[1] + "[channels]"), "m.toml"
    )
    numbering = Numbering(without)
    numbering.begin(0.0)
    assert numbering.place(rows, cut).conversion.tolist() == [0, 1, 2, 8, 9, 10, 11]


# ---- what was sent before a run -----------------------------------------------------------------


class LateToStop(SimTransport):
    """A board that goes on for 20 ms after it was told to be silent; nobody reads that at once."""

    def write(self, data: bytes, /) -> None:
        if data == b"STOP\n":
            self.clock.sleep(0.02)
        super().write(data)


def late_to_stop() -> FrameGateway:
    query = transport_of("eegfrontier").address.removeprefix("sim:")
    return gateway_of("eegfrontier", LateToStop(query))


def test_what_was_sent_before_the_board_was_silent_is_of_no_run() -> None:
    """It was taken for the first frames of the next run, and the pause behind it for a loss."""
    with Board(late_to_stop()) as board:
        for pause_s in (0.0, 0.03, 2.0):
            board.clock.sleep(pause_s)
            with board.stream(duration_s=0.5) as stream:
                blocks = list(stream)
            assert sum(block.n_samples for block in blocks) == 125
            assert stream.totals.lost == 0
            assert not any(block.lost_before for block in blocks)


def test_what_another_thread_has_read_before_a_run_is_of_no_run_either() -> None:
    """It waits at the lock with it while the run is begun."""
    gateway = late_to_stop()
    payload = RequestHeader(1, Request.START).encode() + StartArguments(1, 1).encode()
    began = encode_packet(PacketType.REQUEST, 0, payload)
    lock, clock = gateway._lock, gateway.clock

    class Gate:
        """The other thread comes first, once."""

        is_first = True

        def __enter__(self) -> None:
            if self.is_first:
                self.is_first = False
                clock.sleep(0.1)
                gateway.write(began)
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    gateway._lock = Gate()  # type: ignore[assignment]
    decoder, samples = Decoder(), list[SamplePackets]()
    while len(samples) < 10:
        items = decoder.feed(gateway.read(1 << 16, timeout_s=1.0))
        samples += [item for item in items if isinstance(item, SamplePackets)]
    times_us = [int(time_us) for packet in samples for time_us in packet.board_time_us]
    np.testing.assert_allclose(np.diff(times_us), 4000, atol=100)
    gateway.close()


# ---- any bytes ----------------------------------------------------------------------------------


@pytest.mark.slow
@given(
    name=st.sampled_from(NAMES),
    parts=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.integers(0, 40).map(lambda n: n),
            st.sampled_from([b"\xa0", b"\xc0", b"\x00", b"\xab\xcd", b"\xab\xcd\x1f", b"\xdc\xba"]),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_any_bytes_are_frames_or_counted(
    sent: Callable[[str], Sent], name: str, parts: list[bytes | int], cuts: list[int]
) -> None:
    template, n = load_template(name), load_template(name).frame.bytes
    length = n + 2 if template.frame.coding == "cobs" else n
    whole = sent(name).data
    made = b"".join(
        part if isinstance(part, bytes) else whole[part * length : (part + 2) * length]
        for part in parts
    )
    decoder = FrameDecoder(template)
    edges = sorted(min(cut, len(made)) for cut in cuts)
    rows = [
        row.tobytes()
        for a, b in zip([0, *edges], [*edges, len(made)], strict=True)
        for row in decoder.feed(made[a:b])[0]
    ]
    at_once = FrameDecoder(template)
    assert [row.tobytes() for row in at_once.feed(made)[0]] == rows, "however it is cut"
    assert decoder.counts == at_once.counts
    decoder.flush()
    counts = decoder.counts
    assert counts.frames == len(rows)
    assert (counts.frames + counts.twice) * length + counts.skipped_bytes == len(made)
    for row in rows:
        for place, mask, value in template.fixed:
            assert row[place] & mask == value


@pytest.mark.slow
@examples(30)
@given(data=st.binary(max_size=400))
def test_a_gateway_survives_whatever_it_is_asked(data: bytes) -> None:
    gateway = gateway_of("knight")
    try:
        gateway.write(data)
        while True:
            gateway.read(4096, timeout_s=0.05)
    except TransportTimeout:
        pass
    finally:
        gateway.close()


# ---- what is written down -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_recording_says_what_is_stated_and_how_its_loss_is_known(tmp_path: Path) -> None:
    from emgrig.recording.recorder import record

    with Board(gateway_of("knight")) as board:
        made = record(board, tmp_path / "a.bdf", 2.0)
    sidecar = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert {channel["scale_is"] for channel in sidecar["channels"]} == {"stated"}
    assert {channel["mux"] for channel in sidecar["channels"]} == {None}
    assert sidecar["capture"]["loss_is"] == "modulo"
    assert sidecar["band"]["high_hz"] is None, "the filter of this converter is not known"
    assert sidecar["registers"][0]["chips"] == []
    assert sidecar["board"]["can"]["chip"] == "a converter of 16 bits"
    assert made.can.stated is not None
    import mne

    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="error")
    assert raw.n_times >= 250
    replayed = emgrig.connect(f"replay:{tmp_path / 'a.capture'}")
    with replayed, replayed.stream() as stream:
        volts = joined([block for block in stream if block.n_samples])
    assert replayed.can == load_template("knight").can
    np.testing.assert_allclose(raw.get_data()[:, :250].T, volts[:250], atol=1e-9)


@pytest.mark.slow
def test_a_bids_data_set_says_that_the_scale_is_stated(tmp_path: Path) -> None:
    from emgrig.recording.export.bids import BidsOptions, export_bids
    from emgrig.recording.export.source import Part
    from emgrig.recording.recorder import record

    with Board(gateway_of("knight")) as board:
        made = record(board, tmp_path / "a.bdf", 2.0)
    root = tmp_path / "bids"
    parts = [Part(path) for path in made.bdf_paths]
    export_bids(parts, root, BidsOptions(subject="01", task="rest"))
    told = json.loads(next(root.rglob("*_emg.json")).read_text("utf-8"))
    assert (told["ScaleIs"], told["LossIs"]) == ("stated", "modulo")
    assert told["HardwareFilters"] == "n/a"
    assert "a converter of 16 bits" in told["ManufacturersModelName"]
    columns = json.loads(next(root.rglob("*_channels.json")).read_text("utf-8"))
    assert "as stated, not read back" in columns["gain"]["Description"]
    rows = next(root.rglob("*_channels.tsv")).read_text("utf-8").splitlines()
    head = rows[0].split("\t")
    assert {row.split("\t")[head.index("type")] for row in rows[1:]} == {"EMG"}
    assert {row.split("\t")[head.index("reference")] for row in rows[1:]} == {"n/a"}
