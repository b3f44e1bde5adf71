"""The wire to volts: ours against a bare numpy reshape of the same bytes, and against construct.

Ours takes the bytes of a stream in reads of 1 MiB: finds the packets, checks every CRC, keeps the
account of conversions, and gives float64 volts. The bare reshape gets the frames without any
packet around them, checks nothing, and also gives float64 volts; it is measured as a script
would write it, and with our own faster way to read 24 bits. construct parses each packet by its
schema and its codes one by one, and checks nothing either.
"""

import construct as cs
import numpy as np
from numpy.typing import NDArray

from benchmarks._figures import figure
from benchmarks._timing import seconds_in_turn
from emgrig.protocol.account import LossAccount
from emgrig.protocol.decoder import Decoder, SamplePackets
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import PACKET, PacketEncoder, PacketType
from emgrig.protocol.packets import SAMPLES, SamplesHeader

N_FRAMES = 16
N_PACKETS = 20_000
N_CONSTRUCT = 200
READ_BYTES = 1 << 20
SCALE_V = np.full(8, 4.5 / 24 / 2**23)
LAYOUT = FrameLayout()


def make_wire() -> tuple[list[bytes], bytes]:
    """Return the packets of a run, and the same frames without packets."""
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (N_PACKETS, N_FRAMES, 27), np.uint8)
    encode = PacketEncoder()
    wire = []
    for index in range(N_PACKETS):
        first = index * N_FRAMES
        head = SamplesHeader(first, 1000 * first, N_FRAMES, 27, 1, 0)
        wire.append(encode(PacketType.SAMPLES, head.encode() + frames[index].tobytes()))
    return wire, frames.tobytes()


def ours(wire: bytes) -> list[NDArray[np.float64]]:
    """Decode, check, account and scale."""
    decoder, account, volts = Decoder(), LossAccount(), []
    account.begin_run(1000.0)
    for begin in range(0, len(wire), READ_BYTES):
        for item in decoder.feed(wire[begin : begin + READ_BYTES]):
            assert isinstance(item, SamplePackets)
            pieces = account.add(item)
            volts += [LAYOUT.codes(piece.packets.frames) * SCALE_V for piece in pieces]
    if account.totals.lost or account.totals.received != N_PACKETS * N_FRAMES:
        raise AssertionError("the benchmark lost samples")
    return volts


def bare(frames: bytes) -> list[NDArray[np.float64]]:
    """Reshape and scale, in pieces of the same size: what a quick script does."""
    volts = []
    n_piece = READ_BYTES // 27
    every = np.frombuffer(frames, np.uint8).reshape(-1, 27)
    for begin in range(0, len(every), n_piece):
        octets = every[begin : begin + n_piece, 3:].reshape(-1, 8, 3)
        wide = np.zeros((len(octets), 8, 4), np.uint8)
        wide[..., 1:] = octets[..., ::-1]
        volts.append((wide.view("<i4")[..., 0] >> 8) * SCALE_V)
    return volts


def bare_fast(frames: bytes) -> list[NDArray[np.float64]]:
    """Reshape and scale with our own reading of 24 bits, still without packets or checks."""
    every = np.frombuffer(frames, np.uint8).reshape(-1, 27)
    n_piece = READ_BYTES // 27
    pieces = [every[begin : begin + n_piece] for begin in range(0, len(every), n_piece)]
    return [LAYOUT.codes(piece) * SCALE_V for piece in pieces]


CODES = cs.Array(8, cs.BytesInteger(3, signed=True))


def construct_alone(wire: list[bytes]) -> list[list[float]]:
    """Parse packet by packet with the schemas."""
    volts = []
    scale_v = float(SCALE_V[0])
    for packet in wire:
        samples = SAMPLES.parse(PACKET.parse(packet).payload)
        volts += [[code * scale_v for code in CODES.parse(frame[3:])] for frame in samples.frames]
    return volts


def main() -> None:
    """Print samples a second of each, and the ratios."""
    wire, frames = make_wire()
    joined = b"".join(wire)
    assert np.array_equal(np.concatenate(ours(joined)), np.concatenate(bare(frames)))
    few = wire[:N_CONSTRUCT]
    t_ours, t_bare, t_fast, t_construct = seconds_in_turn(
        lambda: ours(joined),
        lambda: bare(frames),
        lambda: bare_fast(frames),
        lambda: construct_alone(few),
    )
    n_samples = N_PACKETS * N_FRAMES
    rate_ours, rate_bare = n_samples / t_ours, n_samples / t_bare
    rate_construct = N_CONSTRUCT * N_FRAMES / t_construct
    print("decode: 8-channel samples a second, bytes to volts")
    print(f"  bare numpy reshape and scale  {rate_bare / 1e6:8.2f} million (no packets, no checks)")
    print(f"  emgrig                        {rate_ours / 1e6:8.2f} million (packets, CRC, account)")
    print(f"  construct                     {rate_construct / 1e6:8.4f} million")
    print(f"  the same, our 24-bit reading  {n_samples / t_fast / 1e6:8.2f} million")
    figure("emgrig / bare, our reading (samples a second)", t_fast / t_ours)
    figure("emgrig / bare (samples a second)", rate_ours / rate_bare, at_least=0.5)
    figure("emgrig / construct (samples a second)", rate_ours / rate_construct, at_least=100)


if __name__ == "__main__":
    main()
