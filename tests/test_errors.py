"""How a script ends within `plain_errors`, and which errors a wrong address is."""

import pytest

import emgrig
from emgrig.connect import look_at, open_transport
from emgrig.errors import AddressError, ExitCode, IdentityError, exit_code_for


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (emgrig.TransportError("cut\nhere"), ExitCode.LINK, "error: cut\\nhere"),
        (AddressError("which board?"), ExitCode.USAGE, "error: which board?"),
        (IdentityError("another chip"), ExitCode.DEVICE, "error: another chip"),
        (FileNotFoundError(2, "no such file", "a.bdf"), ExitCode.FILE, "a.bdf"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
    ],
)
def test_what_the_world_does_wrong_is_one_line_and_a_code(
    error: BaseException, code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, emgrig.plain_errors():
        raise error
    assert end.value.code == code == exit_code_for(error)
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError("mine"), AssertionError(), ZeroDivisionError()])
def test_a_mistake_of_the_program_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)), emgrig.plain_errors():
        raise error


def test_a_traceback_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMGRIG_TRACEBACK", "1")
    with pytest.raises(AddressError), emgrig.plain_errors():
        raise AddressError


@pytest.mark.parametrize(
    "address",
    ["nonsense", "sim:none", "sim:faul=1", "spi:none", "frames+tcp://127.0.0.1:1?template=none"],
)
def test_an_address_without_sense_is_of_the_tree_and_a_wrong_argument(address: str) -> None:
    with pytest.raises(AddressError) as of_tree:
        open_transport(address)
    assert isinstance(of_tree.value, ValueError)
    assert exit_code_for(of_tree.value) == ExitCode.USAGE
    if not address.startswith("frames"):
        with pytest.raises(AddressError):
            look_at(address)


def test_no_address_at_all_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMGRIG_BOARD", raising=False)
    with pytest.raises(AddressError, match="EMGRIG_BOARD"):
        emgrig.connect()
