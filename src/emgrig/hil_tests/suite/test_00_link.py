"""Somebody is there, and speaks the board link."""

from emgrig.hil_tests.judging.check import Layer, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.rig import Rig

N_ECHOES = {False: 20, True: 200}


@check("B0", Layer.LINK, "the board answers, quickly and without damage", needs=())
def test_link(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Connect, HELLO, then echoes: the time of each, and what came beside the answers."""
    identity = rig.open()
    measure("protocol_version", identity.protocol_version)
    measure("link_answer", rig.link.slowest_s, "s")
    delays_s = sorted(rig.connection.synchronise(N_ECHOES[is_full]))
    rig.count(len(delays_s))
    if delays_s:  # a clock that cannot be asked gives no echo
        measure("echo_median", delays_s[len(delays_s) // 2], "s", informs=True)
        measure("echo_slowest", delays_s[-1], "s")
    measure("echo_repeats", rig.link.n_repeats)
    measure("link_damaged_bytes", rig.link.counts.skipped_bytes)
    measure("board_damaged_packets", rig.stats().bad_packets)
