"""How many examples a property test takes, and how many runs one that counts how often.

Two profiles: "ci" takes the same examples in every run, so that what was green stays green;
"nightly" takes other ones each time, and twenty times as many. ``HYPOTHESIS_PROFILE=nightly`` or
``--hypothesis-profile nightly`` chooses, and ``make nightly`` runs the property tests so, and with
them those that are marked ``nightly``: they take few runs by day, at a limit for so few.
"""

import os

from hypothesis import HealthCheck, settings

_OFTEN = 100
_NIGHTLY = 20


def choose_profile() -> None:
    """Register the profiles, and load the one that the environment names."""
    calm = settings(
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault
    )
    settings.register_profile("ci", calm, derandomize=True, database=None, max_examples=_OFTEN)
    # Said and not inherited: with CI in the environment hypothesis itself derandomises.
    settings.register_profile("nightly", calm, derandomize=False, max_examples=_NIGHTLY * _OFTEN)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def is_nightly() -> bool:
    """Whether this run is a nightly one."""
    return settings().max_examples > _OFTEN


def runs(n: int, nightly: int) -> int:
    """Return how many runs a test takes that is marked ``nightly``."""
    return nightly if is_nightly() else n


def least_covered(n: int) -> int:
    """Return how many of `n` intervals of 95.45 % hold the truth in 99 of 100 such samples."""
    from scipy import stats  # here, for whoever loads conftest takes this file and few take that

    return int(stats.binom.ppf(0.01, n, 0.9545))


def examples(n: int) -> settings:
    """Return what lets a test take `n` examples, and as many times more as the profile does."""
    return settings(max_examples=n * settings().max_examples // _OFTEN)
