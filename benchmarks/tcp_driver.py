"""The driver over loopback TCP: processor time for a million 8-channel samples.

A simulated board in another process sends as fast as it is read. Measured is the processor time of
this process alone, all its threads: from the socket to volts, with CRCs, account and epochs, once
it is warm. The
baseline reads the same number of bytes from a bare socket, and throws them away.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import emgrig

SECONDS = 600.0
RATE_HZ = 2000
PACKET_BYTES, FRAMES = 462, 16


@contextmanager
def simulator() -> Iterator[str]:
    """Serve a board from a process of its own; gives its address."""
    command = [sys.executable, "-m", "emgrig", "simulate", "--tcp", "127.0.0.1:0"]
    command += ["--speed", "max", "--source", "silence"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def driver(address: str) -> tuple[int, float]:
    """Return samples and processor seconds of a stream."""
    with emgrig.connect(address) as board:
        board.apply("facial-emg")
        board.chip.set_rate(RATE_HZ)
        with board.stream(1.0) as stream:  # what is imported and made once is not counted
            list(stream)
        begin = time.process_time()
        n_samples, check = 0, 0.0
        with board.stream(SECONDS) as stream:
            for block in stream:
                n_samples += block.n_samples
                check += float(block.volts[0, 0]) if block.n_samples else 0.0
        taken = time.process_time() - begin
        if stream.totals.lost or n_samples != round(SECONDS * RATE_HZ):
            raise AssertionError(f"the benchmark lost samples: {stream.totals}")
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


def main() -> None:
    """Print the figures and their ratio."""
    with simulator() as address:
        n_samples, taken = driver(address)
    bare = bare_socket(n_samples // FRAMES * PACKET_BYTES)
    million = n_samples / 1e6
    print(f"driver over loopback TCP, {n_samples} samples of 8 channels")
    print(f"  bare socket, bytes dropped  {bare / million:6.3f} s of processor a million samples")
    print(f"  emgrig, to volts            {taken / million:6.3f} s  (goal: under 0.3)")
    print(f"  emgrig / bare socket = {taken / bare:.1f}")


if __name__ == "__main__":
    main()
