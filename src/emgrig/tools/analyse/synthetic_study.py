"""What `emgrig synthetic --bids` does."""

from emgrig.study.synthetic.files import About
from emgrig.study.synthetic.writing import TRUTH, write_study
from emgrig.tools.analyse.options import SyntheticOptions
from emgrig.tools.common.interrupted import leaves
from emgrig.tools.common.output import print_json, say
from emgrig.tools.common.progress import Bar

_LOST_PERCENT = 0.5
_SHORTEST_S = 20.0


def write_bids(given: SyntheticOptions) -> None:
    """Write a synthetic study."""
    if given.annotations is not None or given.subject or given.overwrite:
        raise ValueError("--bids takes no --annotations, --subject and --overwrite")
    if 0 < given.clip_s < _SHORTEST_S:
        raise ValueError(f"--clip-s {given.clip_s:g}: {_SHORTEST_S:g} or more was expected, or 0")
    lost = given.lost if given.lost is not None else _LOST_PERCENT
    about = About(given.participants, given.seed, given.clip_s, lost)
    with leaves("the folder holds a part of a study: remove it"), Bar("synthetic study") as bar:
        n = write_study(given.folder, about, n_jobs=given.jobs, told=bar.follow)
    if given.as_json:
        made = {"folder": str(given.folder), "truth": str(given.folder / TRUTH)}
        print_json({"simulated": True, "participants": given.participants, "events": n, **made})
        return
    say(f"SIMULATED: {given.participants} participants, {n} expressions, about {lost:g} % lost")
    say(f"written: {given.folder}, a BIDS data set")
    say(
        f"truth: expressions.tsv (a row for each that was drawn: when, where, how strong) and "
        f"recordings.tsv in {given.folder / TRUTH}"
    )
    say(f"next: emgrig study init {given.folder}")
