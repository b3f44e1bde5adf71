"""The driver over loopback TCP: processor time for a million 8-channel samples.

A board in another process sends as fast as it can. Measured is the processor time of this process
alone, all its threads: from the socket to volts, with CRCs, account and epochs, once it is warm.
Beside it: as many bytes read from a bare socket and thrown away, and as many packets
decoded, checked, accounted for and scaled in memory, in reads of 1 MiB.
What was produced is received or lost, or the run does not count.
"""

import socket
import statistics
import subprocess
import sys
import time

import emgrig
from benchmarks import decode
from benchmarks._figures import figure
from benchmarks.record_path import peer

SECONDS = 600.0
RATE_HZ = 2000
ROUNDS = 3
PACKET_BYTES, FRAMES = 462, 16


def driver() -> tuple[int, float]:
    """Return samples and processor seconds of a stream."""
    n_samples, check = 0, 0.0
    with peer("flood", RATE_HZ) as sending, emgrig.connect(sending.address) as board:
        board.chip.set_rate(RATE_HZ)
        with board.stream(1.0) as stream:  # what is imported and made once is not counted
            list(stream)
        begin = time.process_time()
        with board.stream(SECONDS) as stream:
            for block in stream:
                n_samples += block.n_samples
                check += float(block.volts[0, 0]) if block.n_samples else 0.0
        taken = time.process_time() - begin
        totals = stream.totals
    if totals.lost or n_samples != round(SECONDS * RATE_HZ):
        raise AssertionError(f"the benchmark lost samples: {totals}")
    if totals.produced != sending.produced[-1]:
        raise AssertionError(f"{sending.produced[-1]} were produced: {totals}")
    return n_samples, taken


def bare_socket(n_bytes: int) -> float:
    """Return the processor seconds of reading `n_bytes` and dropping them."""
    chunk = bytes(1 << 16)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender_code = (
            "import socket, sys\n"
            "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "left = int(sys.argv[2])\n"
            "while left > 0: left -= s.send(bytes(min(left, 65536)))\n"
        )
        arguments = [str(listener.getsockname()[1]), str(n_bytes)]
        sender = subprocess.Popen([sys.executable, "-c", sender_code, *arguments])
        link, _ = listener.accept()
        with link:
            begin, left = time.process_time(), n_bytes
            while left > 0:
                left -= len(link.recv(len(chunk)))
            taken = time.process_time() - begin
        sender.wait()
    return taken


def decoding_alone(wire: bytes) -> float:
    """Return the processor seconds of decoding, checking and scaling a million samples."""
    decode.ours(wire)
    begin = time.process_time()
    decode.ours(wire)
    return (time.process_time() - begin) * 1e6 / (decode.N_PACKETS * decode.N_FRAMES)


def main() -> None:
    """Print the figures and their ratios."""
    wire = b"".join(decode.make_wire()[0])
    taken, alone, bare = [], [], []
    for _ in range(ROUNDS):
        n_samples, seconds = driver()
        taken.append(seconds * 1e6 / n_samples)
        alone.append(decoding_alone(wire))
        bare.append(bare_socket(n_samples // FRAMES * PACKET_BYTES) * 1e6 / n_samples)
    print(f"driver over loopback TCP, {n_samples} samples of 8 channels, median of {ROUNDS}")
    unit = "s of processor a million samples"
    figure("bare socket, bytes dropped", statistics.median(bare), unit)
    figure("decoding alone, to volts", statistics.median(alone), unit)
    figure("emgrig, to volts", statistics.median(taken), unit)
    ratio = statistics.median(taken) / statistics.median(alone)
    figure("emgrig / decoding alone", ratio, at_most=1.5)


if __name__ == "__main__":
    main()
