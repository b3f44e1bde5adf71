"""Keep the Lab Streaming Layer of a test on this machine, and apart from other tests' streams."""

import os

import pytest


def lsl_configuration() -> str:
    """Return the configuration of this process and of those that it starts (LSLAPICFG).

    The times are shorter than liblsl's own, so that streams are found and clocks compared sooner.
    """
    return (
        "[ports]\nIPv6 = disable\n"
        "[multicast]\nResolveScope = machine\n"
        f"[lab]\nSessionID = emgrig-test-{os.getpid()}\n"
        "[tuning]\nTimeProbeInterval = 0.01\nTimeProbeMaxRTT = 0.03\n"
        "ContinuousResolveInterval = 0.1\nMulticastMinRTT = 0.1\n"
        "[log]\nlevel = -3\n"
    )


def keep_lsl_here() -> None:
    """Configure liblsl, before it is first used in this process; skip without it or its network."""
    pylsl = pytest.importorskip("pylsl", reason="needs pylsl: pip install 'emgrig[lsl]'")
    pylsl.set_config_content(lsl_configuration())
    try:
        outlet = pylsl.StreamOutlet(pylsl.StreamInfo("probe", "probe", 1, 0, "string", "probe"))
        found = pylsl.resolve_byprop("source_id", "probe", 1, 20.0)
    except RuntimeError as error:
        pytest.skip(f"LSL does not work here: {error}")
    del outlet
    if not found:
        pytest.skip("LSL does not work here: a stream of this process is not found on loopback")
