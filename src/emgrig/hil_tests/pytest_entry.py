"""What every pytest run of an environment with this package sees: nothing, but for the suite's own.

It is the entry point `pytest11`. Only if the suite is named on the command line is the plugin
loaded, with its options; so they cannot clash with those of others.
"""

import pytest

SUITE = "emgrig.hil_tests"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Load the plugin if an argument names the suite."""
    if any(argument.partition("::")[0].startswith(SUITE) for argument in args):
        early_config.pluginmanager.import_plugin("emgrig.hil_tests.plugin")
