"""Many packets in one piece go the way that they go one by one."""

from collections.abc import Callable

import pytest

from emgrig.onboard.outlet import Link, Outlet
from emgrig.protocol.framing import PacketType
from emgrig.simulator.firmware.datagrams import DatagramOutlet

LENGTH, N_FRAMES = 40, 16


def every_other(packets: list[bytes]) -> bytes:
    """A link that loses every second packet of what it is given at once."""
    return b"".join(packets[::2])


LINKS: dict[str, Callable[[], Link]] = {
    "good": Link,
    "stalled": lambda: Link(is_stalled=True),
    "slow": lambda: Link(bytes_per_s=3.5 * LENGTH),
    "damaging": lambda: Link(damage=every_other),
}


def state(outlet: Outlet) -> tuple[object, ...]:
    return (
        outlet.sequence,
        outlet.frames_gone,
        outlet.frames_waiting,
        outlet.high_water_bytes,
        outlet.take(1 << 20),
    )


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("kind", [Outlet, DatagramOutlet])
@pytest.mark.parametrize("window_packets", [1, 1000])
@pytest.mark.parametrize("is_behind_another", [False, True])
def test_a_row_of_packets_is_what_its_packets_are(
    link: str, kind: type[Outlet], window_packets: int, is_behind_another: bool
) -> None:
    packets = [bytes([number]) * LENGTH for number in range(9)]
    seen = []
    for is_row in (False, True):
        outlet = kind(LINKS[link](), 10_000, window_packets * LENGTH)
        if is_behind_another:
            outlet.send(PacketType.EVENT, b"x" * 100, 0.5)
        if is_row:
            outlet.send_row(b"".join(packets), LENGTH, N_FRAMES, 1.0)
        else:
            outlet.send_samples(packets, N_FRAMES, 1.0)
        states = [state(outlet)]
        for now_s in (2.0, 3.0, 9.0):
            outlet.drain(now_s)
            states.append(state(outlet))
        seen.append(states)
    assert seen[0] == seen[1]
    if link == "good" and window_packets == 1000 and not is_behind_another:
        assert seen[1][0] == (9, 9 * N_FRAMES, 0, 0, b"".join(packets))
