"""Keeps the suite out of every pytest run that did not ask for it."""

from pathlib import Path

import pytest

from emgrig.hil_tests import plugin


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over the suite if it was come upon by the way: then its plugin is not there."""
    if "suite" in collection_path.parts and not config.pluginmanager.is_registered(plugin):
        return True
    return None
