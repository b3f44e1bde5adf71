"""Positions of the electrodes, held against the words they come from and the average face."""

import itertools

import numpy as np
import pytest

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.driver.chip.profile import load_profile
from emgrig.electrodes.face_positions import (
    BIAS,
    EYES_MM,
    NASION_TO_CHIN_MM,
    SITES,
    Point,
    Site,
    site_of,
)

#: Points of the average face; of paired ones the left, the right lies at 100 - x.
LANDMARKS = {
    "exocanthion": Point(100, 92),
    "endocanthion": Point(68, 92),
    "pupil": Point(85, 92),
    "eyebrow, above the inner corner": Point(68, 109),
    "eyebrow, above the pupil": Point(85, 112),
    "nasion": Point(50, 100),
    "alare": Point(69, 58),
    "subnasale": Point(50, 54),
    "cheilion": Point(79, 39),
    "stomion": Point(50, 39),
    "lower lip": Point(50, 31),
    "gnathion": Point(50, 0),
    "preauricular depression": Point(126, 84),
    "trichion": Point(50, 156),
}


def mm(point: Point) -> np.ndarray:
    return np.array(point) * (EYES_MM, NASION_TO_CHIN_MM) / 100


def apart_mm(a: Point, b: Point) -> float:
    return float(np.linalg.norm(mm(a) - mm(b)))


def test_the_sites_are_the_muscles_of_paper_and_profile() -> None:
    by_number = {site.channel: site.muscle for site in SITES}
    assert by_number == MUSCLES
    assert by_number == load_profile("facial-emg").names


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.muscle)
def test_a_pair_is_a_centimetre_apart_on_the_left(site: Site) -> None:
    assert apart_mm(site.positive, site.negative) == pytest.approx(10, abs=1)
    assert min(site.positive.x_percent, site.negative.x_percent) > 50


def test_electrodes_have_room_for_each_other() -> None:
    places = [BIAS, *(place for site in SITES for place in (site.positive, site.negative))]
    pairs = itertools.combinations(places, 2)
    assert min(apart_mm(a, b) for a, b in pairs) > 7  # a miniature electrode has 4 mm


def test_positions_follow_their_words() -> None:
    c1, c2, c3, c4, c5, c6, c7 = SITES
    pupil, inner = LANDMARKS["pupil"], LANDMARKS["endocanthion"]
    assert c1.positive.x_percent == c1.negative.x_percent == pupil.x_percent
    assert apart_mm(c1.positive, LANDMARKS["eyebrow, above the pupil"]) == pytest.approx(10, abs=1)
    assert c2.positive.x_percent == inner.x_percent
    assert c2.negative.x_percent > c2.positive.x_percent
    assert c2.negative.y_percent > c2.positive.y_percent
    assert apart_mm(c3.positive, LANDMARKS["exocanthion"]) == pytest.approx(10, abs=1)
    assert c3.negative.x_percent < c3.positive.x_percent
    assert c3.negative.y_percent < c3.positive.y_percent
    assert c4.negative.y_percent > c4.positive.y_percent
    assert 0 < c4.positive.x_percent - LANDMARKS["alare"].x_percent < 10
    mouth, ear = mm(LANDMARKS["cheilion"]), mm(LANDMARKS["preauricular depression"])
    np.testing.assert_allclose(mm(c5.positive), (mouth + ear) / 2, atol=1)
    along = (ear - mouth) / np.linalg.norm(ear - mouth)
    across = np.array([-along[1], along[0]])
    assert abs((mm(c5.negative) - mouth) @ across) < 1
    assert (mm(c5.negative) - mouth) @ along < (mm(c5.positive) - mouth) @ along
    assert c6.positive.y_percent < LANDMARKS["lower lip"].y_percent
    assert 50 < c6.negative.x_percent < c6.positive.x_percent < LANDMARKS["cheilion"].x_percent
    assert mouth[1] - mm(c7.positive)[1] == pytest.approx(10, abs=2)
    assert c7.negative.y_percent < c7.positive.y_percent
    assert BIAS.x_percent == 50
    assert BIAS.y_percent < LANDMARKS["trichion"].y_percent


def test_a_site_is_found_by_its_muscle() -> None:
    assert site_of("Zygomaticus major ") is SITES[4]
    assert site_of("biceps") is None
