"""Where the seven electrode pairs lie on the left half of the face, in per cent of two distances.

x is 0 at the outer corner of the participant's right eye (exocanthion) and 100 at that of the left;
y is 0 at the lowest point of the chin (gnathion) and 100 at the root of the nose (nasion). Both may
lie outside 0 to 100. Seen from the front, as in a picture, the participant's left is on the right.

The sites follow the guidelines of Fridlund and Cacioppo (1986), Psychophysiology 23, 567-589, as
later studies put them into words; c4 follows the course of its muscle along the nose. The numbers
are ours: the guideline's words, drawn on a face of average adult proportions (Farkas, Anthropometry
of the Head and Face, 1994: eyes 89 mm from outer corner to outer corner, nasion to gnathion
116 mm), with 10 mm between the two electrodes of a pair. They say where an electrode is meant to
be, not where it was on a participant.
"""

from typing import NamedTuple

#: Width and height of the frame on the average face, mm.
EYES_MM, NASION_TO_CHIN_MM = 89.0, 116.0

FRAME = (
    "x: outer corner of the right eye (exocanthion, 0) to that of the left eye (100), as the "
    "participant sees them; y: lowest point of the chin (gnathion, 0) to the root of the nose "
    "(nasion, 100); frontal projection"
)


class Point(NamedTuple):
    """A place on the face, per cent of the frame."""

    x_percent: float
    y_percent: float


class Site(NamedTuple):
    """An electrode pair: where each of the two lies, and in words how it is placed."""

    channel: int
    muscle: str
    positive: Point
    negative: Point
    positive_placed: str
    negative_placed: str


SITES = (
    Site(
        1,
        "frontalis",
        Point(85, 121),
        Point(85, 129),
        "1 cm above the eyebrow, on the vertical through the pupil of the eye that looks ahead",
        "1 cm above the first",
    ),
    Site(
        2,
        "corrugator supercilii",
        Point(68, 111),
        Point(79, 114),
        "directly above the eyebrow, on the vertical through the inner corner of the eye",
        "1 cm lateral to the first and slightly above it, along the upper border of the eyebrow",
    ),
    Site(
        3,
        "orbicularis oculi",
        Point(100, 84),
        Point(89, 82),
        "1 cm below the outer corner of the eye",
        "1 cm medial to the first and slightly lower, so that the pair follows the lower lid",
    ),
    Site(
        4,
        "levator labii superioris alaeque nasi",
        Point(73, 60),
        Point(68, 68),
        "beside the wing of the nose",
        "1 cm above the first, along the side of the nose",
    ),
    Site(
        5,
        "zygomaticus major",
        Point(103, 61),
        Point(96, 54),
        "midway between the corner of the mouth and the depression in front of the ear",
        "1 cm from the first towards the corner of the mouth, on the same line",
    ),
    Site(
        6,
        "orbicularis oris",
        Point(69, 29),
        Point(58, 28),
        "just below the border of the lower lip, midway between its middle and the corner",
        "1 cm medial to the first, along the border of the lip",
    ),
    Site(
        7,
        "depressor anguli oris",
        Point(81, 29),
        Point(84, 21),
        "1 cm below the corner of the mouth",
        "1 cm below the first and slightly lateral",
    ),
)
"""Channels 1 to 7 of the profile facial-emg, c1 to c7 of the paper."""

BIAS = Point(50, 145)
"""The bias electrode: middle of the forehead, just below the hair line."""


def site_of(muscle: str) -> Site | None:
    """Return the site of a muscle by its name; None if it is not one of the seven."""
    return next((site for site in SITES if site.muscle == muscle.strip().lower()), None)
