"""What `import emgrig` offers: these names, no others, and nothing heavy until one is used."""

import subprocess
import sys

import emgrig
from emgrig import errors

PUBLIC = [
    *(
        "AddressError",
        "Block",
        "Board",
        "BoardBusy",
        "BoardCannot",
        "DeviceError",
        "EmgrigError",
        "ExitCode",
    ),
    *("IdentityError", "InfrastructureFailure", "LinkGone", "MissingExtra"),
    *("Profile", "ReadBackError", "RecordingError", "RequestRefused", "Stream", "TransportEnd"),
    *(
        "TransportError",
        "TransportTimeout",
        "UnreadableFile",
        "WireError",
        "__version__",
        "connect",
        "plain_errors",
    ),
]


def test_the_public_names_are_these_and_each_can_be_had() -> None:
    assert sorted(dir(emgrig)) == PUBLIC
    assert sorted(emgrig.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(emgrig, name) is not None


def test_every_error_is_public() -> None:
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.EmgrigError)
    }
    assert tree <= set(PUBLIC)


def test_importing_it_and_its_names_brings_no_library() -> None:
    code = (
        "import sys, emgrig; from emgrig import EmgrigError, ExitCode, connect; dir(emgrig); "
        "print({'numpy', 'scipy', 'pydantic', 'typer', 'serial', 'construct'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_connect_is_the_function_whatever_was_imported_before() -> None:
    code = "import emgrig.connect; import emgrig; print(callable(emgrig.connect))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"
