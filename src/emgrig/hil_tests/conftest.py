"""Loads the plugin where the suite is asked for, and keeps it out of every other run."""

from pathlib import Path

import pytest

from emgrig.hil_tests.plugin import (  # noqa: F401 - pytest finds them here
    _identity_in_junit,
    bringup,
    is_full,
    keep,
    measure,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_pyfunc_call,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_unconfigure,
    rig,
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over the suite if it was come upon by the way: then its options were never added."""
    if "suite" in collection_path.parts and not hasattr(config.option, "board"):
        return True
    return None
