"""What firmware makes of codes: each mistake is told by name, and right numbers are not."""

import random
from collections.abc import Callable

import pytest

from emgrig.attach.facts import Claim
from emgrig.attach.report.claims import compare

GAIN = {0: 1, 1: 2, 2: 4, 3: 6, 4: 8, 5: 12, 6: 24}


def claims(
    to_uv: Callable[[int, int], float],
    *,
    gain_codes: tuple[int, ...] = (6,),
    largest: int = 200_000,
) -> list[Claim]:
    """Claims of 50 frames of 8 channels; `to_uv` takes code and gain code."""
    drawn = random.Random(5)
    made = []
    for number in range(50):
        codes = [drawn.randint(-largest, largest) for _ in range(8)]
        frame = b"\xc0\x00\x00" + b"".join(one.to_bytes(3, "big", signed=True) for one in codes)
        for index, code in enumerate(codes):
            gain_code = gain_codes[index % len(gain_codes)]
            value = to_uv(code, gain_code)
            made.append(Claim(number, index + 1, value, code, gain_code << 4, frame))
    return made


def right(code: int, gain_code: int) -> float:
    """SBAS499C p. 38, equation 8."""
    return code * 4.5 / (GAIN[gain_code] * 2**23) * 1e6


@pytest.mark.parametrize(
    "to_uv",
    [
        right,
        lambda code, g: code * 4.5 / (GAIN[g] * (2**23 - 1)) * 1e6,  # table of ideal codes
        lambda code, g: float(round(right(code, g))),  # whole microvolts
        lambda code, g: float(int(right(code, g))),
        lambda code, g: right(code, g) * 1.0008,  # a calibrated gain
    ],
)
def test_right_numbers_are_right(to_uv: Callable[[int, int], float]) -> None:
    for gain_codes in ((6,), (0,), (0, 1, 2, 3, 4, 5, 6)):
        assert compare(claims(to_uv, gain_codes=gain_codes), 8) is None


def test_nothing_is_told_of_nothing_or_of_zeros() -> None:
    assert compare([], 8) is None
    assert compare(claims(right, largest=0), 8) is None


@pytest.mark.parametrize(
    ("to_uv", "says"),
    [
        (lambda code, g: code * 4.5e6 / (GAIN[g] * 2**24), "half scale"),
        (lambda code, g: (code & 0xFFFFFF) * 4.5e6 / (GAIN[g] * 2**23), "unsigned"),
        (lambda code, g: -right(code, g), "sign: inverted"),
        (lambda code, g: right(code, g) / 1e3, "in millivolts"),
        (lambda code, g: right(code, g) / 1e6, "in volts"),
        (lambda code, g: float(code), "not scaled"),
        (lambda code, g: right(code, g) * 2.4 / 4.5, "2.4 V"),
        (lambda code, g: right(code, g) * 1.1, "1.1 times"),
        (lambda code, g: code * 4.5e6 / (12 * 2**23), "gain of 12"),
        (lambda code, g: code * 4.5e6 / (1 * 2**23), "gain of 1,"),
        (lambda code, g: 12.5, "no way that is known"),
        (lambda code, g: float("nan"), "no way that is known"),
        (
            lambda code, g: (
                int.from_bytes(code.to_bytes(3, "big", signed=True), "little", signed=True)
                * 4.5e6
                / (GAIN[g] * 2**23)
            ),
            "byte order",
        ),
        (
            lambda code, g: -code * 4.5e6 / (GAIN[g] * 2**24),
            "half scale: divided by 2^24, or 4.5 V halved; a code is VREF / (gain × 2^23); sign",
        ),
    ],
)
def test_each_mistake_has_its_name(to_uv: Callable[[int, int], float], says: str) -> None:
    found = compare(claims(to_uv, gain_codes=(4, 3, 6)), 8)
    assert found is not None
    assert says in found.text
    assert found.n_compared == 400


def test_the_gain_table_of_the_ads1298_is_known_by_gains_that_are_not_twice() -> None:
    """Its codes are 6, 1, 2, 3, 4, 8, 12 (SBAS459, CHnSET); most give twice the volts."""
    other = (6, 1, 2, 3, 4, 8, 12)
    found = compare(
        claims(lambda code, g: code * 4.5e6 / (other[g] << 23), gain_codes=(0, 5, 6)), 8
    )
    assert found is not None
    assert "ADS1298" in found.text
    assert found.others == ()
    found = compare(claims(lambda code, g: code * 4.5e6 / (other[g] << 23), gain_codes=(6,)), 8)
    assert found is not None
    assert "ADS1298" in found.text
    assert any("gain of 12" in one for one in found.others)
